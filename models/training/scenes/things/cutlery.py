"""Forks, knives and spoons."""

from __future__ import annotations

import numpy as np

from ..shapes import METAL, Part, Rng, Thing, colour, strip
from .finish import between, gloss, metal


def grip(rng: Rng, length: float, half: float, thick: float) -> tuple[Part, str | None, np.ndarray]:
    xs = np.linspace(-length, 0, 14)
    part = strip(xs, half * (0.75 + 0.35 * np.cos(np.linspace(0, 3.0, 14)) ** 2), np.full(14, 0.004) + 0.003 * np.linspace(1, 0, 14), thick)
    if rng.random() < 0.45:
        word, value = colour(rng, ("red", "black", "blue", "green", "brown", "yellow", "white"))
        return gloss(part, value), word, value
    return metal(part), None, METAL


def fork(rng: Rng, u: float) -> Thing:
    part, word, _ = grip(rng, rng.uniform(0.095, 0.125), 0.006, 0.003)
    n, w = 10, between(u, 0.010, 0.014)
    xs = np.linspace(0, 0.035, n)
    parts = [part, metal(strip(xs, np.interp(xs, [0, 0.012, 0.035], [0.004, 0.008, w]), 0.004 - 0.1 * xs + 2.4 * xs ** 2, 0.002))]
    tines = int(rng.integers(3, 5))
    for i in range(tines):
        y = (i / (tines - 1) - 0.5) * 2 * (w - 0.002)
        tx = np.linspace(0.034, 0.078, n)
        t = strip(tx, np.full(n, 0.0021), 0.0035 + 0.09 * (tx - 0.034), 0.002, n=3)
        t.verts[:, 1] += y
        parts.append(metal(t))
    return Thing("fork", parts, [word] if word else ["gray"], "metal", ["long", "thin"], "fork", ["fork"], "cutlery")


def knife(rng: Rng, u: float) -> Thing:
    part, word, _ = grip(rng, rng.uniform(0.085, 0.12), 0.0075, 0.008 if rng.random() < 0.5 else 0.004)
    n, length, w = 16, rng.uniform(0.09, 0.16), between(u, 0.007, 0.016)
    xs = np.linspace(0, length, n)
    half = w * np.minimum(1, np.sqrt(np.maximum(1.02 - xs / length, 0) * 3))
    blade = metal(strip(xs, half, np.full(n, 0.0035), 0.0018))
    blade.verts[:, 1] -= np.interp(blade.verts[:, 0], [0, length], [0, w * 0.5])
    return Thing("knife", [part, blade], [word] if word else ["gray"], "metal", ["long", "thin", "sharp"], "knife", ["knife"], "cutlery")


def spoon(rng: Rng, u: float) -> Thing:
    part, word, _ = grip(rng, rng.uniform(0.08, 0.125), 0.006, 0.003)
    n, length, w = 18, rng.uniform(0.045, 0.062), between(u, 0.014, 0.021)
    neck = np.linspace(0, 0.03, 6)[:-1]
    bowl_x = np.linspace(0, 1, n)
    xs = np.concatenate([neck, 0.03 + bowl_x * length])
    half = np.concatenate([np.full(5, 0.0035), np.maximum(0.0035 * (1 - bowl_x), w * np.sqrt(np.clip(1 - (2 * bowl_x - 1) ** 2, 0, 1)))])
    dish = np.concatenate([np.zeros(5), 0.008 * np.clip(1 - (2 * bowl_x - 1) ** 2, 0, 1)])
    z = np.concatenate([np.linspace(0.004, 0.008, 5), np.full(n, 0.0085)])
    return Thing("spoon", [part, metal(strip(xs, half + 0.0004, z, 0.0016, dish))], [word] if word else ["gray"], "metal", ["long", "thin"], "spoon", ["spoon"], "cutlery")
