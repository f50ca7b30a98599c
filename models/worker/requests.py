"""Accepted requests, and what their images are before the model's thread takes them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from .protocol import Message, Payload, ProtocolError, read_image, read_payload
from .shared_memory import Share

APART_BYTES = 65536
"""Pixels of more bytes are hashed and placed by a thread of the images."""


@dataclass
class Request:
    """An accepted request; `expires` is the time at which its client stops waiting."""

    identity: bytes
    message: Message
    arrived: float
    expires: float
    cancelled: bool = False
    pixels: Any = None
    """uint8 [height, width, 3] once they are decoded or placed, or the exception in their place."""
    digest: Future[str] | None = None
    """The image's content hash, while it is computed."""
    share: Share | None = None
    """Memory that the client sees too."""
    slot: int = 0


class Refused(Exception):
    """An answer that is an error, by its code."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def image_of(message: Message) -> dict[str, Any] | None:
    """The description of a request's image, as it was sent."""
    meta = message.meta
    holder = meta if message.kind == "encode" else meta.get("frame") if message.kind == "decode" else None
    image = holder.get("picture") if isinstance(holder, dict) else None
    return image if isinstance(image, dict) else None


def named_by_client(message: Message) -> bool:
    """Whether its image's key is a name: nothing has to be hashed."""
    meta = message.meta
    holder = meta if message.kind == "encode" else meta.get("frame")
    return isinstance(holder, dict) and holder.get("own") is True


def jpeg_of(message: Message) -> memoryview | None:
    """The JPEG in a request whose form is right so far; what is wrong with others is said when they are run."""
    image = image_of(message)
    if image is None or image.get("kind") != "jpeg":
        return None
    at = image.get("blob")
    return message.blobs[at] if isinstance(at, int) and 0 <= at < len(message.blobs) else None


def large_pixels_of(message: Message) -> tuple[Payload, np.ndarray] | None:
    """The pixels of an image with a size, where they are many and their form is right."""
    image = image_of(message)
    if image is None or image.get("kind") != "rgb":
        return None
    try:
        payload = read_payload(read_image(image), message.blobs)
    except ProtocolError:
        return None
    data = payload.blobs[0]
    if payload.size is None or len(data) < APART_BYTES or len(data) != 3 * payload.size[0] * payload.size[1]:
        return None
    return payload, np.frombuffer(data, np.uint8).reshape(payload.size[1], payload.size[0], 3)
