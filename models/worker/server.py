"""One model behind a ZeroMQ socket: a thread that receives and sends, one that runs the model, some that decode JPEGs."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import numpy as np
import zmq

from .clients import Clients
from .images import decode_jpeg
from .protocol import (
    MAX_FRAME_BYTES,
    OFFERS,
    Message,
    Payload,
    ProtocolError,
    decode_message,
    encode_message,
    read_cancel,
    read_hello,
    read_remaining,
)
from .requests import Request, jpeg_of, large_pixels_of, named_by_client
from .runner import Runner
from .shared_memory import Shares

MAX_CLIENTS = 1024
MAX_ANSWERS = 1024
DRAIN_SECONDS = 5.0
ZAP_DOMAIN = "grasp-grounding"


class Server:
    """`say(event, fields)` is called for each line of its report."""

    def __init__(self, config: dict[str, Any], say: Callable[..., None]) -> None:
        self._config = config
        self._say = say
        self._context = zmq.Context(config.get("io_threads", 1))
        self._router = self._context.socket(zmq.ROUTER)
        self._wake_in = self._context.socket(zmq.PULL)
        self._wake_in.bind("inproc://wake")
        self._answers: deque[list] = deque()
        self._runner = Runner(config, say, self)
        self._images = ThreadPoolExecutor(config["image_threads"], "image")
        self._open: dict[tuple[bytes, int], Request] = {}
        self._clients = Clients(MAX_CLIENTS)
        self._shares = Shares(config["bind"].startswith("ipc://"))
        self._dropped: Counter[str] = Counter()
        self._counts: Counter[str] = Counter(refused=0, refused_keys=0, shared=0)
        self._draining = threading.Event()
        self._local = threading.local()

    # from any thread

    def stop(self) -> None:
        """Refuses new requests, answers the accepted ones, and ends."""
        self._draining.set()
        self.wake()

    def wake(self) -> None:
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
        return "loading" if self._runner.engine is None else "ready"

    def report(self) -> dict[str, Any]:
        dropped = {f"dropped_{reason}": n for reason, n in self._dropped.items()}
        return {"state": self.state, "open": len(self._open), **self._counts, **self._runner.counts, "kept_pictures": self._runner.kept, **dropped}

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
        runner = threading.Thread(target=self._runner.run, name="model", daemon=True)
        runner.start()
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._wake_in, zmq.POLLIN)
        until = None
        reported = time.monotonic()
        while self._runner.failure is None:
            if self._draining.is_set():
                until = until or time.monotonic() + DRAIN_SECONDS
                if (not self._open and not self._answers) or time.monotonic() > until:
                    break
            ready = dict(poller.poll(1000 if until is None else 20))
            if self._wake_in in ready:
                while self._wake_in.poll(0):
                    self._wake_in.recv()
            if self._router in ready:
                self._receive([frame.buffer for frame in self._router.recv_multipart(copy=False)])
            self._send()
            if time.monotonic() - reported >= 1:
                reported = time.monotonic()
                self._say_report()
        self._send()
        self._runner.put(None)
        self._images.shutdown(wait=False, cancel_futures=True)
        if self._runner.failure is not None:
            raise self._runner.failure

    def _say_report(self) -> None:
        times = self._runner.took
        took = [times.popleft() for _ in range(len(times))]
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
        self._shares.heard(identity)
        if seen == "unknown":
            self._refuse(identity, message, "session", "say hello first")
        elif message.kind == "hello":
            self._welcome(identity, message)
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

    def _welcome(self, identity: bytes, message: Message) -> None:
        config, engine = self._config, self._runner.engine
        meta = {"state": self.state, "queued": len(self._open), "model": config["model"], "hashes": config["hashes"], "description": "loading", "offers": OFFERS}
        shared = read_hello(message.meta)
        if engine is not None:
            meta |= {"description": engine.description, "offers": [*OFFERS, *engine.offers]}
            if shared and (memory := self._shares.welcome(identity, message.session, engine.unregister)) is not None:
                meta["shared"] = memory
        self._post(identity, message, "welcome", meta)

    def _accept(self, identity: bytes, message: Message) -> None:
        if self.state != "ready":
            self._refuse(identity, message, self.state, "not ready")
            return
        if len(self._open) >= self._config["queue"]:
            self._refuse(identity, message, "busy", f"{len(self._open)} requests")
            return
        try:
            remaining = read_remaining(message.meta)
            shared = self._shares.of(identity, message.session, message.meta, message.blobs)
        except ProtocolError as error:
            self._dropped[error.reason] += 1
            self._refuse(identity, message, "bad", str(error))
            return
        now = time.monotonic()
        request = Request(identity, message, now, now + remaining / 1000)
        if shared is not None:
            request.share, request.slot, frames = shared
            message.blobs[:] = frames
            request.share.busy.add(request.slot)
            self._counts["shared"] += 1
        self._open[message.session, message.id] = request
        self._prepare(request)

    def _prepare(self, request: Request) -> None:
        """Gives a request to the model's thread, through a thread of the images where that has something to do."""
        message, engine = request.message, self._runner.engine
        jpeg = jpeg_of(message)
        pixels = large_pixels_of(message) if jpeg is None else None
        if jpeg is not None:
            self._images.submit(self._decode, request, jpeg)
        elif pixels is not None:
            if not named_by_client(message):
                request.digest = self._images.submit(Payload.key, pixels[0])
            if request.share is not None and request.share.known_to_gpu(request.slot, engine.register, engine.unregister):
                request.pixels = engine.lent(pixels[1])
                self._runner.put(request)
            else:
                self._images.submit(self._place, request, engine, pixels[1])
        else:
            self._runner.put(request)

    def _refuse(self, identity: bytes, message: Message, code: str, detail: str) -> None:
        if code in ("busy", "loading", "draining"):
            self._counts["refused"] += 1
        self._post(identity, message, "error", {"code": code, "detail": detail[:400]})

    # threads of the images

    def _decode(self, request: Request, jpeg: memoryview) -> None:
        try:
            request.pixels = decode_jpeg(jpeg)
        except Exception as error:  # noqa: BLE001 - told to its client
            request.pixels = error
        self._runner.put(request)

    def _place(self, request: Request, engine: Any, pixels: np.ndarray) -> None:
        try:
            request.pixels = engine.place(pixels)
        except Exception as error:  # noqa: BLE001 - told to its client
            request.pixels = error
        self._runner.put(request)

    # the model's thread

    def close(self, request: Request) -> None:
        if request.share is not None:
            # The client writes there again once it has the answer.
            self._runner.engine.finish()
            request.share.busy.discard(request.slot)
        self._open.pop((request.message.session, request.message.id), None)

    def answer(self, request: Request, meta: dict[str, Any], blobs: list[np.ndarray]) -> None:
        self._post(request.identity, request.message, "result", {"queued": len(self._open), **meta}, blobs)

    def refuse(self, request: Request, code: str, detail: str) -> None:
        self._refuse(request.identity, request.message, code, detail)

    def drop(self, reason: str) -> None:
        self._dropped[reason] += 1
