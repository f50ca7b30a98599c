"""One model behind a ZeroMQ socket: a thread that receives and sends, one that runs the model, some that decode JPEGs."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import Counter, OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np
import zmq

from .clients import Clients
from .engine import Engine, Features, PictureError, decode_jpeg
from .protocol import (
    MAX_FRAME_BYTES,
    Message,
    Payload,
    ProtocolError,
    decode_message,
    describe_tensors,
    encode_message,
    read_cancel,
    read_frame,
    read_hello,
    read_image,
    read_key,
    read_payload,
    read_remaining,
    read_tensor_metas,
    read_tensors,
)

MAX_CLIENTS = 1024
MAX_ANSWERS = 1024
DRAIN_SECONDS = 5.0
ZAP_DOMAIN = "grasp-grounding"


@dataclass
class Request:
    """An accepted request; `expires` is the time at which its client stops waiting."""

    identity: bytes
    message: Message
    arrived: float
    expires: float
    cancelled: bool = False
    decoded: np.ndarray | Exception | None = None


class Refused(Exception):
    """An answer that is an error, by its code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Server:
    """`say(event, fields)` is called for each line of its report."""

    def __init__(self, config: dict[str, Any], say: Callable[..., None]) -> None:
        self._config = config
        self._say = say
        self._context = zmq.Context()
        self._router = self._context.socket(zmq.ROUTER)
        self._wake_in = self._context.socket(zmq.PULL)
        self._wake_in.bind("inproc://wake")
        self._answers: deque[list] = deque()
        self._work: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._images = ThreadPoolExecutor(config["image_threads"], "image")
        self._open: dict[tuple[bytes, int], Request] = {}
        self._clients = Clients(MAX_CLIENTS)
        self._features: OrderedDict[str, Features] = OrderedDict()
        self._dropped: Counter[str] = Counter()
        self._counts: Counter[str] = Counter(answered=0, refused=0, failed=0, expired=0, cancelled=0, batches=0, batched=0, refused_keys=0)
        self._took: deque[tuple[float, float]] = deque(maxlen=4096)
        self._engine: Engine | None = None
        self._draining = threading.Event()
        self._failure: BaseException | None = None
        self._local = threading.local()

    # from any thread

    def stop(self) -> None:
        """Refuses new requests, answers the accepted ones, and ends."""
        self._draining.set()
        self._wake()

    def _wake(self) -> None:
        socket = getattr(self._local, "socket", None)
        if socket is None:
            socket = self._local.socket = self._context.socket(zmq.PUSH)
            socket.linger = 0
            socket.connect("inproc://wake")
        try:
            socket.send(b"", zmq.NOBLOCK)
        except zmq.Again:
            pass  # it is about to wake anyway

    @property
    def state(self) -> str:
        if self._draining.is_set():
            return "draining"
        return "loading" if self._engine is None else "ready"

    def report(self) -> dict[str, Any]:
        dropped = {f"dropped_{reason}": n for reason, n in self._dropped.items()}
        return {"state": self.state, "open": len(self._open), **self._counts, "kept_pictures": len(self._features), **dropped}

    # the thread that receives and sends

    def bind(self) -> str:
        """@return the endpoint, with its number where the system chose one. Raises zmq.ZMQError."""
        router = self._router
        router.linger = 0
        router.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        router.sndhwm = router.rcvhwm = 256
        router.setsockopt(zmq.HANDSHAKE_IVL, 3000)
        security = self._config.get("security")
        if security is not None:
            self._guard(security)
        router.bind(self._config["bind"])
        endpoint = router.getsockopt_string(zmq.LAST_ENDPOINT)
        if endpoint.startswith("ipc:///"):
            os.chmod(endpoint[len("ipc://") :], 0o600)
        return endpoint

    def _guard(self, security: dict[str, Any]) -> None:
        from zmq.auth.thread import ThreadAuthenticator

        allowed = {key.encode() for key in security["allowed"]}
        counts = self._counts

        class Keys:
            def callback(self, domain: str, key: bytes) -> bool:
                if key not in allowed:
                    counts["refused_keys"] += 1
                return key in allowed

        self._authenticator = ThreadAuthenticator(self._context)
        self._authenticator.start()
        self._authenticator.configure_curve_callback(domain=ZAP_DOMAIN, credentials_provider=Keys())
        self._router.curve_server = True
        self._router.curve_secretkey = security["secret"].encode()
        self._router.curve_publickey = security["public"].encode()
        self._router.zap_domain = ZAP_DOMAIN.encode()

    def serve(self) -> None:
        """Until `stop`. Raises what loading the model raises."""
        runner = threading.Thread(target=self._run, name="model", daemon=True)
        runner.start()
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._wake_in, zmq.POLLIN)
        until = None
        reported = time.monotonic()
        while self._failure is None:
            if self._draining.is_set():
                until = until or time.monotonic() + DRAIN_SECONDS
                if (not self._open and not self._answers) or time.monotonic() > until:
                    break
            ready = dict(poller.poll(1000 if until is None else 20))
            if self._wake_in in ready:
                while self._wake_in.poll(0):
                    self._wake_in.recv()
            if self._router in ready:
                self._receive([memoryview(frame) for frame in self._router.recv_multipart()])
            self._send()
            if time.monotonic() - reported >= 1:
                reported = time.monotonic()
                self._say_report()
        self._send()
        self._work.put(None)
        self._images.shutdown(wait=False, cancel_futures=True)
        if self._failure is not None:
            raise self._failure

    def _say_report(self) -> None:
        took = [self._took.popleft() for _ in range(len(self._took))]
        self._say("report", report=self.report(), took=[[round(waited, 3), round(ran, 3)] for waited, ran in took])

    def _send(self) -> None:
        while self._answers:
            # A client that is gone, or reads nothing, loses its answer: missing heartbeats show it.
            self._router.send_multipart(self._answers.popleft(), copy=False)

    def _post(self, identity: bytes, to: Message, kind: str, meta: object, blobs: list | None = None) -> None:
        if len(self._answers) >= MAX_ANSWERS:
            self._dropped["unsent"] += 1
            return
        self._answers.append([identity, *encode_message(kind, to.id, to.session, meta, blobs)])

    def _receive(self, frames: list[memoryview]) -> None:
        try:
            self._take(bytes(frames[0]), decode_message(frames[1:]))
        except ProtocolError as error:
            self._dropped[error.reason] += 1

    def _take(self, identity: bytes, message: Message) -> None:
        seen = self._clients.see(identity, message.session, message.id, message.kind == "hello")
        if seen == "replayed":
            raise ProtocolError("replayed", "this message was here before")
        if seen == "unknown":
            self._refuse(identity, message, "session", "say hello first")
        elif message.kind == "hello":
            read_hello(message.meta)
            config = self._config
            description = "loading" if self._engine is None else self._engine.description
            status = {"state": self.state, "queued": len(self._open)}
            self._post(identity, message, "welcome", {**status, "model": config["model"], "hashes": config["hashes"], "description": description})
        elif message.kind == "ping":
            if not isinstance(message.meta, dict):
                raise ProtocolError("meta", "expected an object")
            self._post(identity, message, "pong", {"state": self.state, "queued": len(self._open)})
        elif message.kind == "cancel":
            request = self._open.get((message.session, read_cancel(message.meta)))
            if request is not None:
                request.cancelled = True
        elif message.kind in ("encode", "text", "decode"):
            self._accept(identity, message)
        else:
            raise ProtocolError("kind", f"a worker takes no {message.kind}")

    def _accept(self, identity: bytes, message: Message) -> None:
        if self.state != "ready":
            self._refuse(identity, message, self.state, "not ready")
            return
        if len(self._open) >= self._config["queue"]:
            self._refuse(identity, message, "busy", f"{len(self._open)} requests")
            return
        try:
            remaining = read_remaining(message.meta)
        except ProtocolError as error:
            self._dropped[error.reason] += 1
            self._refuse(identity, message, "bad", str(error))
            return
        now = time.monotonic()
        request = Request(identity, message, now, now + remaining / 1000)
        self._open[message.session, message.id] = request
        jpeg = _jpeg_of(message)
        if jpeg is None:
            self._work.put(request)
        else:
            self._images.submit(self._decode, request, jpeg)

    def _refuse(self, identity: bytes, message: Message, code: str, detail: str) -> None:
        if code in ("busy", "loading", "draining"):
            self._counts["refused"] += 1
        self._post(identity, message, "error", {"code": code, "detail": detail[:400]})

    # threads that decode JPEGs

    def _decode(self, request: Request, jpeg: memoryview) -> None:
        try:
            request.decoded = decode_jpeg(jpeg)
        except Exception as error:  # noqa: BLE001 - told to its client
            request.decoded = error
        self._work.put(request)

    # the thread that runs the model

    def _run(self) -> None:
        try:
            engine = Engine(self._config)
            engine.warm_up(self._config["tokens"])
            for note in engine.notes:
                self._say("note", text=note)
            self._engine = engine
            self._say("ready", description=engine.description)
        except BaseException as error:  # noqa: BLE001 - raised again by `serve`
            self._failure = error
            self._wake()
            return
        while (request := self._work.get()) is not None:
            self._answer(request, engine)
            self._wake()

    def _answer(self, request: Request, engine: Engine) -> None:
        message = request.message
        try:
            began = time.monotonic()
            outputs, stay, ran_ms = self._handle(request, engine, began)
        except Refused as error:
            if error.code in ("deadline", "cancelled"):
                self._counts["expired" if error.code == "deadline" else "cancelled"] += 1
            self._close(request)
            self._refuse(request.identity, message, error.code, str(error))
        except ProtocolError as error:
            self._dropped[error.reason] += 1
            self._close(request)
            self._refuse(request.identity, message, "bad", str(error))
        except Exception as error:  # noqa: BLE001 - told to its client
            self._counts["failed"] += 1
            self._close(request)
            self._refuse(request.identity, message, "failed", (str(error).splitlines() or [type(error).__name__])[0])
        else:
            self._close(request)
            waited_ms = 0.0 if ran_ms == 0 else 1000 * (began - request.arrived)
            self._counts["answered"] += 1
            self._took.append((waited_ms, ran_ms))
            result = {"queued": len(self._open), "waited_ms": waited_ms, "ran_ms": ran_ms, "tensors": stay or describe_tensors(outputs)}
            if stay is not None:
                result["kept"] = True
            blobs = [] if stay is not None else [np.ascontiguousarray(value) for value in outputs.values()]
            self._post(request.identity, message, "result", result, blobs)

    def _close(self, request: Request) -> None:
        self._open.pop((request.message.session, request.message.id), None)

    def _check(self, request: Request) -> None:
        if request.cancelled:
            raise Refused("cancelled", "not run")
        if request.expires <= time.monotonic():
            raise Refused("deadline", "not run")

    def _handle(self, request: Request, engine: Engine, began: float) -> tuple[dict[str, np.ndarray], list | None, float]:
        """Outputs, the description of features that stay here in their place, and the milliseconds of the model."""
        message = request.message
        self._check(request)
        if message.kind == "text":
            tensors = read_tensors(read_tensor_metas(message.meta.get("tensors")), message.blobs)
            outputs = engine.encode_text(tensors)
            return outputs, None, self._ran(began)
        if message.kind == "encode":
            key = read_key(message.meta.get("key"), "key")
            payload = read_payload(read_image(message.meta.get("picture")), message.blobs)
            known = key in self._features
            features = self._of(request, engine, key, payload)
            stay = [{"name": name, "type": "float32", "dims": list(value.shape())} for name, value in features.items()]
            return {}, stay, 0.0 if known else self._ran(began)
        frame = read_frame(message.meta)
        inline = read_tensors(read_tensor_metas(message.meta.get("tensors")), message.blobs)
        features: Features = {}
        if frame is not None:
            payload = read_payload(frame["picture"], message.blobs) if "picture" in frame else None
            of_image = self._of(request, engine, frame["key"], payload)
            features = {name: of_image[name] for name in frame["names"] if name in of_image}
        return engine.decode(features, inline), None, self._ran(began)

    def _ran(self, began: float) -> float:
        self._counts["batches"] += 1
        self._counts["batched"] += 1
        return 1000 * (time.monotonic() - began)

    def _of(self, request: Request, engine: Engine, key: str, payload: Payload | None) -> Features:
        """Features of an image that is known, else made of what was sent."""
        features = self._features.get(key)
        if features is None:
            if payload is None:
                raise Refused("missing", key)
            if payload.key() != key:
                raise ProtocolError("key", "the image is not what its key says")
            features = self._features[key] = self._encode(request, engine, payload)
            while len(self._features) > self._config["keep"]:
                self._features.popitem(last=False)
        self._features.move_to_end(key)
        return features

    def _encode(self, request: Request, engine: Engine, payload: Payload) -> Features:
        if payload.kind == "tensors":
            return engine.encode_tensors(read_tensors(payload.metas or [], payload.blobs))
        try:
            if payload.kind == "jpeg":
                pixels = request.decoded
                if pixels is None:
                    pixels = decode_jpeg(payload.blobs[0])
                if isinstance(pixels, Exception):
                    raise pixels
                return engine.encode_pixels(pixels)
            model = self._config["input"]
            width, height = payload.size or (model["width"], model["height"])
            data = payload.blobs[0]
            if len(data) != width * height * 3:
                raise PictureError(f"{len(data)} bytes are not {width}×{height} pixels")
            return engine.encode_pixels(np.frombuffer(data, np.uint8).reshape(height, width, 3))
        except PictureError as error:
            raise ProtocolError("picture", str(error)) from error


def _jpeg_of(message: Message) -> memoryview | None:
    """The JPEG in a request whose form is right so far; what is wrong with others is said when they are run."""
    meta = message.meta
    holder = meta if message.kind == "encode" else meta.get("frame") if message.kind == "decode" else None
    image = holder.get("picture") if isinstance(holder, dict) else None
    if not isinstance(image, dict) or image.get("kind") != "jpeg":
        return None
    at = image.get("blob")
    return message.blobs[at] if isinstance(at, int) and 0 <= at < len(message.blobs) else None
