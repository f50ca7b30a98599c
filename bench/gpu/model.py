"""Model folders to time: HiFi-CS over CLIP ViT-B/16 with random weights, in fp32 and with 16-bit arithmetic.

    python bench/gpu/model.py OUT

The last layer's kernel is evened out over its 16 x 16 pixels and its bias set so that a tenth of the picture is marked:
areas, as a trained model marks them, and not noise, whose thousands of specks would be timed instead.
OUT/weights.pt is the checkpoint, OUT/model/fp32 what `grasp-grounding models import` makes of it, OUT/fp16 the same
graphs computed in 16 bits but for their inputs and outputs (onnxruntime's own converter).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import onnx
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16

REPO = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPO / "models"))

from export import import_checkpoint, random_weights  # noqa: E402
from export.clip import VIT_B16  # noqa: E402
from export.hifics import INPUT_SIDE, DecoderConfig  # noqa: E402


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
    ids = torch.full((1, 77), 0)
    ids[0, :9] = torch.tensor([49406, 518, 736, 12125, 525, 518, 1823, 269, 49407])
    background = model(torch.rand(1, 3, INPUT_SIDE, INPUT_SIDE, generator=torch.Generator().manual_seed(0)), ids)
    last.bias.sub_(torch.quantile(background[0, 0, ::4, ::4].flatten(), 0.1))


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
