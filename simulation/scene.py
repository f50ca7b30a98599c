"""Scenes: objects on a table under a tilted RGB-D camera, with a floating parallel gripper parked above."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from assets import Asset, mjcf_of
from sensing import Sensing, draw_pose, measure

WIDTH, HEIGHT, FOCAL = 640, 480, 615.0
FOVY = float(np.degrees(2 * np.arctan(HEIGHT / 2 / FOCAL)))

# A Franka-hand-like gripper. Body origin between the fingertips, z along the approach, x along the closing direction.
FINGER_LENGTH, FINGER_WIDTH, FINGER_THICKNESS, STROKE = 0.054, 0.02, 0.012, 0.08
PALM = (0.204, 0.063, 0.066)
GRIP_FORCE = 40.0
PARK = np.array([0.0, 0.0, 1.5])

GRIPPER = f"""
<body name="target" mocap="true" pos="0 0 1.5"/>
<body name="hand" pos="0 0 1.5" gravcomp="1">
  <freejoint name="hand"/>
  <geom class="hand" name="palm" type="box" size="{PALM[0] / 2} {PALM[1] / 2} {PALM[2] / 2}"
        pos="0 0 {-FINGER_LENGTH - PALM[2] / 2}" mass="0.7"/>
  <body name="left" gravcomp="1"><joint name="left" class="finger" axis="-1 0 0"/>
    <geom class="pad" name="left" size="{FINGER_THICKNESS / 2} {FINGER_WIDTH / 2} {FINGER_LENGTH / 2}"
          pos="{-FINGER_THICKNESS / 2} 0 {-FINGER_LENGTH / 2}"/></body>
  <body name="right" gravcomp="1"><joint name="right" class="finger" axis="1 0 0"/>
    <geom class="pad" name="right" size="{FINGER_THICKNESS / 2} {FINGER_WIDTH / 2} {FINGER_LENGTH / 2}"
          pos="{FINGER_THICKNESS / 2} 0 {-FINGER_LENGTH / 2}"/></body>
</body>
"""


@dataclass
class Target:
    """What is to be grasped, and what the camera saw of it."""

    name: str
    asset: Asset
    mask: np.ndarray
    visible: float
    width: float
    height: float
    upright: bool
    holdable: bool


@dataclass
class Scene:
    """A settled scene: model, state, camera and image."""

    model: mujoco.MjModel
    data: mujoco.MjData
    names: list[str]
    assets: list[Asset]
    state: np.ndarray
    camera_position: np.ndarray
    camera_rotation: np.ndarray  # columns: optical axes x right, y down, z forward, in the world
    depth: np.ndarray
    clean_depth: np.ndarray
    segmentation: np.ndarray
    sensing: Sensing = Sensing()

    def restore(self) -> None:
        """Back to the state that the image shows."""
        mujoco.mj_setState(self.model, self.data, self.state, mujoco.mjtState.mjSTATE_INTEGRATION)
        mujoco.mj_forward(self.model, self.data)


def build_model(assets: list[Asset], textured: bool, table_rgb: tuple[float, float, float]) -> mujoco.MjModel:
    """Compiles table, lights, camera, gripper and the objects."""
    meshes, bodies, files = [], [], {}
    for k, asset in enumerate(assets):
        mesh, body, new = mjcf_of(asset, f"o{k}", textured)
        meshes.append(mesh)
        bodies.append(body)
        files.update(new)
    r, g, b = table_rgb
    xml = f"""
<mujoco>
  <option timestep="0.002" cone="elliptic" impratio="10" integrator="implicitfast">
    <flag multiccd="enable"/>
  </option>
  <size memory="64M"/>
  <visual><global offwidth="{WIDTH}" offheight="{HEIGHT}"/><map znear="0.02" zfar="20"/>
    <headlight ambient="0.4 0.4 0.4" diffuse="0.5 0.5 0.5"/></visual>
  <default>
    <default class="object"><geom friction="0.8 0.005 0.0001" condim="4" solref="0.006 1"/></default>
    <default class="hand"><geom group="2" rgba="0.9 0.9 0.92 1" friction="0.3 0.005 0.0001"/></default>
    <default class="pad"><geom type="box" group="2" mass="0.05" rgba="0.2 0.2 0.25 1" condim="4"
      friction="0.9 0.01 0.0001" priority="1" solref="0.006 1"/></default>
    <default class="finger"><joint type="slide" range="0 {STROKE / 2}" damping="8" armature="0.05"/></default>
  </default>
  <asset>{"".join(meshes)}</asset>
  <worldbody>
    <light pos="0.5 -0.5 2" dir="-0.2 0.2 -1" diffuse="0.5 0.5 0.5"/>
    <geom name="table" type="plane" size="3 3 0.1" rgba="{r} {g} {b} 1" group="1" friction="0.7 0.005 0.0001"/>
    <camera name="eye" fovy="{FOVY}" mode="fixed"/>
    {"".join(bodies)}
    {GRIPPER}
  </worldbody>
  <equality>
    <weld name="hold" body1="target" body2="hand" solref="0.01 1" solimp="0.95 0.99 0.001" torquescale="1"/>
    <joint joint1="left" joint2="right" polycoef="0 1 0 0 0" solref="0.004 1"/>
  </equality>
  <actuator>
    <position name="left" joint="left" kp="3000" kv="60" forcerange="-{GRIP_FORCE} {GRIP_FORCE}"/>
    <position name="right" joint="right" kp="3000" kv="60" forcerange="-{GRIP_FORCE} {GRIP_FORCE}"/>
  </actuator>
</mujoco>"""
    return mujoco.MjModel.from_xml_string(xml, files)


def place(model: mujoco.MjModel, data: mujoco.MjData, name: str, position: np.ndarray, quat: np.ndarray) -> None:
    """Puts a free body somewhere at rest; quat in the order w, x, y, z."""
    joint = model.joint(name)
    address, velocity = joint.qposadr[0], joint.dofadr[0]
    data.qpos[address : address + 3] = position
    data.qpos[address + 3 : address + 7] = quat
    data.qvel[velocity : velocity + 6] = 0


def park_gripper(model: mujoco.MjModel, data: mujoco.MjData) -> None:
    """Holds the gripper high above the table, open."""
    data.mocap_pos[0] = PARK
    data.mocap_quat[0] = [1, 0, 0, 0]
    place(model, data, "hand", PARK, np.array([1.0, 0, 0, 0]))
    for finger in ("left", "right"):
        data.qpos[model.joint(finger).qposadr[0]] = STROKE / 2
        data.ctrl[model.actuator(finger).id] = STROKE / 2


def settle(model: mujoco.MjModel, data: mujoco.MjData, names: list[str], longest: float) -> None:
    """Runs until the objects rest, at most `longest` seconds."""
    dofs = np.concatenate([np.arange(model.joint(n).dofadr[0], model.joint(n).dofadr[0] + 6) for n in names])
    for k in range(int(longest / model.opt.timestep)):
        mujoco.mj_step(model, data)
        if k > 150 and k % 25 == 0 and np.abs(data.qvel[dofs]).max() < 0.01:
            break
    data.qvel[:] = 0


def yaw_quat(rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)])


def drop(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    assets: list[Asset],
    upright: list[bool],
    middle: tuple[float, float],
    spread: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    """Drops the bodies o0, o1, … one after the other about `middle`, standing or turned at random, and lets them settle."""
    names = [f"o{k}" for k in range(len(assets))]
    # Waiting objects would fall; they are put back until it is their turn.
    for k, name in enumerate(names):
        place(model, data, name, np.array([3.0 + k, 3.0, 0.3]), np.array([1.0, 0, 0, 0]))
    taken: list[tuple[np.ndarray, float]] = []
    for k, (asset, name) in enumerate(zip(assets, names)):
        radius = float(np.linalg.norm(np.concatenate(asset.hulls())[:, :2], axis=1).max())
        spot = np.array(middle) + rng.uniform(-1, 1, 2) * spread
        for _ in range(40):
            if all(np.linalg.norm(spot - p) > 0.85 * (radius + r) for p, r in taken):
                break
            spot = np.array(middle) + rng.uniform(-1.3, 1.3, 2) * spread
        taken.append((spot, radius))
        if upright[k]:
            place(model, data, name, np.array([*spot, 0.002]), yaw_quat(rng))
        else:
            quat = Rotation.random(random_state=rng.integers(1 << 31)).as_quat(scalar_first=True)
            turned = np.concatenate(asset.hulls()) @ Rotation.from_quat(quat, scalar_first=True).as_matrix().T
            place(model, data, name, np.array([*spot, 0.02 - turned[:, 2].min()]), quat)
        for later in names[k + 1 :]:
            place(model, data, later, np.array([3.0 + int(later[1:]), 3.0, 0.3]), np.array([1.0, 0, 0, 0]))
        settle(model, data, names[: k + 1], 0.35 if k + 1 < len(names) else 2.0)


def make_scene(
    assets: list[Asset], upright: list[bool], rng: np.random.Generator, textured: bool, sensing: Sensing = Sensing()
) -> Scene:
    """Drops the objects, one after the other, and takes the image."""
    tint = rng.uniform(0.35, 0.85, 3) * 0.4 + rng.uniform(0.2, 0.5)
    model = build_model(assets, textured, tuple(float(x) for x in tint))
    data = mujoco.MjData(model)
    park_gripper(model, data)
    names = [f"o{k}" for k in range(len(assets))]
    spread = 0.0 if len(assets) == 1 else 0.1 + 0.012 * len(assets)
    drop(model, data, assets, upright, (0.0, 0.0), (spread, spread), rng)
    park_gripper(model, data)
    mujoco.mj_forward(model, data)
    state = np.empty(mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION))
    mujoco.mj_getState(model, data, state, mujoco.mjtState.mjSTATE_INTEGRATION)

    middle = np.mean([data.body(n).xipos for n in names], axis=0)
    elevation, azimuth, distance = draw_pose(sensing, len(assets) > 1, rng)
    ray = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
    eye = middle + distance * ray
    forward = middle + rng.uniform(-0.03, 0.03, 3) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward], axis=1)
    aim_camera(model, eye, rotation)
    mujoco.mj_forward(model, data)
    depth, segmentation = render_depth(model, data)
    scene = Scene(model, data, names, assets, state, eye, rotation, depth, depth, segmentation, sensing)
    take_depth(scene, rng)
    return scene


def take_depth(scene: Scene, rng: np.random.Generator) -> None:
    """The measured depth image of the true one."""
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH]
    rays = np.stack([(u - (WIDTH - 1) / 2) / FOCAL, (v - (HEIGHT - 1) / 2) / FOCAL, np.ones_like(u)], axis=-1)
    fall = -(rays @ scene.camera_rotation[2])
    behind = np.where(fall > 0.05, scene.camera_position[2] / np.maximum(fall, 0.05), 20.0).astype(np.float32)
    table = scene.model.geom("table").id
    objects = (scene.segmentation >= 0) & (scene.segmentation != table)
    scene.depth = measure(scene.sensing, scene.clean_depth, behind, objects, rng)


def look_from(scene: Scene, name: str, pose: dict, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, dict]:
    """
    Depth of the scene from another pose of the camera (in the scene's optical frame), the true mask of the object there,
    and the pose as a robot reports it: with a calibration's error of about 1.5 mm and 0.2 degrees an axis.
    """
    before = scene.camera_position, scene.camera_rotation, scene.depth, scene.clean_depth, scene.segmentation
    local = Rotation.from_quat(pose["orientation"]).as_matrix()
    scene.camera_position = before[0] + before[1] @ np.array(pose["position"])
    scene.camera_rotation = before[1] @ local
    scene.restore()
    aim_camera(scene.model, scene.camera_position, scene.camera_rotation)
    mujoco.mj_forward(scene.model, scene.data)
    scene.clean_depth, scene.segmentation = render_depth(scene.model, scene.data)
    take_depth(scene, rng)
    depth, mask = scene.depth, scene.segmentation == scene.model.geom(f"{name}_v").id
    scene.camera_position, scene.camera_rotation, scene.depth, scene.clean_depth, scene.segmentation = before
    aim_camera(scene.model, scene.camera_position, scene.camera_rotation)
    mujoco.mj_forward(scene.model, scene.data)
    turned = Rotation.from_matrix(local) * Rotation.from_rotvec(rng.normal(0, np.radians(0.2), 3))
    reported = {"position": (np.array(pose["position"]) + rng.normal(0, 0.0015, 3)).tolist(), "orientation": turned.as_quat().tolist()}
    return depth, mask, reported


def look_again(scene: Scene, rng: np.random.Generator) -> None:
    """Takes the gripper away, lets the objects settle where they are now, and takes a new image."""
    model, data = scene.model, scene.data
    park_gripper(model, data)
    settle(model, data, scene.names, 2.0)
    mujoco.mj_forward(model, data)
    mujoco.mj_getState(model, data, scene.state, mujoco.mjtState.mjSTATE_INTEGRATION)
    scene.clean_depth, scene.segmentation = render_depth(model, data)
    take_depth(scene, rng)


def aim_camera(model: mujoco.MjModel, eye: np.ndarray, rotation: np.ndarray) -> None:
    """Points the camera; MuJoCo's cameras point along -z with y up."""
    camera = model.camera("eye").id
    model.cam_pos[camera] = eye
    mujoco_rotation = rotation @ np.diag([1.0, -1.0, -1.0])
    quat = np.empty(4)
    mujoco.mju_mat2Quat(quat, mujoco_rotation.ravel())
    model.cam_quat[camera] = quat


_renderers: dict[int, mujoco.Renderer] = {}


def renderer_for(model: mujoco.MjModel) -> mujoco.Renderer:
    """One renderer, of the latest model: a context each would exhaust memory."""
    if id(model) not in _renderers:
        for old in _renderers.values():
            old.close()
        _renderers.clear()
        _renderers[id(model)] = mujoco.Renderer(model, HEIGHT, WIDTH)
    return _renderers[id(model)]


def view_options(groups: set[int]) -> mujoco.MjvOption:
    option = mujoco.MjvOption()
    option.geomgroup[:] = [1 if g in groups else 0 for g in range(6)]
    return option


def render_depth(model: mujoco.MjModel, data: mujoco.MjData) -> tuple[np.ndarray, np.ndarray]:
    """Depth in metres and the visual geom of each pixel (-1: none), without the gripper."""
    renderer = renderer_for(model)
    renderer.enable_depth_rendering()
    renderer.update_scene(data, "eye", view_options({1}))
    depth = renderer.render().copy()
    renderer.disable_depth_rendering()
    renderer.enable_segmentation_rendering()
    renderer.update_scene(data, "eye", view_options({1}))
    ids = renderer.render()[..., 0].copy()
    renderer.disable_segmentation_rendering()
    return depth.astype(np.float32), ids


def render_colour(scene: Scene, with_gripper: bool = True, camera: mujoco.MjvCamera | str = "eye") -> np.ndarray:
    """RGB image of the present state, as the scene's camera sees it or another one."""
    renderer = renderer_for(scene.model)
    renderer.update_scene(scene.data, camera, view_options({1, 2} if with_gripper else {1}))
    return renderer.render().copy()


def side_camera(position: np.ndarray, rotation: np.ndarray) -> mujoco.MjvCamera:
    """A camera that looks between the fingers of a tool at `position`, `rotation`: both fingers and the part are seen."""
    camera = mujoco.MjvCamera()
    camera.lookat[:] = position + [0, 0, 0.09]  # the object is still seen once it is lifted
    camera.distance, camera.elevation = 0.75, -20
    camera.azimuth = np.degrees(np.arctan2(rotation[1, 1], rotation[0, 1]))
    return camera


def targets_of(scene: Scene) -> list[Target]:
    """The objects with their visible masks and how much of each is visible."""
    from holdable import can_be_held

    targets = []
    upright_axis = np.array([0, 0, 1.0])
    for name, asset in zip(scene.names, scene.assets):
        geom = scene.model.geom(f"{name}_v").id
        mask = scene.segmentation == geom
        visible = 1.0
        if len(scene.names) > 1:
            groups = scene.model.geom_group.copy()
            others = [scene.model.geom(f"{n}_v").id for n in scene.names if n != name]
            scene.model.geom_group[others] = 5
            _, alone = render_depth(scene.model, scene.data)
            scene.model.geom_group[:] = groups
            visible = mask.sum() / max(1, (alone == geom).sum())
        rotation = scene.data.body(name).xmat.reshape(3, 3)
        width, height = asset.width_at(rotation)
        upright = bool((rotation @ upright_axis)[2] > 0.98)
        bottom = float((np.concatenate(asset.hulls()) @ rotation.T)[:, 2].min() + scene.data.body(name).xpos[2])
        holdable = width <= 0.9 * STROKE or can_be_held(asset, rotation, bottom)
        targets.append(Target(name, asset, mask, float(visible), width, height, upright, holdable))
    return targets
