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
    """Weights of products stored in 8 bits with a scale per channel; products in single precision. A quarter of the
    size at the speed of single precision, for models that 8-bit activations change too much."""
    model = onnx.load(source)
    products = {
        node.input[1] for node in model.graph.node if node.op_type in ("MatMul", "Gemm") and len(node.input) > 1
    }

    def pack(name: str, values: np.ndarray) -> tuple[list[onnx.TensorProto], onnx.NodeProto] | None:
        if name not in products or values.ndim != 2:
            return None
        scale = np.maximum(np.abs(values).max(axis=0), 1e-12) / 127
        stored = np.clip(np.rint(values / scale), -127, 127).astype(np.int8)
        parts = {"8": stored, "scale": scale.astype(np.float32), "zero": np.zeros(scale.shape, np.int8)}
        tensors = [numpy_helper.from_array(value, f"{name}.{part}") for part, value in parts.items()]
        node = helper.make_node("DequantizeLinear", [tensor.name for tensor in tensors], [name], axis=1)
        return tensors, node

    onnx.save(_stored(model, pack), target)


def halved(source: Path, target: Path) -> None:
    """Weights stored in half precision and widened when the model is loaded; products in single precision, which is
    what a CPU computes fastest."""

    def halve(name: str, values: np.ndarray) -> tuple[list[onnx.TensorProto], onnx.NodeProto] | None:
        if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
            return None
        tensor = numpy_helper.from_array(values.astype(np.float16), f"{name}.16")
        return [tensor], helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT)

    onnx.save(_stored(onnx.load(source), halve), target)


def _stored(
    model: onnx.ModelProto,
    narrow: Callable[[str, np.ndarray], tuple[list[onnx.TensorProto], onnx.NodeProto] | None],
) -> onnx.ModelProto:
    """Replaces large single-precision weights by narrower ones and a node that widens them."""
    kept, nodes = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        found = narrow(tensor.name, values) if values.dtype == np.float32 and values.size >= LEAST_VALUES else None
        kept.extend([tensor] if found is None else found[0])
        nodes.extend([] if found is None else [found[1]])
    originals = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend([*nodes, *originals])
    return model
