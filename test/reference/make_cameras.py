"""Writes an MCAP of two cameras, a recorded question topic and frames that come irregularly, with PyPI mcap-ros2-support.

Usage: make_cameras.py OUT.mcap [FRAMES]
"""

import sys
from pathlib import Path

import numpy as np
from make_odd_bag import FLAT, HEIGHT, IMAGE, INFO, TEXT, WIDTH, colour, depth, info
from mcap_ros2.writer import Writer

BLUE = (10, 10, 250)


def moved(message: dict, frame_id: str, stamp: int) -> dict:
    header = {"stamp": {"sec": stamp // 10**9, "nanosec": stamp % 10**9}, "frame_id": frame_id}
    return {**message, "header": header}


def front(i: int) -> dict:
    """A blue square that is away in the middle third."""
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    if i % 9 not in (3, 4, 5):
        pixels[30:70, 20:60] = BLUE
    return {**colour(i), "data": pixels.tobytes()}


def main() -> None:
    out, frames = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 18
    rng = np.random.default_rng(3)
    rows = []
    for i in range(frames):
        stamp = 100_000_000_000 + i * 50_000_000 + int(rng.integers(0, 9_000_000))
        for name, picture, frame in (("wrist", colour(i), "wrist_optical"), ("front", front(i), "front_optical")):
            rows.append((f"/{name}/color/image_raw", "sensor_msgs/msg/Image", IMAGE, moved(picture, frame, stamp), stamp + 2_000_000))
            rows.append((f"/{name}/color/camera_info", "sensor_msgs/msg/CameraInfo", INFO, moved(info(i), frame, stamp), stamp + 1_000_000))
        late = stamp + int(rng.integers(-15_000_000, 15_000_000))
        rows.append(("/wrist/aligned_depth_to_color/image_raw", "sensor_msgs/msg/Image", IMAGE, moved(depth(i, FLAT), "wrist_optical", late), late + 3_000_000))
    for part, text in ((0.2, "red"), (0.5, "the blue object"), (0.8, ""), (0.9, "red\x07")):
        time = 100_000_000_000 + int(part * frames * 50_000_000)
        rows.append(("/grasp_grounding/query", "std_msgs/msg/String", TEXT, {"data": text}, time))
    rows.sort(key=lambda row: row[4])
    with out.open("wb") as stream:
        writer = Writer(stream, chunk_size=200_000)
        schemas: dict = {}
        for sequence, (topic, kind, text, message, time) in enumerate(rows):
            if kind not in schemas:
                schemas[kind] = writer.register_msgdef(kind, text)
            writer.write_message(topic, schemas[kind], message, log_time=time, publish_time=time, sequence=sequence)
        writer.finish()


if __name__ == "__main__":
    main()
