"""Carries a grasp out: approach, close, lift, shake."""

from __future__ import annotations

from collections.abc import Callable

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from scene import STROKE, Scene, park_gripper, place

RETREAT, LIFT = 0.1, 0.2
# A pose error at the end of the approach above this means that the gripper met an obstacle.
BLOCKED = 0.008


def _smooth(t: float) -> float:
    return t * t * (3 - 2 * t)


def _contacts(scene: Scene, body: int) -> set[str]:
    """Which pads touch the object."""
    model, data = scene.model, scene.data
    pads = {model.geom("left").id: "left", model.geom("right").id: "right"}
    touching = set()
    for contact in data.contact:
        for pad, other in ((contact.geom1, contact.geom2), (contact.geom2, contact.geom1)):
            if pad in pads and model.geom_bodyid[other] == body:
                touching.add(pads[pad])
    return touching


def _met(scene: Scene, target: str) -> set[str]:
    """Other objects that the gripper touches."""
    model, data = scene.model, scene.data
    owners = model.geom_bodyid[data.contact.geom]
    gripper = {model.body(n).id for n in ("hand", "left", "right")}
    met = [b for pair in owners if gripper & set(pair) for b in pair]
    return {model.body(b).name for b in met if b not in gripper and b != 0} - {target}


def execute(
    scene: Scene,
    name: str,
    position: np.ndarray,
    rotation: np.ndarray,
    width: float,
    watch: Callable[[str], None] | None = None,
    touched: set[str] | None = None,
) -> str:
    """
    Runs the grasp with the tool at `position`, `rotation` (columns closing, side, approach, in the world) and says how it
    went: held, or why not: blocked, missed, slipped, shaken. `touched` gets the names of other objects that the open
    gripper met during the approach.
    """
    model, data = scene.model, scene.data
    scene.restore()
    body = model.body(name).id
    start_height = data.xipos[body][2]
    quat = Rotation.from_matrix(rotation).as_quat(scalar_first=True)
    approach = rotation[:, 2]
    opening = float(np.clip(width / 2, 0.001, STROKE / 2))
    begin = position - RETREAT * approach
    place(model, data, "hand", begin, quat)
    data.mocap_pos[0], data.mocap_quat[0] = begin, quat
    for finger in ("left", "right"):
        data.qpos[model.joint(finger).qposadr[0]] = opening
        data.ctrl[model.actuator(finger).id] = opening
    data.eq_active[:] = 1
    mujoco.mj_forward(model, data)
    hand = model.body("hand").id

    def run(seconds: float, pose: Callable[[float], tuple[np.ndarray, np.ndarray]] | None) -> None:
        steps = int(seconds / model.opt.timestep)
        for k in range(steps):
            if pose is not None:
                data.mocap_pos[0], data.mocap_quat[0] = pose((k + 1) / steps)
            mujoco.mj_step(model, data)
            if touched is not None and k % 4 == 0:
                touched.update(_met(scene, name))

    run(0.6, lambda t: (begin + (position - begin) * _smooth(t), quat))
    run(0.08, None)
    if watch:
        watch("closing")
    touched = None
    if np.linalg.norm(data.xpos[hand] - position) > BLOCKED:
        return "blocked"
    for finger in ("left", "right"):
        data.ctrl[model.actuator(finger).id] = -0.02
    run(0.45, None)
    if len(_contacts(scene, body)) < 2:
        return "missed"
    lifted = position + np.array([0, 0, LIFT])
    run(0.9, lambda t: (position + (lifted - position) * _smooth(t), quat))
    run(0.1, None)
    if watch:
        watch("lifted")
    if data.xipos[body][2] - start_height < 0.6 * LIFT or not _contacts(scene, body):
        return "slipped"
    turn = Rotation.from_matrix(rotation)

    def shake(t: float) -> tuple[np.ndarray, np.ndarray]:
        swing = np.sin(2 * np.pi * 3 * t)
        moved = lifted + np.array([0.02 * swing, 0.02 * np.sin(2 * np.pi * 2 * t), 0.015 * swing])
        tilt = Rotation.from_rotvec(np.radians(12) * swing * np.array([0.6, 0.8, 0]))
        return moved, (tilt * turn).as_quat(scalar_first=True)

    run(1.0, shake)
    run(0.15, None)
    held = data.xipos[body][2] - start_height > 0.5 * LIFT and len(_contacts(scene, body)) > 0
    return "held" if held else "shaken"


def rest(scene: Scene) -> None:
    """Parks the gripper again."""
    scene.restore()
    park_gripper(scene.model, scene.data)
