"""Model folders to time: HiFi-CS over CLIP ViT-B/16 with random weights, in fp32 and with 16-bit arithmetic.

    python bench/gpu/model.py OUT

The last layer's kernel is evened out over its 16 x 16 pixels and its bias set so that 3 % of the bench's images are
marked, over several random queries. Other queries may mark more: ours.mjs says how much was.
OUT/weights.pt is the checkpoint, OUT/model/fp32 what `grasp-grounding models import` makes of it, OUT/fp16 the same
graphs computed in 16 bits but for their inputs and outputs (onnxruntime's own converter).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "models"))
sys.path.insert(0, str(REPO / "bench/gpu"))

from export import import_checkpoint, random_weights  # noqa: E402
from export.clip import VIT_B16  # noqa: E402
from export.hifics import INPUT_SIDE, DecoderConfig  # noqa: E402
from peer import MEAN, STD  # noqa: E402

MARKED = 0.03
"""Share of the pixels, on average over the queries."""


def halve(source: Path, target: Path) -> None:
    """The folder's graphs in 16-bit arithmetic."""
    shutil.copytree(source, target)
    manifest = json.loads((target / "manifest.json").read_text())
    manifest["name"] = "random-fp16"
    manifest.pop("self_test", None)
    for part in ("encoder", "text", "decoder"):
        path = target / manifest[part]["file"]
        graph = convert_float_to_float16(onnx.load(str(path)), keep_io_types=True, disable_shape_infer=True)
        onnx.save(graph, str(path))
        manifest[part]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (target / "manifest.json").write_text(json.dumps(manifest, indent=2))


@torch.no_grad()
def mark_areas(model) -> None:
    last = model.decoder.trans_conv
    last.weight.copy_(last.weight.mean((2, 3), keepdim=True).expand_as(last.weight))
    last.weight.mul_(16)  # what the mean of independent weights lost
    generator = np.random.default_rng(0)
    waves = 80 + 60 * np.sin(np.arange(720 * 1280 * 3) / 5000)  # as client.mjs draws them
    pixels = (waves + generator.integers(0, 32, waves.shape)).astype(np.uint8).reshape(720, 1280, 3)
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    small = torch.nn.functional.interpolate(planes, (INPUT_SIDE, INPUT_SIDE), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    image = (small / 255 - mean) / std
    levels = []
    for tokens in (9, 9, 10, 11):
        ids = torch.zeros((1, 77), dtype=torch.int64)
        ids[0, :tokens] = torch.from_numpy(generator.integers(300, 40000, tokens))
        ids[0, 0], ids[0, tokens - 1] = 49406, 49407
        levels.append(model(image, ids)[0, 0, ::4, ::4].flatten())
    last.bias.sub_(torch.quantile(torch.cat(levels), MARKED))


def main() -> None:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    model = random_weights.random_hifics(VIT_B16, DecoderConfig.over(VIT_B16))
    mark_areas(model)
    random_weights.save(model, out / "weights.pt", None)
    arguments = ["--checkpoint", str(out / "weights.pt"), "--name", "random", "--out", str(out / "model"), "--precisions", "fp32"]
    if import_checkpoint.main(arguments) != 0:
        raise SystemExit(1)
    halve(out / "model/fp32", out / "fp16")


if __name__ == "__main__":
    main()
