"""A plain rclpy node that receives RGB-D images, pairs them by stamp and makes arrays of them, as up to the model."""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
import rclpy
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image


def main() -> None:
    """Receives for some seconds and prints frames, latencies and CPU time as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--warm-up", type=int, default=15)
    parser.add_argument("--reliability", default="reliable", choices=["reliable", "best_effort"])
    options = parser.parse_args()
    rclpy.init()
    node = rclpy.create_node("bench_peer")
    qos = QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=2,
        reliability=ReliabilityPolicy.RELIABLE if options.reliability == "reliable" else ReliabilityPolicy.BEST_EFFORT,
    )
    colours: dict[tuple[int, int], np.ndarray] = {}
    depths: dict[tuple[int, int], np.ndarray] = {}
    latencies: list[float] = []
    state = {"frames": 0, "began": 0.0, "cpu": 0.0, "info": None}

    def cpu() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    def pair(key: tuple[int, int]) -> None:
        if key not in colours or key not in depths:
            return
        colour, depth = colours.pop(key), depths.pop(key)
        for waiting in (colours, depths):
            for old in [each for each in waiting if each < key]:
                del waiting[old]
        now = time.time_ns()
        state["frames"] += 1
        if state["frames"] == options.warm_up:
            state["began"], state["cpu"] = time.monotonic(), cpu()
            latencies.clear()
        assert colour.shape[:2] == depth.shape
        latencies.append((now - key[0] * 1_000_000_000 - key[1]) / 1e6)

    def on_colour(message: Image) -> None:
        key = (message.header.stamp.sec, message.header.stamp.nanosec)
        colours[key] = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
        pair(key)

    def on_depth(message: Image) -> None:
        key = (message.header.stamp.sec, message.header.stamp.nanosec)
        raw = np.frombuffer(message.data, np.uint16).reshape(message.height, message.width)
        metres = raw.astype(np.float32) * np.float32(0.001)
        metres[raw == 0] = np.nan
        depths[key] = metres
        pair(key)

    node.create_subscription(Image, "camera/color/image_raw", on_colour, qos)
    node.create_subscription(Image, "camera/aligned_depth_to_color/image_raw", on_depth, qos)
    node.create_subscription(CameraInfo, "camera/color/camera_info", lambda m: state.update(info=m), qos)
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        rclpy.spin_once(node, timeout_sec=0.1)
        if state["began"] and time.monotonic() - state["began"] >= options.seconds:
            break
    seconds = time.monotonic() - state["began"]
    print(json.dumps({"seconds": seconds, "cpu": cpu() - state["cpu"], "latencies": latencies}))
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
