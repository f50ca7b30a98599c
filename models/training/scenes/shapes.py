"""Procedural everyday things that the scanned assets lack: lathed and extruded meshes with true colours.

Every maker returns a `Thing`: parts in one frame (metres, z up, the lowest point at z = 0, centred in x, y), each with
its own mesh and paint, and what may truly be said of the whole. `u` in 0..1 sets the main proportion and is drawn from
a different range for each split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Callable

import cv2
import numpy as np

from .colours import PALETTE


@dataclass
class Part:
    verts: np.ndarray  # float32 [v, 3]
    faces: np.ndarray  # int32 [f, 3]
    rgba: tuple[float, float, float, float] = (1, 1, 1, 1)
    texture: np.ndarray | None = None  # uint8 [h, w, 3] RGB
    uv: np.ndarray | None = None  # float32 [t, 2], v upwards
    uv_faces: np.ndarray | None = None  # int32 [f, 3]; the vertex faces when absent
    specular: float = 0.3
    shininess: float = 0.4
    hulls: list[np.ndarray] | None = None  # convex collision parts, float32 [h, 3]


@dataclass
class Thing:
    name: str
    parts: list[Part]
    colours: list[str]
    material: str
    shape: list[str]
    asset: str
    names: list[str] = field(default_factory=list)
    category: str = ""
    container: bool = False
    tall_ok: bool = True

    def size(self) -> np.ndarray:
        v = np.concatenate([p.verts for p in self.parts])
        return v.max(0) - v.min(0)


Rng = np.random.Generator


def colour(rng: Rng, words: tuple[str, ...] | None = None) -> tuple[str, np.ndarray]:
    """A colour word and an sRGB value (0..1) near the middle of what the word means."""
    every = tuple(PALETTE)
    forced = getattr(rng, "forced", None)
    if forced is not None and forced in (words or every):
        word = forced
        rng.forced = None  # type: ignore[attr-defined]
    else:
        word = str(rng.choice(words or every))
    base = np.array(PALETTE[word][int(rng.integers(len(PALETTE[word])))], float)
    return word, np.clip(base + rng.normal(0, 5, 3), 0, 255) / 255.0


def rgba(value: np.ndarray, alpha: float = 1.0) -> tuple[float, float, float, float]:
    return (float(value[0]), float(value[1]), float(value[2]), alpha)


# ---- meshes ---------------------------------------------------------------------------------------------------------

def lathe(profile: list[tuple[float, float]], n: int = 40, square: float = 0.0) -> Part:
    """Revolve (radius, z) points, given from the inside or bottom on so that faces look outwards (profile running
    upwards on the outside). Texture: u around, v along the profile. `square` > 0 pulls the round towards a square."""
    prof = np.array(profile, np.float32)
    ang = np.linspace(0, 2 * math.pi, n, endpoint=False)
    c, s = np.cos(ang), np.sin(ang)
    if square > 0:
        p = 2 + 8 * square
        k = 1 / (np.abs(c) ** p + np.abs(s) ** p) ** (1 / p)
        c, s = c * k, s * k
    m = len(prof)
    verts = np.stack([prof[:, None, 0] * c, prof[:, None, 0] * s, np.repeat(prof[:, 1:2], n, 1)], -1).reshape(-1, 3)
    step = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(prof, axis=0).T))])
    v = step / max(step[-1], 1e-9)
    uv = np.stack(np.meshgrid(np.linspace(0, 1, n + 1), v), -1).reshape(-1, 2)
    faces, uvf = [], []
    for i in range(m - 1):
        for j in range(n):
            a, b = i * n + j, i * n + (j + 1) % n
            d, e = a + n, b + n
            ta, tb = i * (n + 1) + j, i * (n + 1) + j + 1
            td, te = ta + n + 1, tb + n + 1
            faces += [(a, b, e), (a, e, d)]
            uvf += [(ta, tb, te), (ta, te, td)]
    faces_a, uvf_a = np.array(faces), np.array(uvf)
    tri = verts[faces_a]
    good = np.linalg.norm(np.cross(tri[:, 1] - tri[:, 0], tri[:, 2] - tri[:, 0]), axis=1) > 1e-12
    return Part(verts.astype(np.float32), faces_a[good].astype(np.int32), uv=uv.astype(np.float32),
                uv_faces=uvf_a[good].astype(np.int32))


def shell(outer: list[tuple[float, float]], wall: float, floor: float) -> list[tuple[float, float]]:
    """Profile of an open vessel: outside from the middle of the foot to the rim, then the inside back to its floor."""
    inner = [(max(r - wall, 0.001), max(z, floor)) for r, z in reversed(outer) if z >= floor * 0.5 and r > wall * 1.5]
    rim_r, rim_z = outer[-1]
    return [(0.0005, outer[0][1])] + outer + [(rim_r - wall * 0.5, rim_z + wall * 0.4)] + inner + [(0.0005, floor)]


def extrude(outline: np.ndarray, height: float, bevel: float = 0.0, rise: Callable[[np.ndarray], np.ndarray] | None = None) -> Part:
    """A solid from a counter-clockwise simple outline [n, 2], with flat caps (star-shaped about its centroid)."""
    n = len(outline)
    mid = outline.mean(0)
    rings: list[tuple[np.ndarray, float]] = []
    if bevel > 0:
        radius = np.linalg.norm(outline - mid, axis=1, keepdims=True)
        inset = mid + (outline - mid) * (1 - np.minimum(bevel / np.maximum(radius, 1e-6), 0.5))
        rings = [(inset, 0.0), (outline, bevel), (outline, height - bevel), (inset, height)]
    else:
        rings = [(outline, 0.0), (outline, height)]
    verts = [np.concatenate([o, np.full((n, 1), z)], 1) for o, z in rings]
    verts += [np.array([[*mid, 0.0]]), np.array([[*mid, height]])]
    v = np.concatenate(verts)
    faces = []
    k = len(rings)
    for i in range(k - 1):
        for j in range(n):
            a, b = i * n + j, i * n + (j + 1) % n
            faces += [(a, b, b + n), (a, b + n, a + n)]
    lo, hi = k * n, k * n + 1
    for j in range(n):
        faces += [(lo, (j + 1) % n, j), (hi, (k - 1) * n + j, (k - 1) * n + (j + 1) % n)]
    if rise is not None:
        v[:, 2] += rise(v[:, 0])
    span = outline.max(0) - outline.min(0)
    uv = (v[:, :2] - outline.min(0)) / span
    return Part(v.astype(np.float32), np.array(faces, np.int32), uv=uv.astype(np.float32))


def round_rect(w: float, h: float, r: float, n: int = 5) -> np.ndarray:
    r = min(r, w / 2 - 1e-4, h / 2 - 1e-4)
    pts = []
    for cx, cy, a0 in ((w / 2 - r, h / 2 - r, 0), (-w / 2 + r, h / 2 - r, 90), (-w / 2 + r, -h / 2 + r, 180), (w / 2 - r, -h / 2 + r, 270)):
        for a in np.radians(np.linspace(a0, a0 + 90, n)):
            pts.append((cx + r * math.cos(a), cy + r * math.sin(a)))
    return np.array(pts)


def box(w: float, d: float, h: float, r: float = 0.003, bevel: float = 0.002) -> Part:
    return extrude(round_rect(w, d, r), h, bevel)


def face_box(w: float, d: float, h: float) -> Part:
    """A box with one texture chart per face, in a 3 x 2 atlas (front, right, back / left, top, bottom)."""
    x, y = w / 2, d / 2
    quads = [((-x, -y, 0), (x, -y, 0), (x, -y, h), (-x, -y, h)), ((x, -y, 0), (x, y, 0), (x, y, h), (x, -y, h)),
             ((x, y, 0), (-x, y, 0), (-x, y, h), (x, y, h)), ((-x, y, 0), (-x, -y, 0), (-x, -y, h), (-x, y, h)),
             ((-x, -y, h), (x, -y, h), (x, y, h), (-x, y, h)), ((-x, y, 0), (x, y, 0), (x, -y, 0), (-x, -y, 0))]
    v, uv, f = [], [], []
    for i, q in enumerate(quads):
        cx, cy = i % 3 / 3, (i // 3) / 2
        e = 0.004
        v += q
        uv += [(cx + e, 1 - cy - 0.5 + e), (cx + 1 / 3 - e, 1 - cy - 0.5 + e), (cx + 1 / 3 - e, 1 - cy - e), (cx + e, 1 - cy - e)]
        f += [(4 * i, 4 * i + 1, 4 * i + 2), (4 * i, 4 * i + 2, 4 * i + 3)]
    return Part(np.array(v, np.float32), np.array(f, np.int32), uv=np.array(uv, np.float32))


def tube(path: np.ndarray, radius: np.ndarray | float, n: int = 12, flat: float = 1.0, up: tuple[float, float, float] = (0, 1, 0)) -> Part:
    """Sweep an ellipse along a path [m, 3]; `flat` scales it along `up` x tangent. Ends are capped."""
    path = np.asarray(path, float)
    m = len(path)
    rad = np.broadcast_to(np.asarray(radius, float), (m,))
    tan = np.gradient(path, axis=0)
    tan /= np.linalg.norm(tan, axis=1, keepdims=True) + 1e-12
    side = np.cross(np.array(up, float), tan)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-12
    top = np.cross(tan, side)
    ang = np.linspace(0, 2 * math.pi, n, endpoint=False)
    ring = (side[:, None] * np.cos(ang)[None, :, None] * flat + top[:, None] * np.sin(ang)[None, :, None]) * rad[:, None, None]
    v = np.concatenate([(path[:, None] + ring).reshape(-1, 3), path[:1], path[-1:]])
    f = []
    for i in range(m - 1):
        for j in range(n):
            a, b = i * n + j, i * n + (j + 1) % n
            f += [(a, b, b + n), (a, b + n, a + n)]
    for j in range(n):
        f += [(m * n, (j + 1) % n, j), (m * n + 1, (m - 1) * n + j, (m - 1) * n + (j + 1) % n)]
    return Part(v.astype(np.float32), np.array(f, np.int32))


def strip(xs: np.ndarray, half: np.ndarray, z: np.ndarray, thick: float, dish: np.ndarray | None = None, n: int = 7) -> Part:
    """A bent sheet along x: half width, height and dish depth at each station; for spoons, blades and handles."""
    t = np.linspace(-1, 1, n)
    dip = dish if dish is not None else np.zeros_like(xs)
    y = half[:, None] * t
    zz = z[:, None] - dip[:, None] * (1 - t[None] ** 2)
    top = np.stack([np.repeat(xs[:, None], n, 1), y, zz + thick], -1).reshape(-1, 3)
    bot = np.stack([np.repeat(xs[:, None], n, 1), y, zz], -1).reshape(-1, 3)
    m = len(xs)
    off = m * n
    f = []
    for i in range(m - 1):
        for j in range(n - 1):
            a, b, c, d = i * n + j, (i + 1) * n + j, (i + 1) * n + j + 1, i * n + j + 1
            f += [(a, b, c), (a, c, d), (off + a, off + c, off + b), (off + a, off + d, off + c)]
    for i in range(m - 1):
        for j, flip in ((0, False), (n - 1, True)):
            a, b = i * n + j, (i + 1) * n + j
            q = [(a, off + a, off + b), (a, off + b, b)]
            f += [tuple(reversed(x)) for x in q] if flip else q
    for i, flip in ((0, True), (m - 1, False)):
        for j in range(n - 1):
            a, b = i * n + j, i * n + j + 1
            q = [(a, off + a, off + b), (a, off + b, b)]
            f += [tuple(reversed(x)) for x in q] if flip else q
    return Part(np.concatenate([top, bot]).astype(np.float32), np.array(f, np.int32))


def moved(part: Part, xyz: tuple[float, float, float] = (0, 0, 0), turn: np.ndarray | None = None) -> Part:
    v = part.verts @ turn.T if turn is not None else part.verts
    part.verts = (v + np.array(xyz)).astype(np.float32)
    return part


def rot(axis: str, degrees: float) -> np.ndarray:
    a = math.radians(degrees)
    c, s = math.cos(a), math.sin(a)
    return np.array({"x": [[1, 0, 0], [0, c, -s], [0, s, c]], "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
                     "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]]}[axis], float)


# ---- paint ----------------------------------------------------------------------------------------------------------

def label(rng: Rng, base: np.ndarray, second: np.ndarray, h: int = 128, w: int = 256, ends: np.ndarray | None = None) -> np.ndarray:
    """A printed label: bands, a badge and rows of strokes that look like type, in two colours and black or white."""
    img = np.empty((h, w, 3), np.uint8)
    img[:] = (base * 255).astype(np.uint8)
    ink = (second * 255).astype(np.uint8).tolist()
    dark = [20, 20, 24] if base.mean() > 0.45 else [245, 245, 245]
    if rng.random() < 0.7:
        y0 = int(rng.uniform(0.05, 0.6) * h)
        cv2.rectangle(img, (0, y0), (w, y0 + int(rng.uniform(0.08, 0.3) * h)), ink, -1)
    for cx in (w // 4, 3 * w // 4):
        if rng.random() < 0.75:
            cv2.ellipse(img, (cx, int(rng.uniform(0.35, 0.65) * h)), (int(rng.uniform(0.06, 0.12) * w), int(rng.uniform(0.12, 0.25) * h)), 0, 0, 360, ink, -1)
        y = int(rng.uniform(0.2, 0.5) * h)
        for line in range(int(rng.integers(1, 5))):
            tall = max(2, int((0.14 if line == 0 else 0.04) * h))
            x = cx - int(rng.uniform(0.08, 0.16) * w)
            end = cx + int(rng.uniform(0.08, 0.16) * w)
            while x < end:
                step = max(2, int(tall * rng.uniform(0.4, 0.9)))
                cv2.rectangle(img, (x, y), (x + max(1, step - 2), y + tall), dark, max(1, tall // 6) if line == 0 else -1)
                x += step + 1
            y += int(tall * 1.7)
    if ends is not None:
        e = max(3, h // 12)
        img[:e] = img[-e:] = (ends * 255).astype(np.uint8)
    return img


def speckle(rng: Rng, base: np.ndarray, amount: float = 10, h: int = 64, w: int = 128) -> np.ndarray:
    noise = cv2.resize(rng.normal(0, amount, (h // 4, w // 4)).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
    fine = rng.normal(0, amount * 0.4, (h, w)).astype(np.float32)
    return np.clip(base[None, None] * 255 + (noise + fine)[..., None], 0, 255).astype(np.uint8)


def atlas(rng: Rng, base: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A 3 x 2 texture for `face_box`, with print on the large faces."""
    cells = [label(rng, base, second, 96, 192)[:, :128] for _ in range(2)]
    plain = np.empty((96, 128, 3), np.uint8)
    plain[:] = (base * 255).astype(np.uint8)
    side = label(rng, second if rng.random() < 0.3 else base, base if rng.random() < 0.3 else second, 96, 192)[:, 32:160]
    return np.concatenate([np.concatenate([cells[0], side, cells[1]], 1), np.concatenate([side, cells[0] if rng.random() < 0.5 else plain, plain], 1)], 0)


METAL = np.array([0.68, 0.69, 0.71])
