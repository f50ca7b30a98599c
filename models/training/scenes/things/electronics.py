"""Remote controls, phones, computer mice and calculators."""

from __future__ import annotations

import numpy as np

from ..shapes import Rng, Thing, box, colour, lathe, moved, rot, strip
from .finish import between, gloss


def remote(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "black", "gray", "white"))
    w, d, h = between(u, 0.036, 0.056), rng.uniform(0.13, 0.21), rng.uniform(0.012, 0.022)
    parts = [gloss(box(w, d, h, w * 0.25, 0.004), value)]
    buttons = np.array([0.75, 0.75, 0.75]) if value.mean() < 0.4 else np.array([0.25, 0.25, 0.27])
    for row in range(int(rng.integers(5, 9))):
        for col in range(3):
            if rng.random() < 0.85:
                y = d * 0.42 - row * d * 0.09
                tone = buttons if rng.random() < 0.85 else np.array([0.8, 0.1, 0.1])
                parts.append(gloss(moved(box(w * 0.17, d * 0.035, 0.0015, 0.002, 0.0005), ((col - 1) * w * 0.27, y, h)), tone))
    return Thing("remote control", parts, [word], "plastic", ["long", "flat"], "remote", ["remote control", "remote", "tv remote"], "electronics")


def phone(rng: Rng, u: float) -> Thing:
    w, d, h = between(u, 0.066, 0.08), rng.uniform(0.138, 0.165), 0.009
    if rng.random() < 0.6:
        parts = [gloss(box(w, d, h, 0.01, 0.002), np.array([0.1, 0.1, 0.11]), 1, 1.0, 0.9), gloss(moved(box(w - 0.006, d - 0.008, 0.0006, 0.007, 0.0002), (0, 0, h)), np.array([0.03, 0.03, 0.05]), 1, 1.0, 1.0)]
        colours = ["black"]
    else:
        word, value = colour(rng, ("white", "black", "blue", "red", "gray", "pink", "green"))
        parts = [gloss(box(w, d, h, 0.01, 0.003), value, 1, 0.8, 0.8), gloss(moved(box(0.026, 0.028, 0.002, 0.006, 0.0006), (-w / 2 + 0.02, d / 2 - 0.022, h)), np.array([0.06, 0.06, 0.07]))]
        colours = [word]
    return Thing("phone", parts, colours, "plastic", ["flat", "rectangular"], "phone", ["phone", "smartphone", "mobile phone", "cell phone"], "electronics")


def mouse(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "white", "gray", "red", "blue"))
    t = np.linspace(-1, 1, 15)
    length, w, h = rng.uniform(0.095, 0.12), between(u, 0.027, 0.035), rng.uniform(0.03, 0.04)
    part = strip(t * length / 2, w * np.sqrt(np.clip(1.02 - t ** 4, 0, 1)), h * np.clip(1 - (t * 0.9 + 0.1) ** 2, 0.0, 1) + h * 0.35, 0.001, -0.0 * t, 9)
    n = len(part.verts) // 2
    y = part.verts[:, 1] / w
    part.verts[:n, 2] -= h * 0.55 * np.clip(np.abs(y[:n]), 0, 1) ** 3
    part.verts[n:, 2] = 0
    wheel = gloss(moved(lathe([(0.0005, -0.003), (0.006, -0.003), (0.006, 0.003), (0.0005, 0.003)], 16), (length * 0.26, 0, h * 1.2), rot("x", 90)), np.array([0.2, 0.2, 0.2]))
    wheel.verts[:, 2] = np.minimum(wheel.verts[:, 2], h * 1.33)
    return Thing("computer mouse", [gloss(part, value), wheel], [word], "plastic", ["rounded", "small"], "mouse", ["computer mouse", "mouse"], "electronics")


def calculator(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "gray", "white", "blue", "pink"))
    w, d = between(u, 0.06, 0.09), rng.uniform(0.11, 0.15)
    parts = [gloss(box(w, d, 0.012, 0.006, 0.003), value), gloss(moved(box(w * 0.84, d * 0.18, 0.001, 0.002, 0.0003), (0, d * 0.34, 0.012)), np.array([0.62, 0.68, 0.58]))]
    key = np.array([0.85, 0.85, 0.85]) if value.mean() < 0.5 else np.array([0.3, 0.3, 0.32])
    for i in range(5):
        for j in range(4):
            parts.append(gloss(moved(box(w * 0.17, d * 0.085, 0.002, 0.002, 0.0006), ((j - 1.5) * w * 0.215, d * 0.15 - i * d * 0.13, 0.012)), key if j < 3 else np.array([0.85, 0.45, 0.1])))
    return Thing("calculator", parts, [word], "plastic", ["flat", "rectangular"], "calculator", ["calculator"], "electronics")
