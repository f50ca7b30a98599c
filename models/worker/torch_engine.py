"""A model's parts in PyTorch, with what `engine.py` does in ONNX Runtime, and with batches.

On CUDA each part is a CUDA graph for each shape of its inputs: the first run of a shape starts its kernels one by one, the
second is recorded, and from then on the whole part starts at once. An image's resize is recorded with the encoder.
"""

from __future__ import annotations

import time
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Callable, TypeVar

import numpy as np
import torch
from torch import Tensor

from .images import LEAST_SIDE, Asked, PictureError
from .torch_graph import Graph

# Messages are read where they lie, and nothing writes to them.
warnings.filterwarnings("ignore", message="The given NumPy array is not writable")

MAX_RECORDED = 48
"""Shapes of a part that are recorded; each recording takes memory of the GPU."""
BATCHES = (1, 2, 4, 8, 16)
"""Numbers of images and of queries that run together: others are filled up, so that few shapes are recorded."""
LENGTHS = range(3, 17)
"""Tokens of a query that are recorded when the model loads: a phrase of a few words."""
PORTABLE = 1
"""cudaHostRegisterPortable: for every context of the process."""
SAME = 0.02
"""Largest difference of logits at which a batch of images counts as decoded right, as a share of their largest."""

Features = dict[str, Tensor]
Signs = dict[str, int]
"""Outputs whose probabilities are wanted, and whether they are those of 1 or of -1 times the logits."""
Key = TypeVar("Key")
Run = Callable[[dict[str, Tensor]], dict[str, Tensor]]


@dataclass
class Recorded:
    graph: Any
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    held: list[Tensor]
    """What the kernels read besides: it must not be freed."""


class Clock:
    """Time from its making to `mark`, as the device has it."""

    def __init__(self, device: torch.device) -> None:
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if device.type == "cuda" else None
        self._times = [time.monotonic()] * 2
        if self._events is not None:
            self._events[0].record()

    def mark(self) -> None:
        self._times[1] = time.monotonic()
        if self._events is not None:
            self._events[1].record()

    def ms(self) -> float:
        """Once the device has finished."""
        if self._events is not None:
            return self._events[0].elapsed_time(self._events[1])
        return 1000 * (self._times[1] - self._times[0])


class Part:
    """`run` for inputs of any shape. What it returns is overwritten by the next call with inputs of that shape."""

    def __init__(self, name: str, graphs: list[Graph], run: Run, device: torch.device, record: bool, notes: list[str]) -> None:
        self._name = name
        self._graphs = graphs
        self._run = run
        self._device = device
        self.record = record
        self._notes = notes
        self._seen: set[tuple] = set()
        self._recorded: OrderedDict[tuple, Recorded] = OrderedDict()

    def __call__(self, feeds: dict[str, Tensor]) -> dict[str, Tensor]:
        """Inputs on the device or in the computer's memory; outputs on the device."""
        if not self.record:
            return self._run({name: value.to(self._device) for name, value in feeds.items()})
        shape = tuple((name, tuple(value.shape), value.dtype) for name, value in sorted(feeds.items()))
        known = self._recorded.get(shape)
        if known is None:
            if shape not in self._seen:
                if len(self._seen) >= 4096:
                    self._seen.clear()
                self._seen.add(shape)
                return self._run({name: value.to(self._device) for name, value in feeds.items()})
            try:
                known = self._recorded[shape] = self._captured(feeds)
            except RuntimeError as error:
                self.record = False
                self._notes.append(f"{self._name}: no CUDA graph ({str(error).splitlines()[0][:200]})")
                torch.cuda.synchronize()
                return self(feeds)
            if len(self._recorded) > MAX_RECORDED:
                self._recorded.popitem(last=False)
        self._recorded.move_to_end(shape)
        for name, value in feeds.items():
            known.inputs[name].copy_(value, non_blocking=True)
        known.graph.replay()
        return known.outputs

    def _captured(self, feeds: dict[str, Tensor]) -> Recorded:
        inputs = {name: value.to(self._device, copy=True) for name, value in feeds.items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self._run(inputs)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        held: list[Tensor] = []
        for each in self._graphs:
            each.held = held
        try:
            # Threads of the images may copy at the same time.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                outputs = self._run(inputs)
        finally:
            for each in self._graphs:
                each.held = None
        return Recorded(graph, inputs, outputs, held)


class Engine:
    """Not for several threads at a time, but for `place`."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._input = config["input"]
        self._outputs = config["outputs"]
        self._decoder_inputs: list[str] = config["decoder_inputs"]
        cuda = config["provider"] == "cuda"
        if cuda and not torch.cuda.is_available():
            raise RuntimeError("this PyTorch has no CUDA")
        self._device = torch.device("cuda", config.get("device", 0)) if cuda else torch.device("cpu")
        if cuda:
            torch.cuda.set_device(self._device)
            if "memory_limit" in config:
                total = torch.cuda.get_device_properties(self._device).total_memory
                torch.cuda.set_per_process_memory_fraction(min(1.0, config["memory_limit"] / total), self._device)
            # As on the CPU: an image's pixels keep their level, and fp32 is fp32.
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        else:
            torch.set_num_threads(config["threads"])
        self._notes: list[str] = []
        record = cuda and config.get("cuda_graphs", True)
        files = config["files"]
        graphs = {name: Graph(files[name], self._device) for name in ("pixels", "encoder", "text", "decoder") if name in files}
        self._input_names = {name: list(graph.inputs) for name, graph in graphs.items()}

        def part(name: str) -> Part:
            return Part(name, [graphs[name]], graphs[name].run, self._device, record, self._notes)

        pixels, encoder, image = graphs["pixels"], graphs["encoder"], self._input["name"]

        def resized(feeds: dict[str, Tensor]) -> dict[str, Tensor]:
            return encoder.run({image: pixels.run(feeds)[image]})

        self._pixels = Part("images", [pixels, encoder], resized, self._device, record, self._notes)
        self._encoder = part("encoder")
        self._text = part("text") if "text" in graphs else None
        self._decoder = part("decoder")
        self._batches = False
        self.texts_together = False
        """Whether `encode_texts` takes several queries."""
        self.most = 1
        """Images, or queries of different images, that may run together."""

    @property
    def description(self) -> str:
        """As results name it."""
        if self._device.type == "cpu":
            return "torch/cpu"
        named = (("encoder", self._pixels), ("text", self._text), ("decoder", self._decoder))
        graphs = [name for name, part in named if part is not None and part.record]
        return "torch/cuda" + (f" (CUDA graphs: {', '.join(graphs)})" if graphs else " (no CUDA graphs)")

    @property
    def notes(self) -> list[str]:
        """Why a part is not run as a CUDA graph, or alone, a line each."""
        return self._notes

    def warm_up(self, tokens: int) -> None:
        """Runs every part until it is recorded, and finds out whether images can be decoded together."""
        blank = np.zeros((self._input["height"], self._input["width"], 3), np.uint8)
        noise = np.random.default_rng(0).integers(0, 256, blank.shape, np.uint8)
        names = self._input_names.get("text", [])
        ids = {name: np.ones((1, tokens), np.int64) for name in names}
        for _ in range(3 if self._device.type == "cuda" else 1):
            features = [self.encode_pixels(blank), self.encode_pixels(noise)]
            known = {**ids, **self.encode_text(ids)}
            if self._text is not None:
                self.texts_together = self._finds_texts_together(ids)
            own = [{name: value for name, value in each.items() if name in self._decoder_inputs} for each in features]
            inline = {name: known[name] for name in self._decoder_inputs if name not in own[0] and name in known}
            if len(own[0]) + len(inline) < len(self._decoder_inputs):
                return  # A part whose inputs are not known here is run when a client sends them.
            single = [self.decode(each, inline) for each in own]
        if self._text is not None and self._text.record:
            self._record_lengths(own[0])
        try:
            together = self._decoded([(each, inline) for each in own])
            self._batches = all(_same(a, b) for a, b in zip(single, together))
            detail = "its answers differ"
        except (RuntimeError, ValueError, IndexError) as error:
            detail = str(error).splitlines()[0][:200]
        if self._batches:
            self.most = BATCHES[-1]
        else:
            self._notes.append(f"decoder: queries of different images run one after the other ({detail})")

    def _record_lengths(self, features: Features) -> None:
        """A query of a usual length finds its CUDA graphs recorded."""
        names = self._input_names["text"]
        for length in LENGTHS:
            for _ in range(2):
                ids = {name: np.ones((1, length), np.int64) for name in names}
                known = {**ids, **self.encode_text(ids)}
                self.decode(features, {name: known[name] for name in self._decoder_inputs if name in known and name not in features})

    offers = ["probabilities"]
    """What it takes beyond the protocol's first form and what the worker takes with every engine."""

    # memory that a client sees too; from the thread that receives

    def register(self, address: int, length: int) -> bool:
        """Lets the GPU read this memory by itself; False where it cannot. Without a GPU nothing has to be done."""
        if self._device.type == "cpu":
            return True
        torch.cuda.set_device(self._device)
        return int(torch.cuda.cudart().cudaHostRegister(address, length, PORTABLE)) == 0

    def unregister(self, address: int) -> None:
        """The memory will end, or grows."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            torch.cuda.cudart().cudaHostUnregister(address)

    def finish(self) -> None:
        """Until nothing reads an image any more."""
        if self._device.type == "cuda":
            try:
                torch.cuda.current_stream().synchronize()
            except RuntimeError:
                pass  # said by the request's own run

    # images

    @staticmethod
    def shape(value: Tensor) -> list[int]:
        return list(value.shape)

    def place(self, pixels: np.ndarray) -> Tensor:
        """uint8 [height, width, 3] into memory that the GPU reads by itself; from any thread."""
        image = torch.from_numpy(np.ascontiguousarray(pixels)[None])
        return image.pin_memory() if self._device.type == "cuda" else image

    def lent(self, pixels: np.ndarray) -> Tensor:
        """The same of memory that was registered: it is read where it lies, until the answer."""
        return torch.from_numpy(pixels[None])

    def encode_pixels(self, pixels: np.ndarray | Tensor) -> Features:
        """uint8 [height, width, 3] or from `place` -> features on the device."""
        return self.encode_images([pixels])[0]

    def encode_images(self, images: list[np.ndarray | Tensor]) -> list[Features]:
        """Images of one size, at most `most` of them, each uint8 [height, width, 3] or from `place`."""
        size = images[0].shape[-3:-1]
        if min(size) < LEAST_SIDE:
            raise PictureError(f"{size[1]}×{size[0]} pixels are fewer than {LEAST_SIDE} a side")
        placed = [image if isinstance(image, Tensor) else torch.from_numpy(np.ascontiguousarray(image)[None]) for image in images]
        rows = _batch(len(placed))
        if rows == 1:
            return self._split(self._pixels({"pixels": placed[0]}), 1)
        together = torch.empty((rows, *size, 3), dtype=torch.uint8, device=self._device)
        for i in range(rows):
            together[i : i + 1].copy_(placed[min(i, len(placed) - 1)], non_blocking=True)
        return self._split(self._pixels({"pixels": together}), len(placed))

    def encode_tensors(self, feeds: dict[str, np.ndarray]) -> Features:
        """The encoder's inputs -> features on the device."""
        return self._split(self._encoder({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in feeds.items()}), 1)[0]

    def _split(self, made: dict[str, Tensor], count: int) -> list[Features]:
        """Copies that outlive the next run."""
        kept = {name: made[name].clone() for name in self._outputs["encoder"]}
        if count == 1 and all(len(value) == 1 for value in kept.values()):
            return [kept]
        return [{name: value[i : i + 1] for name, value in kept.items()} for i in range(count)]

    # queries

    def encode_text(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self._text is None:
            return {}
        return self._to_host(self._text_features(self._text, feeds))

    def _text_features(self, text: Part, feeds: dict[str, np.ndarray]) -> dict[str, Tensor]:
        made = text({name: torch.from_numpy(np.ascontiguousarray(_given(feeds, name))) for name in self._input_names["text"]})
        return {name: made[name] for name in self._outputs["text"]}

    def encode_texts(self, all_feeds: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        """Queries of one length, at most `most` of them and one in each feed."""
        rows = _batch(len(all_feeds))
        filled = all_feeds + [all_feeds[-1]] * (rows - len(all_feeds))
        made = self.encode_text({name: np.concatenate([_given(feeds, name) for feeds in filled]) for name in self._input_names["text"]})
        if any(len(value) != rows for value in made.values()):
            raise ValueError("the text part does not answer for each query")
        return [{name: value[i : i + 1] for name, value in made.items()} for i in range(len(all_feeds))]

    def _finds_texts_together(self, ids: dict[str, np.ndarray]) -> bool:
        other = {name: value.copy() for name, value in ids.items()}
        for value in other.values():
            value[:, : value.shape[1] // 2] = 0
        try:
            single = [self.encode_text(each) for each in (ids, other)]
            return all(_same(a, b) for a, b in zip(single, self.encode_texts([ids, other])))
        except (RuntimeError, ValueError, IndexError):
            return False

    def decode(self, features: Features, inline: dict[str, np.ndarray], signs: Signs | None = None) -> dict[str, np.ndarray]:
        """Features of one image and inputs of Q queries -> the decoder's outputs, with probabilities in place of those that `signs` names."""
        return self._to_host(self._made(self._feeds(features, inline), signs or {}))

    def ask(self, features: Features, inline: dict[str, np.ndarray], queries: list[dict[str, np.ndarray]], signs: Signs) -> Asked:
        """The same of queries that come as tokens. The GPU is waited for once."""
        assert self._text is not None
        clock = Clock(self._device)
        groups: dict[tuple, list[int]] = {}
        for at, query in enumerate(queries):
            form = tuple((name, value.shape) for name, value in sorted(query.items()))
            groups.setdefault(form if self.texts_together else (at,), []).append(at)
        batches = []
        for group in groups.values():
            rows = [queries[at] for at in group] + [queries[group[-1]]] * (_batch(len(group)) - len(group))
            feeds = {name: np.concatenate([_given(row, name) for row in rows]) for name in self._input_names["text"]}
            # The next batch of this shape writes to the same memory.
            made = {name: value.clone() for name, value in self._text_features(self._text, feeds).items()}
            batches.append((group, made))
        clock.mark()
        known: list[dict[str, Tensor]] = [{name: torch.from_numpy(value) for name, value in query.items()} for query in queries]
        for group, made in batches:
            for row, at in enumerate(group):
                known[at] |= {name: value[row : row + 1] for name, value in made.items()}
        taken = [name for name in self._input_names["decoder"] if name not in features and name not in inline]
        given = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in inline.items()}
        given |= {name: _stacked([each[name] for each in known]) for name in taken if all(name in each for each in known)}
        outputs = self._made({name: _given(features | given, name) for name in self._input_names["decoder"]}, signs)
        host = self._to_host({(0, name): value for name, value in outputs.items()} | {(at + 1, name): value for at, (_, made) in enumerate(batches) for name, value in made.items()})
        texts: list[dict[str, np.ndarray]] = [{} for _ in queries]
        for i, (group, made) in enumerate(batches):
            for row, at in enumerate(group):
                texts[at] = {name: host[i + 1, name][row : row + 1] for name in made}
        return Asked(texts, {name: host[0, name] for name in outputs}, clock.ms())

    def decode_images(self, jobs: list[tuple[Features, dict[str, np.ndarray]]], signs: Signs | None = None) -> list[dict[str, np.ndarray]]:
        """One query of each of several images; inputs of the same shapes, at most `most` of them."""
        if len(jobs) == 1 or not self._batches:
            return [self.decode(*job, signs) for job in jobs]
        return self._decoded(jobs, signs)

    def _decoded(self, jobs: list[tuple[Features, dict[str, np.ndarray]]], signs: Signs | None = None) -> list[dict[str, np.ndarray]]:
        rows = _batch(len(jobs))
        feeds = [self._feeds(*job) for job in jobs]
        feeds += [feeds[-1]] * (rows - len(feeds))
        together = {name: torch.cat([each[name] for each in feeds]) for name in feeds[0]}
        made = self._to_host(self._made(together, signs or {}))
        if any(len(value) != rows for value in made.values()):
            raise ValueError("the decoder does not answer for each image")
        return [{name: value[i : i + 1] for name, value in made.items()} for i in range(len(jobs))]

    def _made(self, feeds: dict[str, Tensor], signs: Signs) -> dict[str, Tensor]:
        """The decoder's outputs on the device; of those that `signs` names, the probabilities and each row's highest."""
        made = self._decoder(feeds)
        outputs: dict[str, Tensor] = {}
        for name in self._outputs["decoder"]:
            if name not in signs:
                outputs[name] = made[name]
                continue
            probabilities = torch.sigmoid(made[name].float() * signs[name])
            outputs[f"{name}:probabilities"] = probabilities
            outputs[f"{name}:highest"] = probabilities.flatten(1).amax(1)
        return outputs

    def _feeds(self, features: Features, inline: dict[str, np.ndarray]) -> dict[str, Tensor]:
        feeds = {}
        for name in self._input_names["decoder"]:
            value = features[name] if name in features else torch.from_numpy(np.ascontiguousarray(_given(inline, name)))
            feeds[name] = value
        return feeds

    def _to_host(self, made: dict[Key, Tensor]) -> dict[Key, np.ndarray]:
        if self._device.type == "cpu":
            return {name: np.ascontiguousarray(value.numpy()) for name, value in made.items()}
        placed = {name: torch.empty(value.shape, dtype=value.dtype, pin_memory=True) for name, value in made.items()}
        for name, value in made.items():
            placed[name].copy_(value, non_blocking=True)
        torch.cuda.current_stream().synchronize()
        return {name: value.numpy() for name, value in placed.items()}


def _batch(count: int) -> int:
    return next(rows for rows in BATCHES if rows >= count)


def _same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    limits = {name: SAME * max(1e-6, float(np.abs(value).max())) for name, value in a.items() if value.size > 0}
    return all(a[name].shape == b[name].shape and float(np.abs(a[name] - b[name]).max()) <= limit for name, limit in limits.items())


def _stacked(values: list[Tensor]) -> Tensor:
    """Rows of queries, as src/grounding/hifics/model-runs.ts stacks them: shorter ones are padded with zeros."""
    if len(values) == 1:
        return values[0]
    longest = max(value.shape[1] for value in values) if values[0].ndim > 1 else 0
    return torch.cat([torch.nn.functional.pad(value, [0, 0] * (value.ndim - 2) + [0, longest - value.shape[1]]) if value.ndim > 1 else value for value in values])


def _given(feeds: dict[str, Any], name: str) -> Any:
    if name not in feeds:
        raise ValueError(f"input {name} is missing")
    return feeds[name]
