"""A small writer of ONNX graphs: named weights in, nodes out, one `Linear` in several precisions.

The graphs are written node by node instead of traced, so that each operator is the one ONNX Runtime runs fastest
on a CPU, and so that a file holds exactly what the mask depends on. Operator set 21, plus ONNX Runtime's own
`com.microsoft` operators (always part of it).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 21
IR_VERSION = 10
CONTRIB = "com.microsoft"

FP32 = "fp32"
FP16 = "fp16"
INT8 = "int8"


@dataclass(frozen=True)
class Precision:
    """How weights are stored and multiplied.

    `fp16` halves the file; CPUs without half-precision arithmetic (most) widen the weights once, at start.
    `int8` has one scale per output channel for weights, and for activations one per row, found while running:
    an outlier in one token then does not coarsen the others. `twice` multiplies the rounding error of the
    activations too (16 bits in all, twice the products). `weight_bits` 7 avoids the 16-bit saturation of CPUs
    that lack VNNI. `wide` names the layers that stay fp16.
    """

    kind: str = FP32
    twice: bool = False
    weight_bits: int = 8
    wide: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        if self.kind != INT8:
            return self.kind
        parts = [f"{self.weight_bits}-bit weights per channel", f"{16 if self.twice else 8}-bit activations per row"]
        if self.wide:
            parts.append(f"{', '.join(self.wide)} in fp16")
        return f"int8: {', '.join(parts)}"


class Graph:
    """Collects nodes and initialisers; every method returns the name of the value it makes."""

    def __init__(self, name: str, precision: Precision) -> None:
        self.name = name
        self.precision = precision
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: dict[str, onnx.TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self._next = 0

    # values

    def input(self, name: str, kind: int, shape: list[int | str]) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, value: str, name: str, shape: list[int | str]) -> None:
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def constant(self, array: np.ndarray, name: str | None = None) -> str:
        """An initialiser; equal small ones are shared."""
        if name is None:
            digest = hashlib.sha1(array.tobytes()).hexdigest()[:12]
            name = f"c_{array.dtype}_{'x'.join(map(str, array.shape))}_{digest}"
        if name not in self.initialisers:
            self.initialisers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def weight(self, array: np.ndarray, name: str) -> str:
        """A float weight, stored in half precision unless the graph is fp32."""
        if self.precision.kind == FP32:
            return self.constant(array.astype(np.float32), name)
        stored = self.constant(array.astype(np.float16), name)
        return self.op("Cast", stored, to=TensorProto.FLOAT)

    # nodes

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        return self.ops(kind, 1, *inputs, domain=domain, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, domain: str = "", **attributes: object) -> list[str]:
        names = [f"v{self._next + index}" for index in range(outputs)]
        self._next += outputs
        self.nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def reshape(self, x: str, *shape: int) -> str:
        """-1 stands for the dimension that is left over, 0 keeps the one in its place."""
        return self.op("Reshape", x, self.ints(*shape))

    def layer_norm(self, x: str, gain: np.ndarray, bias: np.ndarray, name: str) -> str:
        return self.op(
            "LayerNormalization",
            x,
            self.constant(gain, f"{name}.weight"),
            self.constant(bias, f"{name}.bias"),
            axis=-1,
            epsilon=1e-5,
        )

    def attention(self, q: str, k: str, v: str, heads: int, causal: bool = False) -> str:
        """[B, S, W] each -> [B, S, W], scaled by 1/sqrt(W / heads), in tiles that stay in the cache."""
        extra = {"unidirectional": 1} if causal else {}
        return self.op("MultiHeadAttention", q, k, v, domain=CONTRIB, num_heads=heads, **extra)

    def quick_gelu(self, x: str) -> str:
        return self.op("QuickGelu", x, domain=CONTRIB, alpha=1.702)

    def linear(
        self, x: str, name: str, weight: np.ndarray, bias: np.ndarray | None = None, floor: float | None = None
    ) -> str:
        """x [R, K] times weight ([N, K], as torch keeps it) plus bias -> [R, N]. `floor`: x is never below it."""
        role = name.rsplit(".", 1)[-1]
        if self.precision.kind != INT8 or role in self.precision.wide:
            inputs = [x, self.weight(weight.T, f"{name}.weight")]
            if bias is not None:
                inputs.append(self.constant(bias, f"{name}.bias"))
            return self.op("Gemm", *inputs)
        limit = 2 ** (self.precision.weight_bits - 1) - 1
        scale = (np.maximum(np.abs(weight).max(axis=1), 1e-12) / limit).astype(np.float32)
        codes = np.clip(np.rint(weight / scale[:, None]), -limit, limit).astype(np.int8)
        if floor is None:
            extent, steps, zero = self.op("Abs", x), 127, 128
        else:
            # Shifted to start at zero, all 256 steps serve the range; what the shift adds is a constant per output.
            x = self.op("Add", x, self.scalar(-floor))
            shift = floor * (codes.astype(np.float64).sum(axis=1) * scale)
            bias = (shift + (0 if bias is None else bias)).astype(np.float32)
            extent, steps, zero = x, 255, 0
        largest = self.op("Max", self.op("ReduceMax", extent, self.ints(-1), keepdims=1), self.scalar(1e-12))
        row_scale = self.op("Mul", largest, self.scalar(1 / steps))
        y = self._rounded_product(self.op("Div", x, row_scale), name, codes, scale, zero)
        y = self.op("Mul", y, row_scale)
        return y if bias is None else self.op("Add", y, self.constant(bias, f"{name}.bias"))

    def _rounded_product(self, scaled: str, name: str, codes: np.ndarray, scale: np.ndarray, zero: int) -> str:
        """Rows already scaled to whole steps, times int8 weights."""
        weights = self.constant(codes.T, f"{name}.weight")
        scales = self.constant(scale, f"{name}.scale")
        no_offset = self.constant(np.zeros(len(scale), np.int8))

        def product(value: str, step: float, zero_point: str) -> str:
            return self.op(
                "MatMulIntegerToFloat",
                *(value, weights, self.scalar(step), scales, zero_point, no_offset),
                domain=CONTRIB,
            )

        one, zero_point = self.scalar(1.0), self.constant(np.array(zero, np.uint8))
        rounded = self.op("QuantizeLinear", scaled, one, zero_point)
        y = product(rounded, 1.0, zero_point)
        if not self.precision.twice:
            return y
        rest = self.op("Sub", scaled, self.op("DequantizeLinear", rounded, one, zero_point))
        middle = self.constant(np.array(128, np.uint8))
        return self.op("Add", y, product(self.op("QuantizeLinear", rest, self.scalar(1 / 254), middle), 1 / 254, middle))

    # file

    def model(self, description: str) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, self.name, self.inputs, self.outputs, list(self.initialisers.values())
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="grasp-grounding"
        )
        model.doc_string = description
        return model

    def save(self, path: Path, description: str) -> None:
        path.write_bytes(self.model(description).SerializeToString())
