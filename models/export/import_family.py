"""Turns a transformers folder, or CLIPSeg's own state dict, into a model folder in the hub's layout.

import_checkpoint.py calls it. FOLDER/fp32, /fp16 and /int8 are complete models; FOLDER/manifest.json is the default.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from torch import nn

from .checkpoint import CheckpointError, read_state, split
from .clipseg import clipseg_model, is_clipseg
from .families import Part, copy_settings, load_family, parts_of, write_part
from .family_measure import FamilyAgreement, FamilyMeasure
from .hashes import sha256
from .quantize import SUFFIX, halved, packed, quantized
from .random_families import preprocessor, tokenizer_files

ROLES = {"model": "model", "vision_encoder": "vision", "prompt_encoder_mask_decoder": "prompt-decoder"}
SETTINGS = {
    "config": "config.json",
    "preprocessor": "preprocessor_config.json",
    "tokenizer": "tokenizer.json",
    "tokenizer-config": "tokenizer_config.json",
}
LEAST_MASK = 0.99
# Shares of the largest logit.
MOST_LOGIT = 0.1
Say = Callable[..., None]


def is_family(checkpoint: Path) -> bool:
    """A folder of transformers, or a state dict of CLIPSeg."""
    return checkpoint.is_dir() or is_clipseg(split(read_state(checkpoint))[0])


def read_family(args: argparse.Namespace, settings: Path) -> nn.Module:
    """The model, with its settings written to `settings`."""
    if args.checkpoint.is_dir():
        model = load_family(args.checkpoint)
        copy_settings(args.checkpoint, settings)
    else:
        decoder, clip = split(read_state(args.checkpoint))
        if "token_embedding.weight" not in clip:
            fetched = args.store / "clip-vit-b16" / "ViT-B-16.pt" if args.store else None
            path = args.clip or (fetched if fetched is not None and fetched.is_file() else None)
            if path is None:
                raise CheckpointError(
                    f"{args.checkpoint} holds CLIPSeg's decoder alone; give CLIP's weights with --clip ViT-B-16.pt, "
                    "or fetch them first: models pull clip-vit-b16"
                )
            clip = read_state(path)
        model = clipseg_model(decoder, clip, str(args.checkpoint))
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "config.json").write_text(model.config.to_json_string(use_diff=False), encoding="utf-8")
    kind = model.config.model_type
    own = {"preprocessor_config.json": json.dumps(preprocessor(kind, model, (800, 1333)), indent=2)}
    if not args.checkpoint.is_dir():
        own.update(tokenizer_files(kind))
    for name, text in own.items():
        if not (settings / name).is_file():
            (settings / name).write_text(text, encoding="utf-8")
    if kind != "sam" and not (settings / "tokenizer.json").is_file():
        raise CheckpointError(f"{args.checkpoint / 'tokenizer.json'} is missing; save the processor beside the model")
    return model


def build_family(args: argparse.Namespace, part_folder: Path, say: Say) -> dict[str, object]:
    precisions = [kind for kind in SUFFIX if kind in args.precisions]
    of = 3 + len(precisions)
    say(progress="read the weights", step=1, of=of)
    shared = part_folder / "shared"
    model = read_family(args, shared)
    kind = model.config.model_type
    say(progress="trace the graphs", step=2, of=of)
    parts = parts_of(model)
    for part in parts:
        write_part(part, shared / f"{part.stem}.onnx")
    measures = [FamilyMeasure(kind, part) for part in parts]
    written: dict[str, object] = {}
    manifests: dict[str, dict] = {}
    for index, precision in enumerate(precisions):
        say(progress=f"convert to {precision} and measure", step=3 + index, of=of)
        folder = part_folder / precision
        (folder / "onnx").mkdir(parents=True)
        agreements = {
            part.stem: _convert(part, measure, shared / f"{part.stem}.onnx", folder / "onnx", precision, kind, say)
            for part, measure in zip(parts, measures)
        }
        copy_settings(shared, folder)
        figures = {stem: found.as_dict() for stem, found in agreements.items()}
        manifests[precision] = _manifest(args, kind, precision, folder, parts, figures)
        written[precision] = figures
        (folder / "manifest.json").write_text(json.dumps(manifests[precision], indent=2) + "\n", encoding="utf-8")
    default = args.precision if args.precision in manifests else next(iter(manifests))
    say(progress="write the manifest", step=of, of=of)
    top = manifests[default]
    files = {role: {**entry, "file": f"{default}/{entry['file']}"} for role, entry in top["files"].items()}
    top = {**top, "name": args.name, "precisions": sorted(manifests), "files": files}
    (part_folder / "manifest.json").write_text(json.dumps(top, indent=2) + "\n", encoding="utf-8")
    for file in sorted(shared.iterdir()):
        file.unlink()
    shared.rmdir()
    return {"name": args.name, "default": default, "family": kind, "precisions": written}


def _convert(
    part: Part, measure: FamilyMeasure, exact: Path, folder: Path, precision: str, kind: str, say: Say
) -> FamilyAgreement:
    target = folder / f"{part.stem}{SUFFIX[precision]}.onnx"
    if precision == "int8":
        ways = (("8-bit products", quantized), ("8-bit weights", packed))
    else:
        ways = ((precision, halved if precision == "fp16" else _copied),)
    for label, make in ways:
        make(exact, target)
        agreement = measure.of(target)
        say(note=f"{part.stem}, {label}: {agreement.as_dict()}")
        # SAM's image features are judged by the masks they lead to, which this part alone does not show.
        near = (agreement.mask or 1) >= LEAST_MASK and (agreement.logit or 0) <= MOST_LOGIT * measure.scale
        if precision != "int8" or near and not (kind == "sam" and make is quantized):
            break
    if precision == "fp32" and ((agreement.logit or 0) > 1e-3 * measure.scale or (agreement.box or 0) > 0.5):
        raise CheckpointError(f"{part.stem}: the exported graph differs from PyTorch: {agreement.as_dict()}")
    return agreement


def _copied(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


def _manifest(
    args: argparse.Namespace,
    kind: str,
    precision: str,
    folder: Path,
    parts: list[Part],
    figures: dict[str, dict[str, float]],
) -> dict:
    names = {ROLES[part.stem]: f"onnx/{part.stem}{SUFFIX[precision]}.onnx" for part in parts}
    names.update({role: name for role, name in SETTINGS.items() if (folder / name).is_file()})
    files = {
        role: {"file": name, "sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}
        for role, name in names.items()
    }
    return {
        "format": 1,
        "name": f"{args.name}-{precision}",
        "family": kind,
        "licence": "as its owner grants",
        "source": f"imported from {args.checkpoint.name}",
        "precision": {"kind": precision, "label": SUFFIX[precision].removeprefix("_")},
        "files": files,
        "metrics": {"against_pytorch_fp32": figures},
    }
