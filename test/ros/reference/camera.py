"""The camera of peer.py: images, depth and camera info, sensible or not."""

from __future__ import annotations

import base64
import copy
import time
from array import array
from typing import Any

import numpy as np
import scene
from messages import header_at, qos
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

DEPTH = "camera/aligned_depth_to_color/image_raw"
COLOUR = "camera/color/image_raw"
INFO = "camera/color/camera_info"


class Camera:
    """Publishes a camera: `camera`, `camera_lock` and `sent` are the node's."""

    def do_camera(
        self,
        rate: float = 15,
        width: int = 320,
        height: int = 240,
        transport: str = "raw",
        encoding: str = "rgb8",
        depth: str = "16UC1",
        info: bool = True,
        reliability: str = "reliable",
        frame_id: str = "camera_color_optical_frame",
        skew: float = 0,
        stamp_offset: float = 0,
        blank: bool = False,
        colour_name: str = COLOUR,
        depth_name: str = DEPTH,
        depth_info_name: str = "",
        depth_frame_id: str = "",
        latched: bool = False,
        info_frame_id: str | None = None,
        focal: float = 300,
        colour_every: int = 1,
        depth_delay: float = 0,
        once: bool = False,
        info_count: int = 0,
        shift: int = 0,
        info_name: str = INFO,
    ) -> None:
        """Publishes RGB-D pictures until told otherwise."""
        self.do_camera_off()
        kind = Image if transport == "raw" else CompressedImage
        name = colour_name if transport == "raw" else f"{colour_name}/compressed"
        profile = qos(reliability, latched=latched)
        self.camera = {
            "colour": self.create_publisher(kind, name, profile),
            "depth": self.create_publisher(Image, depth_name, profile) if depth else None,
            "info": self.create_publisher(CameraInfo, info_name, profile) if info else None,
            "depth_info": self.create_publisher(CameraInfo, depth_info_name, profile) if depth_info_name else None,
        }
        picture = scene.colour(width, height)
        if shift:
            picture = np.roll(picture, shift, axis=1)
        if blank:
            picture[:] = 128
        if encoding == "bgr8":
            picture = np.ascontiguousarray(picture[:, :, ::-1])
        distances = scene.depth(width, height)
        if shift:
            distances = np.roll(distances, shift, axis=1)
        if depth == "32FC1":
            distances = (distances / 1000).astype(np.float32)
        empty = Header()
        colour_message = (
            scene.image_message(empty, picture, encoding)
            if transport == "raw"
            else scene.compressed_message(empty, picture, transport)
        )
        depth_message = scene.image_message(empty, distances, depth) if depth else None
        info_message = scene.camera_info(empty, width, height, focal)
        ticks = 0
        late: list[tuple[float, Image]] = []

        def tick() -> None:
            with self.camera_lock:
                if self.camera.get("on"):
                    publish()

        def publish() -> None:
            nonlocal ticks
            ticks += 1
            stamp = self.get_clock().now().nanoseconds + int(stamp_offset * 1e9)
            header = header_at(stamp, frame_id)
            self.sent.append(stamp)
            del self.sent[:-200]
            colour_message.header = header
            if ticks % colour_every == 0:
                self.camera["colour"].publish(colour_message)
            if depth_message is not None:
                depth_message.header = header_at(stamp + int(skew * 1e9), (depth_frame_id or frame_id).strip())
                late.append((time.monotonic() + depth_delay, copy.deepcopy(depth_message) if depth_delay else depth_message))
                while late and late[0][0] <= time.monotonic():
                    self.camera["depth"].publish(late.pop(0)[1])
            if info and (info_count == 0 or ticks <= info_count):
                info_message.header = header if info_frame_id is None else header_at(stamp, info_frame_id)
                self.camera["info"].publish(info_message)
            if depth_info_name:
                info_message.header = header_at(stamp, depth_frame_id)
                self.camera["depth_info"].publish(info_message)

        self.camera["on"] = True
        if once:
            publish()
            return
        self.camera["timer"] = self.create_timer(1 / rate, tick)

    def do_camera_off(self) -> None:
        """Destroys the camera's publishers."""
        with self.camera_lock:
            self.camera["on"] = False
            timer = self.camera.get("timer")
            if timer is not None:
                timer.cancel()
                self.destroy_timer(timer)
            for name in ("colour", "depth", "info", "depth_info"):
                if self.camera.get(name) is not None:
                    self.destroy_publisher(self.camera[name])
            self.camera = {}

    def do_sent(self) -> list[str]:
        """Stamps of the pictures sent last, in nanoseconds (as text: they are larger than JSON's integers)."""
        return [str(stamp) for stamp in self.sent]

    def do_send_image(
        self,
        topic: str = "colour",
        width: int = 320,
        height: int = 240,
        step: int | None = None,
        encoding: str = "rgb8",
        bytes_: int | None = None,
        sec: int | None = None,
        frame_id: str = "camera_color_optical_frame",
    ) -> None:
        """One Image with whatever fields, sensible or not."""
        stamp = self.get_clock().now().to_msg()
        if sec is not None:
            stamp.sec = sec
        message = Image(header=Header(stamp=stamp, frame_id=frame_id), width=width, height=height, encoding=encoding)
        message.step = width * 3 if step is None else step
        message.data = array("B", bytes(message.step * height if bytes_ is None else bytes_))
        self.camera[topic].publish(message)

    def do_send_info(self, k: list[Any], width: int = 320, height: int = 240) -> None:
        """One CameraInfo with the intrinsics given ("nan" allowed)."""
        message = scene.camera_info(Header(frame_id="camera_color_optical_frame"), width, height)
        message.k = [float(each) for each in k]
        self.camera["info"].publish(message)

    def do_send_compressed(self, data: str, format: str = "rgb8; jpeg compressed bgr8") -> None:
        """One CompressedImage of the bytes given in base64."""
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id="camera_color_optical_frame")
        self.camera["colour"].publish(CompressedImage(header=header, format=format, data=base64.b64decode(data)))
