"""Candles, toothbrushes, balls and building blocks."""

from __future__ import annotations

import numpy as np

from ..shapes import Rng, Thing, box, colour, lathe, moved, strip, tube
from .finish import PLASTIC, between, gloss
from .profiles import ball_profile


def candle(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("white", "red", "beige", "purple", "green", "pink", "yellow"))
    r, h = rng.uniform(0.02, 0.036), between(u, 0.05, 0.14)
    parts = [gloss(lathe([(0.0005, 0), (r, 0), (r, h - 0.002), (r * 0.9, h), (0.0005, h - 0.003)]), value, 1, 0.15, 0.2),
             gloss(tube(np.array([[0, 0, h - 0.004], [0.001, 0, h + 0.008]]), 0.0009, 6), np.array([0.1, 0.1, 0.1]))]
    return Thing("candle", parts, [word], "wax", ["cylindrical"], "candle", ["candle"], "candle")


def toothbrush(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    length = between(u, 0.16, 0.2)
    xs = np.linspace(0, length, 16)
    body = gloss(strip(xs, np.interp(xs / length, [0, 0.4, 0.7, 0.8, 1], [0.006, 0.006, 0.003, 0.006, 0.005]), np.full(16, 0.0), 0.005), value)
    hair = gloss(moved(box(length * 0.17, 0.01, 0.011, 0.002, 0.0005), (length * 0.9, 0, 0.005)), np.array([0.92, 0.94, 0.95]))
    for p in (body, hair):
        moved(p, (-length / 2, 0, 0))
    return Thing("toothbrush", [body, hair], [word], "plastic", ["long", "thin"], "toothbrush", ["toothbrush"], "toiletry")


def toy_ball(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    r = between(u, 0.02, 0.05)
    part = gloss(lathe(ball_profile(r), 32), value)
    return Thing("ball", [part], [word], "rubber", ["round", "spherical"], "ball", ["ball", "toy ball"], "ball")


def block(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC + ("brown", "beige"))
    s = between(u, 0.025, 0.05)
    k = rng.random()
    if k < 0.5:
        return Thing("block", [gloss(box(s, s, s, 0.002, 0.0015), value, 1, 0.2, 0.3)], [word], "wood", ["cubic", "small"], "block", ["block", "cube", "wooden block", "toy block"], "toy")
    if k < 0.75:
        return Thing("cylinder", [gloss(lathe([(0.0005, 0), (s / 2, 0), (s / 2, s * 1.4), (0.0005, s * 1.4)]), value, 1, 0.2, 0.3)], [word], "wood", ["cylindrical", "small"], "block", ["cylinder", "wooden cylinder", "toy block"], "toy")
    return Thing("block", [gloss(box(s * 2, s, s * 0.8, 0.002, 0.0015), value, 1, 0.2, 0.3)], [word], "wood", ["rectangular", "small"], "block", ["block", "wooden block", "toy block"], "toy")
