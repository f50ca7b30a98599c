"""CLIPSeg's own state dicts (rd64-uni, rd64-uni-refined) as a model of transformers.

The authors' files hold the decoder alone, under the names of their code; CLIP ViT-B/16 comes from its publisher's
file or from a checkpoint that holds both.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn

from .checkpoint import CheckpointError, State, from_hugging_face

_DECODER = (
    (r"^blocks\.(\d+)\.linear1\.", r"decoder.layers.\1.mlp.fc1."),
    (r"^blocks\.(\d+)\.linear2\.", r"decoder.layers.\1.mlp.fc2."),
    (r"^blocks\.(\d+)\.norm([12])\.", r"decoder.layers.\1.layer_norm\2."),
    (r"^blocks\.(\d+)\.self_attn\.", r"decoder.layers.\1.self_attn."),
    (r"^trans_conv\.", "decoder.transposed_convolution."),
    (r"^(film_mul|film_add|reduces\.\d+)\.", r"decoder.\1."),
)
_CLIP = (
    (r"^visual\.class_embedding$", "clip.vision_model.embeddings.class_embedding"),
    (r"^visual\.conv1\.weight$", "clip.vision_model.embeddings.patch_embedding.weight"),
    (r"^visual\.positional_embedding$", "clip.vision_model.embeddings.position_embedding.weight"),
    (r"^visual\.ln_pre\.", "clip.vision_model.pre_layrnorm."),
    (r"^visual\.ln_post\.", "clip.vision_model.post_layernorm."),
    (r"^visual\.transformer\.resblocks\.", "clip.vision_model.encoder.layers."),
    (r"^token_embedding\.", "clip.text_model.embeddings.token_embedding."),
    (r"^positional_embedding$", "clip.text_model.embeddings.position_embedding.weight"),
    (r"^ln_final\.", "clip.text_model.final_layer_norm."),
    (r"^transformer\.resblocks\.", "clip.text_model.encoder.layers."),
    (r"\.ln_([12])\.", r".layer_norm\1."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
    (r"\.attn\.", ".self_attn."),
)
# Parts of the authors' model that no mask depends on.
_UNUSED = re.compile(r"^(reduce|extra_blocks|aux)\.|^shift_vector$|^(input_resolution|context_length|vocab_size)$")
LEVELS = 3


def is_clipseg(state: State) -> bool:
    """CLIPSeg has FiLM at one level and three taps; HiFi-CS has five."""
    taps = {name.split(".")[1] for name in state if name.startswith("reduces.")}
    return "film_mul.weight" in state and len(taps) == LEVELS


def _renamed(state: State, rules: tuple[tuple[str, str], ...]) -> State:
    """By the rules, with joined attention projections taken apart."""
    renamed: State = {}
    for name, value in state.items():
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)
        joined = re.fullmatch(r"(.*\.self_attn\.)in_proj_(weight|bias)", name)
        if joined is None:
            renamed[name] = value
            continue
        for letter, part in zip("qkv", value.chunk(3)):
            renamed[f"{joined[1]}{letter}_proj.{joined[2]}"] = part
    return renamed


def clipseg_model(decoder: State, clip: State, source: str) -> nn.Module:
    """The model of transformers with these weights, float32, in evaluation mode. Raises CheckpointError."""
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    if any(name.startswith("vision_model.") for name in clip):
        clip = from_hugging_face(clip)
    needed = [f"{tower}transformer.resblocks.0.mlp.c_fc.weight" for tower in ("", "visual.")]
    for name in ("visual.conv1.weight", "visual.positional_embedding", "token_embedding.weight", "text_projection", *needed):
        if name not in clip:
            raise CheckpointError(f"{source}: CLIP's {name} is missing (wanted CLIP ViT-B/16; --clip names its file)")
    text_width, project = clip["text_projection"].shape
    width, _, patch, _ = clip["visual.conv1.weight"].shape
    positions = clip["visual.positional_embedding"].shape[0]

    def blocks(prefix: str) -> int:
        return len({name.split(".")[prefix.count(".")] for name in clip if name.startswith(prefix)})

    config = CLIPSegConfig(
        text_config={
            "hidden_size": text_width,
            "intermediate_size": clip["transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
            "num_hidden_layers": blocks("transformer.resblocks."),
            "num_attention_heads": max(1, text_width // 64),
            "bos_token_id": 49406,
            "eos_token_id": 49407,
            "pad_token_id": 49407,
        },
        vision_config={
            "hidden_size": width,
            "intermediate_size": clip["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
            "num_hidden_layers": blocks("visual.transformer.resblocks."),
            "num_attention_heads": max(1, width // 64),
            "patch_size": patch,
            "image_size": round((positions - 1) ** 0.5) * patch,
        },
        projection_dim=project,
        reduce_dim=decoder["film_mul.weight"].shape[0],
        extract_layers=[3, 6, 9],
        decoder_intermediate_size=decoder["blocks.0.linear1.weight"].shape[0],
        use_complex_transposed_convolution="trans_conv.0.weight" in decoder,
    )
    config._attn_implementation = "eager"
    model = CLIPSegForImageSegmentation(config).eval()
    own = {name: value for name, value in decoder.items() if not _UNUSED.search(name)}
    towers = _renamed({name: value for name, value in clip.items() if not _UNUSED.search(name)}, _CLIP)
    for target, name in (("clip.visual_projection.weight", "visual.proj"), ("clip.text_projection.weight", "text_projection")):
        if name in towers:
            towers[target] = towers.pop(name).T
    state = {name: value.float().contiguous() for name, value in {**_renamed(own, _DECODER), **towers}.items()}
    state.setdefault("clip.logit_scale", torch.tensor(4.6052))
    if "logit_scale" in state:
        state["clip.logit_scale"] = state.pop("logit_scale")
    return _filled(model, state, source)


def _filled(model: nn.Module, state: dict[str, Tensor], source: str) -> nn.Module:
    wanted = model.state_dict()
    for name, value in wanted.items():
        if name.endswith("position_ids"):
            continue
        if name not in state:
            raise CheckpointError(f"{source}: {name} is missing, wanted with shape {list(value.shape)}")
        if state[name].shape != value.shape:
            raise CheckpointError(f"{source}: {name} has shape {list(state[name].shape)}, wanted {list(value.shape)}")
    unknown = sorted(set(state) - set(wanted))
    if unknown:
        raise CheckpointError(f"{source}: {unknown[0]} is no part of CLIPSeg")
    model.load_state_dict(state, strict=False)
    return model
