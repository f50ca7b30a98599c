"""What lies on desks: pens, tape, staplers, notebooks, rulers, erasers."""

from __future__ import annotations

import cv2
import numpy as np

from ..shapes import Rng, Thing, box, colour, extrude, label, lathe, moved, round_rect
from .finish import PLASTIC, between, gloss, lying, metal, printed


def pen(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC)
    r, length = between(u, 0.004, 0.0058), rng.uniform(0.13, 0.15)
    tip = [(0.0005, 0), (0.001, 0.001), (r * 0.9, 0.014), (r, 0.016)]
    parts = [gloss(lathe([(r, 0.016), (r, length * 0.62)], 16), value), metal(lathe(tip, 16)),
             gloss(lathe([(r * 1.06, length * 0.62), (r * 1.06, length - 0.004), (r * 0.6, length), (0.0005, length)], 16), value if rng.random() < 0.6 else np.array([0.12, 0.12, 0.13]))]
    parts.append(metal(moved(box(0.002, 0.003, 0.04, 0.0009, 0.0005), (r * 1.2, 0, length - 0.043))))
    return lying(Thing("pen", parts, [word], "plastic", ["long", "thin"], "pen", ["pen", "ballpoint pen"], "stationery"))


def pencil(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("yellow", "red", "green", "blue", "black"))
    r, length = 0.004, between(u, 0.11, 0.18)
    parts = [gloss(lathe([(r, 0.02), (r, length - 0.012)], 6), value), gloss(lathe([(0.0012, 0.004), (r, 0.02)], 12), np.array([0.85, 0.68, 0.46])),
             gloss(lathe([(0.0002, 0), (0.0012, 0.004)], 8), np.array([0.15, 0.15, 0.15])), metal(lathe([(r, length - 0.012), (r, length - 0.006)], 12)),
             gloss(lathe([(r, length - 0.006), (r, length), (0.0003, length)], 12), np.array([0.88, 0.5, 0.5]))]
    return lying(Thing("pencil", parts, [word], "wood", ["long", "thin"], "pencil", ["pencil"], "stationery"))


def marker_pen(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, PLASTIC[:4] + ("black", "orange", "purple", "pink"))
    r, length = between(u, 0.0075, 0.011), rng.uniform(0.115, 0.14)
    body = value if rng.random() < 0.5 else np.array([0.93, 0.93, 0.92])
    parts = [gloss(lathe([(0.0005, 0), (r * 0.9, 0), (r, 0.004), (r, length * 0.6)], 24), body),
             gloss(lathe([(r * 1.08, length * 0.6), (r * 1.02, length - 0.003), (r * 0.8, length), (0.0005, length)], 24), value)]
    colours = [word] if body is value else [word, "white"]
    return lying(Thing("marker", parts, colours, "plastic", ["long"], "marker", ["marker", "marker pen", "felt pen"], "stationery"))


def tape(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("beige", "brown", "gray", "black", "white", "blue", "red", "yellow", "green"))
    r, h = rng.uniform(0.032, 0.055), rng.uniform(0.012, 0.05)
    ri = r * between(u, 0.5, 0.78)
    parts = [gloss(lathe([(ri, 0), (r, 0), (r, h), (ri, h)], 48), value), gloss(lathe([(ri, h), (ri * 0.95, h), (ri * 0.95, 0), (ri, 0)], 48), np.array([0.78, 0.66, 0.5]))]
    return Thing("tape roll", parts, [word], "tape", ["ring-shaped", "round"], "tape", ["tape", "roll of tape", "tape roll"], "stationery")


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


def ruler(rng: Rng, u: float) -> Thing:
    word, value = colour(rng, ("yellow", "white", "brown", "green", "blue", "pink", "orange"))
    length = between(u, 0.17, 0.31)
    tex = np.full((64, 512, 3), (value * 255).astype(np.uint8))
    for i in range(4, 508, 8):
        cv2.line(tex, (i, 0), (i, 22 if (i // 8) % 5 == 0 else 12), (20, 20, 20), 1)
    return Thing("ruler", [printed(box(length, 0.032, 0.0025, 0.002, 0.0004), tex)], [word], "plastic", ["long", "flat"], "ruler", ["ruler"], "stationery")


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
