"""Turns a checkpoint of HiFi-CS, CLIPSeg or a transformers folder into a model folder (run by `grasp-grounding models import`).

    python -m export.import_checkpoint --checkpoint weights.pth --clip ViT-B-16.pt --name mine --out FOLDER

FOLDER/manifest.json is the model in its default precision; FOLDER/fp32, /fp16 and /int8 are complete model folders
too. Progress and the outcome are printed as one JSON object a line: {"progress", "step", "of"}, {"note"},
{"done"} or {"error"}.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

from .checkpoint import CheckpointError, Loaded, Wishes, load_hifics
from .hashes import sha256
from .hifics import INPUT_SIDE, VARIANTS, HifiCs
from .import_family import build_family, is_family
from .measure import LEAST_AGREEMENT, Chosen, Measure, choose, padded, token_rows, unit_image
from .onnx_export import decoder_graph, level_names
from .onnx_graph import FP16, FP32, INT8
from .scenes import SENTENCES, scene
from .vocabulary import ReferenceTokenizer, read_merges, tokenizer_json

PRECISIONS = (FP32, FP16, INT8)
SELF_TEST_SEED = 20_000
TOLERANCE = {FP32: (1e-3, 0.999), FP16: (None, LEAST_AGREEMENT), INT8: (None, LEAST_AGREEMENT)}


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


class Steps:
    def __init__(self, of: int) -> None:
        self.done, self.of = 0, of

    def next(self, what: str) -> None:
        self.done += 1
        say(progress=what, step=self.done, of=self.of)


def link(source: Path, target: Path) -> None:
    """The same bytes under a second name, without a second copy where the file system can do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write_self_test(folder: Path, model: HifiCs, tokenizer: ReferenceTokenizer) -> None:
    """A picture, token ids and the logits PyTorch gives for them in fp32."""
    folder.mkdir()
    picture = scene(SELF_TEST_SEED, INPUT_SIDE)
    rows = token_rows(tokenizer, SENTENCES[:2], model.clip.config.context)
    ids = padded(rows, max(row.shape[1] for row in rows))
    with torch.inference_mode():
        logits = model(torch.from_numpy(unit_image(picture)), torch.from_numpy(ids)).numpy()
    np.save(folder / "picture.npy", picture)
    np.save(folder / "input_ids.npy", ids)
    np.save(folder / "logits.npy", logits.astype("<f4"))


def manifest(name: str, model: HifiCs, chosen: Chosen, folder: Path, prefix: str, source: str) -> dict:
    """`folder` holds the files; `prefix` is how the manifest reaches them."""
    clip, decoder = model.clip.config, model.decoder.config

    def entry(file: str) -> dict[str, str]:
        return {"file": f"{prefix}{file}", "sha256": sha256(folder / file)}

    difference, agreement = TOLERANCE[chosen.precision.kind]
    self_test = {key: entry(f"self_test/{key}.npy") for key in ("picture", "input_ids", "logits")}
    self_test["least_mask_agreement"] = agreement
    if difference is not None:
        self_test["largest_logit_difference"] = difference
    levels = level_names(model)
    return {
        "format": 1,
        "name": name,
        "family": {16: "clip-vit-b16", 14: "clip-vit-l14"}.get(clip.patch, "clip-vit"),
        "description": f"HiFi-CS over frozen CLIP {clip.name}, FiLM "
        f"{'at every level' if decoder.variant == 'per-level' else 'at one level'}, {chosen.precision.kind}",
        "licence": "CLIP: MIT; decoder: as its owner grants",
        "source": source,
        "architecture": {
            "clip": clip.name,
            "variant": decoder.variant,
            "taps": list(decoder.taps),
            "deepest_first": decoder.deepest_first,
            "reduce_cond": decoder.reduce_cond,
        },
        "precision": {"kind": chosen.precision.kind, "label": chosen.precision.label},
        "input": {
            "width": INPUT_SIDE,
            "height": INPUT_SIDE,
            "resize": "stretch",
            "scale": 1 / 255,
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
        },
        "encoder": {**entry("encoder.onnx"), "input": "image", "outputs": levels},
        "text": {
            **entry("text.onnx"),
            "tokenizer": {"kind": "huggingface", **entry("tokenizer.json"), "pad_id": 0},
            "max_tokens": clip.context,
            "outputs": ["sentence"],
        },
        "decoder": {**entry("decoder.onnx"), "inputs": [*levels, "sentence"], "output": "logits"},
        "mask": {"polarity": "background", "threshold": 0.5},
        "found": {"threshold": 0.5},
        "metrics": {"against_pytorch_fp32": chosen.agreement.as_dict()},
        "self_test": self_test,
    }


def write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_pictures(folder: Path | None) -> list[np.ndarray] | None:
    if folder is None:
        return None
    from PIL import Image

    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png"})[:8]
    if not files:
        raise CheckpointError(f"{folder} holds no .jpg or .png pictures")
    return [
        np.asarray(Image.open(f).convert("RGB").resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR))
        for f in files
    ]


def build(args: argparse.Namespace, part: Path) -> dict[str, object]:
    precisions = [p for p in PRECISIONS if p in args.precisions]
    steps = Steps(4 + len(precisions))
    steps.next("read the weights")
    taps = tuple(args.taps) if args.taps else None
    loaded: Loaded = load_hifics(
        args.checkpoint, args.clip, Wishes(args.variant, taps, not args.shallowest_first), args.store
    )
    for note in loaded.notes:
        say(note=note)
    model = loaded.model
    merges = read_merges(args.vocab)
    if model.clip.config.vocabulary != len(merges) + 514:
        raise CheckpointError(
            f"token_embedding.weight has {model.clip.config.vocabulary} rows, wanted {len(merges) + 514} "
            "(CLIP's vocabulary)"
        )
    tokenizer = ReferenceTokenizer(merges)
    steps.next("run the reference in PyTorch")
    measure = Measure(model, tokenizer, load_pictures(args.pictures))
    shared = part / "shared"
    shared.mkdir(parents=True)
    write_self_test(shared / "self_test", model, tokenizer)
    (shared / "tokenizer.json").write_text(tokenizer_json(merges), encoding="utf-8")
    steps.next("write the decoder")
    decoder_graph(model).save(shared / "decoder.onnx", "HiFi-CS decoder")
    source = f"imported from {args.checkpoint.name}"
    written: dict[str, object] = {}
    chosen_of: dict[str, Chosen] = {}
    half_text: Path | None = None
    for kind in precisions:
        steps.next(f"convert to {kind} and measure")
        chosen = choose(kind, model, measure, lambda text: say(note=text))
        if chosen is None:
            say(note=f"{kind}: no way keeps {LEAST_AGREEMENT:.0%} of the mask pixels; left out")
            continue
        folder = part / kind
        folder.mkdir()
        chosen.encoder.save(folder / "encoder.onnx", f"CLIP image tower, {chosen.precision.label}")
        if kind != FP32 and half_text is not None:
            link(half_text, folder / "text.onnx")
        else:
            chosen.text.save(folder / "text.onnx", "CLIP text tower")
            half_text = folder / "text.onnx" if kind != FP32 else None
        for file in ("decoder.onnx", "tokenizer.json"):
            link(shared / file, folder / file)
        (folder / "self_test").mkdir()
        for file in (shared / "self_test").iterdir():
            link(file, folder / "self_test" / file.name)
        write_json(folder / "manifest.json", manifest(f"{args.name}-{kind}", model, chosen, folder, "", source))
        written[kind] = {**chosen.agreement.as_dict(), "encoder_bytes": (folder / "encoder.onnx").stat().st_size}
        chosen_of[kind] = chosen
    shutil.rmtree(shared)
    if not chosen_of:
        raise CheckpointError("no precision kept the masks; nothing was written")
    default = args.precision if args.precision in chosen_of else next(iter(chosen_of))
    steps.next("write the manifest")
    top = manifest(args.name, model, chosen_of[default], part / default, f"{default}/", source)
    top["precisions"] = sorted(chosen_of)
    write_json(part / "manifest.json", top)
    return {"name": args.name, "default": default, "precisions": written, "architecture": top["architecture"]}


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Turn a HiFi-CS checkpoint into a model folder.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--clip", type=Path, help="CLIP's weights, where the checkpoint holds the decoder alone")
    parser.add_argument("--store", type=Path, help="folder with weights that `models pull` fetched")
    parser.add_argument("--variant", choices=VARIANTS, help="default: found out from the checkpoint")
    parser.add_argument("--name", required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder to make; must not exist")
    parser.add_argument("--vocab", type=Path, help="bpe_simple_vocab_16e6.txt.gz or merges.txt (default: bundled)")
    parser.add_argument("--taps", type=int, nargs="+", help="image blocks tapped (default 1 3 5 7 9)")
    parser.add_argument("--shallowest-first", action="store_true", help="the first level gets the first tap")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--precision", choices=PRECISIONS, default=FP32, help="the default one of the model")
    parser.add_argument("--pictures", type=Path, help="measure on these pictures instead of drawn ones")
    parser.add_argument("--threads", type=int)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.out.exists():
        say(error=f"{args.out} exists already; choose another --name or remove it")
        return 1
    part = args.out.with_name(f".{args.out.name}.{os.getpid()}.part")
    try:
        outcome = build_family(args, part, say) if is_family(args.checkpoint) else build(args, part)
        os.replace(part, args.out)
        say(done=outcome)
        return 0
    except CheckpointError as error:
        say(error=str(error))
        return 1
    except MemoryError:
        say(error="not enough memory to convert this model; close other programs or use a larger machine")
        return 1
    except OSError as error:
        say(error=f"{error.filename or args.out}: {error.strerror or error}")
        return 1
    finally:
        shutil.rmtree(part, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
