"""What the makers share: palettes, surfaces, laying a thing down."""

from __future__ import annotations

import numpy as np

from ..shapes import METAL, Part, Thing, moved, rgba, rot

CERAMIC = ("red", "blue", "green", "yellow", "white", "black", "orange", "turquoise", "gray", "pink", "purple", "brown", "beige")
PLASTIC = ("red", "blue", "green", "yellow", "white", "black", "orange", "turquoise", "pink", "purple", "gray")


def between(u: float, low: float, high: float) -> float:
    return low + (high - low) * u


def gloss(part: Part, value: np.ndarray, alpha: float = 1.0, specular: float = 0.5, shininess: float = 0.6) -> Part:
    part.rgba, part.specular, part.shininess = rgba(value, alpha), specular, shininess
    return part


def metal(part: Part, value: np.ndarray = METAL) -> Part:
    return gloss(part, value, 1, 0.9, 0.8)


def printed(part: Part, texture: np.ndarray, specular: float = 0.2) -> Part:
    part.texture, part.specular, part.shininess = texture, specular, 0.3
    return part


def lying(thing: Thing) -> Thing:
    """Lay a thing made upright on its side, along x."""
    for p in thing.parts:
        moved(p, turn=rot("y", 90))
    low = min(p.verts[:, 2].min() for p in thing.parts)
    for p in thing.parts:
        moved(p, (0, 0, -low))
    return thing
