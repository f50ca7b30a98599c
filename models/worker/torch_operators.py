"""ONNX operators in PyTorch, as far as the models of this project use them.

Each takes the node and its inputs (None where one is left out) and returns its outputs. Inputs that HOST names lie in the
computer's memory: they are shapes, axes and limits, which PyTorch needs before it starts a kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Inputs = list[Any]
TYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32,
    7: torch.int64, 9: torch.bool, 10: torch.float16, 11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip
"""By TensorProto's numbers."""

HOST = {
    "Reshape": {1}, "Expand": {1}, "Slice": {1, 2, 3, 4}, "Pad": {1, 2}, "Resize": {1, 2, 3}, "TopK": {1}, "Split": {1},
    "Unsqueeze": {1}, "Squeeze": {1}, "Clip": {1, 2}, "ReduceSum": {1}, "ReduceMean": {1}, "ReduceMax": {1}, "ReduceL2": {1},
    "ReduceLogSumExp": {1}, "ConstantOfShape": {0}, "Range": {0, 1, 2}, "Tile": {1},
}  # fmt: skip


@dataclass
class Node:
    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, otherwise: Any = None) -> Any:
        return self.attributes.get(name, otherwise)


class Unsupported(Exception):
    """A model that this engine cannot run."""


def _numbers(value: Tensor | None) -> list[int] | None:
    return None if value is None else [int(n) for n in value.reshape(-1).tolist()]


def _axes(node: Node, inputs: Inputs) -> list[int] | None:
    """From an attribute before operator set 13 or 18, from an input since."""
    given = node.get("axes")
    return list(given) if given is not None else _numbers(inputs[1] if len(inputs) > 1 else None)


def _reshape(node: Node, inputs: Inputs) -> Tensor:
    value, lengths = inputs[0], _numbers(inputs[1])
    if not node.get("allowzero", 0):
        lengths = [value.shape[i] if n == 0 else n for i, n in enumerate(lengths)]
    return value.reshape(lengths)


def _slice(_node: Node, inputs: Inputs) -> Tensor:
    value, starts, ends = inputs[0], _numbers(inputs[1]), _numbers(inputs[2])
    axes = _numbers(inputs[3] if len(inputs) > 3 else None) or list(range(len(starts)))
    steps = _numbers(inputs[4] if len(inputs) > 4 else None) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        if step < 0:
            picked = range(*slice(start, None if end <= -value.shape[axis] - 1 else end, step).indices(value.shape[axis]))
            value = value.index_select(axis, torch.tensor(list(picked), device=value.device))
        else:
            first, last, _ = slice(start, end, step).indices(value.shape[axis])
            value = value.narrow(axis, first, max(0, last - first))
            if step != 1:
                value = value[(slice(None),) * (axis % value.ndim) + (slice(None, None, step),)]
    return value


def _shape(node: Node, inputs: Inputs) -> Tensor:
    return torch.tensor(list(inputs[0].shape)[node.get("start", 0) : node.get("end")], dtype=torch.int64)


def _gather(node: Node, inputs: Inputs) -> Tensor:
    value, at, axis = inputs[0], inputs[1], node.get("axis", 0)
    at = at.to(torch.int64)
    if at.ndim == 0 and at.device.type == "cpu":
        return value.select(axis, int(at))
    if at.device.type == "cpu":
        at = torch.where(at < 0, at + value.shape[axis], at)
    picked = value.index_select(axis, at.reshape(-1))
    return picked.reshape(*value.shape[:axis], *at.shape, *value.shape[axis % value.ndim + 1 :])


def _gather_nd(node: Node, inputs: Inputs) -> Tensor:
    value, at, shared = inputs[0], inputs[1], node.get("batch_dims", 0)
    rows = [
        torch.arange(at.shape[i], device=at.device).view([-1 if axis == i else 1 for axis in range(at.ndim - 1)])
        for i in range(shared)
    ]
    return value[(*rows, *(at[..., i] for i in range(at.shape[-1])))]


def _split(node: Node, inputs: Inputs) -> tuple[Tensor, ...]:
    value, axis = inputs[0], node.get("axis", 0)
    sizes = _numbers(inputs[1] if len(inputs) > 1 else None) or node.get("split")
    if sizes:
        return value.split(list(sizes), axis)
    return value.chunk(len(node.outputs), axis)


def _pad(node: Node, inputs: Inputs) -> Tensor:
    value, pads = inputs[0], _numbers(inputs[1])
    if len(inputs) > 3 and inputs[3] is not None:
        raise Unsupported("Pad with axes")
    n = value.ndim
    # ONNX: all starts, then all ends. PyTorch: start and end of each axis, the last axis first.
    form = [p for axis in reversed(range(n)) for p in (pads[axis], pads[axis + n])]
    mode = node.get("mode", "constant")
    if mode != "constant":
        return F.pad(value, form[:4], mode={"edge": "replicate"}.get(mode, mode))
    fill = inputs[2] if len(inputs) > 2 else None
    return F.pad(value, form, value=0.0 if fill is None else float(fill))


def _same_pads(node: Node, spatial: int) -> list[int]:
    if node.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Unsupported(f"{node.kind} with auto_pad")
    return list(node.get("pads") or [0] * (2 * spatial))


def _conv(node: Node, inputs: Inputs) -> Tensor:
    value, weight = inputs[0], inputs[1]
    spatial = weight.ndim - 2
    pads = _same_pads(node, spatial)
    if pads[:spatial] != pads[spatial:]:
        value = F.pad(value, [p for axis in reversed(range(spatial)) for p in (pads[axis], pads[axis + spatial])])
        pads = [0] * spatial
    run = {1: F.conv1d, 2: F.conv2d}[spatial]
    strides, dilations = node.get("strides") or [1] * spatial, node.get("dilations") or [1] * spatial
    return run(value, weight, inputs[2] if len(inputs) > 2 else None, strides, pads[:spatial], dilations, node.get("group", 1))


def _pool(run: Callable[..., Tensor], **fixed: Any) -> Callable[[Node, Inputs], Tensor]:
    def pool(node: Node, inputs: Inputs) -> Tensor:
        pads = _same_pads(node, 2)
        if pads[:2] != pads[2:] or set(node.get("dilations") or [1]) != {1}:
            raise Unsupported(f"{node.kind} with these pads or dilations")
        more = {"count_include_pad": bool(node.get("count_include_pad", 0))} if node.kind == "AveragePool" else {}
        kernel, strides = node.get("kernel_shape"), node.get("strides") or [1, 1]
        return run(inputs[0], kernel, strides, pads[:2], ceil_mode=bool(node.get("ceil_mode", 0)), **more, **fixed)

    return pool


def _resize(node: Node, inputs: Inputs) -> Tensor:
    value = inputs[0]
    sizes = _numbers(inputs[3] if len(inputs) > 3 else None)
    if not sizes:
        sizes = [int(n * s) for n, s in zip(value.shape, inputs[2].tolist())]
    mode, way = node.get("mode", "nearest"), node.get("coordinate_transformation_mode", "half_pixel")
    if tuple(sizes[:2]) != tuple(value.shape[:2]) or node.get("antialias", 0):
        raise Unsupported("Resize of these axes")
    if mode == "linear" and way in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        return F.interpolate(value, size=sizes[2:], mode="bilinear", align_corners=way == "align_corners")
    if mode == "nearest" and way == "asymmetric" and node.get("nearest_mode") == "floor":
        return F.interpolate(value, size=sizes[2:], mode="nearest")
    raise Unsupported(f"Resize {mode} {way}")


def _depth_to_space(node: Node, inputs: Inputs) -> Tensor:
    value, block = inputs[0], node.get("blocksize")
    if node.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(value, block)
    n, c, h, w = value.shape
    apart = value.reshape(n, block, block, c // block**2, h, w).permute(0, 3, 4, 1, 5, 2)
    return apart.reshape(n, c // block**2, h * block, w * block)


def _clip(node: Node, inputs: Inputs) -> Tensor:
    low, high = ([*inputs, None, None][1:3]) if len(inputs) > 1 else (None, None)
    limits = [node.get(name) if value is None else value.item() for name, value in (("min", low), ("max", high))]
    return inputs[0] if limits == [None, None] else inputs[0].clamp(*limits)


def _layer_norm(node: Node, inputs: Inputs) -> Tensor:
    value, axis = inputs[0], node.get("axis", -1)
    shape = value.shape[axis % value.ndim :]
    return F.layer_norm(value, shape, inputs[1], inputs[2] if len(inputs) > 2 else None, node.get("epsilon", 1e-5))


def _gemm(node: Node, inputs: Inputs) -> Tensor:
    a = inputs[0].t() if node.get("transA", 0) else inputs[0]
    b = inputs[1].t() if node.get("transB", 0) else inputs[1]
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    if len(inputs) < 3 or inputs[2] is None:
        return a @ b if alpha == 1 else alpha * (a @ b)
    return torch.addmm(inputs[2], a, b, beta=beta, alpha=alpha)


def _attention(node: Node, inputs: Inputs) -> Tensor:
    if len(inputs) > 3 and any(value is not None for value in inputs[3:]):
        raise Unsupported("MultiHeadAttention with a mask or a bias")
    heads = node.get("num_heads")

    def apart(value: Tensor) -> Tensor:
        return value.unflatten(-1, (heads, -1)).transpose(1, 2)

    causal, scale = bool(node.get("unidirectional", 0)), node.get("scale") or None
    made = F.scaled_dot_product_attention(*(apart(value) for value in inputs[:3]), is_causal=causal, scale=scale)
    return made.transpose(1, 2).flatten(-2)


def _quick_gelu(node: Node, inputs: Inputs) -> Tensor:
    return inputs[0] * torch.sigmoid(node.get("alpha", 1.702) * inputs[0])


def _reduce(run: Callable[[Tensor, list[int], bool], Tensor]) -> Callable[[Node, Inputs], Tensor]:
    def reduce(node: Node, inputs: Inputs) -> Tensor:
        axes = _axes(node, inputs)
        if not axes and node.get("noop_with_empty_axes", 0):
            return inputs[0]
        return run(inputs[0], axes or list(range(inputs[0].ndim)), bool(node.get("keepdims", 1)))

    return reduce


def _unsqueeze(node: Node, inputs: Inputs) -> Tensor:
    value, axes = inputs[0], _axes(node, inputs) or []
    for axis in sorted(a % (value.ndim + len(axes)) for a in axes):
        value = value.unsqueeze(axis)
    return value


def _squeeze(node: Node, inputs: Inputs) -> Tensor:
    axes = _axes(node, inputs)
    return inputs[0].squeeze() if axes is None else inputs[0].squeeze(tuple(axes))


def _top_k(node: Node, inputs: Inputs) -> tuple[Tensor, ...]:
    found = inputs[0].topk(int(inputs[1]), node.get("axis", -1), bool(node.get("largest", 1)), bool(node.get("sorted", 1)))
    return found.values, found.indices


def _filled(node: Node, inputs: Inputs) -> Tensor:
    value = node.get("value")
    return torch.zeros(_numbers(inputs[0])) if value is None else value.reshape(1).expand(_numbers(inputs[0])).clone()


def _divide(_node: Node, inputs: Inputs) -> Tensor:
    a, b = inputs
    return torch.div(a, b, rounding_mode=None if a.is_floating_point() else "trunc")


def _arg_max(node: Node, inputs: Inputs) -> Tensor:
    if node.get("select_last_index", 0):
        raise Unsupported("ArgMax of the last index")
    return inputs[0].argmax(node.get("axis", 0), bool(node.get("keepdims", 1)))


def _expand(_node: Node, inputs: Inputs) -> Tensor:
    return inputs[0].expand(torch.broadcast_shapes(inputs[0].shape, tuple(_numbers(inputs[1]))))


def _plain(run: Callable[..., Tensor]) -> Callable[[Node, Inputs], Tensor]:
    return lambda _node, inputs: run(*inputs)


OPERATORS: dict[str, Callable[[Node, Inputs], Tensor | tuple[Tensor, ...]]] = {
    "Abs": _plain(torch.abs), "Add": _plain(torch.add), "And": _plain(torch.logical_and), "Div": _divide,
    "Equal": _plain(torch.eq), "Erf": _plain(torch.erf), "Exp": _plain(torch.exp), "Floor": _plain(torch.floor),
    "Greater": _plain(torch.gt), "GreaterOrEqual": _plain(torch.ge), "Identity": _plain(lambda value: value),
    "Less": _plain(torch.lt), "LessOrEqual": _plain(torch.le), "Log": _plain(torch.log), "MatMul": _plain(torch.matmul),
    "Max": lambda _node, inputs: _fold(torch.maximum, inputs), "Min": lambda _node, inputs: _fold(torch.minimum, inputs),
    "Mul": _plain(torch.mul), "Neg": _plain(torch.neg), "Not": _plain(torch.logical_not), "Or": _plain(torch.logical_or),
    "Pow": _plain(torch.pow), "Relu": _plain(torch.relu), "Sigmoid": _plain(torch.sigmoid), "Sqrt": _plain(torch.sqrt),
    "Sub": _plain(torch.sub), "Tanh": _plain(torch.tanh), "Where": _plain(torch.where), "Silu": _plain(F.silu),
    "ArgMax": _arg_max, "AveragePool": _pool(F.avg_pool2d), "MaxPool": _pool(F.max_pool2d),
    "Cast": lambda node, inputs: inputs[0].to(TYPES[node.get("to")]),
    "Clip": _clip, "Concat": lambda node, inputs: torch.cat(inputs, node.get("axis")),
    "ConstantOfShape": _filled, "Conv": _conv, "DepthToSpace": _depth_to_space, "Expand": _expand,
    "Flatten": lambda node, inputs: inputs[0].reshape(int(torch.tensor(inputs[0].shape[: node.get("axis", 1)]).prod()), -1),
    "Gather": _gather, "GatherElements": lambda node, inputs: inputs[0].gather(node.get("axis", 0), inputs[1]),
    "GatherND": _gather_nd, "Gemm": _gemm,
    "Gelu": lambda node, inputs: F.gelu(inputs[0], approximate=node.get("approximate", "none")),
    "LayerNormalization": _layer_norm, "MultiHeadAttention": _attention, "Pad": _pad, "QuickGelu": _quick_gelu,
    "Range": lambda _node, inputs: torch.arange(*(value.item() for value in inputs)),
    "ReduceL2": _reduce(lambda value, axes, keep: torch.linalg.vector_norm(value, dim=axes, keepdim=keep)),
    "ReduceLogSumExp": _reduce(lambda value, axes, keep: torch.logsumexp(value, axes, keep)),
    "ReduceMax": _reduce(lambda value, axes, keep: value.amax(axes, keep)),
    "ReduceMean": _reduce(lambda value, axes, keep: value.mean(axes, keep)),
    "ReduceSum": _reduce(lambda value, axes, keep: value.sum(axes, keep)),
    "Reshape": _reshape, "Resize": _resize, "Shape": _shape, "Slice": _slice,
    "Softmax": lambda node, inputs: inputs[0].softmax(node.get("axis", -1)),
    "Split": _split, "Squeeze": _squeeze, "TopK": _top_k,
    "Transpose": lambda node, inputs: inputs[0].permute(node.get("perm") or list(reversed(range(inputs[0].ndim)))),
    "Unsqueeze": _unsqueeze,
}  # fmt: skip


def _fold(run: Callable[[Tensor, Tensor], Tensor], inputs: Inputs) -> Tensor:
    result = inputs[0]
    for value in inputs[1:]:
        result = run(result, value)
    return result
