"""What both engines have in common: images as they come, and answers to queries that come as tokens."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from PIL import Image

LEAST_SIDE = 8


class PictureError(Exception):
    """An image that cannot be used."""


def decode_jpeg(data: bytes | memoryview) -> np.ndarray:
    """uint8 [height, width, 3], R, G, B; not turned by its EXIF data."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(str(error)) from error


class Asked(NamedTuple):
    """What queries that came as tokens gave."""

    texts: list[dict[str, np.ndarray]]
    """Features of each query."""
    outputs: dict[str, np.ndarray]
    """The decoder's, with a row for each query."""
    text_ms: float
    """Milliseconds until the features were there."""
