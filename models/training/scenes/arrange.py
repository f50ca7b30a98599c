"""Arranges things on tables, shelves, in drawers, bins and vessels."""

from __future__ import annotations

import math

import numpy as np

from .assets import Assets
from .draw import Rand, draw_set, draw_thing, maybe_lay
from .place import Placed, Scene, spread
from .shapes import Thing

LAYOUTS = {"table": 0.60, "pile": 0.09, "inside": 0.12, "shelf": 0.12, "drawer": 0.07}
#: The mix of the later scenes, which are for training only: more furniture, and bins seen from above.
WIDE_LAYOUTS = {"table": 0.42, "pile": 0.09, "inside": 0.10, "shelf": 0.16, "drawer": 0.12, "bin": 0.11}


def arrange(assets: Assets, split: str, rng: Rand, wide: bool = False) -> Scene:
    layouts = WIDE_LAYOUTS if wide else LAYOUTS
    layout = str(rng.choice(list(layouts), p=list(layouts.values())))
    n = int(rng.integers(4, 13))
    if layout == "shelf":
        return shelf_scene(assets, split, rng)
    things = draw_set(assets, split, rng, n)
    for t in things:
        maybe_lay(t, rng)
    if layout == "drawer":
        return drawer_scene(assets, things, split, rng)
    if layout == "bin":
        return bin_scene(things, split, rng)
    sizes = sum(float(np.prod(t.size()[:2] + 0.03)) for t in things)
    half = float(np.clip(math.sqrt(sizes) * rng.uniform(0.6, 1.1), 0.14, 0.45))
    if layout == "pile":
        return pile_scene(things, split, rng, half)
    if layout == "inside":
        return vessel_scene(assets, things, split, rng, half)
    if rng.random() < 0.15:
        return row_scene(things, split, rng)
    return Scene(layout, spread(things, rng, (half, half * 0.75)), np.zeros(3), half, split)


def shelf_scene(assets: Assets, split: str, rng: Rand) -> Scene:
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
    return Scene("shelf", placed, np.array([0, 0, (boards * gap) / 2]), max(width, boards * gap) * 0.5, split, info)


def drawer_scene(assets: Assets, things: list[Thing], split: str, rng: Rand) -> Scene:
    w, d, h = rng.uniform(0.32, 0.5), rng.uniform(0.26, 0.4), rng.uniform(0.06, 0.11)
    things = [t for t in things if t.size()[2] < h + 0.05 and max(t.size()[:2]) < min(w, d)]
    while len(things) < 4:
        things.append(draw_thing(assets, split, rng, "made:" + str(rng.choice(["fork", "knife", "spoon", "pen", "marker", "tape roll", "eraser", "ruler", "screwdriver", "calculator", "remote control"]))))
    placed = spread(things, rng, (w / 2 - 0.05, d / 2 - 0.05))
    for p in placed:
        p.drawer = True
    return Scene("drawer", placed, np.zeros(3), max(w, d) * 0.5, split, {"w": w, "d": d, "h": h})


def pile_scene(things: list[Thing], split: str, rng: Rand, half: float) -> Scene:
    """A heap that physics settles."""
    tight = half * 0.45
    placed = []
    for i, t in enumerate(things[:9]):
        pos = np.array([rng.uniform(-tight, tight), rng.uniform(-tight, tight), 0.05 + 0.07 * i])
        placed.append(Placed(t, pos, float(rng.uniform(0, 6.28)), loose=True))
    return Scene("pile", placed, np.zeros(3), half * 0.8, split)


def vessel_scene(assets: Assets, things: list[Thing], split: str, rng: Rand, half: float) -> Scene:
    """A vessel with things dropped into it, among others."""
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
    return Scene("inside", placed, np.zeros(3), half, split)


def row_scene(things: list[Thing], split: str, rng: Rand) -> Scene:
    """A row, as people line things up."""
    placed, x = [], 0.0
    for t in things[:7]:
        s = t.size()
        placed.append(Placed(t, np.array([x + s[0] / 2, rng.normal(0, 0.01), 0]), float(rng.normal(0, 0.08))))
        x += s[0] + rng.uniform(0.015, 0.07)
    for p in placed:
        p.pos[0] -= x / 2
    return Scene("row", placed, np.zeros(3), x / 2, split)


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
