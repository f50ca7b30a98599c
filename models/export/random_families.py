"""Models of the hub's families with seeded random weights: for tests and measurements.

    python -m export.random_families --family owlv2 --size small --out FOLDER [--precisions fp32 int8]

OUT is a repository in the hub's layout (README.md, config.json, preprocessor_config.json, tokenizer.json, onnx/).
OUT/torch is the same model for transformers (`from_pretrained`). `--size true` has the published architecture's
sizes; `small` the same structure with narrow layers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import nn

from .families import FAMILIES, attention_of, copy_settings, model_class, parts_of, write_part
from .quantize import SUFFIX, halved, packed, quantized
from .vocabulary import read_merges, tokenizer_json

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SMALL_DINO = (200, 264)


def text_config(size: str, **more: object) -> dict[str, object]:
    sizes: dict[str, object] = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12}
    if size == "small":
        sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 8 if size == "true" else 4}
    return {**sizes, **heads, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 0, **more}


def vision_config(size: str, **more: object) -> dict[str, object]:
    sizes: dict[str, object] = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
    if size == "small":
        sizes = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4}
    return {**sizes, "num_hidden_layers": 12, **more}


def config_of(family: str, size: str):
    """Configuration of a family's published model, or of a small one with the same structure."""
    import transformers as t

    small = size == "small"
    project = 64 if small else 512
    if family == "clipseg":
        return t.CLIPSegConfig(
            text_config=text_config(size),
            vision_config=vision_config(size, patch_size=16, image_size=224),
            projection_dim=project,
            reduce_dim=64,
            extract_layers=[3, 6, 9],
            use_complex_transposed_convolution=True,
            decoder_intermediate_size=256 if small else 2048,
        )
    if family == "owlv2":
        text = text_config(size, bos_token_id=49406, max_position_embeddings=16)
        vision = vision_config(size, patch_size=16, image_size=192 if small else 960)
        if small:
            vision["num_hidden_layers"] = 2
        return t.Owlv2Config(text_config=text, vision_config=vision, projection_dim=project)
    if family == "grounding-dino":
        if not small:
            swin = t.SwinConfig(
                depths=[2, 2, 6, 2], num_heads=[3, 6, 12, 24], out_indices=[2, 3, 4], window_size=7
            )
            return t.GroundingDinoConfig(backbone_config=swin)
        return t.GroundingDinoConfig(
            backbone_config=t.SwinConfig(
                depths=[2, 2, 2, 2],
                num_heads=[2, 2, 4, 4],
                embed_dim=32,
                out_indices=[2, 3, 4],
                window_size=7,
            ),
            text_config=t.BertConfig(
                hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128
            ),
            d_model=64,
            encoder_ffn_dim=128,
            decoder_ffn_dim=128,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            num_queries=100,
        )
    if family == "sam":
        # SlimSAM-77: SAM's ViT-B with 77 % of each layer pruned away; the other parts have SAM's own sizes.
        vision = {
            "hidden_size": 168,
            "mlp_dim": 696,
            "num_attention_heads": 12,
            "num_hidden_layers": 12,
            "output_channels": 256,
            "image_size": 1024,
        }
        if small:
            vision = {**vision, "hidden_size": 64, "mlp_dim": 128, "num_attention_heads": 4, "image_size": 256}
            vision["num_hidden_layers"] = 3
            vision["global_attn_indexes"] = [2]
        prompt = {"image_size": vision["image_size"], "image_embedding_size": vision["image_size"] // 16}
        return t.SamConfig(vision_config=vision, prompt_encoder_config=prompt)
    raise ValueError(family)


def random_family(family: str, size: str, seed: int = 0) -> nn.Module:
    """A model in which every part matters: attention is peaked, norms and biases act."""
    torch.manual_seed(seed)
    config = config_of(family, size)
    if attention_of(family) is not None:
        config._attn_implementation = attention_of(family)
    model = model_class(family)(config).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.endswith("bias") or "embed" in name and value.ndim == 1:
                value.normal_(std=0.1)
            elif value.ndim == 1:
                value.uniform_(0.7, 1.3)
            elif "relative_position" in name or "rel_pos" in name or "pos_embed" in name:
                value.normal_(std=0.2)
            elif "embed" in name and "weight" in name and value.ndim == 2 and value.shape[0] > value.shape[1]:
                value.normal_(std=0.5)
            elif value.ndim >= 2:
                value.normal_(std=1.2 / value[0].numel() ** 0.5)
        _published_scales(family, model)
    return model


def _published_scales(family: str, model: nn.Module) -> None:
    """Parameters that a trained model has at another scale than its layers."""
    if family == "owlv2":
        # Boxes start from each patch's own place, so that the heads change them little.
        model.box_head.dense2.weight.mul_(0.3)
        model.class_head.logit_shift.weight.mul_(0.1)
        model.class_head.logit_scale.weight.mul_(0.1)
        model.class_head.logit_scale.bias.fill_(2.0)
        model.class_head.logit_shift.bias.fill_(-0.5)
    if family == "grounding-dino":
        for name, value in model.named_parameters():
            if name.endswith(("vision_param", "text_param")):
                value.fill_(0.3)
            elif "sampling_offsets.weight" in name:
                value.mul_(0.2)
            elif "bbox_embed" in name and name.endswith("layers.2.weight"):
                value.mul_(0.2)


PREPROCESSOR = {
    "clipseg": {
        "image_processor_type": "ViTImageProcessor",
        "image_mean": IMAGENET_MEAN,
        "image_std": IMAGENET_STD,
        "size": {"height": 352, "width": 352},
    },
    "owlv2": {
        "image_processor_type": "Owlv2ImageProcessor",
        "do_pad": True,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
        "size": {"height": 960, "width": 960},
    },
    "grounding-dino": {
        "image_processor_type": "GroundingDinoImageProcessor",
        "do_pad": True,
        "format": "coco_detection",
        "image_mean": IMAGENET_MEAN,
        "image_std": IMAGENET_STD,
        "size": {"shortest_edge": 800, "longest_edge": 1333},
    },
    "sam": {
        "image_processor_type": "SamImageProcessor",
        "do_convert_rgb": True,
        "do_pad": True,
        "image_mean": IMAGENET_MEAN,
        "image_std": IMAGENET_STD,
        "mask_size": {"longest_edge": 256},
        "mask_pad_size": {"height": 256, "width": 256},
        "size": {"longest_edge": 1024},
        "pad_size": {"height": 1024, "width": 1024},
    },
}
COMMON = {"do_resize": True, "do_rescale": True, "do_normalize": True, "resample": 2, "rescale_factor": 1 / 255}


def preprocessor(family: str, model: nn.Module, dino_size: tuple[int, int]) -> dict[str, object]:
    """Settings as published, at the size of the model."""
    settings: dict[str, object] = {**COMMON, **PREPROCESSOR[family]}
    if family == "owlv2":
        side = model.config.vision_config.image_size
        settings["size"] = {"height": side, "width": side}
    elif family == "sam":
        side = model.config.vision_config.image_size
        settings["size"] = {"longest_edge": side}
        settings["pad_size"] = {"height": side, "width": side}
        settings["mask_size"] = {"longest_edge": side // 4}
        settings["mask_pad_size"] = {"height": side // 4, "width": side // 4}
    elif family == "grounding-dino":
        settings["size"] = {"shortest_edge": dino_size[0], "longest_edge": dino_size[1]}
        # The graph is traced at one size: smaller images are completed to it.
        settings["pad_size"] = {"height": dino_size[0], "width": dino_size[1]}
    return settings


def tokenizer_files(family: str) -> dict[str, str]:
    if family == "sam":
        return {}
    if family == "grounding-dino":
        bert = Path(__file__).resolve().parents[1] / "lite" / "tokenizer.json"
        settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "pad_token": "[PAD]"}
        return {"tokenizer.json": bert.read_text(encoding="utf-8"), "tokenizer_config.json": json.dumps(settings)}
    pad, length = ("!", 16) if family == "owlv2" else ("<|endoftext|>", 77)
    settings = {"tokenizer_class": "CLIPTokenizer", "pad_token": pad, "model_max_length": length}
    return {"tokenizer.json": tokenizer_json(read_merges()), "tokenizer_config.json": json.dumps(settings)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a hub repository with seeded random weights.")
    parser.add_argument("--family", choices=FAMILIES, required=True)
    parser.add_argument("--size", choices=("small", "true"), default="small")
    parser.add_argument("--precisions", nargs="+", choices=tuple(SUFFIX), default=["fp32"])
    parser.add_argument("--points-only", action="store_true", help="SAM's decoder without boxes")
    parser.add_argument("--packed", action="store_true", help="int8 stores the weights in 8 bits, and no more")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    model = random_family(args.family, args.size, args.seed)
    dino_size = SMALL_DINO if args.size == "small" else (800, 1072)
    torch_folder = args.out / "torch"
    model.save_pretrained(torch_folder)
    settings = json.dumps(preprocessor(args.family, model, dino_size), indent=2)
    (torch_folder / "preprocessor_config.json").write_text(settings, encoding="utf-8")
    for name, text in tokenizer_files(args.family).items():
        (torch_folder / name).write_text(text, encoding="utf-8")
    copy_settings(torch_folder, args.out)
    (args.out / "README.md").write_text("---\nlicense: cc0-1.0\n---\nSeeded random weights.\n", encoding="utf-8")
    for part in parts_of(model, boxes=not args.points_only, dino_size=dino_size):
        exact = args.out / "onnx" / f"{part.stem}.onnx"
        write_part(part, exact)
        for kind in args.precisions:
            target = exact.with_name(f"{part.stem}{SUFFIX[kind]}.onnx")
            if kind == "int8":
                (packed if args.packed else quantized)(exact, target)
            elif kind == "fp16":
                halved(exact, target)


if __name__ == "__main__":
    main()
