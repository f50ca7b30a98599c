"""Screwdrivers, hammers and flashlights."""

from __future__ import annotations

import numpy as np

from ..shapes import Rng, Thing, colour, lathe, moved, rot, tube
from .finish import between, gloss, lying, metal


def screwdriver(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("red", "yellow", "blue", "green", "orange", "black"))
    grip_l, shaft = rng.uniform(0.08, 0.11), between(u, 0.07, 0.15)
    r = rng.uniform(0.011, 0.016)
    parts = [gloss(lathe([(0.0005, 0), (r * 0.85, 0), (r, 0.01), (r, grip_l * 0.6), (r * 0.7, grip_l * 0.85), (r * 0.8, grip_l), (0.0005, grip_l)], 8), value),
             metal(lathe([(0.0032, grip_l), (0.0032, grip_l + shaft), (0.0005, grip_l + shaft)], 12))]
    return lying(Thing("screwdriver", parts, [word], "metal", ["long", "thin"], "screwdriver", ["screwdriver"], "tool"))


def hammer(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("brown", "black", "red", "yellow", "blue"))
    length, r = between(u, 0.22, 0.31), 0.012
    parts = [gloss(tube(np.array([[-length, 0, 0], [-length * 0.6, 0, 0], [0, 0, 0]]), np.array([r * 1.2, r, r * 0.8]), flat=0.7, up=(0, 0, 1)), value, 1, 0.2, 0.3)]
    head = lathe([(0.0005, -0.05), (0.012, -0.05), (0.014, -0.03), (0.009, -0.02), (0.010, 0.02), (0.004, 0.06), (0.0005, 0.062)], 20)
    parts.append(metal(moved(head, turn=rot("x", 90)), np.array([0.35, 0.36, 0.38])))
    low = min(p.verts[:, 2].min() for p in parts)
    for p in parts:
        moved(p, (length / 2, 0, -low))
    return Thing("hammer", parts, [word], "metal", ["long", "T-shaped"], "hammer", ["hammer"], "tool")


def torch_light(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "red", "blue", "yellow", "gray"))
    r, length = rng.uniform(0.012, 0.018), between(u, 0.1, 0.18)
    parts = [gloss(lathe([(0.0005, 0), (r, 0), (r, length * 0.7), (r * 1.6, length * 0.82), (r * 1.6, length)], 24), value),
             gloss(lathe([(r * 1.6, length), (r * 1.4, length - 0.003), (0.0005, length - 0.003)], 24), np.array([0.9, 0.92, 0.95]), 1, 1, 1)]
    return lying(Thing("flashlight", parts, [word], "metal", ["long", "cylindrical"], "flashlight", ["flashlight", "torch"], "tool"))
