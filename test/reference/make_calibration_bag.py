"""A rosbag2 MCAP of an arm that stops for each image, by PyPI rosbags. JSON on stdin: images, the tool's poses
(base_link -> tool0), the camera. Between two stops the arm moves, and a picture is taken on the way too."""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
START = 1_700_000_000_000_000_000
T = STORE.types
FRAME = "camera_color_optical_frame"


def stamp(at: int):
    return T["builtin_interfaces/msg/Time"](sec=at // 10**9, nanosec=at % 10**9)


def header(at: int, frame: str):
    return T["std_msgs/msg/Header"](stamp=stamp(at), frame_id=frame)


def transform(at: int, parent: str, child: str, p, q):
    return T["geometry_msgs/msg/TransformStamped"](
        header=header(at, parent),
        child_frame_id=child,
        transform=T["geometry_msgs/msg/Transform"](
            translation=T["geometry_msgs/msg/Vector3"](*p), rotation=T["geometry_msgs/msg/Quaternion"](*q)
        ),
    )


def main() -> None:
    given = json.load(sys.stdin)
    camera = given["camera"]
    info_of = lambda at: T["sensor_msgs/msg/CameraInfo"](
        header=header(at, FRAME),
        height=camera["height"],
        width=camera["width"],
        distortion_model=camera["model"],
        d=np.array(camera["d"]),
        k=np.array(camera["k"], dtype=np.float64),
        r=np.eye(3).ravel(),
        p=np.array([*camera["k"][:3], 0, *camera["k"][3:6], 0, 0, 0, 1, 0], dtype=np.float64),
        binning_x=0,
        binning_y=0,
        roi=T["sensor_msgs/msg/RegionOfInterest"](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )
    path = Path(given["out"])
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        add = lambda topic, kind: writer.add_connection(topic, kind, typestore=STORE)
        pictures = add("/camera/color/image_raw", "sensor_msgs/msg/Image")
        infos = add("/camera/color/camera_info", "sensor_msgs/msg/CameraInfo")
        tf = add("/tf", "tf2_msgs/msg/TFMessage")
        fixed = add("/tf_static", "tf2_msgs/msg/TFMessage")

        def write(connection, at, message):
            writer.write(connection, at, STORE.serialize_cdr(message, message.__msgtype__))

        mount = given["camera_link"]
        link = transform(START, "camera_link", FRAME, mount["p"], mount["q"])
        write(fixed, START, T["tf2_msgs/msg/TFMessage"](transforms=[link]))

        def picture(at: int, pixels: np.ndarray) -> None:
            write(infos, at, info_of(at))
            message = T["sensor_msgs/msg/Image"](
                header=header(at, FRAME),
                height=pixels.shape[0],
                width=pixels.shape[1],
                encoding="mono8",
                is_bigendian=0,
                step=pixels.shape[1],
                data=pixels.ravel(),
            )
            write(pictures, at, message)

        at = START
        poses = given["poses"]
        for index, name in enumerate(given["images"]):
            pose = poses[index]
            pixels = np.array(Image.open(name).convert("L"))
            for tick in range(12):  # stands for 0.6 s
                moved = transform(at, "base_link", "tool0", pose["p"], pose["q"])
                write(tf, at, T["tf2_msgs/msg/TFMessage"](transforms=[moved]))
                if tick == 6:
                    picture(at + 10_000_000, pixels)
                at += 50_000_000
            if index + 1 == len(poses):
                break
            goal = poses[index + 1]
            for tick in range(1, 10):
                s = tick / 10
                q0, q1 = np.array(pose["q"]), np.array(goal["q"])
                q = (1 - s) * q0 + s * (q1 if q0 @ q1 > 0 else -q1)
                p = (1 - s) * np.array(pose["p"]) + s * np.array(goal["p"])
                moved = transform(at, "base_link", "tool0", p, q / np.linalg.norm(q))
                write(tf, at, T["tf2_msgs/msg/TFMessage"](transforms=[moved]))
                if tick == 5:
                    picture(at, np.roll(pixels, 40, axis=1))
                at += 50_000_000
    print("{}")


if __name__ == "__main__":
    main()
