"""The cell: a Panda at a table with objects on it, an RGB-D camera opposite or on its hand, and a room around."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import mujoco
import numpy as np
from PIL import Image

from assets import Asset, load_assets, mjcf_of, shared_folder
from builtin import all_built_in, made
from holdable import can_be_held
from panda import FINGER_LINKS, FINGERS, HOME, HOME_WITH_CAMERA, JOINTS, OPEN, mjcf
from scene import FOVY, HEIGHT, STROKE, WIDTH, aim_camera, drop, place, settle, yaw_quat

#: The arm's base in the world: on the table's far edge; the table's top is z = 0.
BASE_POSITION = (0.0, 0.0, 0.0)
#: Area of the objects, in metres from the arm's base: middle and half extents.
MIDDLE, SPREAD = (0.53, 0.0), (0.13, 0.22)
CAMERA_POSITION = np.array([1.12, 0.0, 0.68])
CAMERA_TARGET = np.array([0.49, 0.0, 0.03])
#: Where the camera is: opposite the arm, fixed, or on its hand.
CAMERAS = ("opposite", "hand")
#: Largest side of objects in the cell and largest mass, in metres and kilograms.
LARGEST, HEAVIEST = 0.25, 1.0
GROUP_THINGS, GROUP_ARM = 1, 2


@dataclass(frozen=True)
class TableObject:
    """One object of a scene."""

    body: str
    asset: Asset
    #: Name in queries; no other object of the scene has this name or category.
    name: str


@dataclass
class World:
    """A settled cell."""

    number: int
    model: mujoco.MjModel
    data: mujoco.MjData
    objects: list[TableObject]
    #: Of the camera opposite: its optical axes x right, y down, z forward in the world, as columns. None: on the hand.
    camera_rotation: np.ndarray | None

    def height(self, body: str) -> float:
        """Height of an object's centre of mass above the table."""
        return float(self.data.body(body).xipos[2])

    def touching(self, body: str) -> set[str]:
        """Fingers that touch an object."""
        item = self.model.body(body).id
        pads = {self.model.geom(link).id: link for link in FINGER_LINKS}
        found = set()
        for contact in self.data.contact:
            for pad, other in ((contact.geom1, contact.geom2), (contact.geom2, contact.geom1)):
                if pad in pads and self.model.geom_bodyid[other] == item:
                    found.add(pads[pad])
        return found

    def width(self, item: TableObject) -> float:
        """Its least width seen from above, as it lies."""
        return float(item.asset.width_at(self.data.body(item.body).xmat.reshape(3, 3))[0])

    def could_be_held(self, item: TableObject) -> bool:
        """Whether this gripper could take it from above in the pose it lies in, by its true shape."""
        rotation = self.data.body(item.body).xmat.reshape(3, 3)
        points = np.concatenate(item.asset.hulls()) @ rotation.T
        bottom = float(points[:, 2].min() + self.data.body(item.body).xpos[2])
        return item.asset.width_at(rotation)[0] <= 0.9 * STROKE or can_be_held(item.asset, rotation, bottom)


def has_pack() -> bool:
    """Whether the asset pack is there."""
    return (shared_folder() / "assets" / "objects" / "index.json").exists()


def never_trained_on(key: str) -> bool:
    """Whether the bundled model's training left this out (the test split of models/training/scenes/assets.py)."""
    return int(hashlib.md5(key.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF >= 0.86


def fits(asset: Asset) -> bool:
    """Whether it is of a size and weight for this table."""
    return max(np.ptp(np.concatenate(asset.hulls()), axis=0)) <= LARGEST and asset.mass <= HEAVIEST


def demo_things() -> tuple[list[Asset], list[tuple[float, float, float]]]:
    """Scene 0: objects with plain names, and their places (x, y in metres, yaw in degrees)."""
    spots = [(0.46, 0.12, 200), (0.60, -0.14, 30), (0.42, -0.16, 10), (0.62, 0.2, 0), (0.55, 0.01, 60), (0.64, 0.04, 0)]
    if not has_pack():
        pairs = ("mug yellow", "mug red", "box blue", "can green", "block orange", "bottle white")
        objects = [made(*pair.split()) for pair in pairs]
        objects[3] = replace(objects[3], names=("soup can",))
        return objects, spots
    pack = {a.id: a for a in load_assets()}
    mug = pack["mug_red"]
    return [
        replace(mug, id="mug_red+yellow", names=("yellow mug",), tint=(225, 178, 30)),
        mug,
        pack["pudding_box"] if "pudding_box" in pack else pack["gelatin_box"],
        replace(pack["tomato_soup_can"], names=("soup can",)),
        pack["banana"],
        pack["apple"],
    ], spots


def candidates() -> list[Asset]:
    """The objects that scenes are drawn from."""
    if not has_pack():
        return list(all_built_in())
    return [a for a in load_assets() if fits(a) and never_trained_on(f"asset:{a.id}")]


def choose(rng: np.random.Generator) -> list[Asset]:
    """Five to eight objects of different categories for a scene."""
    pool = candidates()
    count = int(rng.integers(5, 9))
    chosen: list[Asset] = []
    for k in rng.permutation(len(pool)):
        if pool[k].category not in {a.category for a in chosen}:
            chosen.append(pool[k])
    return chosen[:count]


def build(number: int, seed: int, camera: str = "opposite") -> World:
    """Scene 0 is the demo's; every other number a table drawn at random from `seed`. `camera`: one of CAMERAS."""
    on_hand = camera == "hand"
    home = HOME_WITH_CAMERA if on_hand else HOME
    rng = np.random.default_rng([seed, number])
    spots: Sequence[tuple[float, float, float]] | None = None
    if number == 0:
        assets, spots = demo_things()
    else:
        assets = choose(rng)
    model = compile_cell(assets, rng, plain=number == 0, on_hand=on_hand)
    data = mujoco.MjData(model)
    reset_arm(model, data, home)
    if spots is None:
        upright = [a.stands and bool(rng.random() < 0.75) for a in assets]
        drop(model, data, assets, upright, MIDDLE, SPREAD, rng)
    else:
        for k, (x, y, yaw) in enumerate(spots):
            half = np.radians(yaw) / 2
            place(model, data, f"o{k}", np.array([x, y, 0.002]), np.array([np.cos(half), 0, 0, np.sin(half)]))
        settle(model, data, [f"o{k}" for k in range(len(assets))], 1.0)
    reset_arm(model, data, home)
    rotation = None if on_hand else aim(model)
    mujoco.mj_forward(model, data)
    objects = [TableObject(f"o{k}", a, a.names[0]) for k, a in enumerate(assets)]
    return World(number, model, data, objects, rotation)


def aim(model: mujoco.MjModel) -> np.ndarray:
    """Turns the camera opposite to the table; its optical axes in the world, as columns."""
    forward = CAMERA_TARGET - CAMERA_POSITION
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward], axis=1)
    aim_camera(model, CAMERA_POSITION, rotation)
    return rotation


def reset_arm(model: mujoco.MjModel, data: mujoco.MjData, home: Sequence[float]) -> None:
    """The arm at rest in its ready configuration, the gripper open."""
    for name, value in (*zip(JOINTS, home), *((f, OPEN) for f in FINGERS)):
        joint = model.joint(name)
        data.qpos[joint.qposadr[0]] = value
        data.qvel[joint.dofadr[0]] = 0
        data.ctrl[model.actuator(name).id] = value
    mujoco.mj_forward(model, data)


def compile_cell(assets: list[Asset], rng: np.random.Generator, plain: bool, on_hand: bool) -> mujoco.MjModel:
    """Compiles arm, table, room, lights, camera and the objects."""
    definitions, bodies, files = [], [], {}
    for k, asset in enumerate(assets):
        mesh, body, new = mjcf_of(asset, f"o{k}", True)
        definitions.append(mesh)
        bodies.append(body)
        files.update(new)
    arm_meshes, arm, equality, actuators, arm_files = mjcf(BASE_POSITION, camera=on_hand)
    files.update(arm_files)
    table, table_files = table_look(rng, plain)
    files.update(table_files)
    xml = f"""
<mujoco>
  <compiler angle="radian"/>
  <option timestep="0.002" cone="elliptic" impratio="10" integrator="implicitfast">
    <flag multiccd="enable"/>
  </option>
  <size memory="64M"/>
  <visual><global offwidth="1280" offheight="960"/><map znear="0.02" zfar="20"/><quality shadowsize="2048" offsamples="4"/>
    <headlight ambient="0.32 0.32 0.32" diffuse="0.25 0.25 0.25" specular="0.1 0.1 0.1"/></visual>
  <default>
    <default class="object"><geom friction="0.8 0.005 0.0001" condim="4" solref="0.006 1" contype="1" conaffinity="3"/></default>
    <default class="arm"><geom group="3" contype="2" conaffinity="1" friction="0.3 0.005 0.0001" mass="0"/></default>
    <default class="arm-look"><geom group="2" contype="0" conaffinity="0" mass="0"/></default>
    <default class="pad"><geom type="box" group="3" mass="0.05" condim="4" friction="0.9 0.01 0.0001" priority="1"
      solref="0.006 1" contype="2" conaffinity="1"/></default>
  </default>
  <asset>{"".join(definitions)}{arm_meshes}{table}
    <texture name="sky" type="skybox" builtin="gradient" rgb1="0.82 0.84 0.86" rgb2="0.55 0.57 0.6" width="64" height="384"/>
    <material name="floor" rgba="0.45 0.46 0.48 1" specular="0.05"/>
    <material name="wall" rgba="0.78 0.77 0.74 1" specular="0.02"/></asset>
  <worldbody>
    <light pos="0.9 -0.7 2.0" dir="-0.25 0.38 -1" diffuse="0.55 0.55 0.53" specular="0.2 0.2 0.2" castshadow="true"/>
    <light pos="0.2 1.0 2.2" dir="0.15 -0.4 -1" diffuse="0.25 0.25 0.27" specular="0 0 0" castshadow="false"/>
    <geom name="table" type="box" size="0.55 0.75 0.02" pos="0.4 0 -0.02" material="table" group="1" contype="1" conaffinity="3" friction="0.7 0.005 0.0001"/>
    <geom name="leg1" type="box" size="0.03 0.03 0.36" pos="0.87 0.68 -0.4" material="wall" group="1"/>
    <geom name="leg2" type="box" size="0.03 0.03 0.36" pos="0.87 -0.68 -0.4" material="wall" group="1"/>
    <geom name="floor" type="plane" size="4 4 0.1" pos="0 0 -0.76" material="floor" group="1"/>
    <geom name="wall" type="box" size="0.05 4 1.5" pos="-1.3 0 0.74" material="wall" group="1"/>
    {"" if on_hand else f'<camera name="eye" fovy="{FOVY}" mode="fixed"/>'}
    <camera name="side" fovy="45" pos="1.25 -1.05 0.75" xyaxes="0.66 0.75 0 -0.28 0.25 0.93"/>
    {arm}{"".join(bodies)}
  </worldbody>
  <equality>{equality}</equality>
  <actuator>{actuators}</actuator>
</mujoco>"""
    return mujoco.MjModel.from_xml_string(xml, files)


def table_look(rng: np.random.Generator, plain: bool) -> tuple[str, dict[str, bytes]]:
    """The table's material: an image of the pack, or a plain colour."""
    folder = shared_folder() / "assets" / "textures"
    if plain or not folder.exists():
        return '<material name="table" rgba="0.72 0.62 0.5 1" specular="0.1" shininess="0.2"/>', {}
    kinds = ("mw_wood", "acg_wood", "acg_bamboo", "acg_concrete", "acg_chipboard")
    files = sorted(
        f for f in folder.glob("*.jpg") if f.name.startswith(kinds) and never_trained_on(f"texture:{f.name}")
    )
    file = files[int(rng.integers(len(files)))]
    out = io.BytesIO()
    Image.open(file).convert("RGB").resize((512, 512)).save(out, "PNG", compress_level=1)
    xml = f'<texture name="table" type="2d" file="table-{file.stem}.png"/>'
    return (
        xml + '<material name="table" texture="table" texuniform="true" texrepeat="1.4 1.4" specular="0.1" shininess="0.2"/>',
        {f"table-{file.stem}.png": out.getvalue()},
    )
