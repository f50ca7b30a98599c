"""Framing of training images: close-ups and far views of everything, objects cut off at borders, several images in one.

The model stretches whatever it gets to 512x384, so it must know an object at a hundredth of the image as well as at
half of it; crops as the second look takes them are among what it is trained on.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import cv2
import numpy as np

from features import HEIGHT, WIDTH
from prepare import crop_window, mirror, shrink
from queries.words import COMMON

LEAST_SIDE = 72
"""Windows are at least so many pixels wide and high."""
SPATIAL = ("xyz_camera", "distance_m", "inside", "on_shelf", "in_drawer", "centre_world", "size_m")
"""What no longer holds of an object set into another image."""
Sample = tuple[np.ndarray, dict, list]


def zoom(line: dict, rgb: np.ndarray, masks: list, rng: random.Random) -> np.ndarray:
    """A window in which a random object covers 1 to 45 % (log-uniform), about 4:3; one in seven cuts the object off."""
    targets = [i for i, o in enumerate(line["objects"]) if o.get("target", True)]
    if not targets:
        return rgb
    h, w = rgb.shape[:2]
    x1, y1, x2, y2 = line["objects"][rng.choice(targets)]["box"]
    share = math.exp(rng.uniform(math.log(0.01), math.log(0.45)))
    area = max(16.0, (x2 - x1) * (y2 - y1)) / share
    aspect = 4 / 3 * math.exp(rng.uniform(-0.3, 0.3))
    cw = max(LEAST_SIDE, math.sqrt(area * aspect), (x2 - x1) * 1.04)
    ch = max(LEAST_SIDE, cw / aspect, (y2 - y1) * 1.04)
    cw, ch = int(min(w, max(cw, ch * 0.9))), int(min(h, ch))
    if cw >= w and ch >= h:
        return rgb
    slack = 0.35 if rng.random() < 0.15 else 0.0
    ox, oy = slack * (x2 - x1), slack * (y2 - y1)
    x0 = rng.uniform(min(x2 - cw, x1) - ox, max(x1, x2 - cw) + ox)
    y0 = rng.uniform(min(y2 - ch, y1) - oy, max(y1, y2 - ch) + oy)
    return crop_window(line, rgb, masks, int(np.clip(x0, 0, w - cw)), int(np.clip(y0, 0, h - ch)), cw, ch)


def place_into(canvas: np.ndarray, sample: Sample, x0: int, y0: int, tw: int, th: int) -> Sample:
    """The image scaled into a window of the canvas; its annotation and masks in the canvas's pixels."""
    rgb, line, masks = sample
    h, w = rgb.shape[:2]
    fx, fy = tw / w, th / h
    canvas[y0 : y0 + th, x0 : x0 + tw] = cv2.resize(np.ascontiguousarray(rgb), (tw, th), interpolation=cv2.INTER_AREA if fx < 1 else cv2.INTER_LINEAR)
    objects, out = [], []
    for o, m in zip(line["objects"], masks):
        x1, y1, x2, y2 = o["box"]
        o = {k: v for k, v in o.items() if k not in SPATIAL} | {"box": [x0 + x1 * fx, y0 + y1 * fy, x0 + x2 * fx, y0 + y2 * fy]}
        if m is not None:
            big = np.zeros(canvas.shape[:2], np.uint8)
            big[y0 : y0 + th, x0 : x0 + tw] = cv2.resize(np.ascontiguousarray(m), (tw, th), interpolation=cv2.INTER_NEAREST)
            m = big
        objects.append(o)
        out.append(m)
    size = {"width": canvas.shape[1], "height": canvas.shape[0]}
    return canvas, {k: v for k, v in line.items() if k not in ("shelves", "layout")} | size | {"objects": objects}, out


def recede_onto(sample: Sample, ground: np.ndarray, rng: random.Random) -> Sample:
    """The image at 30 to 85 % of its size somewhere on a blur of another one: objects seen from further away."""
    h, w = sample[0].shape[:2]
    small = cv2.resize(np.ascontiguousarray(ground), (rng.choice([4, 12, 40]), rng.choice([3, 9, 30])), interpolation=cv2.INTER_AREA)
    canvas = cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC)
    f = math.exp(rng.uniform(math.log(0.3), math.log(0.85)))
    tw, th = max(48, int(w * f)), max(36, int(h * f * math.exp(rng.uniform(-0.15, 0.15))))
    tw, th = min(tw, w), min(th, h)
    return place_into(canvas, sample, rng.randint(0, w - tw), rng.randint(0, h - th), tw, th)


def vocabulary(line: dict) -> set[str]:
    return set(line["absent_nouns"]) if line.get("absent_nouns") else set(COMMON) if line.get("complete") else set()


def mosaic(samples: list[Sample], rng: random.Random) -> Sample:
    """Four images in a 2x2 grid with a random cross: small objects of many kinds of photo in one image."""
    w, h = 640, 480
    canvas = np.zeros((h, w, 3), np.uint8)
    cx, cy = int(w * rng.uniform(0.36, 0.64)), int(h * rng.uniform(0.36, 0.64))
    windows = [(0, 0, cx, cy), (cx, 0, w - cx, cy), (0, cy, cx, h - cy), (cx, cy, w - cx, h - cy)]
    objects: list[dict] = []
    masks: list = []
    for sample, window in zip(samples, windows):
        _, part, part_masks = place_into(canvas, sample, *window)
        objects += part["objects"]
        masks += part_masks
    lines = [s[1] for s in samples]
    nouns = set.intersection(*(vocabulary(l) for l in lines))
    line = {"image": lines[0]["image"], "source": "mosaic", "split": "train", "width": w, "height": h, "complete": False,
            "near_complete": all(l.get("near_complete") or l.get("complete") for l in lines), "absent_nouns": sorted(nouns), "objects": objects}  # fmt: skip
    return canvas, line, masks


def camera(rgb: np.ndarray, rng: random.Random) -> np.ndarray:
    """Light, white balance, sharpening, flash, blur, noise and JPEG of other cameras; no colour word becomes untrue."""
    if rng.random() < 0.75:
        # Gamma, contrast, brightness and white balance act on each value alone: a table of 256. Saturation mixes the channels.
        table = 255 * np.power(np.arange(256, dtype=np.float32) / 255, math.exp(rng.uniform(-0.45, 0.45)))
        table = (table - 128) * rng.uniform(0.75, 1.25) + 128 * rng.uniform(0.8, 1.18)
        table = table[:, None] * np.array([rng.uniform(0.92, 1.08), 1.0, rng.uniform(0.9, 1.1)])
        vivid = rng.uniform(0.75, 1.3)
        mix = np.full((3, 3), (1 - vivid) / 3) + vivid * np.eye(3)
        x = cv2.transform(cv2.LUT(rgb, table[None].astype(np.float32)), mix.astype(np.float32))
    else:
        x = rgb.astype(np.float32)
    h, w = x.shape[:2]
    if rng.random() < 0.12:  # a flash or a lamp: brighter around a point
        strength, narrow = rng.uniform(-0.4, 0.7), rng.uniform(2, 8)
        across, down = (np.exp(-narrow * (np.arange(n, dtype=np.float32) / n - rng.random()) ** 2) for n in (w, h))
        x *= (1 + strength * np.outer(down, across))[..., None].astype(np.float32)
    r = rng.random()
    if r < 0.22:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.4))
    elif r < 0.36:
        x = x + rng.uniform(0.3, 1.2) * (x - cv2.GaussianBlur(x, (0, 0), rng.uniform(0.7, 1.6)))
    if rng.random() < 0.25:
        x += np.float32(rng.uniform(2, 10)) * np.random.default_rng(rng.randrange(1 << 30)).standard_normal(x.shape, np.float32)
    out = np.clip(x, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        ok, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(30, 85)])
        out = cv2.imdecode(data, cv2.IMREAD_COLOR) if ok else out
    return out


def resampled(rgb: np.ndarray, rng: random.Random) -> np.ndarray:
    """Stretched to the model's input by one of the filters that a camera's driver or an image library may use."""
    if rng.random() < 0.5:
        return shrink(rgb)
    how = rng.choice([cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4])
    if how != cv2.INTER_AREA and rgb.shape[1] > 2 * WIDTH:
        rgb = cv2.resize(rgb, (rgb.shape[1] // 2, rgb.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return cv2.resize(rgb, (WIDTH, HEIGHT), interpolation=how)


def framed(read: Callable[[], Sample], rng: random.Random, pasted: Callable[[Sample | None], Sample] | None = None) -> Sample:
    """One training image: mirrored half of the time; a mosaic, a far view, objects pasted (`pasted`, onto a photo or a ground
    of its own), a close-up, a plain crop or as it is."""

    def one(closer: float) -> Sample:
        rgb, line, masks = read()
        if rng.random() < 0.5:
            rgb = mirror(line, rgb, masks)
        if rng.random() < closer:
            rgb = zoom(line, rgb, masks, rng)
        return rgb, line, masks

    kind = rng.random()
    if kind < 0.2:
        sample = mosaic([one(0.6) for _ in range(4)], rng)
    elif kind < 0.32:
        sample = recede_onto(one(0.3), read()[0], rng)
    elif kind < 0.62 and pasted is not None:
        rgb, line, masks = pasted(one(0.3) if rng.random() < 0.4 else None)
        sample = (zoom(line, rgb, masks, rng), line, masks) if rng.random() < 0.35 else (rgb, line, masks)
    else:
        sample = one(0.6)
        if any(o.get("label_only") for o in sample[1]["objects"]):
            sample = recede_onto(sample, read()[0], rng)
    rgb, line, masks = sample
    return camera(np.ascontiguousarray(rgb), rng), line, masks
