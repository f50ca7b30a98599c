"""A model's parts in ONNX Runtime: images in, features that stay on the device, queries in, logits out.

On CUDA the encoder and the decoder run as CUDA graphs: their inputs and outputs lie at fixed addresses, and the first run of
a shape is recorded. Features of an image are copied on the device, from and to these addresses.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime as ort

from .images import LEAST_SIDE, Asked, PictureError

ELEMENTS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(uint8)": np.uint8}
LEVELS = {
    "disabled": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
MAX_GRAPHS = 16
"""Numbers of queries whose decoding is recorded; each recording takes memory of the GPU."""


Features = dict[str, ort.OrtValue]


@dataclass
class Bound:
    """A session whose inputs and outputs lie at fixed addresses of the device."""

    binding: Any
    inputs: dict[str, ort.OrtValue]
    outputs: dict[str, ort.OrtValue]
    run: Any = field(default_factory=ort.RunOptions)


class Engine:
    """Not for several threads at a time."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._input = config["input"]
        self._outputs = config["outputs"]
        self._decoder_inputs: list[str] = config["decoder_inputs"]
        self._device = "cuda" if config["provider"] == "cuda" else "cpu"
        self._number = config.get("device", 0) if self._device == "cuda" else 0
        if self._device == "cuda":
            # CUDA's and cuDNN's wheels are not on the loader's path.
            ort.preload_dlls()
            if "CUDAExecutionProvider" not in ort.get_available_providers():
                raise RuntimeError("this ONNX Runtime has no CUDA")
        files = config["files"]
        self._pixels = self._open(config, files["pixels"])
        self._text = self._open(config, files["text"]) if "text" in files else None
        self._copy = self._open(config, files["copy"]) if self._device == "cuda" else None
        self._notes: list[str] = []
        self._encoder, encoder_graph = self._open_graph(config, files["encoder"])
        self._decoder, decoder_graph = self._open_graph(config, files["decoder"])
        self._encoder_bound = self._bind(self._encoder, 1) if encoder_graph else None
        self._decoder_bound: OrderedDict[int, Bound] | None = OrderedDict() if decoder_graph else None

    @property
    def description(self) -> str:
        """As results name it."""
        if self._device == "cpu":
            return "python/cpu"
        graphs = [name for name, on in (("encoder", self._encoder_bound), ("decoder", self._decoder_bound)) if on is not None]
        return "python/cuda" + (f" (CUDA graphs: {', '.join(graphs)})" if graphs else " (no CUDA graphs)")

    @property
    def notes(self) -> list[str]:
        """Why a part is not run as a CUDA graph, a line each."""
        return self._notes

    texts_together = False
    """Whether `encode_texts` takes several queries."""
    most = 1
    """Images, or queries of different images, that may run together."""

    offers: list[str] = []
    """What it takes beyond the protocol's first form and what the worker takes with every engine."""

    def register(self, address: int, length: int) -> bool:
        """Whether images in this memory need no copy before they are uploaded; here they are uploaded at once."""
        return True

    def unregister(self, address: int) -> None:
        """The memory will end."""

    def finish(self) -> None:
        """Until nothing reads an image any more."""

    @staticmethod
    def shape(value: ort.OrtValue) -> list[int]:
        return list(value.shape())

    def place(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [height, width, 3] as `encode_pixels` takes it; from any thread."""
        return pixels

    lent = place
    """The same of memory that was registered."""

    def warm_up(self, tokens: int) -> None:
        """Runs every part once, so that the first request finds its kernels chosen."""
        features = self.encode_pixels(np.zeros((self._input["height"], self._input["width"], 3), np.uint8))
        ids = {value.name: np.ones((1, tokens), np.int64) for value in (self._text.get_inputs() if self._text else [])}
        known = {**ids, **self.encode_text(ids)}
        own = {name: value for name, value in features.items() if name in self._decoder_inputs}
        # A part whose inputs are not known here is run when a client sends them.
        if all(name in own or name in known for name in self._decoder_inputs):
            self.decode(own, {name: known[name] for name in self._decoder_inputs if name not in own})

    # sessions

    def _open(self, config: dict[str, Any], file: str, graph: bool = False) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = config["threads"]
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        session = config.get("session") or {}
        if session.get("graph_optimization") in LEVELS:
            options.graph_optimization_level = LEVELS[session["graph_optimization"]]
        if "memory_pattern" in session:
            options.enable_mem_pattern = session["memory_pattern"]
        if "cpu_arena" in session:
            options.enable_cpu_mem_arena = session["cpu_arena"]
        for name, value in (session.get("config") or {}).items():
            options.add_session_config_entry(name, value)
        if self._device == "cpu":
            return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        cuda = {"device_id": str(self._number), "enable_cuda_graph": "1" if graph else "0"}
        if "memory_limit" in config:
            cuda |= {"gpu_mem_limit": str(config["memory_limit"]), "arena_extend_strategy": "kSameAsRequested"}
        opened = ort.InferenceSession(file, options, providers=[("CUDAExecutionProvider", cuda), "CPUExecutionProvider"])
        if "CUDAExecutionProvider" not in opened.get_providers():
            raise RuntimeError("ONNX Runtime could not start CUDA")
        return opened

    def _open_graph(self, config: dict[str, Any], file: str) -> tuple[ort.InferenceSession, bool]:
        if self._device == "cuda" and config.get("cuda_graphs", True):
            try:
                return self._open(config, file, graph=True), True
            except Exception as error:  # noqa: BLE001 - ONNX Runtime's own kinds; the part then runs kernel by kernel
                self._notes.append(f"{file}: no CUDA graph ({str(error).splitlines()[0][:200]})")
        return self._open(config, file), False

    def _bind(self, session: ort.InferenceSession, rows: int) -> Bound:
        """Fixed addresses for all inputs and outputs; every open length is `rows`."""

        def place(value: Any) -> ort.OrtValue:
            shape = [length if isinstance(length, int) else rows for length in value.shape]
            return ort.OrtValue.ortvalue_from_shape_and_type(shape, ELEMENTS[value.type], self._device, self._number)

        bound = Bound(session.io_binding(), {}, {})
        for value in session.get_inputs():
            bound.inputs[value.name] = place(value)
            bound.binding.bind_ortvalue_input(value.name, bound.inputs[value.name])
        for value in session.get_outputs():
            bound.outputs[value.name] = place(value)
            bound.binding.bind_ortvalue_output(value.name, bound.outputs[value.name])
        bound.run.add_run_config_entry("gpu_graph_id", str(rows))
        return bound

    # images

    def encode_pixels(self, pixels: np.ndarray) -> Features:
        """uint8 [height, width, 3] -> features on the device."""
        if min(pixels.shape[:2]) < LEAST_SIDE:
            raise PictureError(f"{pixels.shape[1]}×{pixels.shape[0]} pixels are fewer than {LEAST_SIDE} a side")
        binding = self._pixels.io_binding()
        binding.bind_cpu_input("pixels", np.ascontiguousarray(pixels[None]))
        name = self._input["name"]
        if self._encoder_bound is not None:
            binding.bind_ortvalue_output(name, self._encoder_bound.inputs[name])
            self._pixels.run_with_iobinding(binding)
            return self._run_encoder_graph(self._encoder_bound)
        binding.bind_output(name, self._device, self._number)
        self._pixels.run_with_iobinding(binding)
        return self._run_encoder({name: binding.get_outputs()[0]})

    def encode_tensors(self, feeds: dict[str, np.ndarray]) -> Features:
        """The encoder's inputs -> features on the device."""
        return self._run_encoder({name: self._on_device(value) for name, value in feeds.items()})

    def _on_device(self, value: np.ndarray) -> ort.OrtValue:
        return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value), self._device, self._number)

    def _run_encoder(self, feeds: Features) -> Features:
        if self._encoder_bound is not None:
            self._copy_to(feeds, self._encoder_bound.inputs)
            return self._run_encoder_graph(self._encoder_bound)
        binding = self._encoder.io_binding()
        for value in self._encoder.get_inputs():
            binding.bind_ortvalue_input(value.name, _given(feeds, value.name))
        names = self._outputs["encoder"]
        for name in names:
            binding.bind_output(name, self._device, self._number)
        self._encoder.run_with_iobinding(binding)
        return dict(zip(names, binding.get_outputs()))

    def _run_encoder_graph(self, bound: Bound) -> Features:
        self._encoder.run_with_iobinding(bound.binding, bound.run)
        kept = {
            name: ort.OrtValue.ortvalue_from_shape_and_type(value.shape(), np.float32, self._device, self._number)
            for name, value in bound.outputs.items()
            if name in self._outputs["encoder"]
        }
        self._copy_to(bound.outputs, kept)
        return kept

    def _copy_to(self, source: Features, target: Features) -> None:
        """On the device. The graph has one input `from` and one output `to` of any shape."""
        if self._copy is None:
            raise RuntimeError("copies on the device are for CUDA")
        for name, value in target.items():
            binding = self._copy.io_binding()
            binding.bind_ortvalue_input("from", _given(source, name))
            binding.bind_ortvalue_output("to", value)
            self._copy.run_with_iobinding(binding)

    # queries

    def encode_text(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._text is None:
            return {}
        names = self._outputs["text"]
        inputs = {value.name: _given(feeds, value.name) for value in self._text.get_inputs()}
        return dict(zip(names, self._text.run(names, inputs)))

    def ask(self, features: Features, inline: dict[str, np.ndarray], queries: list[dict[str, np.ndarray]], signs: object) -> Asked:
        """The same of queries that come as tokens."""
        before = time.monotonic()
        texts = [self.encode_text(query) for query in queries]
        text_ms = 1000 * (time.monotonic() - before)
        known = [{**query, **made} for query, made in zip(queries, texts)]
        taken = [name for name in self._decoder_inputs if name not in features and name not in inline]
        rows = {name: _stacked([each[name] for each in known]) for name in taken if all(name in each for each in known)}
        return Asked(texts, self.decode(features, inline | rows), text_ms)

    def decode(self, features: Features, inline: dict[str, np.ndarray], signs: object = None) -> dict[str, np.ndarray]:
        """Features of one image and inputs of Q queries -> the decoder's outputs. Probabilities are not made here."""
        names = self._outputs["decoder"]
        rows = next((len(inline[name]) for name in self._decoder_inputs if name in inline and inline[name].ndim > 0), 1)
        if self._decoder_bound is not None and rows <= MAX_GRAPHS:
            bound = self._decoder_bound.get(rows)
            if bound is None:
                bound = self._decoder_bound[rows] = self._bind(self._decoder, rows)
            self._copy_to(features, {name: bound.inputs[name] for name in features})
            for name in bound.inputs.keys() - features.keys():
                bound.inputs[name].update_inplace(np.ascontiguousarray(_given(inline, name)))
            self._decoder.run_with_iobinding(bound.binding, bound.run)
            return {name: bound.outputs[name].numpy() for name in names}
        binding = self._decoder.io_binding()
        for value in self._decoder.get_inputs():
            if value.name in features:
                binding.bind_ortvalue_input(value.name, features[value.name])
            else:
                binding.bind_cpu_input(value.name, np.ascontiguousarray(_given(inline, value.name)))
        for name in names:
            binding.bind_output(name)
        self._decoder.run_with_iobinding(binding)
        return dict(zip(names, binding.copy_outputs_to_cpu()))


def _stacked(values: list[np.ndarray]) -> np.ndarray:
    """Rows of queries, as src/grounding/hifics/model-runs.ts stacks them: shorter ones are padded with zeros."""
    if values[0].ndim < 2:
        return np.concatenate(values)
    longest = max(value.shape[1] for value in values)
    return np.concatenate([np.pad(value, [(0, 0), (0, longest - value.shape[1]), *[(0, 0)] * (value.ndim - 2)]) for value in values])


def _given(feeds: dict[str, Any], name: str) -> Any:
    if name not in feeds:
        raise ValueError(f"input {name} is missing")
    return feeds[name]
