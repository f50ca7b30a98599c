"""Makers of procedural things: tableware, cutlery, packages, fruit and what lies on desks."""

from __future__ import annotations

import math
from typing import Callable

import cv2
import numpy as np

from .shapes import (METAL, Part, Rng, Thing, atlas, box, colour, extrude, face_box, label, lathe, moved, rgba, rot,
                     round_rect, shell, speckle, strip, tube)

Maker = Callable[[Rng, float], Thing]
MAKERS: dict[str, Maker] = {}
CERAMIC = ("red", "blue", "green", "yellow", "white", "black", "orange", "turquoise", "gray", "pink", "purple", "brown", "beige")
PLASTIC = ("red", "blue", "green", "yellow", "white", "black", "orange", "turquoise", "pink", "purple", "gray")


def maker(name: str) -> Callable[[Maker], Maker]:
    def put(fn: Maker) -> Maker:
        MAKERS[name] = fn
        return fn
    return put


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


def ring_hulls(r: float, h: float, wall: float, n: int = 10, r_low: float | None = None) -> list[np.ndarray]:
    """Convex parts of an open vessel: a floor and n wall segments."""
    low = r_low or r
    out = [np.array([[low * math.cos(a), low * math.sin(a), z] for a in np.linspace(0, 2 * math.pi, 12)[:-1] for z in (0, wall)], np.float32)]
    for i in range(n):
        a0, a1 = 2 * math.pi * i / n, 2 * math.pi * (i + 1) / n
        out.append(np.array([[rr * math.cos(a), rr * math.sin(a), z] for a in (a0, a1)
                             for z, r1 in ((0.0, low), (h, r)) for rr in (r1, r1 - wall * 1.5)], np.float32))
    return out


def handle(r: float, h: float, rng: Rng, thick: float) -> Part:
    reach = r * rng.uniform(0.55, 0.85)
    t = np.linspace(-90, 90, 16)
    path = np.stack([r * 0.94 + reach * np.cos(np.radians(t)), np.zeros(16), h * 0.5 + h * rng.uniform(0.27, 0.36) * np.sin(np.radians(t))], 1)
    return tube(path, thick, flat=rng.uniform(0.8, 1.6))


@maker("mug")
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


@maker("cup")
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


@maker("glass")
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


@maker("wine glass")
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


@maker("bowl")
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


@maker("plate")
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


@maker("can")
def can(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    other, second = colour(rng, ("white", "yellow", "red", "blue", "green", "black"))
    soda = rng.random() < 0.5
    r, h = (0.0315, rng.uniform(0.115, 0.13)) if soda else (between(u, 0.033, 0.045), rng.uniform(0.055, 0.115))
    side = lathe([(r, 0.006), (r, h - 0.006)], 48)
    printed(side, label(rng, value, second), 0.6)
    top = [(r, h - 0.006), (r * (0.86 if soda else 0.99), h), (r * 0.84 if soda else r * 0.96, h - 0.003), (0.0005, h - 0.003)]
    parts = [side, metal(lathe(top)), metal(lathe([(0.0005, 0.0), (r * 0.85, 0.0), (r, 0.006)]))]
    names = ["can", "tin", "soda can" if soda else "tin can", "drink can" if soda else "food can"]
    return Thing("can", parts, [word, other], "metal", ["cylindrical"] + (["tall"] if soda else []), "can", names, "can")


@maker("bottle")
def bottle(rng: Rng, u: float) -> Thing:
    style = int(rng.integers(4))
    r, h = between(u, 0.027, 0.042), rng.uniform(0.16, 0.27)
    neck, cap_z = r * rng.uniform(0.3, 0.45), h * 0.93
    body_prof = [(0.0005, 0), (r * 0.95, 0), (r, 0.006), (r, h * rng.uniform(0.55, 0.68)), (neck, h * 0.82), (neck, cap_z), (0.0005, cap_z)]
    word, value = colour(rng, PLASTIC)
    cap_word, cap = colour(rng, PLASTIC)
    body = lathe(body_prof)
    capped = gloss(lathe([(neck * 1.15, cap_z - 0.012), (neck * 1.15, h), (0.0005, h)]), cap)
    parts, colours, names, mat, shape = [body], [word], ["bottle"], "plastic", ["tall", "bottle-shaped"]
    if style == 0:
        gloss(body, np.array([0.8, 0.88, 0.95]), rng.uniform(0.3, 0.45), 0.9, 0.9)
        parts.append(printed(lathe([(r + 0.0006, h * 0.25), (r + 0.0006, h * 0.5)]), label(rng, value, cap), 0.3))
        names, shape = ["water bottle", "bottle", "plastic bottle"], shape + ["transparent"]
    elif style == 1:
        dark = np.array([0.05, 0.18, 0.08]) if rng.random() < 0.6 else np.array([0.12, 0.05, 0.03])
        gloss(body, dark, 1, 0.9, 0.9)
        paper, tone = colour(rng, ("white", "beige"))
        parts.append(printed(lathe([(r + 0.0006, h * 0.2), (r + 0.0006, h * 0.48)]), label(rng, tone, cap), 0.1))
        colours, names, mat = ["green" if dark[1] > 0.1 else "brown", paper], ["wine bottle", "bottle", "glass bottle"], "glass"
    else:
        gloss(body, value)
        if style == 2:
            other, second = colour(rng, PLASTIC)
            parts.append(printed(lathe([(r + 0.0006, h * 0.15), (r + 0.0006, h * 0.5)]), label(rng, second, value), 0.2))
            colours.append(other)
    return Thing("bottle", parts + [capped], colours + ([cap_word] if style != 1 else []), mat, shape, "bottle", names, "bottle")


def grip(rng: Rng, length: float, half: float, thick: float) -> tuple[Part, str | None, np.ndarray]:
    xs = np.linspace(-length, 0, 14)
    part = strip(xs, half * (0.75 + 0.35 * np.cos(np.linspace(0, 3.0, 14)) ** 2), np.full(14, 0.004) + 0.003 * np.linspace(1, 0, 14), thick)
    if rng.random() < 0.45:
        word, value = colour(rng, ("red", "black", "blue", "green", "brown", "yellow", "white"))
        return gloss(part, value), word, value
    return metal(part), None, METAL


@maker("fork")
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


@maker("knife")
def knife(rng: Rng, u: float) -> Thing:
    part, word, _ = grip(rng, rng.uniform(0.085, 0.12), 0.0075, 0.008 if rng.random() < 0.5 else 0.004)
    n, length, w = 16, rng.uniform(0.09, 0.16), between(u, 0.007, 0.016)
    xs = np.linspace(0, length, n)
    half = w * np.minimum(1, np.sqrt(np.maximum(1.02 - xs / length, 0) * 3))
    blade = metal(strip(xs, half, np.full(n, 0.0035), 0.0018))
    blade.verts[:, 1] -= np.interp(blade.verts[:, 0], [0, length], [0, w * 0.5])
    return Thing("knife", [part, blade], [word] if word else ["gray"], "metal", ["long", "thin", "sharp"], "knife", ["knife"], "cutlery")


@maker("spoon")
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


@maker("pen")
def pen(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    r, length = between(u, 0.004, 0.0058), rng.uniform(0.13, 0.15)
    tip = [(0.0005, 0), (0.001, 0.001), (r * 0.9, 0.014), (r, 0.016)]
    parts = [gloss(lathe([(r, 0.016), (r, length * 0.62)], 16), value), metal(lathe(tip, 16)),
             gloss(lathe([(r * 1.06, length * 0.62), (r * 1.06, length - 0.004), (r * 0.6, length), (0.0005, length)], 16), value if rng.random() < 0.6 else np.array([0.12, 0.12, 0.13]))]
    parts.append(metal(moved(box(0.002, 0.003, 0.04, 0.0009, 0.0005), (r * 1.2, 0, length - 0.043))))
    return lying(Thing("pen", parts, [word], "plastic", ["long", "thin"], "pen", ["pen", "ballpoint pen"], "stationery"))


@maker("pencil")
def pencil(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("yellow", "red", "green", "blue", "black"))
    r, length = 0.004, between(u, 0.11, 0.18)
    parts = [gloss(lathe([(r, 0.02), (r, length - 0.012)], 6), value), gloss(lathe([(0.0012, 0.004), (r, 0.02)], 12), np.array([0.85, 0.68, 0.46])),
             gloss(lathe([(0.0002, 0), (0.0012, 0.004)], 8), np.array([0.15, 0.15, 0.15])), metal(lathe([(r, length - 0.012), (r, length - 0.006)], 12)),
             gloss(lathe([(r, length - 0.006), (r, length), (0.0003, length)], 12), np.array([0.88, 0.5, 0.5]))]
    return lying(Thing("pencil", parts, [word], "wood", ["long", "thin"], "pencil", ["pencil"], "stationery"))


@maker("marker")
def marker_pen(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC[:4] + ("black", "orange", "purple", "pink"))
    r, length = between(u, 0.0075, 0.011), rng.uniform(0.115, 0.14)
    body = value if rng.random() < 0.5 else np.array([0.93, 0.93, 0.92])
    parts = [gloss(lathe([(0.0005, 0), (r * 0.9, 0), (r, 0.004), (r, length * 0.6)], 24), body),
             gloss(lathe([(r * 1.08, length * 0.6), (r * 1.02, length - 0.003), (r * 0.8, length), (0.0005, length)], 24), value)]
    colours = [word] if body is value else [word, "white"]
    return lying(Thing("marker", parts, colours, "plastic", ["long"], "marker", ["marker", "marker pen", "felt pen"], "stationery"))


def lying(thing: Thing) -> Thing:
    """Lay a thing made upright on its side, along x."""
    for p in thing.parts:
        moved(p, turn=rot("y", 90))
    low = min(p.verts[:, 2].min() for p in thing.parts)
    for p in thing.parts:
        moved(p, (0, 0, -low))
    return thing


@maker("screwdriver")
def screwdriver(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("red", "yellow", "blue", "green", "orange", "black"))
    grip_l, shaft = rng.uniform(0.08, 0.11), between(u, 0.07, 0.15)
    r = rng.uniform(0.011, 0.016)
    parts = [gloss(lathe([(0.0005, 0), (r * 0.85, 0), (r, 0.01), (r, grip_l * 0.6), (r * 0.7, grip_l * 0.85), (r * 0.8, grip_l), (0.0005, grip_l)], 8), value),
             metal(lathe([(0.0032, grip_l), (0.0032, grip_l + shaft), (0.0005, grip_l + shaft)], 12))]
    return lying(Thing("screwdriver", parts, [word], "metal", ["long", "thin"], "screwdriver", ["screwdriver"], "tool"))


@maker("hammer")
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


@maker("tape roll")
def tape(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("beige", "brown", "gray", "black", "white", "blue", "red", "yellow", "green"))
    r, h = rng.uniform(0.032, 0.055), rng.uniform(0.012, 0.05)
    ri = r * between(u, 0.5, 0.78)
    parts = [gloss(lathe([(ri, 0), (r, 0), (r, h), (ri, h)], 48), value), gloss(lathe([(ri, h), (ri * 0.95, h), (ri * 0.95, 0), (ri, 0)], 48), np.array([0.78, 0.66, 0.5]))]
    return Thing("tape roll", parts, [word], "tape", ["ring-shaped", "round"], "tape", ["tape", "roll of tape", "tape roll"], "stationery")


@maker("stapler")
def stapler(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "red", "blue", "gray", "white", "green"))
    length, w = between(u, 0.1, 0.155), rng.uniform(0.028, 0.038)
    base = gloss(box(length, w, 0.008, 0.008), value * 0.8)
    outline = round_rect(length, w * 0.8, w * 0.35)
    top = gloss(moved(extrude(outline, 0.022, 0.006), (0, 0, 0)), value)
    top.verts[:, 2] += 0.013 + (top.verts[:, 0] + length / 2) * rng.uniform(0.08, 0.16)
    mag = metal(moved(box(length * 0.9, w * 0.45, 0.012), (0, 0, 0.008)))
    back = gloss(moved(box(0.03, w * 0.7, 0.03), (-length / 2 + 0.016, 0, 0.004)), value * 0.8)
    return Thing("stapler", [base, top, mag, back], [word], "metal", ["long", "blocky"], "stapler", ["stapler"], "stationery")


@maker("notebook")
def notebook(rng: Rng, u: float) -> Thing:
    word, value = colour(rng)
    other, second = colour(rng, ("white", "yellow", "black", "red"))
    w, d, h = between(u, 0.10, 0.17), rng.uniform(0.15, 0.24), rng.uniform(0.008, 0.03)
    tex = label(rng, value, second, 128, 128) if rng.random() < 0.5 else np.full((8, 8, 3), (value * 255).astype(np.uint8))
    top = printed(moved(box(w, d, 0.0015, 0.004, 0.0004), (0, 0, h - 0.0015)), tex)
    low = gloss(box(w, d, 0.0015, 0.004, 0.0004), value)
    pages = gloss(moved(box(w - 0.005, d - 0.006, h - 0.003, 0.002, 0.0004), (0.001, 0, 0.0015)), np.array([0.93, 0.92, 0.87]), 1, 0.05, 0.1)
    spine = gloss(moved(box(0.003, d, h, 0.001, 0.0005), (-w / 2 + 0.0015, 0, 0)), value)
    kind = "book" if h > 0.016 else "notebook"
    names = ["book"] if kind == "book" else ["notebook", "notepad", "book"]
    return Thing(kind, [top, low, pages, spine], [word], "paper", ["flat", "rectangular"], "book", names, "book")


@maker("remote control")
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


@maker("phone")
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


@maker("computer mouse")
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


@maker("calculator")
def calculator(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "gray", "white", "blue", "pink"))
    w, d = between(u, 0.06, 0.09), rng.uniform(0.11, 0.15)
    parts = [gloss(box(w, d, 0.012, 0.006, 0.003), value), gloss(moved(box(w * 0.84, d * 0.18, 0.001, 0.002, 0.0003), (0, d * 0.34, 0.012)), np.array([0.62, 0.68, 0.58]))]
    key = np.array([0.85, 0.85, 0.85]) if value.mean() < 0.5 else np.array([0.3, 0.3, 0.32])
    for i in range(5):
        for j in range(4):
            parts.append(gloss(moved(box(w * 0.17, d * 0.085, 0.002, 0.002, 0.0006), ((j - 1.5) * w * 0.215, d * 0.15 - i * d * 0.13, 0.012)), key if j < 3 else np.array([0.85, 0.45, 0.1])))
    return Thing("calculator", parts, [word], "plastic", ["flat", "rectangular"], "calculator", ["calculator"], "electronics")


@maker("ruler")
def ruler(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("yellow", "white", "brown", "green", "blue", "pink", "orange"))
    length = between(u, 0.17, 0.31)
    tex = np.full((64, 512, 3), (value * 255).astype(np.uint8))
    for i in range(4, 508, 8):
        cv2.line(tex, (i, 0), (i, 22 if (i // 8) % 5 == 0 else 12), (20, 20, 20), 1)
    return Thing("ruler", [printed(box(length, 0.032, 0.0025, 0.002, 0.0004), tex)], [word], "plastic", ["long", "flat"], "ruler", ["ruler"], "stationery")


@maker("eraser")
def eraser(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("white", "pink", "blue", "green"))
    w = between(u, 0.035, 0.06)
    parts = [gloss(box(w, 0.022, 0.012, 0.003, 0.002), value, 1, 0.05, 0.1)]
    colours = [word]
    if rng.random() < 0.6:
        other, second = colour(rng, ("blue", "black", "red", "green"))
        parts.append(gloss(moved(box(w * 0.62, 0.0228, 0.0128, 0.001, 0.0004), (w * 0.18, 0, -0.0004)), second))
        colours.append(other)
    return Thing("eraser", parts, colours, "rubber", ["small", "rectangular"], "eraser", ["eraser", "rubber"], "stationery")


@maker("box")
def carton_box(rng: Rng, u: float) -> Thing:
    word, value = colour(rng)
    other, second = colour(rng)
    style = rng.random()
    if style < 0.45:
        w, d, h = rng.uniform(0.1, 0.2), rng.uniform(0.035, 0.08), between(u, 0.14, 0.28)
        names, tall = (["cereal box", "box"] if h > 0.2 else ["box", "food box", "package"]), ["tall", "rectangular"]
    elif style < 0.75:
        w, d, h = rng.uniform(0.05, 0.12), rng.uniform(0.03, 0.08), between(u, 0.025, 0.11)
        names, tall = ["small box", "box", "package"], ["small", "rectangular"]
    else:
        w, d, h = rng.uniform(0.1, 0.22), rng.uniform(0.09, 0.18), between(u, 0.06, 0.14)
        word, value, names, tall = "brown", np.array([0.66, 0.5, 0.34]) + rng.normal(0, 0.02), ["cardboard box", "box", "carton", "package"], ["rectangular"]
    part = face_box(w, d, h)
    if style >= 0.75:
        tex = speckle(rng, value, 5, 96, 192)
        tex[60:64] = (value * 205).astype(np.uint8)
        printed(part, tex, 0.05)
        return Thing("cardboard box", [part], ["brown", "beige"], "cardboard", tall, "box", names, "box")
    printed(part, atlas(rng, value, second), 0.2)
    return Thing("box", [part], [word, other], "cardboard", tall, "box", names, "box")


@maker("open box")
def open_box(rng: Rng, u: float) -> Thing:
    """A shallow open box or bin that other things may lie in."""
    word, value = colour(rng, ("brown", "white", "blue", "gray", "red", "green", "yellow", "black"))
    w, d, h, t = rng.uniform(0.2, 0.3), rng.uniform(0.16, 0.24), between(u, 0.05, 0.11), 0.004
    parts = []
    for sx, sy, px, py, sh, pz in ((w, d, 0, 0, t, 0), (t, d, -w / 2, 0, h, 0), (t, d, w / 2, 0, h, 0), (w, t, 0, -d / 2, h, 0), (w, t, 0, d / 2, h, 0)):
        p = gloss(moved(box(sx, sy, sh, 0.0015, 0.0008), (px, py, pz)), value, 1, 0.15, 0.3)
        p.hulls = [p.verts]
        parts.append(p)
    card = word == "brown"
    return Thing("open box" if card else "bin", parts, [word], "cardboard" if card else "plastic", ["rectangular", "open"], "bin",
                 ["box", "open box", "cardboard box"] if card else ["bin", "box", "storage box", "tray"], "box", True)


@maker("milk carton")
def milk_carton(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("white", "white", "blue", "green", "red", "orange", "yellow"))
    other, second = colour(rng, ("blue", "red", "green", "orange"))
    w, h = rng.uniform(0.06, 0.075), between(u, 0.14, 0.2)
    body = printed(face_box(w, w, h), atlas(rng, value, second))
    ridge, y = h + 0.032, w / 2
    v = np.array([[-y, -y, h], [y, -y, h], [y, y, h], [-y, y, h], [-y, 0, ridge], [y, 0, ridge]], np.float32)
    roof = gloss(Part(v, np.array([[0, 1, 5], [0, 5, 4], [2, 3, 4], [2, 4, 5], [1, 2, 5], [3, 0, 4]], np.int32)), value)
    fin = gloss(moved(box(w, 0.003, 0.018, 0.001, 0.0005), (0, 0, ridge - 0.002)), value)
    parts = [body, roof, fin]
    if rng.random() < 0.6:
        cap = gloss(moved(lathe([(0.011, 0), (0.011, 0.012), (0.0005, 0.012)], 20), (0, -w * 0.25, h + 0.014), rot("x", 42)), second)
        parts.append(cap)
    return Thing("carton", parts, [word, other], "cardboard", ["tall", "rectangular"], "carton", ["carton", "milk carton", "juice carton"], "carton")


@maker("jar")
def jar(rng: Rng, u: float) -> Thing:
    r, h = between(u, 0.03, 0.045), rng.uniform(0.08, 0.14)
    word, value = colour(rng, ("red", "brown", "orange", "yellow", "green", "white"))
    lid_word, lid = colour(rng, ("red", "gray", "yellow", "white", "black", "green", "blue"))
    inside = gloss(lathe([(0.0005, 0.003), (r - 0.003, 0.003), (r - 0.003, h * 0.82), (0.0005, h * 0.82)]), value)
    outer = gloss(lathe([(0.0005, 0), (r * 0.95, 0), (r, 0.006), (r, h * 0.84), (r * 0.85, h * 0.9)]), np.array([0.85, 0.9, 0.9]), 0.22, 1, 0.9)
    top = gloss(lathe([(r * 0.92, h * 0.86), (r * 0.92, h), (0.0005, h)]), lid)
    parts = [inside, outer, top]
    if rng.random() < 0.5:
        tone_word, tone = colour(rng, ("white", "yellow", "beige"))
        parts.append(printed(lathe([(r + 0.0008, h * 0.2), (r + 0.0008, h * 0.6)]), label(rng, tone, lid), 0.1))
    return Thing("jar", parts, [word, lid_word], "glass", ["cylindrical"], "jar", ["jar", "glass jar"], "jar")


@maker("vase")
def vase(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, CERAMIC)
    h, r = rng.uniform(0.13, 0.22), between(u, 0.035, 0.055)
    outer = [(r * 0.6, 0), (r, h * rng.uniform(0.3, 0.45)), (r * 0.45, h * 0.8), (r * rng.uniform(0.5, 0.8), h)]
    return Thing("vase", [gloss(lathe(shell(outer, 0.003, 0.006)), value)], [word], "ceramic", ["round", "tall"], "vase", ["vase"], "vase")


@maker("candle")
def candle(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("white", "red", "beige", "purple", "green", "pink", "yellow"))
    r, h = rng.uniform(0.02, 0.036), between(u, 0.05, 0.14)
    parts = [gloss(lathe([(0.0005, 0), (r, 0), (r, h - 0.002), (r * 0.9, h), (0.0005, h - 0.003)]), value, 1, 0.15, 0.2),
             gloss(tube(np.array([[0, 0, h - 0.004], [0.001, 0, h + 0.008]]), 0.0009, 6), np.array([0.1, 0.1, 0.1]))]
    return Thing("candle", parts, [word], "wax", ["cylindrical"], "candle", ["candle"], "candle")


@maker("flashlight")
def torch_light(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "red", "blue", "yellow", "gray"))
    r, length = rng.uniform(0.012, 0.018), between(u, 0.1, 0.18)
    parts = [gloss(lathe([(0.0005, 0), (r, 0), (r, length * 0.7), (r * 1.6, length * 0.82), (r * 1.6, length)], 24), value),
             gloss(lathe([(r * 1.6, length), (r * 1.4, length - 0.003), (0.0005, length - 0.003)], 24), np.array([0.9, 0.92, 0.95]), 1, 1, 1)]
    return lying(Thing("flashlight", parts, [word], "metal", ["long", "cylindrical"], "flashlight", ["flashlight", "torch"], "tool"))


@maker("toothbrush")
def toothbrush(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    length = between(u, 0.16, 0.2)
    xs = np.linspace(0, length, 16)
    body = gloss(strip(xs, np.interp(xs / length, [0, 0.4, 0.7, 0.8, 1], [0.006, 0.006, 0.003, 0.006, 0.005]), np.full(16, 0.0), 0.005), value)
    hair = gloss(moved(box(length * 0.17, 0.01, 0.011, 0.002, 0.0005), (length * 0.9, 0, 0.005)), np.array([0.92, 0.94, 0.95]))
    for p in (body, hair):
        moved(p, (-length / 2, 0, 0))
    return Thing("toothbrush", [body, hair], [word], "plastic", ["long", "thin"], "toothbrush", ["toothbrush"], "toiletry")


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


def ball_profile(r: float, tall: float = 1.0, dimple: float = 0.0, n: int = 18) -> list[tuple[float, float]]:
    t = np.linspace(-math.pi / 2, math.pi / 2, n)
    z = r * tall * (np.sin(t) - dimple * np.exp(-((np.abs(t) - math.pi / 2) / 0.35) ** 2) * np.sign(t))
    return [(max(float(r * np.cos(a)), 0.0004), float(q - z.min())) for a, q in zip(t, z)]


@maker("apple")
def apple(rng: Rng, u: float) -> Thing:
    return fruit(rng, "apple", ball_profile(between(u, 0.032, 0.043), 0.92, 0.22), ("red", "green", "yellow"), ["round"], True, ["apple"], 0.03, {"green": (130, 175, 50), "red": (170, 25, 30)})


@maker("orange")
def orange(rng: Rng, u: float) -> Thing:
    return fruit(rng, "orange", ball_profile(between(u, 0.032, 0.043), 0.96, 0.04), ("orange",), ["round"], False, ["orange"], 0.02)


@maker("lemon")
def lemon(rng: Rng, u: float) -> Thing:
    r = between(u, 0.024, 0.031)
    t = np.linspace(-1, 1, 20)
    prof = [(max(float(r * (1 - abs(x) ** 2.2) ** 0.6), 0.0004) + (0.003 if abs(x) > 0.93 and abs(x) < 1 else 0), float((x + 1) * r * 1.4)) for x in t]
    word = ("yellow",) if rng.random() < 0.7 else ("green",)
    name = "lemon" if word == ("yellow",) else "lime"
    thing = fruit(rng, name, prof, word, ["oval"], False, [name], 0.03, {"green": (100, 150, 40)})
    return lying(thing)


@maker("tomato")
def tomato(rng: Rng, u: float) -> Thing:
    return fruit(rng, "tomato", ball_profile(between(u, 0.026, 0.04), 0.8, 0.12), ("red",), ["round"], True, ["tomato"], 0.03, {"red": (200, 35, 22)})


@maker("pear")
def pear(rng: Rng, u: float) -> Thing:
    r, h = 0.034, between(u, 0.085, 0.11)
    prof = [(0.0005, 0), (r * 0.6, 0.003), (r * 0.95, h * 0.2), (r, h * 0.35), (r * 0.75, h * 0.6), (r * 0.45, h * 0.8), (r * 0.35, h * 0.93), (0.0005, h)]
    return fruit(rng, "pear", prof, ("green", "yellow"), ["pear-shaped"], True, ["pear"], 0.03, {"green": (150, 175, 60), "yellow": (215, 195, 70)})


@maker("banana")
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


@maker("carrot")
def carrot(rng: Rng, u: float) -> Thing:
    length, r = between(u, 0.11, 0.19), rng.uniform(0.011, 0.018)
    value = np.array([0.93, 0.45, 0.1])
    body = printed(lathe([(0.0005, 0), (0.002, 0.002), (r * 0.6, length * 0.35), (r, length * 0.9), (r * 0.5, length), (0.0005, length)], 16), speckle(rng, value, 12))
    parts = [body]
    for i in range(4):
        a = i * 1.6
        parts.append(gloss(tube(np.array([[0, 0, length], [0.006 * math.cos(a), 0.006 * math.sin(a), length + 0.02], [0.012 * math.cos(a), 0.012 * math.sin(a), length + 0.035]]), 0.002, 6), np.array([0.25, 0.5, 0.15])))
    return lying(Thing("carrot", parts, ["orange"], "vegetable", ["long", "thin"], "carrot", ["carrot"], "vegetable"))


@maker("egg")
def egg(rng: Rng, u: float) -> Thing:
    r = between(u, 0.02, 0.024)
    t = np.linspace(-1, 1, 20)
    prof = [(max(float(r * math.sqrt(max(1 - x * x, 0)) * (1 - 0.13 * x)), 0.0004), float((x + 1) * r * 1.28)) for x in t]
    return lying(fruit(rng, "egg", prof, ("white", "beige", "brown"), ["oval", "small"], False, ["egg"], 0.02, {"brown": (190, 130, 90)}) if False else
                 fruit(rng, "egg", prof, ("white", "beige"), ["oval", "small"], False, ["egg"], 0.02, {"beige": (215, 170, 130)}))


@maker("potato")
def potato(rng: Rng, u: float) -> Thing:
    thing = fruit(rng, "potato", ball_profile(between(u, 0.022, 0.032), 1.45), ("brown", "beige"), ["oval"], False, ["potato"], 0.08, {"brown": (150, 110, 65), "beige": (200, 170, 110)})
    return lying(thing)


@maker("donut")
def donut(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("pink", "brown", "white", "yellow"))
    big, small = between(u, 0.028, 0.036), 0.017
    t = np.linspace(0, 2 * math.pi, 17)
    dough = gloss(lathe([(big - small * math.cos(a + math.pi), small + small * math.sin(a + math.pi)) for a in t], 32), np.array([0.78, 0.55, 0.28]), 1, 0.1, 0.2)
    ice = gloss(lathe([(big - small * 1.04 * math.cos(a), small * 1.1 + small * 1.04 * math.sin(a)) for a in np.linspace(0.25, math.pi - 0.25, 10)][::-1], 32), value, 1, 0.5, 0.6)
    return Thing("donut", [dough, ice], [word, "brown"] if word != "brown" else ["brown"], "food", ["ring-shaped", "round"], "donut", ["donut", "doughnut"], "food")


@maker("ball")
def toy_ball(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    r = between(u, 0.02, 0.05)
    part = gloss(lathe(ball_profile(r), 32), value)
    return Thing("ball", [part], [word], "rubber", ["round", "spherical"], "ball", ["ball", "toy ball"], "ball")


@maker("block")
def block(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC + ("brown", "beige"))
    s = between(u, 0.025, 0.05)
    k = rng.random()
    if k < 0.5:
        return Thing("block", [gloss(box(s, s, s, 0.002, 0.0015), value, 1, 0.2, 0.3)], [word], "wood", ["cubic", "small"], "block", ["block", "cube", "wooden block", "toy block"], "toy")
    if k < 0.75:
        return Thing("cylinder", [gloss(lathe([(0.0005, 0), (s / 2, 0), (s / 2, s * 1.4), (0.0005, s * 1.4)]), value, 1, 0.2, 0.3)], [word], "wood", ["cylindrical", "small"], "block", ["cylinder", "wooden cylinder", "toy block"], "toy")
    return Thing("block", [gloss(box(s * 2, s, s * 0.8, 0.002, 0.0015), value, 1, 0.2, 0.3)], [word], "wood", ["rectangular", "small"], "block", ["block", "wooden block", "toy block"], "toy")


@maker("pan")
def pan(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("black", "gray", "red"))
    r, h = between(u, 0.085, 0.12), 0.04
    body = gloss(lathe(shell([(r * 0.85, 0), (r * 0.88, 0.003), (r, h)], 0.003, 0.004)), value, 1, 0.5, 0.5)
    body.hulls = ring_hulls(r, h, 0.004)
    grip_ = gloss(tube(np.array([[r * 0.97, 0, h * 0.8], [r + 0.06, 0, h * 1.1], [r + 0.16, 0, h * 1.25]]), np.array([0.007, 0.009, 0.011]), flat=0.6, up=(0, 1, 0)), np.array([0.08, 0.08, 0.08]))
    return Thing("pan", [body, grip_], [word], "metal", ["round", "with handle"], "pan", ["pan", "frying pan"], "cookware", True)


@maker("dispenser")
def dispenser(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    r, h = between(u, 0.028, 0.038), rng.uniform(0.11, 0.16)
    parts = [gloss(lathe([(0.0005, 0), (r, 0), (r, h * 0.85), (r * 0.4, h), (0.0005, h)], square=float(rng.random() < 0.3) * 0.5), value),
             gloss(lathe([(0.006, h), (0.006, h + 0.03), (0.0005, h + 0.03)], 12), np.array([0.93, 0.93, 0.93])),
             gloss(moved(box(0.045, 0.014, 0.01, 0.005, 0.002), (0.014, 0, h + 0.028)), np.array([0.93, 0.93, 0.93]))]
    return Thing("soap dispenser", parts, [word, "white"], "plastic", ["tall"], "dispenser", ["soap dispenser", "soap bottle", "pump bottle"], "toiletry")


@maker("tissue box")
def tissues(rng: Rng, u: float) -> Thing:
    word, value = colour(rng)
    other, second = colour(rng)
    w, d, h = between(u, 0.11, 0.24), 0.115, rng.uniform(0.06, 0.12)
    fan = np.array([[-0.03, 0, h], [0.03, 0, h], [0.04, 0.012, h + 0.045], [0.005, -0.015, h + 0.055], [-0.035, 0.01, h + 0.04]], np.float32)
    f = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 2, 1], [0, 3, 2], [0, 4, 3]], np.int32)
    parts = [printed(face_box(w, d, h), atlas(rng, value, second)), gloss(Part(fan, f), np.array([0.96, 0.96, 0.96]), 1, 0, 0)]
    return Thing("tissue box", parts, [word, other, "white"], "cardboard", ["rectangular"], "tissue box", ["tissue box", "box of tissues", "tissues"], "box")


#: How often each kind is drawn beside the others.
WEIGHTS = {"mug": 4, "cup": 3, "glass": 2.5, "wine glass": 1.2, "bowl": 3, "plate": 2, "can": 3, "bottle": 3, "fork": 2, "knife": 2,
           "spoon": 2, "pen": 1.5, "box": 3, "open box": 0.8, "apple": 2, "orange": 1.5, "banana": 1.5, "milk carton": 1.5}
