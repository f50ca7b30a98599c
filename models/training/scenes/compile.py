"""Compiles a scene for MuJoCo: furniture, room, things and lights; and settles what is loose."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from .assets import Assets
from .builder import Builder, merged
from .place import Scene
from .shapes import Rng, rot


def compile_scene(scene: Scene, assets: Assets, rng: Rng) -> tuple[mujoco.MjModel, mujoco.MjData, dict[int, int]]:
    """The compiled and, where things are loose, settled scene, and geom id -> index in scene.placed."""
    b = Builder()
    s = Surfaces(b, assets, scene.split, rng)
    physics = any(p.loose for p in scene.placed)
    drop = {"shelf": add_shelf, "bin": add_bin, "drawer": add_drawer}.get(scene.layout, add_table)(b, s, scene, rng)
    add_room(b, s, scene, rng, drop)
    owner = add_things(b, scene, physics)
    add_lights(b, scene, rng)
    model = b.spec.compile()
    data = mujoco.MjData(model)
    if physics:
        for _ in range(320):
            mujoco.mj_step(model, data)
        if data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number or data.warning[mujoco.mjtWarning.mjWARN_BADQPOS].number:
            raise RuntimeError("the heap blew up")
    mujoco.mj_forward(model, data)
    geoms = {}
    for g in range(model.ngeom):
        name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_BODY, int(model.geom_bodyid[g]))
        if name in owner and model.geom_group[g] == 0:
            geoms[g] = owner[name]
    return model, data, geoms


class Surfaces:
    """Draws materials of tables, cloths, walls and floors."""

    def __init__(self, builder: Builder, assets: Assets, split: str, rng: Rng):
        self.builder, self.assets, self.rng = builder, assets, rng
        self.files = assets.textures[split]

    def surface(self, kind: str, metres: float) -> str:
        """metres: the width that one copy of the picture covers."""
        rng = self.rng
        tint = np.clip(rng.normal(1, 0.07, 3) * rng.uniform(0.8, 1.05), 0, 1.0)
        picture = self.assets.surface(str(rng.choice([t["file"] for t in self.files[kind]])))
        return self.builder.material(picture, (*tint, 1), float(rng.uniform(0, 0.35)), 0.3, (1 / metres, 1 / metres), float(rng.uniform(0.05, 0.15)) if rng.random() < 0.1 else 0.0)


def add_shelf(b: Builder, s: Surfaces, scene: Scene, rng: Rng) -> float:
    """Adds the furniture; returns how far below it the floor lies (negative metres), as the ones below do."""
    i = scene.info
    mat = s.surface("table", 0.7)
    w, d, g, n = i["width"] / 2, i["depth"] / 2, i["gap"], i["boards"]
    for k in range(n + 1):
        b.block((w, d, 0.009), (0, 0, k * g - 0.009), mat)
    for side in (-1, 1):
        b.block((0.009, d, (n * g) / 2 + 0.009), (side * (w + 0.009), 0, n * g / 2 - 0.009), mat)
    if rng.random() < 0.7:
        b.block((w, 0.005, n * g / 2), (0, d + 0.005, n * g / 2), mat if rng.random() < 0.6 else s.surface("wall", 0.8))
    return -float(rng.uniform(0.1, 1.0))


def add_bin(b: Builder, s: Surfaces, scene: Scene, rng: Rng) -> float:
    i = scene.info
    w, d, h = i["w"] / 2 + 0.02, i["d"] / 2 + 0.02, i["h"]
    grey = float(rng.uniform(0.15, 0.95))
    tint = np.clip(np.full(3, grey) + rng.normal(0, 0.12, 3) * (rng.random() < 0.6), 0.05, 1.0)
    mat = b.material(None, (*tint, 1), float(rng.uniform(0.1, 0.5))) if rng.random() < 0.6 else s.surface("table", 0.8)
    b.block((w, d, 0.02), (0, 0, -0.02), mat)
    for side in (-1, 1):
        b.block((0.012, d, h / 2), (side * w, 0, h / 2), mat)
        b.block((w, 0.012, h / 2), (0, side * d, h / 2), mat)
    return -0.05 if rng.random() < 0.4 else -0.75


def add_drawer(b: Builder, s: Surfaces, scene: Scene, rng: Rng) -> float:
    i = scene.info
    mat, base = s.surface("table", 0.8), s.surface("table", 0.6)
    w, d, h = i["w"] / 2 + 0.03, i["d"] / 2 + 0.03, i["h"]
    b.block((w, d, 0.006), (0, 0, -0.006), base)
    for side in (-1, 1):
        b.block((0.008, d, h / 2), (side * w, 0, h / 2), mat)
        b.block((w, 0.008, h / 2), (0, side * d, h / 2), mat)
    if rng.random() < 0.7:  # the cabinet's front behind the open drawer
        b.block((w * 3, 0.02, 0.4), (0, d + 0.05, h - 0.38), mat)
        b.block((w * 3, 0.3, 0.02), (0, d + 0.35, h + 0.04), s.surface("table", 0.8))
    return -0.5


def add_table(b: Builder, s: Surfaces, scene: Scene, rng: Rng) -> float:
    cloth = rng.random() < 0.18
    mat = s.surface("cloth" if cloth else "table", float(rng.uniform(0.35, 1.0)))
    big = rng.random() < 0.35
    w = max(scene.extent + 0.08, 2.0 if big else rng.uniform(0.35, 0.8))
    d = max(scene.extent + 0.08, 2.0 if big else rng.uniform(0.3, 0.55))
    b.block((w, d, 0.015 if not cloth else 0.008), (0, 0, -0.015 if not cloth else -0.008), mat)
    if rng.random() < 0.12:  # a tray mat or sheet beneath the things
        b.block((scene.extent * 0.9, scene.extent * 0.6, 0.0005), (0, 0, 0.0), s.surface("cloth", 0.3))
    return -0.75


def add_room(b: Builder, s: Surfaces, scene: Scene, rng: Rng, drop: float) -> None:
    b.block((6, 6, 0.01), (0, 0, drop - 0.01), s.surface("floor" if rng.random() < 0.8 else "table", float(rng.uniform(0.6, 1.6))))
    if rng.random() < 0.6:
        wall = s.surface("wall", float(rng.uniform(0.8, 2.5)))
        y = scene.extent + float(rng.uniform(0.35, 2.0))
        for yaw in (0, math.pi / 2, -math.pi / 2, math.pi):
            x, yy = -math.sin(yaw) * y, math.cos(yaw) * y
            # A wall is a thin box whose texture lies in its own x-y plane, turned upright.
            q = np.zeros(4)
            mujoco.mju_mat2Quat(q, (rot("z", math.degrees(yaw)) @ rot("x", 90)).reshape(-1))
            b.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[y, 2.0, 0.01], pos=[x, yy, drop + 2.0], quat=q.tolist(), material=wall)
        scene.info["walls"] = y


def add_things(b: Builder, scene: Scene, physics: bool) -> dict[str, int]:
    """Adds each as a body of its own: the body's name -> index in scene.placed."""
    owner: dict[str, int] = {}
    for k, p in enumerate(scene.placed):
        body = b.spec.worldbody.add_body(name=f"o{k}", pos=(p.pos + [0, 0, 0.0006]).tolist(), quat=[math.cos(p.yaw / 2), 0, 0, math.sin(p.yaw / 2)])
        for part in merged(p.thing.parts):
            b.part(body, part)
        if physics:
            b.collision(body, p.thing)
            if p.loose:
                body.add_freejoint()
        owner[f"o{k}"] = k
    return owner


def add_lights(b: Builder, scene: Scene, rng: Rng) -> None:
    spec = b.spec
    amb = float(rng.uniform(0.26, 0.5))
    spec.visual.headlight.ambient = [amb] * 3
    spec.visual.headlight.diffuse = [float(rng.uniform(0.02, 0.25))] * 3
    spec.visual.headlight.specular = [0.05] * 3
    lights = int(rng.integers(1, 4))
    for k in range(lights):
        az, el = rng.uniform(0, 6.28), rng.uniform(0.5, 1.4)
        if scene.layout == "shelf":
            az = rng.uniform(-2.4, -0.7)
            el = rng.uniform(0.15, 0.9)
        far = rng.uniform(1.5, 2.6) if scene.info.get("walls", 9) > 3 else rng.uniform(0.8, 1.2) * min(scene.info.get("walls", 2), 1.4)
        pos = scene.centre + far * np.array([math.cos(az) * math.cos(el), math.sin(az) * math.cos(el), math.sin(el)])
        warm = rng.normal(0, 0.035)
        power = rng.uniform(0.55, 0.95) / lights ** 0.6
        direction = scene.centre - pos
        spec.worldbody.add_light(pos=pos.tolist(), dir=(direction / np.linalg.norm(direction)).tolist(), type=mujoco.mjtLightType.mjLIGHT_SPOT if rng.random() < 0.25 else mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
                                 diffuse=[power * (1 + warm), power, power * (1 - warm)], ambient=[0.05] * 3, specular=[power * 0.6] * 3, castshadow=bool(k == 0 or rng.random() < 0.5), cutoff=70, exponent=1)
