"""Draws the things of a scene: one of a split, or a set with kinds and colours that repeat."""

from __future__ import annotations

import numpy as np

from .assets import Assets
from .colours import PALETTE
from .shapes import Rng, Thing, rot
from .things import MAKERS, WEIGHTS


class Rand(np.random.Generator):
    """numpy's generator with a colour word to be used by the next maker that can (see shapes.colour)."""

    forced: str | None = None


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
