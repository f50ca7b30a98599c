"""An rclpy node that listens to what a replay publishes and prints what came as one JSON line when its stdin ends.

Usage: replay_listener.py TOPIC=pkg/msg/Type...
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import threading
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy


def message_type(kind: str) -> Any:
    package, _, name = kind.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), name)


def main() -> None:
    rclpy.init()
    node = Node("replay_listener")
    heard: dict[str, list[Any]] = {}

    def keep(topic: str, message: Any) -> None:
        entry: dict[str, Any] = {}
        if hasattr(message, "header"):
            entry["stamp"] = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
            entry["frame"] = message.header.frame_id
        if hasattr(message, "clock"):
            entry["time"] = message.clock.sec * 10**9 + message.clock.nanosec
        if hasattr(message, "data") and not isinstance(message.data, str):
            entry["sha256"] = hashlib.sha256(bytes(message.data)).hexdigest()
        if hasattr(message, "detections"):
            entry["labels"] = [each.results[0].hypothesis.class_id for each in message.detections]
        if hasattr(message, "transforms"):
            entry["children"] = [each.child_frame_id for each in message.transforms]
        heard.setdefault(topic, []).append(entry)

    subscriptions = []
    for argument in sys.argv[1:]:
        topic, kind = argument.split("=")
        latched = topic.endswith("tf_static")
        qos = QoSProfile(
            depth=200,
            reliability=ReliabilityPolicy.BEST_EFFORT if topic == "/clock" else ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        subscriptions.append(node.create_subscription(message_type(kind), topic, lambda m, t=topic: keep(t, m), qos))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    threading.Thread(target=executor.spin, daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps(heard), flush=True)


if __name__ == "__main__":
    main()
