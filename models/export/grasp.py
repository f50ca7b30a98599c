"""Brings a GR-ConvNet-style grasp network to ONNX, for `--grasp-model`; `models import-grasp` runs this.

    python -m export.grasp --module net.py:Net [--weights F.pt] --out FOLDER     a class of PyTorch, and its state dict
    python -m export.grasp --torchscript F.pt --out FOLDER                      a traced or scripted module
    python -m export.grasp --onnx F.onnx --out FOLDER                           a file that is ONNX already

The network takes float32 [1, C, S, S] and gives four maps [1, 1, S, S], in this order or by --outputs: quality, cos 2θ, sin 2θ,
width. OUT gets grasp.onnx and grasp.json. Only give files you trust to --module: it is Python and is run.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from .hashes import sha256

MAPS = ("quality", "cos", "sin", "width")
CHANNELS = {"d": "depth", "r": "red", "g": "green", "b": "blue"}


class Maps(nn.Module):
    """The network with its four maps as a tuple, whatever it is that it returns."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        found = self.model(x)
        if isinstance(found, Tensor):
            return tuple(found.split(1, dim=1))
        return tuple(found.values()) if isinstance(found, dict) else tuple(found)


def load_module(spec: str, weights: Path | None) -> nn.Module:
    name, _, kind = spec.rpartition(":")
    if not name or not Path(name).is_file():
        raise SystemExit(f"grasp: --module {spec}: wanted FILE.py:CLASS")
    source = importlib.util.spec_from_file_location("grasp_network", name)
    module = importlib.util.module_from_spec(source)
    source.loader.exec_module(module)
    model = getattr(module, kind)()
    if weights is not None:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        model.load_state_dict(state.get("state_dict", state))
    return model.eval()


def trace(model: nn.Module, channels: int, size: int, path: Path) -> float:
    """Writes the file; gives the largest difference between PyTorch and ONNX Runtime on a random picture."""
    wrapped = Maps(model).eval()
    x = torch.rand(1, channels, size, size, generator=torch.Generator().manual_seed(1)) - 0.5
    with torch.inference_mode():
        wanted = wrapped(x)
    if len(wanted) < 4 or any(tuple(w.shape) != (1, 1, size, size) for w in wanted[:4]):
        shapes = [tuple(w.shape) for w in wanted]
        raise SystemExit(f"grasp: wanted four maps of (1, 1, {size}, {size}), the network gives {shapes}")
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            wrapped, (x,), str(path), input_names=["input"], output_names=list(MAPS), opset_version=17, dynamo=False
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(list(MAPS), {"input": x.numpy()})
    return max(float(np.abs(f - w.numpy()).max()) for f, w in zip(found, wanted))


def adopt(source: Path, path: Path, channels: int, size: int, outputs: list[str]) -> tuple[str, list[str]]:
    """Copies a file that is ONNX already, after a look at its input and outputs."""
    model = onnx.load(source)
    names = [o.name for o in model.graph.output]
    chosen = outputs or names[:4]
    if len(chosen) != 4 or any(name not in names for name in chosen):
        raise SystemExit(f"grasp: {source} has the outputs {', '.join(names)}; name quality,cos,sin,width by --outputs")
    shutil.copyfile(source, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    for found in session.run(chosen, {name: np.zeros((1, channels, size, size), np.float32)}):
        if found.size != size * size:
            raise SystemExit(f"grasp: wanted maps of {size} x {size}, {source} gives {found.shape}")
    return name, chosen


def mean_of(text: str) -> str | float:
    return text if text == "picture" else float(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Export a GR-ConvNet-style grasp network.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--module", help="FILE.py:CLASS, built without arguments")
    source.add_argument("--torchscript", type=Path)
    source.add_argument("--onnx", type=Path)
    parser.add_argument("--weights", type=Path, help="state dict for --module")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--channels", default="drgb", help="input channels in order: d, r, g, b (GR-ConvNet: drgb)")
    parser.add_argument("--outputs", help="names of quality,cos,sin,width, for --onnx")
    parser.add_argument("--width-pixels", type=float, default=150, help="pixels a width of 1 stands for")
    parser.add_argument("--colour-mean", type=mean_of, default="picture", help="subtracted from colour/255")
    parser.add_argument("--depth-mean", type=mean_of, default="picture", help="subtracted from metres")
    parser.add_argument("--depth-limit", type=float, default=1)
    parser.add_argument("--licence")
    parser.add_argument("--source")
    args = parser.parse_args()
    if not args.channels or any(c not in CHANNELS for c in args.channels):
        raise SystemExit(f"grasp: --channels {args.channels}: letters d, r, g, b only")
    args.out.mkdir(parents=True, exist_ok=True)
    final = args.out / "grasp.onnx"
    with tempfile.TemporaryDirectory(dir=args.out) as folder:
        path = Path(folder) / "grasp.onnx"
        name, outputs, difference = "input", list(MAPS), 0.0
        if args.onnx:
            name, outputs = adopt(args.onnx, path, len(args.channels), args.size, (args.outputs or "").split(",") if args.outputs else [])
        else:
            model = torch.jit.load(args.torchscript) if args.torchscript else load_module(args.module, args.weights)
            difference = trace(model, len(args.channels), args.size, path)
            if difference > 1e-3:
                raise SystemExit(f"grasp: ONNX Runtime differs from PyTorch by {difference:.1e}")
        path.replace(final)
    description = {
        "format": 1,
        "family": "gr-convnet",
        "file": final.name,
        "sha256": sha256(final),
        "input": {
            "name": name,
            "size": args.size,
            "channels": [CHANNELS[c] for c in args.channels],
            "colour": {"mean": args.colour_mean},
            "depth": {"mean": args.depth_mean, "limit": args.depth_limit},
        },
        "outputs": dict(zip(MAPS, outputs)),
        "width_pixels": args.width_pixels,
        **({"licence": args.licence} if args.licence else {}),
        **({"source": args.source} if args.source else {}),
    }
    (args.out / "grasp.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    print(f"{final}: differs from PyTorch by {difference:.1e} at most" if not args.onnx else f"{final}: copied")
    return 0


if __name__ == "__main__":
    sys.exit(main())
