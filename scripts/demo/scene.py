"""The demo's table: scanned objects with plain names, a room around it, and the path of the camera."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import mujoco
import numpy as np

WIDTH, HEIGHT = 640, 480
#: Colour intrinsics of a RealSense D435 at 640x480, in pixels.
FX = FY = 615.0
CX, CY = 319.5, 239.5


@dataclass(frozen=True)
class Item:
    """One object: its name in truth.json, the asset it is, where it stands (metres, degrees) and an optional new hue."""

    name: str
    asset: str
    x: float
    y: float
    yaw: float
    hue: tuple[int, int, int] | None = None


#: x to the viewer's right, y away from the viewer, the middle of the table at the origin.
ITEMS = (
    Item("red mug", "mug_red", -0.245, 0.010, 205, hue=(196, 34, 30)),
    Item("blue mug", "mug_red", 0.250, 0.000, -35, hue=(44, 92, 176)),
    Item("cracker box", "cracker_box_red", -0.135, 0.215, 252),
    Item("soup can", "tomato_soup_can", 0.165, 0.190, 190),
    Item("bowl", "bowl_turquoise", 0.025, 0.075, 0),
    Item("apple", "apple", 0.125, -0.080, 30, hue=(122, 164, 52)),
    Item("banana", "banana", -0.155, -0.125, 62),
    Item("scissors", "scissors_orange", 0.070, -0.185, 118),
)

#: Where the robot stands: x away from the viewer, y to the left, z up, at table height.
BASE_IN_WORLD = np.array([0.0, -0.55, 0.0])


def _png(image: np.ndarray) -> bytes:
    ok, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert ok
    return data.tobytes()


def _picture(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def _tinted(texture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """The texture in another colour: its light and dark is kept."""
    grey = texture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    gain = np.clip(grey / max(float(np.median(grey)), 20.0), 0.25, 1.6)[..., None]
    return np.clip(np.array(colour, np.float32) * gain, 0, 255).astype(np.uint8)


def build(assets: Path) -> mujoco.MjModel:
    """The compiled scene. Geoms of an item are named after it; one directional light casts the shadows."""
    files: dict[str, bytes] = {}
    asset_xml, body_xml = [], []

    def texture(name: str, image: np.ndarray) -> None:
        files[f"{name}.png"] = _png(image)
        asset_xml.append(f'<texture name="{name}" type="2d" file="{name}.png"/>')

    surfaces = (("table", "mw_wood_birch.jpg", 0.9), ("floor", "mw_parquet_dark.jpg", 1.0), ("wall", "rs_white_plaster.jpg", 1.5))
    for name, file, metres in surfaces:
        texture(name, _picture(assets / "textures" / file))
        asset_xml.append(
            f'<material name="{name}" texture="{name}" texuniform="true" texrepeat="{1 / metres} {1 / metres}" '
            f'specular="{0.15 if name == "table" else 0.02}" shininess="0.25"/>'
        )
    for i, item in enumerate(ITEMS):
        folder = assets / "objects" / item.asset
        image = _picture(folder / "texture.jpg")
        texture(f"t{i}", image if item.hue is None else _tinted(image, item.hue))
        files[f"v{i}.obj"] = (folder / "visual.obj").read_bytes()
        shiny = json.loads((folder / "meta.json").read_text())["material"]
        gloss = 0.55 if shiny in ("ceramic", "porcelain", "metal", "enamel") else 0.2
        asset_xml.append(f'<mesh name="v{i}" file="v{i}.obj" inertia="shell"/>')
        asset_xml.append(f'<material name="m{i}" texture="t{i}" specular="{gloss}" shininess="0.6"/>')
        half = math.radians(item.yaw) / 2
        body_xml.append(
            f'<body name="{item.name}" pos="{item.x} {item.y} 0.0005" quat="{math.cos(half)} 0 0 {math.sin(half)}">'
            f'<geom name="{item.name}" type="mesh" mesh="v{i}" material="m{i}" contype="0" conaffinity="0" mass="0.1"/></body>'
        )
    xml = f"""
    <mujoco>
      <visual>
        <global offwidth="1280" offheight="960" fovy="{math.degrees(2 * math.atan(HEIGHT / 2 / FY))}"/>
        <quality offsamples="4" shadowsize="4096"/>
        <map znear="0.02" zfar="20" shadowclip="0.9"/>
        <headlight ambient="0 0 0" diffuse="0 0 0" specular="0 0 0"/>
      </visual>
      <statistic extent="1" center="0 0 0.1"/>
      <asset>{"".join(asset_xml)}</asset>
      <worldbody>
        <light name="sun" type="directional" pos="0 0 2" dir="0 0 -1" diffuse="1 1 1" ambient="0 0 0" specular="1 1 1" castshadow="true"/>
        <geom type="box" size="0.75 0.62 0.02" pos="0 0.16 -0.02" material="table"/>
        <geom type="box" size="4 4 0.01" pos="0 0 -0.75" material="floor"/>
        <geom type="box" size="4 2 0.01" pos="0 2.2 1.2" quat="0.70710678 0.70710678 0 0" material="wall"/>
        {"".join(body_xml)}
      </worldbody>
    </mujoco>"""
    return mujoco.MjModel.from_xml_string(xml, files)


def camera_pose(t: float) -> tuple[np.ndarray, np.ndarray]:
    """Eye (metres) and axes (columns right, up, back) in the world at t in 0..1 along a slow arc around the table."""
    azimuth = math.radians(-90 - 9 + 18 * t)
    elevation = math.radians(41 + 2.5 * math.sin(math.pi * t))
    distance = 0.76
    target = np.array([0.005, 0.030, 0.045])
    eye = target + distance * np.array(
        [math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation), math.sin(elevation)]
    )
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0, 0, 1.0], back)
    right /= np.linalg.norm(right)
    return eye, np.stack([right, np.cross(back, right), back], 1)


def png16(depth_mm: np.ndarray) -> bytes:
    """A 16-bit PNG at the best compression."""
    ok, data = cv2.imencode(".png", depth_mm, [cv2.IMWRITE_PNG_COMPRESSION, 9, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_ALL_FILTERS])
    assert ok
    return data.tobytes()
