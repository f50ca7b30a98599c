"""Publishes RGB-D images over DDS until its stdin closes: the camera of `bench ros`."""

from __future__ import annotations

import argparse
import array
import struct
import sys
import threading
import time

import numpy as np
import rclpy
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, Image


def main() -> None:
    """Publishes colour, depth and camera info with one stamp."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--rate", type=float, default=30)
    parser.add_argument("--reliability", default="reliable", choices=["reliable", "best_effort"])
    parser.add_argument("--depth", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    width, height = options.width, options.height
    rclpy.init()
    node = rclpy.create_node("bench_camera")
    qos = QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=5,
        reliability=ReliabilityPolicy.RELIABLE if options.reliability == "reliable" else ReliabilityPolicy.BEST_EFFORT,
    )
    colour_publisher = node.create_publisher(Image, "camera/color/image_raw", qos)
    depth_publisher = node.create_publisher(Image, "camera/aligned_depth_to_color/image_raw", qos)
    info_publisher = node.create_publisher(CameraInfo, "camera/color/camera_info", qos)
    random = np.random.default_rng(1)
    colour = Image(width=width, height=height, step=width * 3, encoding="rgb8")
    colour.data = array.array("B", random.integers(0, 255, width * height * 3, np.uint8).tobytes())
    depth = Image(width=width, height=height, step=width * 2, encoding="16UC1")
    depth.data = array.array("B", random.integers(300, 3000, width * height, np.uint16).tobytes())
    info = CameraInfo(width=width, height=height, distortion_model="plumb_bob", d=[0.0] * 5)
    info.k = [900.0, 0.0, width / 2, 0.0, 900.0, height / 2, 0.0, 0.0, 1.0]
    # Serialised once, as a driver in C++ would take no longer: rclpy's own conversion would use up a core.
    messages = []
    topics = [(colour_publisher, colour), (depth_publisher, depth), (info_publisher, info)]
    for publisher, message in topics if options.depth else topics[::2]:
        message.header.frame_id = "camera_color_optical_frame"
        messages.append((publisher, bytearray(serialize_message(message))))
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    due = time.monotonic()
    while not stop.is_set():
        stamp = node.get_clock().now().nanoseconds
        for publisher, message in messages:
            struct.pack_into("<iI", message, 4, stamp // 1_000_000_000, stamp % 1_000_000_000)
            publisher.publish(bytes(message))
        due = max(due + 1 / options.rate, time.monotonic() - 0.5)
        stop.wait(max(0.0, due - time.monotonic()))
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
