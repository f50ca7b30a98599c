"""Things in their places, without overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .shapes import Rng, Thing


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
