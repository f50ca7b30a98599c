"""Open vessels and plates: mugs, cups, glasses, bowls, plates, pans, vases."""

from __future__ import annotations

import numpy as np

from ..shapes import Part, Rng, Thing, colour, lathe, shell, tube
from .finish import CERAMIC, PLASTIC, between, gloss
from .profiles import ring_hulls


def handle(r: float, h: float, rng: Rng, thick: float) -> Part:
    reach = r * rng.uniform(0.55, 0.85)
    t = np.linspace(-90, 90, 16)
    path = np.stack([r * 0.94 + reach * np.cos(np.radians(t)), np.zeros(16), h * 0.5 + h * rng.uniform(0.27, 0.36) * np.sin(np.radians(t))], 1)
    return tube(path, thick, flat=rng.uniform(0.8, 1.6))


def mug(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, CERAMIC)
    h, r = rng.uniform(0.08, 0.11), between(u, 0.036, 0.048)
    flare = rng.uniform(-0.004, 0.005)
    body = lathe(shell([(r - 0.004, 0), (r, 0.006), (r + flare * 0.5, h * 0.5), (r + flare, h)], 0.004, 0.006))
    gloss(body, value)
    colours = [word]
    if rng.random() < 0.25:
        other, second = colour(rng, CERAMIC)
        tex = np.empty((128, 64, 3), np.uint8)
        tex[:] = (value * 255).astype(np.uint8)
        y = int(rng.uniform(70, 95))
        tex[y:y + int(rng.uniform(8, 22))] = (second * 255).astype(np.uint8)
        body.texture, body.rgba = tex, (1, 1, 1, 1)
        colours.append(other)
    parts = [body, gloss(handle(r, h, rng, rng.uniform(0.004, 0.0065)), value)]
    body.hulls = ring_hulls(r, h, 0.004)
    return Thing("mug", parts, colours, "ceramic", ["round", "with handle"], "mug", ["mug", "cup", "coffee mug"], "mug", True)


def cup(rng: Rng, u: float) -> Thing:
    paper = rng.random() < 0.4
    word, value = colour(rng, ("white", "brown", "red", "green") if paper else PLASTIC)
    h, low, high = rng.uniform(0.085, 0.13), between(u, 0.024, 0.033), between(u, 0.034, 0.046)
    body = gloss(lathe(shell([(low, 0), (low + 0.001, 0.004), (high, h)], 0.002, 0.004)), value, 1, 0.2, 0.3)
    parts, colours, names = [body], [word], ["cup"]
    if paper:
        names = ["paper cup", "cup", "coffee cup"]
        if rng.random() < 0.5:
            z0, z1 = h * 0.3, h * 0.72
            at = lambda z: low + (high - low) * z / h + 0.0012  # noqa: E731
            other, second = colour(rng, ("brown", "black", "green", "red"))
            parts.append(gloss(lathe([(at(z0), z0), (at(z1), z1)]), second, 1, 0.1, 0.2))
            colours.append(other)
        if rng.random() < 0.4:
            lid = lathe([(high + 0.002, h - 0.004), (high + 0.002, h + 0.004), (high - 0.003, h + 0.01), (0.0005, h + 0.009)])
            other, second = colour(rng, ("white", "black"))
            parts.append(gloss(lid, second))
            colours.append(other)
    body.hulls = ring_hulls(high, h, 0.003, r_low=low)
    return Thing(names[0], parts, colours, "paper" if paper else "plastic", ["round", "tapered"], "cup", names, "cup", not paper)


def glass(rng: Rng, u: float) -> Thing:
    h, low = rng.uniform(0.09, 0.15), between(u, 0.025, 0.034)
    high = low + rng.uniform(0, 0.008)
    tone = np.clip(np.array([0.82, 0.9, 0.92]) + rng.normal(0, 0.03, 3), 0, 1)
    outer = lathe(shell([(low, 0), (low + 0.001, 0.008), (high, h)], 0.0025, 0.008))
    parts = [gloss(outer, tone, rng.uniform(0.22, 0.38), 1.0, 0.9)]
    if rng.random() < 0.45:
        word, value = colour(rng, ("orange", "brown", "white", "red", "yellow"))
        z = h * rng.uniform(0.35, 0.8)
        parts.insert(0, gloss(lathe([(0.0005, 0.009), (low - 0.003, 0.009), (low + (high - low) * z / h - 0.003, z), (0.0005, z)]), value, 0.95, 0.3, 0.5))
    return Thing("glass", parts, [], "glass", ["round", "tall", "transparent"], "glass", ["glass", "drinking glass", "cup"], "glass")


def wine_glass(rng: Rng, u: float) -> Thing:
    h, r = rng.uniform(0.16, 0.21), between(u, 0.032, 0.042)
    b = h * rng.uniform(0.42, 0.52)
    prof = [(0.0005, 0), (0.033, 0.001), (0.03, 0.004), (0.005, 0.008), (0.004, b * 0.95), (0.012, b), (r, b + (h - b) * 0.45), (r * 0.82, h),
            (r * 0.82 - 0.002, h), (r - 0.002, b + (h - b) * 0.45), (0.01, b + 0.004), (0.0005, b + 0.003)]
    parts = [gloss(lathe(prof), np.array([0.85, 0.9, 0.92]), rng.uniform(0.25, 0.4), 1.0, 0.9)]
    if rng.random() < 0.4:
        value = np.array([0.4, 0.03, 0.08]) if rng.random() < 0.6 else np.array([0.9, 0.8, 0.45])
        z = b + (h - b) * 0.45
        parts.insert(0, gloss(lathe([(0.0005, b + 0.005), (0.011, b + 0.007), (r - 0.003, z), (0.0005, z)]), value, 0.9))
    return Thing("wine glass", parts, [], "glass", ["tall", "transparent", "stemmed"], "wine glass", ["wine glass", "glass"], "glass")


def bowl(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, CERAMIC)
    r, k = rng.uniform(0.055, 0.1), between(u, 0.38, 0.62)
    h = r * k * 1.25
    outer = [(r * 0.45, 0), (r * 0.5, 0.004), (r * 0.78, h * 0.35), (r * 0.94, h * 0.7), (r, h)]
    body = gloss(lathe(shell(outer, 0.004, 0.006)), value)
    body.hulls = ring_hulls(r, h, 0.005, r_low=r * 0.6)
    colours = [word]
    if rng.random() < 0.25:
        other, second = colour(rng, CERAMIC)
        body.texture = np.concatenate([np.full((64, 32, 3), (second * 255).astype(np.uint8)), np.full((64, 32, 3), (value * 255).astype(np.uint8))])
        body.rgba = (1, 1, 1, 1)
        colours.append(other)
    return Thing("bowl", [body], colours, "ceramic", ["round", "open"], "bowl", ["bowl", "dish"], "bowl", True)


def plate(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, CERAMIC)
    r, h = rng.uniform(0.08, 0.135), between(u, 0.012, 0.024)
    outer = [(r * 0.6, 0), (r * 0.64, 0.003), (r, h)]
    body = gloss(lathe(shell(outer, 0.004, 0.005), 56), value)
    colours = [word]
    if rng.random() < 0.35:
        other, second = colour(rng, CERAMIC)
        tex = np.full((128, 32, 3), (value * 255).astype(np.uint8))
        tex[48:64] = (second * 255).astype(np.uint8)
        body.texture, body.rgba = tex, (1, 1, 1, 1)
        colours.append(other)
    return Thing("plate", [body], colours, "ceramic", ["round", "flat"], "plate", ["plate", "dish", "dinner plate"], "plate", True)


def pan(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "gray", "red"))
    r, h = between(u, 0.085, 0.12), 0.04
    body = gloss(lathe(shell([(r * 0.85, 0), (r * 0.88, 0.003), (r, h)], 0.003, 0.004)), value, 1, 0.5, 0.5)
    body.hulls = ring_hulls(r, h, 0.004)
    grip_ = gloss(tube(np.array([[r * 0.97, 0, h * 0.8], [r + 0.06, 0, h * 1.1], [r + 0.16, 0, h * 1.25]]), np.array([0.007, 0.009, 0.011]), flat=0.6, up=(0, 1, 0)), np.array([0.08, 0.08, 0.08]))
    return Thing("pan", [body, grip_], [word], "metal", ["round", "with handle"], "pan", ["pan", "frying pan"], "cookware", True)


def vase(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, CERAMIC)
    h, r = rng.uniform(0.13, 0.22), between(u, 0.035, 0.055)
    outer = [(r * 0.6, 0), (r, h * rng.uniform(0.3, 0.45)), (r * 0.45, h * 0.8), (r * rng.uniform(0.5, 0.8), h)]
    return Thing("vase", [gloss(lathe(shell(outer, 0.003, 0.006)), value)], [word], "ceramic", ["round", "tall"], "vase", ["vase"], "vase")
