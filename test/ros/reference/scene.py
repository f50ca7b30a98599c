"""The synthetic scene the peers publish: a red and a blue box on grey ground, with depth."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Picture
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

RED_BOX = (60, 40, 110, 100)
BLUE_BOX = (180, 120, 240, 160)
GROUND_MM, RED_MM, BLUE_MM = 1000, 700, 800


def colour(width: int = 320, height: int = 240) -> np.ndarray:
    """rgb8 picture; the boxes scale with its size."""
    image = np.full((height, width, 3), 128, np.uint8)
    for (x1, y1, x2, y2), rgb in ((RED_BOX, (220, 20, 20)), (BLUE_BOX, (20, 20, 220))):
        sx, sy = width / 320, height / 240
        image[int(y1 * sy) : int(y2 * sy), int(x1 * sx) : int(x2 * sx)] = rgb
    return image


def depth(width: int = 320, height: int = 240) -> np.ndarray:
    """16UC1 millimetres."""
    image = np.full((height, width), GROUND_MM, np.uint16)
    for (x1, y1, x2, y2), mm in ((RED_BOX, RED_MM), (BLUE_BOX, BLUE_MM)):
        sx, sy = width / 320, height / 240
        image[int(y1 * sy) : int(y2 * sy), int(x1 * sx) : int(x2 * sx)] = mm
    return image


def image_message(header: Header, array: np.ndarray, encoding: str) -> Image:
    """sensor_msgs/Image of an array."""
    message = Image(header=header, height=array.shape[0], width=array.shape[1], encoding=encoding)
    message.step = array.strides[0]
    message.data.frombytes(array.tobytes())
    return message


def compressed_message(header: Header, array: np.ndarray, kind: str = "jpeg") -> CompressedImage:
    """sensor_msgs/CompressedImage of an rgb8 array."""
    out = io.BytesIO()
    Picture.fromarray(array).save(out, "JPEG" if kind == "jpeg" else "PNG", quality=95)
    return CompressedImage(header=header, format=f"rgb8; {kind} compressed bgr8", data=out.getvalue())


def camera_info(header: Header, width: int = 320, height: int = 240, focal: float = 300.0) -> CameraInfo:
    """Pinhole camera with its principal point in the middle."""
    cx, cy = width / 2, height / 2
    return CameraInfo(
        header=header,
        width=width,
        height=height,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )
