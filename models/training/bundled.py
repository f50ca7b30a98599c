"""The weights of an exported model folder, back in PyTorch: to train on from it, without the packages they came from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from features import HEIGHT, WIDTH, EfficientNetLite2
from model import Config, LiteModel
from text import MiniLM


class Weights:
    """Tensors of a graph by the name of the parameter they were."""

    def __init__(self, path: Path):
        graph = onnx.load(str(path)).graph
        stored = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.named: dict[str, np.ndarray] = {}
        for name, x in stored.items():
            if name.endswith("_h"):
                self.named[name[:-2]] = x.astype(np.float32)
            elif name.endswith("_q"):
                self.named[name[:-2]] = x.astype(np.float32) * stored[name[:-2] + "_s"]
            elif not name.endswith("_s") or name[:-2] + "_q" not in stored:
                self.named[name] = x
        # Where the exporter has turned a matrix and given it a number, the node still has its layer's name.
        self.turned: dict[str, np.ndarray] = {}
        for node in graph.node:
            for i in node.input[1:2] if node.op_type in ("MatMul", "Conv") else []:
                if i in self.named and i.startswith("onnx::"):
                    x = self.named[i]
                    self.turned[layer_name(node.name)] = x.T if node.op_type == "MatMul" and x.ndim == 2 else x

    def get(self, name: str) -> np.ndarray | None:
        if name in self.named:
            return self.named[name]
        return self.turned.get(name.removesuffix(".weight"))


def layer_name(node: str) -> str:
    """/decoder/text/ff/ff.0/MatMul -> decoder.text.ff.0 (a Sequential's own name stands twice in a node's)."""
    parts = node.strip("/").split("/")
    named = parts[:-1] if parts[-1] == "MatMul" or parts[-1] == "Conv" else parts
    kept = [p for p, following in zip(named, [*named[1:], ""]) if not following.startswith(p + ".")]
    return ".".join(kept)


def fill(module: nn.Module, weights: Weights, prefix: str, ready: tuple[str, ...]) -> None:
    """Sets every parameter and buffer of `module` but those whose name begins with one of `ready`."""
    for name, target in module.state_dict().items():
        if name.startswith(ready):
            continue
        x = weights.get(prefix + name)
        if x is None:
            raise KeyError(f"{prefix}{name} is not in the graph")
        target.copy_(torch.from_numpy(np.array(x, np.float32)).reshape(target.shape))


def load_bundled(folder: Path) -> tuple[EfficientNetLite2, MiniLM, np.ndarray]:
    """The frozen encoder and sentence model (weights as the folder stores them: 16-bit floats and 8-bit integers), and
    the class names' vectors [1000,384]."""
    encoder, text = EfficientNetLite2(), MiniLM()
    weights = Weights(folder / "encoder.onnx")
    weights.turned["encoder.classifier"] = weights.turned[""]  # the layer is applied outside of any module
    fill(encoder, weights, "encoder.", ())
    fill(text, Weights(folder / "text.onnx"), "", ())
    classes = Weights(folder / "decoder.onnx").turned["decoder"]
    return encoder.eval().requires_grad_(False), text.eval().requires_grad_(False), classes


def has_instances(folder: Path) -> bool:
    return "instances.from32.bias" in Weights(folder / "encoder.onnx").named


def load_decoder(folder: Path, config: Config, classes: np.ndarray) -> LiteModel:
    """The trained part."""
    model = LiteModel(config, HEIGHT // 32, WIDTH // 32, torch.from_numpy(np.array(classes, np.float32)))
    frame, decoder = Weights(folder / "encoder.onnx"), Weights(folder / "decoder.onnx")
    decoder.named["decoder.text.align"] = decoder.turned["decoder.text.MatMul_2"]
    if config.instances:
        decoder.turned["decoder.bend"] = decoder.turned["bend"]  # applied outside of the decoder's own forward pass
    fill(model.frame, frame, "frame.", ("classes", "coords"))
    fill(model.decoder, decoder, "decoder.", ("classes", "grid", "cells", "points"))
    if config.instances:
        fill(model.instances, frame, "instances.", ("coords",))
    return model
