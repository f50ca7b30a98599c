"""Arranges things on tables, shelves and in drawers, and compiles the MuJoCo scene."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import mujoco
import numpy as np

from .assets import Assets
from .colours import PALETTE
from .shapes import Part, Rng, Thing, rot
from .things import MAKERS, WEIGHTS


class Rand(np.random.Generator):
    """numpy's generator with a colour word to be used by the next maker that can (see shapes.colour)."""

    forced: str | None = None


@dataclass
class Placed:
    thing: Thing
    pos: np.ndarray
    yaw: float
    loose: bool = False
    inside: int | None = None
    shelf: int | None = None
    drawer: bool = False


@dataclass
class Scene:
    layout: str
    placed: list[Placed]
    centre: np.ndarray
    extent: float
    split: str
    info: dict = field(default_factory=dict)


U_RANGE = {"train": (0.0, 0.8), "val": (0.8, 0.9), "test": (0.9, 1.0)}


def draw_thing(assets: Assets, split: str, rng: Rand, kind: str | None = None, forced: str | None = None, small: bool = False) -> Thing:
    """One thing of the split. kind: 'asset:<category>' or 'made:<maker>'; drawn when absent."""
    for _ in range(30):
        if kind is None:
            if rng.random() < 0.52:
                names = list(MAKERS)
                w = np.array([WEIGHTS.get(n, 1.0) for n in names])
                pick = "made:" + str(rng.choice(names, p=w / w.sum()))
            else:
                cats = list(assets.by[split])
                w = np.array([len(assets.by[split][c]) ** 0.5 for c in cats])
                pick = "asset:" + str(rng.choice(cats, p=w / w.sum()))
        else:
            pick = kind
        rng.forced = forced
        what, _, name = pick.partition(":")
        if what == "made":
            thing = MAKERS[name](rng, float(rng.uniform(*U_RANGE[split])))
            thing.asset = f"made:{name}"
            thing.colours = list(dict.fromkeys(thing.colours))
        else:
            thing = assets.thing(str(rng.choice(assets.by[split][name])), rng, 1.0 if forced else 0.5)
        rng.forced = None
        thing.kind = pick  # type: ignore[attr-defined]
        centre(thing)
        s = thing.size()
        if not small or (max(s[:2]) < 0.1 and s[2] < 0.12) or kind is not None:
            return thing
    return thing


def centre(thing: Thing) -> None:
    v = np.concatenate([p.verts for p in thing.parts])
    off = np.array([*(v[:, :2].max(0) + v[:, :2].min(0)) / 2, v[:, 2].min()], np.float32)
    for p in thing.parts:
        p.verts = (p.verts - off).astype(np.float32)
        if p.hulls:
            p.hulls = [h - off for h in p.hulls]


def turn(thing: Thing, matrix: np.ndarray) -> None:
    for p in thing.parts:
        p.verts = (p.verts @ matrix.T).astype(np.float32)
        if p.hulls:
            p.hulls = [(h @ matrix.T).astype(np.float32) for h in p.hulls]
    centre(thing)


def maybe_lay(thing: Thing, rng: Rng) -> None:
    """Now and then a tall thing lies on its side, or a cup stands upside down."""
    s = thing.size()
    if thing.container:
        if rng.random() < 0.05 and s[2] > 0.05:
            turn(thing, rot("x", 180))
        return
    if s[2] > max(s[:2]) * 1.1 and rng.random() < 0.14 and not any(p.rgba[3] < 0.9 for p in thing.parts):
        turn(thing, rot("x" if s[1] < s[0] else "y", 90))


def draw_set(assets: Assets, split: str, rng: Rand, n: int) -> list[Thing]:
    """n things with groups of one kind, colour twins (same kind, other colour) and look-alikes (same colour, other kind)."""
    out: list[Thing] = []
    while len(out) < n:
        r = rng.random()
        if out and r < 0.30:
            base = out[int(rng.integers(len(out)))]
            for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
                if len(out) < n:
                    # Copies share a maker or an asset; half of the time another colour is asked for.
                    word = str(rng.choice(list(PALETTE))) if rng.random() < 0.6 else (base.colours[0] if base.colours and base.colours[0] in PALETTE else None)
                    out.append(draw_thing(assets, split, rng, base.kind, word))  # type: ignore[attr-defined]
        elif out and r < 0.45:
            base = out[int(rng.integers(len(out)))]
            word = base.colours[0] if base.colours and base.colours[0] in PALETTE else None
            out.append(draw_thing(assets, split, rng, None, word))
        else:
            out.append(draw_thing(assets, split, rng))
    order = rng.permutation(len(out))
    return [out[i] for i in order]


def corners(size: np.ndarray, pos: np.ndarray, yaw: float, gap: float) -> np.ndarray:
    hx, hy = size[0] / 2 + gap, size[1] / 2 + gap
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[hx, hy], [-hx, hy], [-hx, -hy], [hx, -hy]]) @ np.array([[c, s], [-s, c]]) + pos[:2]


def overlap(a: np.ndarray, b: np.ndarray) -> bool:
    for poly in (a, b):
        for i in range(2):
            e = poly[(i + 1) % 4] - poly[i]
            n = np.array([-e[1], e[0]])
            pa, pb = a @ n, b @ n
            if pa.max() < pb.min() or pb.max() < pa.min():
                return False
    return True


def spread(things: list[Thing], rng: Rng, half: tuple[float, float], middle: tuple[float, float] = (0, 0), z: float = 0.0, aligned: bool = False,
           taken: list[np.ndarray] | None = None) -> list[Placed]:
    """Places things without overlap in a rectangle; those that find no room are left out."""
    boxes = taken if taken is not None else []
    out = []
    for t in things:
        s = t.size()
        for _ in range(40):
            yaw = float(rng.normal(0, 0.25) + (math.pi if rng.random() < 0.5 else 0)) if aligned else float(rng.uniform(0, 2 * math.pi))
            pos = np.array([middle[0] + rng.uniform(-half[0], half[0]), middle[1] + rng.uniform(-half[1], half[1]), z])
            box = corners(s, pos, yaw, 0.004 if rng.random() < 0.3 else 0.012)
            if not any(overlap(box, b) for b in boxes):
                boxes.append(box)
                out.append(Placed(t, pos, yaw))
                break
    return out


LAYOUTS = {"table": 0.60, "pile": 0.09, "inside": 0.12, "shelf": 0.12, "drawer": 0.07}
#: The mix of the later scenes, which are for training only: more furniture, and bins seen from above.
WIDE_LAYOUTS = {"table": 0.42, "pile": 0.09, "inside": 0.10, "shelf": 0.16, "drawer": 0.12, "bin": 0.11}


def arrange(assets: Assets, split: str, rng: Rand, wide: bool = False) -> Scene:
    layouts = WIDE_LAYOUTS if wide else LAYOUTS
    layout = str(rng.choice(list(layouts), p=list(layouts.values())))
    n = int(rng.integers(4, 13))
    info: dict = {}
    if layout == "shelf":
        boards = int(rng.integers(2, 4))
        width, depth, gap = rng.uniform(0.6, 0.95), rng.uniform(0.22, 0.3), rng.uniform(0.26, 0.34)
        placed: list[Placed] = []
        for b in range(boards):
            things = [t for t in draw_set(assets, split, rng, int(rng.integers(2, 6))) if t.size()[2] < gap - 0.03 and t.size()[:2].min() < depth]
            row = spread(things, rng, (width / 2 - 0.07, depth / 2 - 0.06), z=b * gap, aligned=True)
            for p in row:
                p.shelf = b
            placed += row
        info = {"boards": boards, "width": width, "depth": depth, "gap": gap}
        return Scene(layout, placed, np.array([0, 0, (boards * gap) / 2]), max(width, boards * gap) * 0.5, split, info)
    things = draw_set(assets, split, rng, n)
    for t in things:
        maybe_lay(t, rng)
    if layout == "drawer":
        w, d, h = rng.uniform(0.32, 0.5), rng.uniform(0.26, 0.4), rng.uniform(0.06, 0.11)
        things = [t for t in things if t.size()[2] < h + 0.05 and max(t.size()[:2]) < min(w, d)]
        while len(things) < 4:
            things.append(draw_thing(assets, split, rng, "made:" + str(rng.choice(["fork", "knife", "spoon", "pen", "marker", "tape roll", "eraser", "ruler", "screwdriver", "calculator", "remote control"]))))
        placed = spread(things, rng, (w / 2 - 0.05, d / 2 - 0.05))
        for p in placed:
            p.drawer = True
        return Scene(layout, placed, np.zeros(3), max(w, d) * 0.5, split, {"w": w, "d": d, "h": h})
    if layout == "bin":
        return bin_scene(things, split, rng)
    sizes = sum(float(np.prod(t.size()[:2] + 0.03)) for t in things)
    half = float(np.clip(math.sqrt(sizes) * rng.uniform(0.6, 1.1), 0.14, 0.45))
    if layout == "pile":
        tight = half * 0.45
        placed = []
        for i, t in enumerate(things[:9]):
            pos = np.array([rng.uniform(-tight, tight), rng.uniform(-tight, tight), 0.05 + 0.07 * i])
            placed.append(Placed(t, pos, float(rng.uniform(0, 6.28)), loose=True))
        return Scene(layout, placed, np.zeros(3), half * 0.8, split)
    if layout == "inside":
        vessel = None
        for _ in range(30):
            pick = str(rng.choice(["made:bowl", "made:open box", "made:pan", "asset:bowl", "asset:tray", "asset:flower pot", "asset:pet bowl", "made:plate"]))
            if pick.startswith("asset:") and pick[6:] not in assets.by[split]:
                continue
            vessel = draw_thing(assets, split, rng, pick)
            if min(vessel.size()[:2]) > 0.11:
                break
        assert vessel is not None
        placed = spread([vessel] + things[:8], rng, (half, half * 0.8))
        if placed and placed[0].thing is vessel:
            for k in range(int(rng.integers(1, 4))):
                item = draw_thing(assets, split, rng, None, None, small=True)
                if max(item.size()[:2]) < min(vessel.size()[:2]) * 0.75:
                    pos = placed[0].pos + np.array([rng.uniform(-0.02, 0.02), rng.uniform(-0.02, 0.02), vessel.size()[2] + 0.02 + 0.06 * k])
                    placed.append(Placed(item, pos, float(rng.uniform(0, 6.28)), loose=True, inside=0))
        return Scene(layout, placed, np.zeros(3), half, split)
    rows = rng.random() < 0.15
    if rows:  # a row, as people line things up
        placed, x = [], 0.0
        for t in things[:7]:
            s = t.size()
            placed.append(Placed(t, np.array([x + s[0] / 2, rng.normal(0, 0.01), 0]), float(rng.normal(0, 0.08))))
            x += s[0] + rng.uniform(0.015, 0.07)
        for p in placed:
            p.pos[0] -= x / 2
        return Scene("row", placed, np.zeros(3), x / 2, split)
    return Scene(layout, spread(things, rng, (half, half * 0.75)), np.zeros(3), half, split)


def bin_scene(things: list[Thing], split: str, rng: Rand) -> Scene:
    """Things dropped into a tote, a crate or a carton."""
    w, d, h = rng.uniform(0.34, 0.56), rng.uniform(0.28, 0.42), rng.uniform(0.1, 0.24)
    things = [t for t in things if max(t.size()) < min(w, d) * 0.9]
    placed = []
    for i, t in enumerate(things[:10]):
        room = max(0.01, min(w, d) / 2 - max(t.size()[:2]) * 0.6)
        pos = np.array([rng.uniform(-room, room) * w / min(w, d), rng.uniform(-room, room), 0.03 + 0.07 * i])
        placed.append(Placed(t, pos, float(rng.uniform(0, 6.28)), loose=True))
    return Scene("bin", placed, np.zeros(3), max(w, d) * 0.5, split, {"w": w, "d": d, "h": h})


# ---- MuJoCo ---------------------------------------------------------------------------------------------------------

class Builder:
    """Adds meshes, textures and materials to a spec under unique names."""

    def __init__(self) -> None:
        self.spec = mujoco.MjSpec()
        self.count = 0
        self.spec.visual.quality.offsamples = 4
        self.spec.visual.quality.shadowsize = 2048
        self.spec.visual.map.znear = 0.01
        self.spec.visual.map.zfar = 50
        self.spec.stat.extent = 1.0
        self.spec.stat.center = [0, 0, 0.1]
        self.spec.visual.global_.offwidth, self.spec.visual.global_.offheight = 640, 480
        self.spec.option.timestep = 0.004

    def name(self, what: str) -> str:
        self.count += 1
        return f"{what}{self.count}"

    def texture(self, image: np.ndarray) -> str:
        name = self.name("t")
        image = np.ascontiguousarray(image)
        t = self.spec.add_texture(name=name, type=mujoco.mjtTexture.mjTEXTURE_2D, width=image.shape[1], height=image.shape[0], nchannel=3)
        t.data = image.tobytes()
        return name

    def material(self, texture: np.ndarray | None = None, rgba: tuple = (1, 1, 1, 1), specular: float = 0.3, shininess: float = 0.4, repeat: tuple | None = None,
                 reflectance: float = 0.0) -> str:
        name = self.name("m")
        m = self.spec.add_material(name=name, rgba=list(rgba), specular=specular, shininess=shininess, reflectance=reflectance)
        if texture is not None:
            m.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = self.texture(texture)
            if repeat:
                m.texuniform, m.texrepeat = True, list(repeat)
        return name

    def part(self, body: "mujoco._specs.MjsBody", part: Part) -> None:
        mesh = self.spec.add_mesh(name=self.name("v"), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
        mesh.uservert = part.verts.reshape(-1).astype(np.float64).tolist()
        mesh.userface = part.faces.reshape(-1).tolist()
        if part.texture is not None and part.uv is not None:
            uv = part.uv.copy()
            uv[:, 1] = 1 - uv[:, 1]
            mesh.usertexcoord = uv.reshape(-1).tolist()
            mesh.userfacetexcoord = (part.uv_faces if part.uv_faces is not None else part.faces).reshape(-1).tolist()
        material = self.material(part.texture, part.rgba, part.specular, part.shininess)
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, material=material, contype=0, conaffinity=0, group=0, mass=0)

    def collision(self, body: "mujoco._specs.MjsBody", thing: Thing) -> None:
        for p in thing.parts:
            for hull in p.hulls or [p.verts]:
                if len(hull) < 4 or min(np.ptp(hull, axis=0)) < 1e-4:
                    continue
                mesh = self.spec.add_mesh(name=self.name("c"))
                mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
                mesh.uservert = hull.reshape(-1).astype(np.float64).tolist()
                mesh.maxhullvert = 48
                body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, contype=1, conaffinity=1, group=3, density=400, friction=[0.8, 0.02, 0.002])

    def block(self, half: tuple, pos: tuple, material: str, group: int = 0) -> None:
        self.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=list(half), pos=list(pos), material=material, group=group)


def merged(parts: list[Part]) -> list[Part]:
    """Untextured parts of one paint as one mesh."""
    out: list[Part] = []
    groups: dict[tuple, list[Part]] = {}
    for p in parts:
        if p.texture is not None:
            out.append(p)
        else:
            groups.setdefault((tuple(np.round(p.rgba, 3)), round(p.specular, 2)), []).append(p)
    for group in groups.values():
        off, verts, faces = 0, [], []
        for p in group:
            verts.append(p.verts)
            faces.append(p.faces + off)
            off += len(p.verts)
        g = group[0]
        out.append(Part(np.concatenate(verts), np.concatenate(faces), g.rgba, specular=g.specular, shininess=g.shininess))
    out.sort(key=lambda p: p.rgba[3] < 0.99)
    return out


def compile_scene(scene: Scene, assets: Assets, rng: Rng) -> tuple[mujoco.MjModel, mujoco.MjData, dict[int, int]]:
    """The compiled and, where things are loose, settled scene, and geom id -> index in scene.placed."""
    b = Builder()
    tex = assets.textures[scene.split]
    physics = any(p.loose for p in scene.placed)

    def pick(kind: str) -> np.ndarray:
        return assets.surface(str(rng.choice([t["file"] for t in tex[kind]])))

    def surface(kind: str, metres: float) -> str:
        tint = np.clip(rng.normal(1, 0.07, 3) * rng.uniform(0.8, 1.05), 0, 1.0)
        return b.material(pick(kind), (*tint, 1), float(rng.uniform(0, 0.35)), 0.3, (1 / metres, 1 / metres), float(rng.uniform(0.05, 0.15)) if rng.random() < 0.1 else 0.0)

    drop = -0.75
    if scene.layout == "shelf":
        i = scene.info
        mat = surface("table", 0.7)
        w, d, g, n = i["width"] / 2, i["depth"] / 2, i["gap"], i["boards"]
        for k in range(n + 1):
            b.block((w, d, 0.009), (0, 0, k * g - 0.009), mat)
        for s in (-1, 1):
            b.block((0.009, d, (n * g) / 2 + 0.009), (s * (w + 0.009), 0, n * g / 2 - 0.009), mat)
        if rng.random() < 0.7:
            b.block((w, 0.005, n * g / 2), (0, d + 0.005, n * g / 2), mat if rng.random() < 0.6 else surface("wall", 0.8))
        drop = -float(rng.uniform(0.1, 1.0))
    elif scene.layout == "bin":
        i = scene.info
        w, d, h = i["w"] / 2 + 0.02, i["d"] / 2 + 0.02, i["h"]
        grey = float(rng.uniform(0.15, 0.95))
        tint = np.clip(np.full(3, grey) + rng.normal(0, 0.12, 3) * (rng.random() < 0.6), 0.05, 1.0)
        mat = b.material(None, (*tint, 1), float(rng.uniform(0.1, 0.5))) if rng.random() < 0.6 else surface("table", 0.8)
        b.block((w, d, 0.02), (0, 0, -0.02), mat)
        for s in (-1, 1):
            b.block((0.012, d, h / 2), (s * w, 0, h / 2), mat)
            b.block((w, 0.012, h / 2), (0, s * d, h / 2), mat)
        drop = -0.05 if rng.random() < 0.4 else -0.75
    elif scene.layout == "drawer":
        i = scene.info
        mat, base = surface("table", 0.8), surface("table", 0.6)
        w, d, h = i["w"] / 2 + 0.03, i["d"] / 2 + 0.03, i["h"]
        b.block((w, d, 0.006), (0, 0, -0.006), base)
        for s in (-1, 1):
            b.block((0.008, d, h / 2), (s * w, 0, h / 2), mat)
            b.block((w, 0.008, h / 2), (0, s * d, h / 2), mat)
        if rng.random() < 0.7:  # the cabinet's front behind the open drawer
            b.block((w * 3, 0.02, 0.4), (0, d + 0.05, h - 0.38), mat)
            b.block((w * 3, 0.3, 0.02), (0, d + 0.35, h + 0.04), surface("table", 0.8))
        drop = -0.5
    else:
        cloth = rng.random() < 0.18
        mat = surface("cloth" if cloth else "table", float(rng.uniform(0.35, 1.0)))
        big = rng.random() < 0.35
        w = max(scene.extent + 0.08, 2.0 if big else rng.uniform(0.35, 0.8))
        d = max(scene.extent + 0.08, 2.0 if big else rng.uniform(0.3, 0.55))
        b.block((w, d, 0.015 if not cloth else 0.008), (0, 0, -0.015 if not cloth else -0.008), mat)
        if rng.random() < 0.12:  # a tray mat or sheet beneath the things
            b.block((scene.extent * 0.9, scene.extent * 0.6, 0.0005), (0, 0, 0.0), surface("cloth", 0.3))
    b.block((6, 6, 0.01), (0, 0, drop - 0.01), surface("floor" if rng.random() < 0.8 else "table", float(rng.uniform(0.6, 1.6))))
    if rng.random() < 0.6:
        wall = surface("wall", float(rng.uniform(0.8, 2.5)))
        y = scene.extent + float(rng.uniform(0.35, 2.0))
        for yaw in (0, math.pi / 2, -math.pi / 2, math.pi):
            x, yy = -math.sin(yaw) * y, math.cos(yaw) * y
            # A wall is a thin box whose texture lies in its own x-y plane, turned upright.
            q = np.zeros(4)
            mujoco.mju_mat2Quat(q, (rot("z", math.degrees(yaw)) @ rot("x", 90)).reshape(-1))
            b.spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX, size=[y, 2.0, 0.01], pos=[x, yy, drop + 2.0], quat=q.tolist(), material=wall)
        scene.info["walls"] = y
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
    model = spec.compile()
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
