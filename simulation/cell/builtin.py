"""Objects made of convex parts, for a checkout without an asset pack."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from assets import Asset


@dataclass(frozen=True, eq=False)
class BuiltIn(Asset):
    """An object whose convex parts are shown as well."""

    parts: tuple[np.ndarray, ...] = field(default=())
    rgba: tuple[float, float, float, float] = (1, 1, 1, 1)

    @lru_cache
    def hulls(self) -> list[np.ndarray]:
        return list(self.parts)

    def visual_obj(self) -> None:
        return None

    def look(self, name: str) -> tuple[str, str, dict[str, bytes]]:
        return "", 'rgba="{} {} {} {}"'.format(*self.rgba), {}


def ring(radius: float, height: float, wall: float, segments: int = 20, low: float | None = None) -> list[np.ndarray]:
    """A vessel open at the top: floor and wall in convex pieces."""
    low = radius if low is None else low
    angles = np.linspace(0, 2 * np.pi, segments + 1)
    round_floor = [(low * np.cos(a), low * np.sin(a), z) for a in angles[:-1] for z in (0, wall)]
    pieces = [np.array(round_floor)]
    for a, b in zip(angles[:-1], angles[1:]):
        pieces.append(
            np.array(
                [
                    (r * np.cos(t), r * np.sin(t), z)
                    for t in (a, b)
                    for z, outer in ((0.0, low), (height, radius))
                    for r in (outer, outer - wall)
                ]
            )
        )
    return pieces


def cylinder(radius: float, height: float, base: float = 0.0, segments: int = 28) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    return np.array([(radius * np.cos(a), radius * np.sin(a), z) for a in angles for z in (base, base + height)])


def box(x: float, y: float, z: float, at: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    corners = np.array([(i, j, k) for i in (-0.5, 0.5) for j in (-0.5, 0.5) for k in (0.0, 1.0)])
    return corners * [x, y, z] + at


def ball(radius: float) -> np.ndarray:
    golden = np.pi * (3 - np.sqrt(5))
    k = np.arange(160)
    z = 1 - 2 * (k + 0.5) / len(k)
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(golden * k), r * np.sin(golden * k), z], axis=1) * radius + [0, 0, radius]


def handle(radius: float, height: float) -> list[np.ndarray]:
    """A handle of three bars, at +x."""
    reach, bar = 0.026, 0.008
    return [
        box(reach, 0.012, bar, (radius + reach / 2 - 0.003, 0, height * 0.72)),
        box(reach, 0.012, bar, (radius + reach / 2 - 0.003, 0, height * 0.24)),
        box(bar, 0.012, height * 0.48 + bar, (radius + reach - 0.004, 0, height * 0.24)),
    ]


COLOURS = {
    "red": (0.78, 0.1, 0.08, 1),
    "yellow": (0.95, 0.78, 0.08, 1),
    "blue": (0.12, 0.3, 0.75, 1),
    "green": (0.15, 0.55, 0.2, 1),
    "orange": (0.95, 0.45, 0.08, 1),
    "white": (0.9, 0.9, 0.88, 1),
    "purple": (0.45, 0.2, 0.6, 1),
}

SHAPES = {
    "mug": (ring(0.04, 0.09, 0.005) + handle(0.04, 0.09), 0.2, True),
    "cup": (ring(0.036, 0.085, 0.004, low=0.027), 0.08, True),
    "bowl": (ring(0.07, 0.05, 0.005, low=0.035), 0.2, True),
    "can": ([cylinder(0.033, 0.1)], 0.35, False),
    "box": ([box(0.05, 0.09, 0.12)], 0.2, False),
    "block": ([box(0.04, 0.04, 0.04)], 0.06, False),
    "ball": ([ball(0.031)], 0.06, False),
    "bottle": ([cylinder(0.031, 0.13), cylinder(0.014, 0.04, 0.13)], 0.3, False),
}


def made(shape: str, colour: str) -> BuiltIn:
    """One object by its shape's and its colour's name."""
    parts, mass, container = SHAPES[shape]
    return BuiltIn(
        id=f"{colour}_{shape}",
        category=shape,
        names=(f"{colour} {shape}",),
        shape=("round",) if shape not in ("box", "block") else ("boxy",),
        container=container,
        rim_thickness=0.005 if container else None,
        mass=mass,
        stands=True,
        folder=Path(),
        parts=tuple(parts),
        rgba=COLOURS[colour],
    )


def all_built_in() -> tuple[BuiltIn, ...]:
    """Every shape in every colour."""
    return tuple(made(shape, colour) for shape in SHAPES for colour in COLOURS)
