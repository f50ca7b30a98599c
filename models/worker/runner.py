"""The thread that runs the model: requests in, answers out, requests of the same form together where the engine can."""

from __future__ import annotations

import queue
import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import Any, Callable, Protocol

import numpy as np

from .images import PictureError, decode_jpeg
from .protocol import (
    Payload,
    ProtocolError,
    describe_tensors,
    read_frame,
    read_image,
    read_key,
    read_own,
    read_payload,
    read_probabilities,
    read_tensor_metas,
    read_tensors,
    read_texts,
)
from .requests import Refused, Request

Features = dict[str, Any]
Tensors = dict[str, np.ndarray]


@dataclass
class Made:
    """What a request's run gave."""

    outputs: Tensors
    ran: float
    """Milliseconds of the model."""
    stay: list | None = None
    """Description of features that stay here in place of outputs."""
    texts: list[Tensors] | None = None
    """Features of each query that came as tokens."""
    steps: dict[str, float] | None = None
    """Milliseconds of each part, where several ran."""


class Outlet(Protocol):
    """Where answers go; called by the model's thread."""

    def close(self, request: Request) -> None: ...
    def answer(self, request: Request, meta: dict[str, Any], blobs: list[np.ndarray]) -> None: ...
    def refuse(self, request: Request, code: str, detail: str) -> None: ...
    def drop(self, reason: str) -> None: ...
    def wake(self) -> None: ...


class Runner:
    def __init__(self, config: dict[str, Any], say: Callable[..., None], outlet: Outlet) -> None:
        self._config = config
        self._say = say
        self._outlet = outlet
        self._features: OrderedDict[str, Features] = OrderedDict()
        self._work: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self.counts: Counter[str] = Counter(answered=0, failed=0, expired=0, cancelled=0, batches=0, batched=0)
        self.took: deque[tuple[float, float]] = deque(maxlen=4096)
        """Milliseconds of waiting and of running, an answer each."""
        self.engine: Any = None
        """None until the model is loaded."""
        self.failure: BaseException | None = None

    @property
    def kept(self) -> int:
        return len(self._features)

    def put(self, request: Request | None) -> None:
        """None ends `run`. From any thread."""
        self._work.put(request)

    def run(self) -> None:
        try:
            if self._config.get("engine") == "torch":
                from .torch_engine import Engine
            else:
                from .engine import Engine
            engine = Engine(self._config)
            engine.warm_up(self._config["tokens"])
            for note in engine.notes:
                self._say("note", text=note)
            self.engine = engine
            self._say("ready", description=engine.description)
        except BaseException as error:  # noqa: BLE001 - raised again by the server
            self.failure = error
            self._outlet.wake()
            return
        most = min(engine.most, self._config.get("max_batch", engine.most))
        while (request := self._work.get()) is not None:
            for group in self._groups(self._waiting(request, most)):
                self._run_group(group)
            self._outlet.wake()

    def _waiting(self, request: Request, most: int) -> list[Request]:
        """This request and those that wait behind it. Nobody waits for others to come."""
        taken = [request]
        while len(taken) < most:
            try:
                following = self._work.get_nowait()
            except queue.Empty:
                break
            if following is None:
                self._work.put(None)
                break
            taken.append(following)
        return taken

    def _groups(self, requests: list[Request]) -> list[list[Request]]:
        groups: dict[object, list[Request]] = {}
        for request in requests:
            form = self._form(request) if len(requests) > 1 else None
            groups.setdefault(id(request) if form is None else form, []).append(request)
        return list(groups.values())

    def _form(self, request: Request) -> tuple | None:
        """Requests of the same form can run together; None for one that runs alone, or whose fault is said then."""
        meta = request.message.meta
        try:
            shape = getattr(request.pixels, "shape", None)
            if request.message.kind == "encode":
                known = _kept_as(request, _named(meta)) in self._features
                return None if known or shape is None else ("encode", tuple(shape))
            if "texts" in meta:
                return None
            inline = read_tensors(read_tensor_metas(meta.get("tensors")), request.message.blobs)
            if any(value.ndim == 0 or len(value) != 1 for value in inline.values()):
                return None
            inputs = tuple((name, value.shape) for name, value in sorted(inline.items()))
            if request.message.kind == "text":
                return ("text", inputs) if self.engine.texts_together else None
            frame = read_frame(meta)
            if frame is None:
                return None
            signs = tuple(sorted(read_probabilities(meta).items()))
            if _kept_as(request, frame) in self._features:
                return ("decode", tuple(frame["names"]), inputs, signs)
            return None if shape is None else ("locate", tuple(shape), tuple(frame["names"]), inputs, signs)
        except (ProtocolError, AttributeError):
            return None

    def _run_group(self, group: list[Request]) -> None:
        began = time.monotonic()
        live = []
        for request in group:
            try:
                self._check(request)
                live.append(request)
            except Refused as error:
                self._say_no(request, error)
        if len(live) > 1 and self._together(live, began):
            return
        for request in live:
            self._run_one(request, time.monotonic())

    def _together(self, live: list[Request], began: float) -> bool:
        """False where the requests must run one after the other, nothing answered yet."""
        engine = self.engine
        kind = live[0].message.kind
        made: list[Any] = []
        features: list[Features | None] = [None] * len(live)
        try:
            if kind != "text":
                frames = [_named(request.message.meta) if kind == "encode" else read_frame(request.message.meta) for request in live]
                keys = [_kept_as(request, frame) for request, frame in zip(live, frames)]
                features = [self._features.get(key) for key in keys]
                new = [at for at, value in enumerate(features) if value is None]
                if new:
                    for at, value in zip(new, engine.encode_images([live[at].pixels for at in new])):
                        features[at] = value
            if kind != "encode":
                inline = [read_tensors(read_tensor_metas(request.message.meta.get("tensors")), request.message.blobs) for request in live]
                signs = read_probabilities(live[0].message.meta)
            if kind == "text":
                made = engine.encode_texts(inline)
            elif kind == "decode":
                jobs = [({name: of[name] for name in frame["names"] if name in of}, each) for frame, of, each in zip(frames, features, inline)]
                made = engine.decode_images(jobs, signs)
        except Exception:  # noqa: BLE001 - said of the request that fails alone
            return False
        ran = 1000 * (time.monotonic() - began)
        self.counts["batches"] += 1
        self.counts["batched"] += len(live)
        for at, request in enumerate(live):
            try:
                if kind != "text":
                    if at in new:
                        self._checked(request, None, frames[at])
                    self._keep(keys[at], features[at])
                if kind == "encode":
                    self._answer(request, Made({}, ran, self._stay(features[at])), began)
                else:
                    self._answer(request, Made(made[at], ran), began)
            except ProtocolError as error:
                self._say_bad(request, error)
        return True

    def _run_one(self, request: Request, began: float) -> None:
        try:
            made = self._handle(request, began)
        except Refused as error:
            self._say_no(request, error)
        except ProtocolError as error:
            self._say_bad(request, error)
        except Exception as error:  # noqa: BLE001 - told to its client
            self.counts["failed"] += 1
            self._outlet.close(request)
            self._outlet.refuse(request, "failed", (str(error).splitlines() or [type(error).__name__])[0])
        else:
            self._answer(request, made, began)

    def _answer(self, request: Request, made: Made, began: float) -> None:
        waited = 0.0 if made.ran == 0 else 1000 * (began - request.arrived)
        self.counts["answered"] += 1
        self.took.append((waited, made.ran))
        meta: dict[str, Any] = {"waited_ms": waited, "ran_ms": made.ran, "tensors": made.stay or describe_tensors(made.outputs)}
        if made.stay is not None:
            meta["kept"] = True
        if made.texts is not None:
            meta["texts"] = [describe_tensors(each) for each in made.texts]
        if made.steps is not None:
            meta["steps"] = {"wait": waited, **made.steps}
        sent = [] if made.stay is not None else [made.outputs, *(made.texts or [])]
        self._outlet.close(request)
        self._outlet.answer(request, meta, [np.ascontiguousarray(value) for each in sent for value in each.values()])

    def _say_no(self, request: Request, error: Refused) -> None:
        if error.code in ("deadline", "cancelled"):
            self.counts["expired" if error.code == "deadline" else "cancelled"] += 1
        self._outlet.close(request)
        self._outlet.refuse(request, error.code, str(error))

    def _say_bad(self, request: Request, error: ProtocolError) -> None:
        self._outlet.drop(error.reason)
        self._outlet.close(request)
        self._outlet.refuse(request, "bad", str(error))

    def _check(self, request: Request) -> None:
        if request.cancelled:
            raise Refused("cancelled", "not run")
        if request.expires <= time.monotonic():
            raise Refused("deadline", "not run")

    def _handle(self, request: Request, began: float) -> Made:
        message, engine = request.message, self.engine
        self._check(request)
        if message.kind == "text":
            tensors = read_tensors(read_tensor_metas(message.meta.get("tensors")), message.blobs)
            outputs = engine.encode_text(tensors)
            return Made(outputs, self._ran(began))
        if message.kind == "encode":
            named = _named(message.meta)
            payload = read_payload(read_image(message.meta.get("picture")), message.blobs)
            known = _kept_as(request, named) in self._features
            features = self._of(request, named, payload)
            return Made({}, 0.0 if known else self._ran(began), self._stay(features))
        frame = read_frame(message.meta)
        inline = read_tensors(read_tensor_metas(message.meta.get("tensors")), message.blobs)
        queries = read_texts(message.meta, message.blobs, len(inline))
        features: Features = {}
        if frame is not None:
            payload = read_payload(frame["picture"], message.blobs) if "picture" in frame else None
            of_image = self._of(request, frame, payload)
            features = {name: of_image[name] for name in frame["names"] if name in of_image}
        signs = read_probabilities(message.meta)
        if not queries:
            return Made(engine.decode(features, inline, signs), self._ran(began))
        asked = engine.ask(features, inline, queries, signs)
        ran = self._ran(began)
        part = "locate" if frame is not None and "picture" in frame else "decoder"
        return Made(asked.outputs, ran, texts=asked.texts, steps={"text": min(asked.text_ms, ran), part: max(0.0, ran - asked.text_ms)})

    def _stay(self, features: Features) -> list[dict[str, Any]]:
        return [{"name": name, "type": "float32", "dims": self.engine.shape(value)} for name, value in features.items()]

    def _ran(self, began: float) -> float:
        self.counts["batches"] += 1
        self.counts["batched"] += 1
        return 1000 * (time.monotonic() - began)

    def _of(self, request: Request, named: dict[str, Any], payload: Payload | None) -> Features:
        """Features of an image that is known, else made of what was sent."""
        kept_as = _kept_as(request, named)
        features = self._features.get(kept_as)
        if features is None:
            if payload is None:
                raise Refused("missing", named["key"])
            if request.digest is None:
                self._checked(request, payload, named)
            # The hash of many pixels is computed beside the encoder.
            features = self._encode(request, payload)
            if request.digest is not None:
                self._checked(request, payload, named)
        self._keep(kept_as, features)
        return features

    @staticmethod
    def _checked(request: Request, payload: Payload | None, named: dict[str, Any]) -> None:
        if named["own"]:
            return
        found = request.digest.result() if request.digest is not None else payload.key() if payload is not None else ""
        if found != named["key"]:
            raise ProtocolError("key", "the image is not what its key says")

    def _keep(self, kept_as: str, features: Features) -> None:
        """The latest used is dropped last."""
        self._features[kept_as] = features
        self._features.move_to_end(kept_as)
        while len(self._features) > self._config["keep"]:
            self._features.popitem(last=False)

    def _encode(self, request: Request, payload: Payload) -> Features:
        engine = self.engine
        if payload.kind == "tensors":
            return engine.encode_tensors(read_tensors(payload.metas or [], payload.blobs))
        try:
            pixels = request.pixels
            if pixels is None and payload.kind == "jpeg":
                pixels = decode_jpeg(payload.blobs[0])
            if isinstance(pixels, Exception):
                raise pixels
            if pixels is not None:
                return engine.encode_pixels(pixels)
            model = self._config["input"]
            width, height = payload.size or (model["width"], model["height"])
            data = payload.blobs[0]
            if len(data) != width * height * 3:
                raise PictureError(f"{len(data)} bytes are not {width}×{height} pixels")
            return engine.encode_pixels(np.frombuffer(data, np.uint8).reshape(height, width, 3))
        except PictureError as error:
            raise ProtocolError("picture", str(error)) from error


def _named(meta: dict[str, Any]) -> dict[str, Any]:
    """An image's key, and whether it is a name."""
    return {"key": read_key(meta.get("key"), "key"), "own": read_own(meta, "own")}


def _kept_as(request: Request, named: dict[str, Any]) -> str:
    """What one client calls its image is nothing to the others."""
    return f"{request.message.session.hex()} {named['key']}" if named["own"] else named["key"]
