"""Fruit, vegetables and what else is eaten."""

from __future__ import annotations

import math

import numpy as np

from ..shapes import Rng, Thing, colour, lathe, moved, speckle, tube
from .finish import between, gloss, lying, printed
from .profiles import ball_profile


def fruit(rng: Rng, name: str, profile: list[tuple[float, float]], words: tuple[str, ...], shape: list[str], stem: bool, names: list[str], squash: float = 0.06, values: dict[str, tuple] | None = None) -> Thing:
    word, value = colour(rng, words)
    if values and word in values:
        value = np.clip(np.array(values[word], float) / 255 + rng.normal(0, 0.015, 3), 0, 1)
    part = printed(lathe(profile, 32), speckle(rng, value, 9), 0.35)
    part.verts *= 1 + rng.normal(0, squash, 3).astype(np.float32)
    parts = [part]
    top = part.verts[:, 2].max()
    if stem:
        parts.append(gloss(tube(np.array([[0, 0, top - 0.008], [0.001, 0, top], [0.004, 0.001, top + 0.01]]), 0.0015, 6), np.array([0.3, 0.22, 0.1])))
    return Thing(name, parts, [word], "fruit", shape, name, names, "fruit")


def apple(rng: Rng, u: float) -> Thing:
    return fruit(rng, "apple", ball_profile(between(u, 0.032, 0.043), 0.92, 0.22), ("red", "green", "yellow"), ["round"], True, ["apple"], 0.03, {"green": (130, 175, 50), "red": (170, 25, 30)})


def orange(rng: Rng, u: float) -> Thing:
    return fruit(rng, "orange", ball_profile(between(u, 0.032, 0.043), 0.96, 0.04), ("orange",), ["round"], False, ["orange"], 0.02)


def lemon(rng: Rng, u: float) -> Thing:
    r = between(u, 0.024, 0.031)
    t = np.linspace(-1, 1, 20)
    prof = [(max(float(r * (1 - abs(x) ** 2.2) ** 0.6), 0.0004) + (0.003 if abs(x) > 0.93 and abs(x) < 1 else 0), float((x + 1) * r * 1.4)) for x in t]
    word = ("yellow",) if rng.random() < 0.7 else ("green",)
    name = "lemon" if word == ("yellow",) else "lime"
    thing = fruit(rng, name, prof, word, ["oval"], False, [name], 0.03, {"green": (100, 150, 40)})
    return lying(thing)


def tomato(rng: Rng, u: float) -> Thing:
    return fruit(rng, "tomato", ball_profile(between(u, 0.026, 0.04), 0.8, 0.12), ("red",), ["round"], True, ["tomato"], 0.03, {"red": (200, 35, 22)})


def pear(rng: Rng, u: float) -> Thing:
    r, h = 0.034, between(u, 0.085, 0.11)
    prof = [(0.0005, 0), (r * 0.6, 0.003), (r * 0.95, h * 0.2), (r, h * 0.35), (r * 0.75, h * 0.6), (r * 0.45, h * 0.8), (r * 0.35, h * 0.93), (0.0005, h)]
    return fruit(rng, "pear", prof, ("green", "yellow"), ["pear-shaped"], True, ["pear"], 0.03, {"green": (150, 175, 60), "yellow": (215, 195, 70)})


def banana(rng: Rng, u: float) -> Thing:
    t = np.radians(np.linspace(-48, 48, 20))
    big, thick = rng.uniform(0.09, 0.12), between(u, 0.015, 0.02)
    path = np.stack([big * np.sin(t), big * np.cos(t) - big * 0.85, np.zeros(20)], 1)
    rad = thick * np.clip(np.cos(t * 1.8), 0.0, 1) ** 0.5
    rad[0], rad[-1] = 0.004, 0.003
    value = np.clip(np.array([0.93, 0.78, 0.18]) + rng.normal(0, 0.02, 3), 0, 1)
    part = gloss(tube(path, np.maximum(rad, 0.004), 8, up=(0, 0, 1)), value, 1, 0.2, 0.3)
    tip = gloss(tube(path[:2] - (path[1] - path[0]) * 0.9, 0.0042, 6, up=(0, 0, 1)), np.array([0.35, 0.28, 0.1]))
    low = part.verts[:, 2].min()
    return Thing("banana", [moved(part, (0, 0, -low)), moved(tip, (0, 0, -low))], ["yellow"], "fruit", ["curved", "long"], "banana", ["banana"], "fruit")


def carrot(rng: Rng, u: float) -> Thing:
    length, r = between(u, 0.11, 0.19), rng.uniform(0.011, 0.018)
    value = np.array([0.93, 0.45, 0.1])
    body = printed(lathe([(0.0005, 0), (0.002, 0.002), (r * 0.6, length * 0.35), (r, length * 0.9), (r * 0.5, length), (0.0005, length)], 16), speckle(rng, value, 12))
    parts = [body]
    for i in range(4):
        a = i * 1.6
        parts.append(gloss(tube(np.array([[0, 0, length], [0.006 * math.cos(a), 0.006 * math.sin(a), length + 0.02], [0.012 * math.cos(a), 0.012 * math.sin(a), length + 0.035]]), 0.002, 6), np.array([0.25, 0.5, 0.15])))
    return lying(Thing("carrot", parts, ["orange"], "vegetable", ["long", "thin"], "carrot", ["carrot"], "vegetable"))


def egg(rng: Rng, u: float) -> Thing:
    r = between(u, 0.02, 0.024)
    t = np.linspace(-1, 1, 20)
    prof = [(max(float(r * math.sqrt(max(1 - x * x, 0)) * (1 - 0.13 * x)), 0.0004), float((x + 1) * r * 1.28)) for x in t]
    return lying(fruit(rng, "egg", prof, ("white", "beige"), ["oval", "small"], False, ["egg"], 0.02, {"beige": (215, 170, 130)}))


def potato(rng: Rng, u: float) -> Thing:
    thing = fruit(rng, "potato", ball_profile(between(u, 0.022, 0.032), 1.45), ("brown", "beige"), ["oval"], False, ["potato"], 0.08, {"brown": (150, 110, 65), "beige": (200, 170, 110)})
    return lying(thing)


def donut(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("pink", "brown", "white", "yellow"))
    big, small = between(u, 0.028, 0.036), 0.017
    t = np.linspace(0, 2 * math.pi, 17)
    dough = gloss(lathe([(big - small * math.cos(a + math.pi), small + small * math.sin(a + math.pi)) for a in t], 32), np.array([0.78, 0.55, 0.28]), 1, 0.1, 0.2)
    ice = gloss(lathe([(big - small * 1.04 * math.cos(a), small * 1.1 + small * 1.04 * math.sin(a)) for a in np.linspace(0.25, math.pi - 0.25, 10)][::-1], 32), value, 1, 0.5, 0.6)
    return Thing("donut", [dough, ice], [word, "brown"] if word != "brown" else ["brown"], "food", ["ring-shaped", "round"], "donut", ["donut", "doughnut"], "food")
