"""8-bit and half-precision forms of an exported ONNX file, under the names of Transformers.js."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SUFFIX = {"fp32": "", "fp16": "_fp16", "int8": "_quantized"}
# Smaller weights cost more in nodes than they save in bytes.
LEAST_VALUES = 1024
BLOCK = 16
NARROW = 64
# A layer that widens or narrows its input so many times is a feed-forward one.
FEED_FORWARD = 3.5


def quantized(source: Path, target: Path) -> None:
    """Products in 8 bits: a scale per output channel for weights (7 bits: CPUs without VNNI saturate at 8), one per
    tensor for activations, found while running."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(
            str(prepared),
            str(target),
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )


def packed(source: Path, target: Path) -> None:
    """Weights stored in 8 bits with a scale for every BLOCK of a column; products in single precision. For models that
    8-bit activations change too much: about half the size at the speed of single precision.

    8 bits are for feed-forward layers, which have most of the weights. Other products' are in half precision: square
    matrices are the projections of attention, where a model decides where it looks, and sums of narrow ones average
    little out."""
    model = onnx.load(source)
    products = {
        node.input[1] for node in model.graph.node if node.op_type in ("MatMul", "Gemm") and len(node.input) > 1
    }

    def pack(name: str, values: np.ndarray) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]] | None:
        if name not in products or values.ndim != 2:
            return None
        rows, columns = values.shape
        if min(rows, columns) <= NARROW or max(rows, columns) < FEED_FORWARD * min(rows, columns) or rows % BLOCK:
            return _half(name, values)
        blocks = values.reshape(rows // BLOCK, BLOCK, columns)
        least = np.finfo(np.float16).smallest_subnormal
        scale = np.maximum(np.abs(blocks).max(axis=1, keepdims=True) / 127, least).astype(np.float16)
        stored = np.clip(np.rint(blocks / scale.astype(np.float32)), -127, 127).astype(np.int8)
        parts = {"8": stored, "scale": scale, "shape": np.array(values.shape, np.int64)}
        tensors = [numpy_helper.from_array(value, f"{name}.{part}") for part, value in parts.items()]
        # Nodes of constants alone are computed once, when a session loads the model.
        nodes = [
            helper.make_node("Cast", [f"{name}.8"], [f"{name}.whole"], to=TensorProto.FLOAT),
            helper.make_node("Cast", [f"{name}.scale"], [f"{name}.factor"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}.whole", f"{name}.factor"], [f"{name}.blocks"]),
            helper.make_node("Reshape", [f"{name}.blocks", f"{name}.shape"], [name]),
        ]
        return tensors, nodes

    onnx.save(_stored(model, pack), target)


def halved(source: Path, target: Path) -> None:
    """Weights stored in half precision and widened when the model is loaded; products in single precision, which is
    what a CPU computes fastest."""

    onnx.save(_stored(onnx.load(source), _half), target)


def _half(name: str, values: np.ndarray) -> tuple[list[onnx.TensorProto], list[onnx.NodeProto]] | None:
    if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
        return None
    tensor = numpy_helper.from_array(values.astype(np.float16), f"{name}.16")
    return [tensor], [helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT)]


def _stored(
    model: onnx.ModelProto,
    narrow: Callable[[str, np.ndarray], tuple[list[onnx.TensorProto], list[onnx.NodeProto]] | None],
) -> onnx.ModelProto:
    """Replaces large single-precision weights by narrower ones and nodes that widen them."""
    kept, nodes = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        found = narrow(tensor.name, values) if values.dtype == np.float32 and values.size >= LEAST_VALUES else None
        kept.extend([tensor] if found is None else found[0])
        nodes.extend([] if found is None else found[1])
    originals = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend([*nodes, *originals])
    return model
