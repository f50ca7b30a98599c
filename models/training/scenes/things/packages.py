"""What goods come in: cans, bottles, jars, dispensers, boxes, cartons."""

from __future__ import annotations

import numpy as np

from ..shapes import Part, Rng, Thing, atlas, box, colour, face_box, label, lathe, moved, rot, speckle
from .finish import PLASTIC, between, gloss, metal, printed


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


def dispenser(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    r, h = between(u, 0.028, 0.038), rng.uniform(0.11, 0.16)
    parts = [gloss(lathe([(0.0005, 0), (r, 0), (r, h * 0.85), (r * 0.4, h), (0.0005, h)], square=float(rng.random() < 0.3) * 0.5), value),
             gloss(lathe([(0.006, h), (0.006, h + 0.03), (0.0005, h + 0.03)], 12), np.array([0.93, 0.93, 0.93])),
             gloss(moved(box(0.045, 0.014, 0.01, 0.005, 0.002), (0.014, 0, h + 0.028)), np.array([0.93, 0.93, 0.93]))]
    return Thing("soap dispenser", parts, [word, "white"], "plastic", ["tall"], "dispenser", ["soap dispenser", "soap bottle", "pump bottle"], "toiletry")


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


def tissues(rng: Rng, u: float) -> Thing:
    word, value = colour(rng)
    other, second = colour(rng)
    w, d, h = between(u, 0.11, 0.24), 0.115, rng.uniform(0.06, 0.12)
    fan = np.array([[-0.03, 0, h], [0.03, 0, h], [0.04, 0.012, h + 0.045], [0.005, -0.015, h + 0.055], [-0.035, 0.01, h + 0.04]], np.float32)
    f = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 2, 1], [0, 3, 2], [0, 4, 3]], np.int32)
    parts = [printed(face_box(w, d, h), atlas(rng, value, second)), gloss(Part(fan, f), np.array([0.96, 0.96, 0.96]), 1, 0, 0)]
    return Thing("tissue box", parts, [word, other, "white"], "cardboard", ["rectangular"], "tissue box", ["tissue box", "box of tissues", "tissues"], "box")
