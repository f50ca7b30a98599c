"""An ONNX graph on PyTorch: weights on the device, shapes and other small whole numbers in the computer's memory.

What only depends on weights is computed once, when the file is read. Run twice with inputs of the same shape, the same
kernels start in the same order: a run can be recorded as a CUDA graph.
"""

from __future__ import annotations

from collections import Counter
from graphlib import TopologicalSorter

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from .torch_operators import HOST, OPERATORS, TYPES, Node, Unsupported

SMALL = 256
"""Constants of at most so many elements stay in the computer's memory until a kernel needs them."""
DOMAINS = ("", "ai.onnx", "com.microsoft")


class Graph:
    """Not for several threads at a time."""

    def __init__(self, file: str, device: torch.device) -> None:
        """Raises Unsupported for operators that are not known here."""
        # A tensor's device has a number, by which it is compared.
        self._device = torch.empty(0, device=device).device
        graph = onnx.load(file).graph
        self._values: dict[str, Tensor] = {}
        for tensor in graph.initializer:
            self._values[tensor.name] = torch.from_numpy(numpy_helper.to_array(tensor).copy())
        given = [value for value in graph.input if value.name not in self._values]
        self.inputs = {value.name: TYPES[value.type.tensor_type.elem_type] for value in given}
        self.outputs = [value.name for value in graph.output]
        self._placed: dict[str, tuple[Tensor, Tensor]] = {}
        self.held: list[Tensor] | None = None
        """Where a list is set, what kernels read apart from weights and inputs is added to it: a recording needs it."""
        nodes = _ordered([_read(node) for node in graph.node])
        unknown = sorted({node.kind for node in nodes} - OPERATORS.keys() - {"Constant"})
        if unknown:
            raise Unsupported(f"operators {', '.join(unknown)}")
        with torch.inference_mode():
            self._nodes = self._activations(self._folded(nodes))
            needed = {name for node in self._nodes for name in node.inputs} | set(self.outputs)
            self._values = {name: self._stored(value) for name, value in self._values.items() if name in needed}

    def _stored(self, value: Tensor) -> Tensor:
        return value.contiguous() if value.numel() <= SMALL else value.contiguous().to(self._device)

    def _folded(self, nodes: list[Node]) -> list[Node]:
        """Computes what depends on constants only, in the computer's memory."""
        left = []
        for node in nodes:
            if node.kind == "Constant":
                self._values[node.outputs[0]] = node.get("value")
            elif all(name == "" or name in self._values for name in node.inputs) and node.inputs:
                self._values.update(self._outputs(node, [self._values.get(name) for name in node.inputs]))
            else:
                left.append(node)
        return left

    def _activations(self, nodes: list[Node]) -> list[Node]:
        """QuickGelu between two products is one kernel, x sigmoid(x), when its factor is in the weights around it."""
        uses = Counter(name for node in nodes for name in node.inputs) + Counter(self.outputs)
        made = {name: node for node in nodes for name in node.outputs}
        taken = {name: node for node in nodes for name in node.inputs}
        for node in nodes:
            if node.kind != "QuickGelu":
                continue
            before, after = made.get(node.inputs[0]), taken.get(node.outputs[0])
            alone = uses[node.inputs[0]] == 1 and uses[node.outputs[0]] == 1
            if not alone or not _scalable(before) or not _scalable(after) or after.inputs[0] != node.outputs[0]:
                continue
            factor = float(node.get("alpha", 1.702))
            owned = [*before.inputs[1:], after.inputs[1]]
            if any(uses[name] != 1 or name not in self._values for name in owned):
                continue
            for name, by in [*((name, factor) for name in before.inputs[1:]), (after.inputs[1], 1 / factor)]:
                value = self._values[name]
                self._values[name] = (value.double() * by).to(value.dtype)
            node.kind, node.attributes = "Silu", {}
        return nodes

    def _outputs(self, node: Node, inputs: list[Tensor | None]) -> dict[str, Tensor]:
        try:
            made = OPERATORS[node.kind](node, inputs)
        except (RuntimeError, TypeError, KeyError, IndexError) as error:
            raise RuntimeError(f"{node.kind} {node.outputs[0]}: {str(error).splitlines()[0]}") from error
        return dict(zip(node.outputs, made if isinstance(made, tuple) else (made,)))

    @torch.inference_mode()
    def run(self, feeds: dict[str, Tensor]) -> dict[str, Tensor]:
        """Inputs and outputs on the device. Raises ValueError when an input is missing."""
        values = dict(self._values)
        for name, kind in self.inputs.items():
            if name not in feeds:
                raise ValueError(f"input {name} is missing")
            values[name] = feeds[name].to(kind)
        for node in self._nodes:
            values.update(self._outputs(node, self._gathered(node, values)))
        return {name: self._on_device(name, values[name]) for name in self.outputs}

    def _gathered(self, node: Node, values: dict[str, Tensor]) -> list[Tensor | None]:
        host = HOST.get(node.kind, ())
        inputs = [values[name] if name else None for name in node.inputs]
        free = [value for at, value in enumerate(inputs) if at not in host and value is not None]
        if self._device.type == "cpu":
            return inputs
        on_device = any(value.device.type != "cpu" for value in free) and node.kind != "Shape"
        for at, value in enumerate(inputs):
            if value is None:
                continue
            if at in host:
                inputs[at] = value.cpu()
            elif on_device and not _index(node, at, value):
                inputs[at] = self._on_device(node.inputs[at], value)
        return inputs

    def _on_device(self, name: str, value: Tensor) -> Tensor:
        """The latest copy of a value by its name: while a CUDA graph is recorded nothing is copied to the device."""
        if value.device == self._device:
            return value
        known = self._placed.get(name)
        if known is not None and known[0].dtype == value.dtype and torch.equal(known[0], value):
            placed = known[1]
        else:
            placed = value.to(self._device)
            self._placed[name] = (value, placed)
        if self.held is not None:
            self.held.append(placed)
        return placed


def _index(node: Node, at: int, value: Tensor) -> bool:
    """One number that picks a part: PyTorch takes it from the computer's memory."""
    return node.kind == "Gather" and at == 1 and value.ndim == 0 and value.device.type == "cpu"


def _scalable(node: Node | None) -> bool:
    return node is not None and node.kind == "Gemm" and len(node.inputs) == 3 and node.get("beta", 1.0) == 1.0


def _ordered(nodes: list[Node]) -> list[Node]:
    """Each after those whose outputs it takes: writers of 16-bit graphs append theirs at the end."""
    made = {name: node for node in nodes for name in node.outputs}
    before = {id(node): {id(made[name]) for name in node.inputs if name in made} for node in nodes}
    by_id = {id(node): node for node in nodes}
    return [by_id[key] for key in TopologicalSorter(before).static_order()]


def _read(node: onnx.NodeProto) -> Node:
    if node.domain not in DOMAINS:
        raise Unsupported(f"operators of {node.domain}")
    attributes = {}
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        if isinstance(value, bytes):
            value = value.decode()
        elif isinstance(value, onnx.TensorProto):
            value = torch.from_numpy(numpy_helper.to_array(value).copy())
        elif node.op_type == "Constant":
            value = torch.tensor(value)
        attributes["value" if node.op_type == "Constant" else attribute.name] = value
    return Node(node.op_type, list(node.input), list(node.output), attributes)
