"""Images as they come: what both engines have in common."""

from __future__ import annotations

import io

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
