"""Reading weights: nothing is ever executed, and every mismatch names its tensor.

Three containers are read: pickles written by torch.save (through torch's weights-only unpickler), TorchScript
archives (their tensors only, see torchscript.py), and safetensors. Names may be OpenAI's, Hugging Face's CLIP
naming, or those of a HiFi-CS checkpoint.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from .clip import HEAD_WIDTH, PUBLISHED, Clip, ClipConfig
from .film import trained_variant
from .hifics import PER_LEVEL, SINGLE, TAPS, DecoderConfig, HifiCs
from .torchscript import read_archive

State = dict[str, Tensor]
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "net", "weights")


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the message is one line that says what to do."""


def read_state(path: Path) -> State:
    """All tensors of a weights file by name, as stored. Raises CheckpointError."""
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file; give the path of a weights file")
    with path.open("rb") as stream:
        head = stream.read(16)
    if head[:2] == b"PK" and _is_torchscript(path):
        return _scripted(path)
    if path.suffix == ".safetensors" or head[8:9] == b"{":
        from safetensors.torch import load_file

        try:
            return load_file(str(path))
        except Exception as error:
            raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        blocked = re.search(r"(?:GLOBAL|Unsupported (?:class|global)\S*)[:\s]+(?:GLOBAL )?([\w.]+)", str(error))
        what = f" ({blocked.group(1)})" if blocked else ""
        raise CheckpointError(
            f"{path} holds more than tensors{what} and was refused, because unpickling it could run code; "
            "save the state dict alone: torch.save(model.state_dict(), ...)"
        ) from error
    except Exception as error:  # torch.load meets foreign bytes with errors of almost any kind
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is no PyTorch weights file, or is cut short: {first}") from error
    return _flat(content, path)


def _is_torchscript(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any("/code/" in name or name.endswith("/constants.pkl") for name in archive.namelist())
    except zipfile.BadZipFile as error:
        raise CheckpointError(f"{path} is a damaged archive ({error}); copy or download it again") from error


def _scripted(path: Path) -> State:
    try:
        return read_archive(path)
    except (pickle.UnpicklingError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: this TorchScript archive cannot be read: {error}") from error


def _flat(content: object, path: Path) -> State:
    """The state dict inside what was loaded: itself, or wrapped with a training step's bookkeeping."""
    if isinstance(content, dict):
        for wrapper in WRAPPERS:
            inner = content.get(wrapper)
            if isinstance(inner, dict) and any(isinstance(value, Tensor) for value in inner.values()):
                content = inner
                break
    if not isinstance(content, dict) or not content:
        raise CheckpointError(f"{path} holds no state dict (found {type(content).__name__})")
    odd = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if odd:
        raise CheckpointError(
            f"{path} holds more than tensors ({odd[0]} is a {type(content[odd[0]]).__name__}); "
            "save the state dict alone: torch.save(model.state_dict(), ...)"
        )
    if all(name.startswith("module.") for name in content):  # saved from DataParallel
        content = {name.removeprefix("module."): value for name, value in content.items()}
    return dict(content)


# --- CLIP -----------------------------------------------------------------------------------------------------

_HUGGING_FACE = (
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.patch_embedding\.weight$", "visual.conv1.weight"),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
    (r"\.self_attn\.", ".attn."),
)


def from_hugging_face(state: State) -> State:
    """Renames Hugging Face's CLIP naming to OpenAI's: q, k and v joined, projections transposed."""
    renamed: State = {}
    for name, value in state.items():
        for pattern, replacement in _HUGGING_FACE:
            name = re.sub(pattern, replacement, name)
        renamed[name] = value
    for target, source in (("visual.proj", "visual_projection.weight"), ("text_projection", "text_projection.weight")):
        if source in renamed:
            renamed[target] = renamed.pop(source).T.contiguous()
    for name in [name for name in renamed if name.endswith(".attn.q_proj.weight")]:
        stem = name.removesuffix("q_proj.weight")
        for kind in ("weight", "bias"):
            parts = [renamed.pop(f"{stem}{which}_proj.{kind}") for which in "qkv"]
            renamed[f"{stem}in_proj_{kind}"] = torch.cat(parts)
    return {name: value for name, value in renamed.items() if not name.endswith(".position_ids")}


def _count(state: State, prefix: str) -> int:
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.")
    found = {int(match.group(1)) for name in state if (match := pattern.match(name))}
    return max(found) + 1 if found else 0


def clip_config(state: State, source: str) -> ClipConfig:
    """Which CLIP a state dict (OpenAI's names) holds. A published variant is recognised by its patch and then
    wanted exactly; other sizes are taken as they are."""
    for name in ("visual.conv1.weight", "visual.positional_embedding", "text_projection", "token_embedding.weight"):
        if name not in state:
            raise CheckpointError(
                f"{source}: {name} is missing: this is no CLIP model with a vision transformer (wanted ViT-B/16 or ViT-L/14)"
            )
    conv = state["visual.conv1.weight"]
    if conv.ndim != 4:
        raise CheckpointError(f"{source}: visual.conv1.weight has shape {_shape(conv)}, wanted [width, 3, patch, patch]")
    for config in PUBLISHED.values():
        if (config.width, config.patch) == (conv.shape[0], conv.shape[-1]):
            return config.with_layers(
                max(_count(state, "visual.transformer.resblocks."), max(TAPS) + 1),
                _count(state, "transformer.resblocks.") or config.text_layers,
            )
    positions = state["visual.positional_embedding"].shape[0]
    return ClipConfig(
        name=f"ViT of width {conv.shape[0]}, patch {conv.shape[-1]}",
        width=conv.shape[0],
        layers=_count(state, "visual.transformer.resblocks."),
        patch=conv.shape[-1],
        grid=round((positions - 1) ** 0.5),
        embed=state["text_projection"].shape[1],
        text_width=state["text_projection"].shape[0],
        text_layers=_count(state, "transformer.resblocks."),
        context=state["positional_embedding"].shape[0] if "positional_embedding" in state else 77,
        vocabulary=state["token_embedding.weight"].shape[0],
    )


# --- HiFi-CS --------------------------------------------------------------------------------------------------


def split(state: State) -> tuple[State, State]:
    """(decoder, CLIP) of a HiFi-CS checkpoint. The image tower under `model.` is the one the published code
    runs, so it wins over its twin under `clip_model.visual.`."""
    clip: State = {}
    decoder: State = {}
    for name, value in state.items():
        if name.startswith("clip_model."):
            clip.setdefault(name.removeprefix("clip_model."), value)
        elif name.startswith("model."):
            clip["visual." + name.removeprefix("model.")] = value
        else:
            decoder[name] = value
    return decoder, clip


@dataclass
class Wishes:
    """What the user says about a checkpoint; what is None is found out from it."""

    variant: str | None = None
    taps: tuple[int, ...] | None = None
    deepest_first: bool = True


def decoder_config(state: State, clip: ClipConfig, wishes: Wishes, source: str) -> DecoderConfig:
    has_single = "film_mul.weight" in state
    has_levels = "film_mul_0.weight" in state
    if not (has_single or has_levels):
        raise CheckpointError(
            f"{source}: neither film_mul.weight (one FiLM) nor film_mul_0.weight (a FiLM per level) is there: "
            "this is no HiFi-CS decoder"
        )
    variant = wishes.variant or (PER_LEVEL if has_levels else SINGLE)
    if wishes.variant is None and has_single and has_levels:
        decided, found = trained_variant(state)
        if decided is None:
            raise CheckpointError(
                f"{source} holds FiLM layers for one level and for each, and their weights do not tell which were "
                f"trained ({found}); say it: --variant {SINGLE} (the authors' released configuration) or {PER_LEVEL}"
            )
        variant = decided
    if variant == PER_LEVEL and not has_levels:
        raise CheckpointError(
            f"{source}: film_mul_0.weight is missing, wanted for --variant {PER_LEVEL}; "
            f"the checkpoint has film_mul.weight: try --variant {SINGLE}"
        )
    if variant == SINGLE and not has_single:
        raise CheckpointError(
            f"{source}: film_mul.weight is missing, wanted for --variant {SINGLE}; "
            f"the checkpoint has film_mul_0.weight: try --variant {PER_LEVEL}"
        )
    levels = _count(state, "reduces.")
    taps = wishes.taps or TAPS
    if levels != len(taps):
        raise CheckpointError(f"{source}: reduces.* has {levels} levels, wanted {len(taps)} (taps {list(taps)})")
    first = state.get("reduces.0.weight")
    hidden = state.get("blocks.0.linear1.weight")
    cond = state.get("reduce_cond.weight")
    return DecoderConfig.over(
        clip,
        variant=variant,
        taps=taps,
        reduce=64 if first is None else first.shape[0],
        feed_forward=2048 if hidden is None else hidden.shape[0],
        reduce_cond=None if cond is None else cond.shape[0],
        deepest_first=wishes.deepest_first,
    )


def _shape(value: Tensor) -> str:
    return str(list(value.shape))


def fill(module: torch.nn.Module, state: State, source: str, optional: tuple[str, ...] = ()) -> None:
    """Copies a state dict into a module as float32. Every parameter is wanted, except those starting with one of
    `optional`; what the module does not know is left alone. Raises CheckpointError naming the tensor."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            value = state.get(name)
            if value is None:
                if name.startswith(optional) and optional:
                    continue
                raise CheckpointError(f"{source}: {name} is missing, wanted with shape {_shape(parameter)}")
            if value.shape != parameter.shape:
                raise CheckpointError(
                    f"{source}: {name} has shape {_shape(value)}, wanted {_shape(parameter)}{_hint(name, value)}"
                )
            if not value.is_floating_point():
                raise CheckpointError(f"{source}: {name} holds {value.dtype}, wanted floating point numbers")
            if not bool(torch.isfinite(value).all()):
                raise CheckpointError(f"{source}: {name} holds numbers that are not finite")
            parameter.copy_(value.to(torch.float32))


def _hint(name: str, value: Tensor) -> str:
    if re.match(r"reduces\.\d+\.weight$", name) and value.ndim == 2 and value.shape[1] in (768, 1024):
        model = "ViT-B/16" if value.shape[1] == 768 else "ViT-L/14"
        return f"; this decoder was trained over {model}: give --clip with those weights"
    return ""


def load_clip(path: Path) -> Clip:
    """The CLIP model of a weights file (OpenAI's archive, a state dict or safetensors)."""
    return clip_from_state(read_state(path), str(path))


def clip_from_state(state: State, source: str, deepest_tap: int = max(TAPS)) -> Clip:
    if any(name.startswith("vision_model.") for name in state):
        state = from_hugging_face(state)
    config = clip_config(state, source)
    if config.layers <= deepest_tap:
        raise CheckpointError(
            f"{source}: visual.transformer.resblocks has {config.layers} blocks, wanted more than {deepest_tap}"
        )
    clip = Clip(config)
    unused = tuple(f"visual.transformer.resblocks.{index}." for index in range(deepest_tap + 1, config.layers))
    # What no mask depends on may be missing, in pruned checkpoints.
    fill(clip, state, source, (*unused, "visual.ln_post.", "visual.proj"))
    return clip


@dataclass
class Loaded:
    model: HifiCs
    notes: list[str] = field(default_factory=list)


# Which fetched weights fit a decoder, by the width it reads.
_FETCHED = {768: Path("clip-vit-b16", "ViT-B-16.pt"), 1024: Path("clip-vit-l14", "ViT-L-14.pt")}


def _fetched(decoder_state: State, store: Path | None) -> Path | None:
    first = decoder_state.get("reduces.0.weight")
    if store is None or first is None or first.ndim != 2:
        return None
    fitting = _FETCHED.get(first.shape[1])
    return store / fitting if fitting is not None and (store / fitting).is_file() else None


def load_hifics(checkpoint: Path, clip_path: Path | None, wishes: Wishes, store: Path | None = None) -> Loaded:
    """The whole model of a HiFi-CS checkpoint, float32, ready to run; CLIP comes from the checkpoint itself where it
    holds both towers, else from `clip_path`, else from what `models pull` put into `store`."""
    decoder_state, clip_state = split(read_state(checkpoint))
    notes: list[str] = []
    deepest = max(wishes.taps or TAPS)
    clip_path = clip_path or _fetched(decoder_state, store)
    if "token_embedding.weight" in clip_state and "visual.conv1.weight" in clip_state:
        clip = clip_from_state(clip_state, str(checkpoint), deepest)
        notes.append(f"CLIP ({clip.config.name}) taken from the checkpoint itself")
    elif clip_path is not None:
        clip = clip_from_state(read_state(clip_path), str(clip_path), deepest)
        notes.append(f"CLIP ({clip.config.name}) taken from {clip_path.name}")
    else:
        raise CheckpointError(
            f"{checkpoint} holds the decoder alone; give CLIP's weights with --clip ViT-B-16.pt (or ViT-L-14.pt), "
            "or fetch them first: models pull clip-vit-b16"
        )
    config = decoder_config(decoder_state, clip.config, wishes, str(checkpoint))
    if wishes.variant is None and {"film_mul.weight", "film_mul_0.weight"} <= decoder_state.keys():
        notes.append(
            f"both film_mul and film_mul_0 are there: taken as {config.variant}, because the others still have their "
            "initial weights; --variant overrides"
        )
    clip_head = max(1, clip.config.width // HEAD_WIDTH)
    if clip.config.width % clip_head:
        raise CheckpointError(f"{checkpoint}: visual width {clip.config.width} is no multiple of {HEAD_WIDTH}")
    model = HifiCs(clip.config, config)
    model.clip = clip.requires_grad_(False)
    fill(model.decoder, decoder_state, str(checkpoint))
    return Loaded(model.eval(), notes)
