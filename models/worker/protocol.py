"""The messages between a client and a worker, as src/inference/zmq/protocol.ts has them: a header of 32 bytes, a frame
of JSON, then tensors or a JPEG as frames of their own. All that arrives is checked before it is used.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

VERSION = 1
KINDS = {"hello": 1, "ping": 2, "encode": 3, "text": 4, "decode": 5, "cancel": 6, "welcome": 17, "pong": 18, "result": 19, "error": 20}
NAMES = {code: name for name, code in KINDS.items()}
MAX_FRAME_BYTES = 64 * 2**20
MAX_META_BYTES = 64 * 2**10
MAX_BLOBS = 64
MAX_SIDE = 16_384
MAX_ID = 2**53 - 1
HEADER = struct.Struct("<IBBHQ16s")
MAGIC = 0x57494747  # "GGIW"
TYPES = {"float32": np.dtype("<f4"), "int64": np.dtype("<i8"), "uint8": np.dtype("u1")}
OFFERS = ["own", "texts"]
"""What this worker takes beyond the first form of the protocol: `own`, keys that are names of their client's, not hashes, and
`texts`, queries by their tokens in a decoder's request. An engine may add `probabilities`: of the outputs that a decoder's request names."""
KEY = re.compile(r"[0-9a-f]{64}\Z")


class ProtocolError(Exception):
    """Why a message was dropped, in a word and in a line."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class Message:
    kind: str
    id: int
    session: bytes
    meta: Any
    blobs: list[memoryview]


def encode_message(kind: str, id: int, session: bytes, meta: object, blobs: list | None = None) -> list:
    blobs = blobs or []
    header = HEADER.pack(MAGIC, VERSION, KINDS[kind], len(blobs), id, session)
    return [header, json.dumps(meta, separators=(",", ":"), ensure_ascii=False).encode(), *blobs]


def decode_message(frames: list[memoryview]) -> Message:
    if len(frames) < 2 or len(frames[0]) != HEADER.size:
        raise ProtocolError("frames", "not a message of this protocol")
    magic, version, code, announced, id, session = HEADER.unpack(frames[0])
    if magic != MAGIC:
        raise ProtocolError("magic", "not a message of this protocol")
    if version != VERSION:
        raise ProtocolError("version", f"protocol {version}, this side speaks {VERSION}")
    if code not in NAMES:
        raise ProtocolError("kind", f"no kind {code}")
    blobs = frames[2:]
    if len(blobs) != announced or len(blobs) > MAX_BLOBS:
        raise ProtocolError("frames", f"{len(blobs)} frames, announced {announced}")
    if id > MAX_ID:
        raise ProtocolError("id", "the id is out of range")
    if len(frames[1]) > MAX_META_BYTES:
        raise ProtocolError("meta", f"{len(frames[1])} bytes of meta")
    try:
        meta = json.loads(bytes(frames[1]), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("meta", "the meta frame is not JSON") from error
    return Message(NAMES[code], id, session, meta, blobs)


def _no_constant(name: str) -> None:
    raise ValueError(name)


# checks of the JSON frame


def _need(holds: object, path: str, what: str) -> None:
    if not holds:
        raise ProtocolError("meta", f"{path}: {what}")


def _object(value: object, path: str) -> dict[str, Any]:
    _need(isinstance(value, dict), path, "expected an object")
    return value  # type: ignore[return-value]


def _whole(value: object, path: str, least: int, most: int) -> int:
    _need(isinstance(value, (int, float)) and not isinstance(value, bool) and value == math.floor(value), path, "expected a whole number")
    _need(least <= value <= most, path, f"expected {least} to {most}")  # type: ignore[operator]
    return int(value)  # type: ignore[call-overload]


def _name(value: object, path: str) -> str:
    _need(isinstance(value, str) and 1 <= len(value) <= 200, path, "expected a name")
    return value  # type: ignore[return-value]


def _list(value: object, path: str, most: int, each: Callable[[object, str], Any]) -> list:
    _need(isinstance(value, list) and len(value) <= most, path, f"expected a list of {most} at most")
    return [each(item, f"{path}.{i}") for i, item in enumerate(value)]  # type: ignore[arg-type]


def _tensor(value: object, path: str) -> dict[str, Any]:
    fields = _object(value, path)
    _need(fields.get("type") in TYPES, f"{path}.type", "expected float32, int64 or uint8")
    dims = _list(fields.get("dims"), f"{path}.dims", 8, lambda length, at: _whole(length, at, 0, 0x7FFFFFFF))
    return {"name": _name(fields.get("name"), f"{path}.name"), "type": fields["type"], "dims": dims}


def read_tensor_metas(value: object, path: str = "tensors") -> list[dict[str, Any]]:
    return _list(value, path, MAX_BLOBS, _tensor)


def read_texts(meta: dict[str, Any], blobs: list[memoryview], start: int) -> list[dict[str, np.ndarray]]:
    """The tokens of each query, whose frames follow one another from `start` on; none where the field is left out."""
    if "texts" not in meta:
        return []
    queries = _list(meta["texts"], "texts", 16, lambda value, path: _list(value, path, 8, _tensor))
    starts = [start + sum(map(len, queries[:at])) for at in range(len(queries))]
    return [read_tensors(metas, blobs, at) for metas, at in zip(queries, starts)]


def read_key(value: object, path: str) -> str:
    _need(isinstance(value, str) and KEY.match(value), path, "expected 64 hexadecimal digits")
    return value  # type: ignore[return-value]


def read_own(fields: dict[str, Any], path: str) -> bool:
    """Whether the key is no hash of the image but a name, valid for its client's session."""
    value = fields.get("own", False)
    _need(isinstance(value, bool), path, "expected true or false")
    return value


def read_image(value: object, path: str = "picture") -> dict[str, Any]:
    fields = _object(value, path)
    kind = fields.get("kind")
    _need(kind in ("jpeg", "rgb", "tensors"), f"{path}.kind", "expected jpeg, rgb or tensors")
    image: dict[str, Any] = {"kind": kind, "blob": _whole(fields.get("blob"), f"{path}.blob", 0, MAX_BLOBS)}
    if kind == "tensors":
        image["tensors"] = read_tensor_metas(fields.get("tensors"), f"{path}.tensors")
    if kind == "rgb":
        for side in ("width", "height"):
            if side in fields:
                image[side] = _whole(fields[side], f"{path}.{side}", 1, MAX_SIDE)
    return image


def read_remaining(meta: object) -> float:
    value = _object(meta, "").get("remaining_ms")
    _need(isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 3_600_000, "remaining_ms", "expected 0 to 3600000")
    return float(value)  # type: ignore[arg-type]


def read_hello(meta: object) -> bool:
    """Whether the client asks for shared memory."""
    fields = _object(meta, "")
    _name(fields.get("model"), "model")
    shared = fields.get("shared", False)
    _need(isinstance(shared, bool), "shared", "expected true or false")
    return shared


def read_shared(meta: object) -> tuple[int, list[int | None]] | None:
    """The slot of the shared memory that a request uses, and the bytes of each of its frames that lie there."""
    fields = _object(meta, "")
    if "shared" not in fields:
        return None
    value = _object(fields["shared"], "shared")
    lengths = _list(value.get("bytes"), "shared.bytes", MAX_BLOBS, lambda each, at: None if each is None else _whole(each, at, 0, MAX_FRAME_BYTES))
    return _whole(value.get("slot"), "shared.slot", 0, MAX_BLOBS), lengths


def read_probabilities(meta: dict[str, Any]) -> dict[str, int]:
    """Outputs whose probabilities are asked for in their place: those of 1 or -1 times the logits."""
    value = _object(meta.get("probabilities", {}), "probabilities")
    _need(len(value) <= MAX_BLOBS, "probabilities", f"expected {MAX_BLOBS} at most")
    signs = {_name(name, "probabilities"): _whole(sign, f"probabilities.{name}", -1, 1) for name, sign in value.items()}
    _need(all(signs.values()), "probabilities", "expected 1 or -1")
    return signs


def read_cancel(meta: object) -> int:
    return _whole(_object(meta, "").get("id"), "id", 0, MAX_ID)


def read_frame(meta: object) -> dict[str, Any] | None:
    value = _object(meta, "").get("frame")
    if value is None and "frame" not in meta:  # type: ignore[operator]
        return None
    fields = _object(value, "frame")
    frame = {"key": read_key(fields.get("key"), "frame.key"), "own": read_own(fields, "frame.own"), "names": _list(fields.get("names"), "frame.names", MAX_BLOBS, _name)}
    if "picture" in fields:
        frame["picture"] = read_image(fields["picture"], "frame.picture")
    return frame


# tensors and images


def read_tensors(metas: list[dict[str, Any]], blobs: list[memoryview], start: int = 0) -> dict[str, np.ndarray]:
    """Arrays whose bytes are `blobs` from `start` on, in place."""
    tensors: dict[str, np.ndarray] = {}
    for i, meta in enumerate(metas):
        name, kind, dims = meta["name"], TYPES[meta["type"]], meta["dims"]
        blob = blobs[start + i] if start + i < len(blobs) else None
        if blob is None or math.prod(dims) * kind.itemsize != len(blob):
            raise ProtocolError("tensor", f"{name} [{','.join(map(str, dims))}] is not {0 if blob is None else len(blob)} bytes")
        if name in tensors:
            raise ProtocolError("tensor", f"{name} is there twice")
        tensors[name] = np.frombuffer(blob, kind).reshape(dims)
    return tensors


def describe_tensors(tensors: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    return [{"name": name, "type": value.dtype.name, "dims": list(value.shape)} for name, value in tensors.items()]


@dataclass(frozen=True)
class Payload:
    """An image as it was sent: a JPEG, RGB bytes (without a size they have the model's), or the encoder's inputs."""

    kind: str
    blobs: list[memoryview]
    size: tuple[int, int] | None = None
    metas: list[dict[str, Any]] | None = None

    def key(self) -> str:
        """Content hash that names features on both sides."""
        digest = hashlib.sha256(self.kind.encode())
        if self.metas is not None:
            digest.update(json.dumps(self.metas, separators=(",", ":"), ensure_ascii=False).encode())
        if self.size is not None:
            digest.update(f"{self.size[0]}×{self.size[1]}".encode())
        for blob in self.blobs:
            digest.update(blob)
        return digest.hexdigest()


def read_payload(image: dict[str, Any], blobs: list[memoryview]) -> Payload:
    at = image["blob"]
    if image["kind"] == "tensors":
        metas = image["tensors"]
        read_tensors(metas, blobs, at)
        return Payload("tensors", blobs[at : at + len(metas)], metas=metas)
    if at >= len(blobs):
        raise ProtocolError("frames", f"there is no frame {at}")
    size = (image["width"], image["height"]) if "width" in image and "height" in image else None
    return Payload(image["kind"], [blobs[at]], size)
