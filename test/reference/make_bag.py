"""Makes a recorded bag of real RGB-D frames with PyPI rosbags or mcap + mcap-ros2-support.

Prints one JSON line: the digests of the pictures that went in, for the reader's to be compared with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
from mcap.writer import CompressionType, IndexType
from mcap.writer import Writer as RawMcapWriter
from PIL import Image
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.ROS2_JAZZY)
START = 1_700_000_000_000_000_000
FRAME = "camera_color_optical_frame"
COLOUR = "/camera/color/image_raw"
DEPTH = "/camera/aligned_depth_to_color/image_raw"
INFO = "/camera/color/camera_info"

IDL_OF_STRING = f"""{"=" * 80}
IDL: std_msgs/msg/String

module std_msgs {{
  module msg {{
    struct String {{
      string data;
    }};
  }};
}};
"""

IDL_OF_IMAGE = f"""{"=" * 80}
IDL: sensor_msgs/msg/Image

module sensor_msgs {{
  module msg {{
    struct Image {{
      std_msgs::msg::Header header;
      uint32 height;
      uint32 width;
      string encoding;
      uint8 is_bigendian;
      uint32 step;
      sequence<uint8> data;
    }};
  }};
}};

{"=" * 80}
IDL: std_msgs/msg/Header

module std_msgs {{
  module msg {{
    struct Header {{
      builtin_interfaces::msg::Time stamp;
      string frame_id;
    }};
  }};
}};

{"=" * 80}
IDL: builtin_interfaces/msg/Time

module builtin_interfaces {{
  module msg {{
    struct Time {{
      int32 sec;
      uint32 nanosec;
    }};
  }};
}};
"""


def make(name: str, *args: object, **kwargs: object) -> object:
    return STORE.types[name](*args, **kwargs)


def header(stamp: int, frame: str = FRAME) -> object:
    time = make("builtin_interfaces/msg/Time", stamp // 10**9, stamp % 10**9)
    return make("std_msgs/msg/Header", time, frame)


def image(stamp: int, encoding: str, pixels: np.ndarray, frame: str = FRAME) -> object:
    height, width = pixels.shape[:2]
    data = np.ascontiguousarray(pixels).view(np.uint8).reshape(-1)
    return make(
        "sensor_msgs/msg/Image",
        header=header(stamp, frame),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=data.size // height,
        data=data,
    )


def camera_info(stamp: int, size: tuple[int, int], intrinsics: dict[str, float]) -> object:
    k = [intrinsics["fx"], 0, intrinsics["cx"], 0, intrinsics["fy"], intrinsics["cy"], 0, 0, 1]
    p = [*k[0:3], 0, *k[3:6], 0, *k[6:9], 0]
    roi = make("sensor_msgs/msg/RegionOfInterest", 0, 0, 0, 0, False)
    return make(
        "sensor_msgs/msg/CameraInfo",
        header=header(stamp),
        height=size[1],
        width=size[0],
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.array(k, dtype=np.float64),
        r=np.eye(3).reshape(-1),
        p=np.array(p, dtype=np.float64),
        binning_x=0,
        binning_y=0,
        roi=roi,
    )


def transform(stamp: int) -> object:
    vector = make("geometry_msgs/msg/Vector3", 0.1, -0.2, 0.3)
    rotation = make("geometry_msgs/msg/Quaternion", 0.0, 0.0, 0.0, 1.0)
    stamped = make(
        "geometry_msgs/msg/TransformStamped",
        header(stamp, "base_link"),
        FRAME,
        make("geometry_msgs/msg/Transform", vector, rotation),
    )
    return make("tf2_msgs/msg/TFMessage", [stamped])


def joints(stamp: int) -> object:
    names = [f"joint_{i}" for i in range(1, 8)]
    return make(
        "sensor_msgs/msg/JointState", header(stamp, ""), names, np.arange(7) / 10, np.zeros(7), np.zeros(0)
    )


def messages(args: argparse.Namespace) -> tuple[list[tuple[str, str, int, object]], dict[str, object]]:
    """(topic, type, log time, message) in order of log time, and what the reader must find."""
    scene = Path(args.scene)
    colour = np.asarray(Image.open(scene / "color.png").convert("RGB"))
    depth = np.asarray(Image.open(scene / "depth.png")).astype(np.uint16)
    intrinsics = json.loads((scene / "intrinsics.json").read_text())
    size = (colour.shape[1], colour.shape[0])
    rows: list[tuple[str, str, int, object]] = []
    period = 10**9 // args.rate
    rng = np.random.default_rng(0)
    for i in range(args.frames):
        stamp = START + i * period
        # Every frame is the scene with its number painted into the first pixel, so that order shows.
        picture = colour.copy()
        picture[0, 0] = (i % 256, i // 256, 7)
        if args.noise:
            picture = rng.integers(0, 256, picture.shape, dtype=np.uint8)
        rows.append((INFO, "sensor_msgs/msg/CameraInfo", stamp + 1000, camera_info(stamp, size, intrinsics)))
        rows.append((COLOUR, "sensor_msgs/msg/Image", stamp + 2000, image(stamp, "rgb8", picture)))
        if i % args.skip_depth == 0:
            late = stamp + args.depth_offset_ms * 10**6
            rows.append((DEPTH, "sensor_msgs/msg/Image", late + 3000, image(late, "16UC1", depth)))
        rows.append(("/tf", "tf2_msgs/msg/TFMessage", stamp + 4000, transform(stamp)))
        rows.append(("/joint_states", "sensor_msgs/msg/JointState", stamp + 5000, joints(stamp)))
    query = make("std_msgs/msg/String", "the blue mug, синяя кружка")
    rows.append(("/grasp_grounding/query", "std_msgs/msg/String", START + 1, query))
    rows.sort(key=lambda row: row[2])
    first = colour.copy()
    first[0, 0] = (0, 0, 7)
    expected = {
        "frames": args.frames,
        "width": size[0],
        "height": size[1],
        "intrinsics": intrinsics,
        "first_colour_sha256": hashlib.sha256(first.tobytes()).hexdigest(),
        "depth_mm_sha256": hashlib.sha256(depth.astype("<u2").tobytes()).hexdigest(),
        "messages": len(rows),
        "start": str(rows[0][2]),
        "end": str(rows[-1][2]),
    }
    return rows, expected


def with_rosbags(out: Path, rows: list[tuple[str, str, int, object]], args: argparse.Namespace) -> None:
    writer = Writer(out, version=9, storage_plugin=StoragePlugin[args.storage.upper()])
    mode = CompressionMode[args.compression.upper()]
    if mode != CompressionMode.NONE:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, object] = {}
        for topic, kind, time, message in rows:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            writer.write(connections[topic], time, STORE.serialize_cdr(message, kind))


def definition(kind: str, form: str) -> tuple[str, str]:
    idl = {"std_msgs/msg/String": IDL_OF_STRING, "sensor_msgs/msg/Image": IDL_OF_IMAGE}
    if form == "ros2idl" and kind in idl:
        return "ros2idl", idl[kind]
    return "ros2msg", STORE.generate_msgdef(kind, ros_version=2)[0]


def with_mcap(out: Path, rows: list[tuple[str, str, int, object]], args: argparse.Namespace) -> None:
    with out.open("wb") as stream:
        writer = RawMcapWriter(
            stream,
            chunk_size=args.chunk_size,
            compression=CompressionType[args.compression.upper()],
            index_types=IndexType.NONE if args.no_index else IndexType.ALL,
            use_chunking=not args.no_chunks,
            repeat_channels=not args.no_index,
            repeat_schemas=not args.no_index,
            use_statistics=not args.no_index,
            use_summary_offsets=not args.no_index,
        )
        writer.start(profile="ros2", library="test peers")
        channels: dict[str, int] = {}
        for sequence, (topic, kind, time, message) in enumerate(rows):
            if topic not in channels:
                encoding, text = definition(kind, args.definitions)
                schema = writer.register_schema(kind, encoding, text.encode())
                channels[topic] = writer.register_channel(topic, "cdr", schema, {"offered_qos_profiles": ""})
            data = bytes(STORE.serialize_cdr(message, kind))
            writer.add_message(channels[topic], time, data, time, sequence)
        writer.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=["rosbags", "mcap"], required=True)
    parser.add_argument("--storage", choices=["mcap", "sqlite3"], default="mcap")
    parser.add_argument("--compression", default="none", help="none; rosbags: message, file, storage; mcap: lz4, zstd")
    parser.add_argument("--definitions", choices=["ros2msg", "ros2idl"], default="ros2msg")
    parser.add_argument("--scene", required=True)
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--chunk-size", type=int, default=1024 * 1024)
    parser.add_argument("--depth-offset-ms", type=int, default=0)
    parser.add_argument("--skip-depth", type=int, default=1, help="keep the depth of every n-th frame")
    parser.add_argument("--no-index", action="store_true")
    parser.add_argument("--no-chunks", action="store_true")
    parser.add_argument("--noise", action="store_true", help="pictures that do not compress")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows, expected = messages(args)
    if args.out.is_dir():
        shutil.rmtree(args.out)
    args.out.unlink(missing_ok=True)
    (with_rosbags if args.library == "rosbags" else with_mcap)(args.out, rows, args)
    print(json.dumps(expected))


if __name__ == "__main__":
    main()
