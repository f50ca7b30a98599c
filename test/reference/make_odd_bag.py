"""Writes small MCAP bags of what goes wrong in practice, with PyPI mcap-ros2-support.

Usage: make_odd_bag.py FOLDER   -> FOLDER/<kind>.mcap for each kind below
"""

import sys
from pathlib import Path

import numpy as np
from mcap_ros2.writer import Writer

HEADER = "std_msgs/Header header\n"
TIME = "=" * 80 + "\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
TIME += "=" * 80 + "\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
IMAGE = HEADER + "uint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\nuint8[] data\n" + TIME
INFO = (
    HEADER
    + "uint32 height\nuint32 width\nstring distortion_model\nfloat64[] d\nfloat64[9] k\nfloat64[9] r\nfloat64[12] p\n"
    + "uint32 binning_x\nuint32 binning_y\nsensor_msgs/RegionOfInterest roi\n"
    + TIME
    + "=" * 80
    + "\nMSG: sensor_msgs/RegionOfInterest\nuint32 x_offset\nuint32 y_offset\nuint32 height\nuint32 width\nbool do_rectify\n"
)
TEXT = "string data\n"
WIDTH, HEIGHT, FRAMES = 160, 120, 4


def header(i: int) -> dict:
    return {"stamp": {"sec": 100, "nanosec": i * 50_000_000}, "frame_id": "camera_color_optical_frame"}


def colour(i: int) -> dict:
    """A red square on grey."""
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    pixels[40:80, 60:100] = (250, 10, 10)
    return image(i, pixels.tobytes(), "rgb8", WIDTH * 3)


def depth(i: int, values: np.ndarray) -> dict:
    return image(i, values.astype(np.float32).tobytes(), "32FC1", WIDTH * 4)


def image(i: int, data: bytes, encoding: str, step: int) -> dict:
    return {
        "header": header(i),
        "height": HEIGHT,
        "width": WIDTH,
        "encoding": encoding,
        "is_bigendian": 0,
        "step": step,
        "data": data,
    }


def info(i: int, focal: float = 150.0) -> dict:
    k = [focal, 0.0, 79.5, 0.0, focal, 59.5, 0.0, 0.0, 1.0]
    roi = {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False}
    r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    p = [*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0]
    return {
        "header": header(i),
        "height": HEIGHT,
        "width": WIDTH,
        "distortion_model": "plumb_bob",
        "d": [],
        "k": k,
        "r": r,
        "p": p,
        "binning_x": 0,
        "binning_y": 0,
        "roi": roi,
    }


FLAT = np.full((HEIGHT, WIDTH), 0.8)
KINDS = {
    "good": lambda i: {"colour": colour(i), "depth": depth(i, FLAT), "info": info(i)},
    "no-image": lambda i: {"text": {"data": "hello"}},
    "no-info": lambda i: {"colour": colour(i), "depth": depth(i, FLAT)},
    "nan-depth": lambda i: {"colour": colour(i), "depth": depth(i, FLAT * np.nan), "info": info(i)},
    "zero-depth": lambda i: {"colour": colour(i), "depth": depth(i, FLAT * 0), "info": info(i)},
    "uncalibrated": lambda i: {"colour": colour(i), "depth": depth(i, FLAT), "info": info(i, 0.0)},
    "one-bad-picture": lambda i: {"colour": image(i, b"short", "rgb8", WIDTH * 3) if i == 1 else colour(i)},
    "unknown-encoding": lambda i: {"colour": image(i, bytes(WIDTH * HEIGHT), "thermal7", WIDTH)},
}
TOPICS = {
    "colour": ("/camera/color/image_raw", "sensor_msgs/msg/Image", IMAGE),
    "depth": ("/camera/aligned_depth_to_color/image_raw", "sensor_msgs/msg/Image", IMAGE),
    "info": ("/camera/color/camera_info", "sensor_msgs/msg/CameraInfo", INFO),
    "text": ("/chatter", "std_msgs/msg/String", TEXT),
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for kind, messages in KINDS.items():
        with (folder / f"{kind}.mcap").open("wb") as stream:
            writer = Writer(stream)
            schemas = {}
            for i in range(FRAMES):
                for key, message in messages(i).items():
                    topic, datatype, text = TOPICS[key]
                    if key not in schemas:
                        schemas[key] = writer.register_msgdef(datatype, text)
                    time = 100_000_000_000 + i * 50_000_000
                    writer.write_message(topic, schemas[key], message, log_time=time, publish_time=time, sequence=i)
            writer.finish()


if __name__ == "__main__":
    main()
