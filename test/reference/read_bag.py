"""Reads a bag with PyPI mcap-ros2-support or rosbags and prints what it found as JSON."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """A message as JSON: long arrays as their digest."""
    if isinstance(value, (bytes, bytearray, memoryview)) or (isinstance(value, np.ndarray) and value.size > 64):
        return {"sha256": hashlib.sha256(bytes(value)).hexdigest(), "length": len(value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        if len(value) > 64:
            return {"sha256": hashlib.sha256(bytes(value)).hexdigest(), "length": len(value)}
        return [plain(item) for item in value]
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    slots = getattr(type(value), "__slots__", ())
    names = slots or [name for name in vars(value) if not name.startswith("__")]
    return {name: plain(getattr(value, name)) for name in names}


def with_mcap(path: Path) -> list[dict[str, Any]]:
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory

    rows = []
    with path.open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True, decoder_factories=[DecoderFactory()])
        for schema, channel, message, decoded in reader.iter_decoded_messages():
            row = {"topic": channel.topic, "type": schema.name, "time": str(message.log_time)}
            rows.append({**row, "message": plain(decoded)})
    return rows


def with_rosbags(path: Path) -> list[dict[str, Any]]:
    from rosbags.highlevel import AnyReader

    rows = []
    with AnyReader([path]) as reader:
        for connection, stamp, data in reader.messages():
            decoded = reader.deserialize(data, connection.msgtype)
            row = {"topic": connection.topic, "type": connection.msgtype, "time": str(stamp)}
            rows.append({**row, "message": plain(decoded)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=["mcap", "rosbags"], required=True)
    parser.add_argument("path", type=Path)
    args = parser.parse_args()
    print(json.dumps((with_mcap if args.library == "mcap" else with_rosbags)(args.path)))


if __name__ == "__main__":
    main()
