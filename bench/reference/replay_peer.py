"""The Python side of `bench replay`: makes the bags and reads them with PyPI mcap and rosbags.

Answers one JSON line for every JSON line of stdin: {"make": folder, "frames": n} or {"read": path, "with": library,
"checksums": bool}; a reading answers with the seconds it took, those of the processor, the messages and their bytes.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from mcap.reader import make_reader
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as RosbagsWriter
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
IMAGE = "sensor_msgs/msg/Image"
WIDTH, HEIGHT = 1280, 720


def picture(rng: np.random.Generator, shift: int) -> np.ndarray:
    """Smooth shading with sensor noise: compresses about as a photograph does."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    base = np.stack([(x + shift) / 5, y / 3, (x + y) / 8], axis=2) % 256
    return (base + rng.normal(0, 1.5, base.shape)).clip(0, 255).astype(np.uint8)


def message(index: int, pixels: np.ndarray) -> bytes:
    types = STORE.types
    stamp = types["builtin_interfaces/msg/Time"](1_700_000_000 + index // 30, index % 30 * 33_333_333)
    header = types["std_msgs/msg/Header"](stamp, "camera_color_optical_frame")
    image = types[IMAGE](header, HEIGHT, WIDTH, "rgb8", 0, WIDTH * 3, pixels.reshape(-1))
    return bytes(STORE.serialize_cdr(image, IMAGE))


def make(folder: Path, frames: int) -> dict[str, str]:
    rng = np.random.default_rng(0)
    pictures = [picture(rng, 7 * i) for i in range(8)]
    data = [(1_700_000_000_000_000_000 + i * 33_333_333, message(i, pictures[i % 8])) for i in range(frames)]
    made = {}
    definition = STORE.generate_msgdef(IMAGE, ros_version=2)[0].encode()
    for compression in ("none", "zstd", "lz4"):
        path = folder / f"{compression}.mcap"
        with path.open("wb") as stream:
            writer = McapWriter(stream, compression=CompressionType[compression.upper()])
            writer.start(profile="ros2", library="bench")
            schema = writer.register_schema(IMAGE, "ros2msg", definition)
            channel = writer.register_channel("/camera/color/image_raw", "cdr", schema)
            for stamp, payload in data:
                writer.add_message(channel, stamp, payload, stamp)
            writer.finish()
        made[f"mcap_{compression}"] = str(path)
    path = folder / "sqlite3"
    with RosbagsWriter(path, version=9, storage_plugin=StoragePlugin.SQLITE3) as bag:
        connection = bag.add_connection("/camera/color/image_raw", IMAGE, typestore=STORE)
        for stamp, payload in data:
            bag.write(connection, stamp, payload)
    made["sqlite3"] = str(path)
    return made


def read(path: str, library: str, checksums: bool) -> dict[str, float]:
    start = time.perf_counter()
    processor = time.process_time()
    messages = size = 0
    if library == "mcap":
        with open(path, "rb") as stream:
            for _schema, _channel, record in make_reader(stream, validate_crcs=checksums).iter_messages():
                messages += 1
                size += len(record.data)
    else:
        with AnyReader([Path(path)]) as reader:
            for _connection, _stamp, data in reader.messages():
                messages += 1
                size += len(data)
    seconds = {"seconds": time.perf_counter() - start, "processor_seconds": time.process_time() - processor}
    return {**seconds, "messages": messages, "bytes": size}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    if "make" in request:
        return make(Path(request["make"]), request["frames"])
    return read(request["read"], request["with"], request["checksums"])


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
