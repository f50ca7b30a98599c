"""Makes the bundled demo recording: a simulated table of everyday objects as a RealSense D435 would record it.

    MUJOCO_GL=osmesa python scripts/demo/make_demo.py --assets ../shared/assets [--out demo] [--frames 20]

Writes demo.mcap (ROS 2 messages, zstd chunks) and truth.json (where each object is in every picture). Needs mujoco,
numpy, opencv-python-headless, mcap and mcap-ros2-support (versions as in test/requirements.txt; mujoco 4.0.0).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import struct
from pathlib import Path

if __name__ == "__main__":  # MuJoCo reads it while it is imported
    os.environ.setdefault("MUJOCO_GL", "osmesa")

import cv2
import numpy as np
from mcap.writer import CompressionType
from mcap_ros2.writer import Writer
from tqdm import tqdm

from camera import Camera
from definitions import CAMERA_INFO, COMPRESSED_IMAGE, TF_MESSAGE
from scene import BASE_IN_WORLD, CX, CY, FX, FY, HEIGHT, ITEMS, WIDTH, build, camera_pose, png16

OPTICAL_FRAME = "camera_color_optical_frame"
COLOUR = "/camera/camera/color/image_raw/compressed"
DEPTH = "/camera/camera/aligned_depth_to_color/image_raw/compressedDepth"
INFO = "/camera/camera/color/camera_info"
#: 2026-01-05 09:00:00 UTC, in nanoseconds.
START = 1_767_603_600_000_000_000


def quaternion(matrix: np.ndarray) -> dict[str, float]:
    """Of a rotation matrix, x, y, z, w. The angle must not be 180 degrees, which no transform here has."""
    w = math.sqrt(max(0.0, 1 + np.trace(matrix))) / 2
    x, y, z = ((matrix[2, 1] - matrix[1, 2]), (matrix[0, 2] - matrix[2, 0]), (matrix[1, 0] - matrix[0, 1]))
    return {"x": x / (4 * w), "y": y / (4 * w), "z": z / (4 * w), "w": w}


def transform(stamp: dict, parent: str, child: str, matrix: np.ndarray, origin: np.ndarray) -> dict:
    x, y, z = (float(v) for v in origin)
    moved = {"translation": {"x": x, "y": y, "z": z}, "rotation": {k: float(v) for k, v in quaternion(matrix).items()}}
    return {"header": {"stamp": stamp, "frame_id": parent}, "child_frame_id": child, "transform": moved}


#: Axes of the optical frame (right, down, forward) in a frame that is forward, left, up; as REP-103 has both.
OPTICAL_IN_LINK = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], float)
#: The robot's base looks away from the viewer: its x is the world's y, its y the world's -x.
WORLD_IN_BASE = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]], float)


def camera_in_base(t: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and origin of camera_link (forward, left, up) in the robot's base."""
    eye, axes = camera_pose(t)
    link = np.stack([-axes[:, 2], -axes[:, 0], axes[:, 1]], 1)
    return WORLD_IN_BASE @ link, WORLD_IN_BASE @ (eye - BASE_IN_WORLD)


def boxes(owners: np.ndarray) -> list[dict]:
    """Box of each object's visible pixels: x1, y1, x2, y2, the last two exclusive."""
    out = []
    for k, item in enumerate(ITEMS):
        ys, xs = np.nonzero(owners == k)
        if len(xs):
            out.append({"name": item.name, "box": [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]})
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, required=True, help="folder with objects/ and textures/")
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--lights", type=int, nargs=2, default=(10, 14), help="of the window and of the room")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    camera = Camera(build(args.assets), args.seed, *args.lights)
    rng = np.random.default_rng(args.seed)
    frames = []
    part = args.out / "demo.mcap.part"
    with part.open("wb") as stream:
        writer = Writer(stream, chunk_size=512 * 1024, compression=CompressionType.ZSTD)
        image = writer.register_msgdef("sensor_msgs/msg/CompressedImage", COMPRESSED_IMAGE)
        info = writer.register_msgdef("sensor_msgs/msg/CameraInfo", CAMERA_INFO)
        tf = writer.register_msgdef("tf2_msgs/msg/TFMessage", TF_MESSAGE)

        def write(topic: str, schema: object, message: dict, time: int) -> None:
            writer.write_message(topic=topic, schema=schema, message=message, log_time=time, publish_time=time)

        for k in tqdm(range(args.frames), desc="frames"):
            t = k / max(1, args.frames - 1)
            time = START + int(t * args.seconds * 1e9)
            stamp = {"sec": time // 1_000_000_000, "nanosec": time % 1_000_000_000}
            header = {"stamp": stamp, "frame_id": OPTICAL_FRAME}
            if k == 0:
                still = [
                    transform(stamp, "camera_link", "camera_color_frame", np.eye(3), np.zeros(3)),
                    transform(stamp, "camera_color_frame", OPTICAL_FRAME, OPTICAL_IN_LINK, np.zeros(3)),
                ]
                write("/tf_static", tf, {"transforms": still}, time)
            write("/tf", tf, {"transforms": [transform(stamp, "base_link", "camera_link", *camera_in_base(t))]}, time)
            write(INFO, info, camera_info(header), time)
            picture = camera.colour(t, rng)
            ok, jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
            assert ok
            write(COLOUR, image, {"header": header, "format": "rgb8; jpeg compressed bgr8", "data": jpeg.tobytes()}, time)
            # The plugin's header for integer depth: format 0 and two unused parameters.
            depth = struct.pack("<iff", 0, 0.0, 0.0) + png16(camera.depth(t, rng))
            write(DEPTH, image, {"header": header, "format": "16UC1; compressedDepth png", "data": depth}, time + 2_000_000)
            frames.append({"stamp": str(time), "objects": boxes(camera.owners(t))})
        writer.finish()
    part.replace(args.out / "demo.mcap")
    lines = ",\n    ".join(json.dumps(frame) for frame in frames)
    head = f'{{\n  "width": {WIDTH},\n  "height": {HEIGHT},\n  "frames": [\n    '
    (args.out / "truth.json").write_text(f"{head}{lines}\n  ]\n}}\n")
    size = (args.out / "demo.mcap").stat().st_size
    print(f"{args.out / 'demo.mcap'}: {args.frames} frames, {size / 1e6:.2f} MB")


def camera_info(header: dict) -> dict:
    return {
        "header": header,
        "height": HEIGHT,
        "width": WIDTH,
        "distortion_model": "plumb_bob",
        "d": [0.0] * 5,
        "k": [FX, 0.0, CX, 0.0, FY, CY, 0.0, 0.0, 1.0],
        "r": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        "p": [FX, 0.0, CX, 0.0, 0.0, FY, CY, 0.0, 0.0, 0.0, 1.0, 0.0],
        "binning_x": 0,
        "binning_y": 0,
        "roi": {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False},
    }


if __name__ == "__main__":
    main()
