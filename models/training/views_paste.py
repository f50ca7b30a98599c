"""Objects cut out of training images and set into others while training runs: on surfaces, into photos, packed in a bin.

What `photos_paste.py` writes once, drawn anew for every image: any object meets any other, before any ground, in any
number. Cut-outs and grounds come from the training splits alone.
"""

from __future__ import annotations

import random
from pathlib import Path

import cv2
import numpy as np

from prepare import decode_mask
from queries.words import COMMON
from views import SPATIAL, Sample

W, H = 640, 480
LEAST_AREA = 700
"""Pixels that a cut-out has at least."""
SHOWN = 0.35
"""Share of an object's outline that must show for it to be asked for."""
KEEP = 4000
"""Cut-outs that a process keeps in memory at most."""
MIRRORABLE = 0.5


class Cuts:
    """Whole objects of training images by name, read when they are first drawn. `lines` are (folder, annotation)."""

    def __init__(self, lines: list[tuple[Path, dict]]):
        self.by_name: dict[str, list[tuple[Path, dict, int]]] = {}
        for folder, line in lines:
            for i, o in enumerate(line["objects"]):
                if whole_enough(o, line):
                    self.by_name.setdefault(o["name"], []).append((folder, line, i))
        self.names = sorted(self.by_name)
        spoken = {n.lower() for _, line in lines for o in line["objects"] if o.get("target") for n in o["names"]}
        self.nouns = sorted(spoken | set(COMMON))
        self.read: dict[tuple[str, int], tuple[np.ndarray, np.ndarray] | None] = {}

    def draw(self, rng: random.Random, name: str | None = None) -> tuple[np.ndarray, np.ndarray, dict] | None:
        """Pixels [h,w,3] RGB, mask [h,w] of 0 and 1 and annotation of a random object; None where its outline is no good."""
        folder, line, i = rng.choice(self.by_name[name or rng.choice(self.names)])
        key = (str(folder / line["image"]), i)
        if key not in self.read:
            if len(self.read) >= KEEP:
                self.read.pop(next(iter(self.read)))
            self.read[key] = cut(folder, line, i)
        found = self.read[key]
        return None if found is None else (*found, line["objects"][i])


def whole_enough(o: dict, line: dict) -> bool:
    if not o.get("target") or "mask" not in o or o.get("crowd") or o.get("visible", 1.0) < 0.97 or "transparent" in (o.get("shape") or []):
        return False
    x1, y1, x2, y2 = o["box"]
    return x1 > 1 and y1 > 1 and x2 < line["width"] - 1 and y2 < line["height"] - 1 and (x2 - x1) * (y2 - y1) >= LEAST_AREA


def cut(folder: Path, line: dict, i: int) -> tuple[np.ndarray, np.ndarray] | None:
    """One object's pixels and mask; None where the image is missing or the outline is in pieces or ragged."""
    image = cv2.imread(str(folder / line["image"]), cv2.IMREAD_COLOR)
    if image is None:
        return None
    o = line["objects"][i]
    mask = decode_mask(o["mask"], line["height"], line["width"])
    ys, xs = np.nonzero(mask)
    if len(xs) < LEAST_AREA:
        return None
    y1, y2, x1, x2 = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
    part = np.ascontiguousarray(mask[y1:y2, x1:x2])
    count, _, stats, _ = cv2.connectedComponentsWithStats(part)
    if count > 2 and stats[1:, cv2.CC_STAT_AREA].max() < 0.85 * len(xs):
        return None
    hull = cv2.contourArea(cv2.convexHull(np.stack([xs, ys], 1).astype(np.int32)))
    if len(xs) / max(1.0, hull) < (0.4 if o.get("mask_source", "annotated") == "annotated" else 0.75):
        return None
    return np.ascontiguousarray(image[y1:y2, x1:x2, ::-1]), part


def surface(textures: list[np.ndarray], rng: random.Random) -> np.ndarray:
    """A ground [H,W,3]: a texture seen from above or in perspective before another one, shaded."""
    tile = np.tile(rng.choice(textures), (2, 3, 1))
    top = rng.random() < 0.5
    horizon = 0 if top else int(rng.uniform(-0.3, 0.4) * H)
    spread = 0.0 if top else rng.uniform(0.0, 1.0) * W
    source = np.float32([[0, 0], [tile.shape[1], 0], [tile.shape[1], tile.shape[0]], [0, tile.shape[0]]])
    target = np.float32([[0, horizon], [W, horizon], [W + spread, H], [-spread, H]])
    ground = cv2.warpPerspective(tile, cv2.getPerspectiveTransform(source, target), (W, H), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    if horizon > 0:
        ground[:horizon] = cv2.resize(rng.choice(textures), (W, H))[:horizon]
    yy, xx = np.mgrid[0:H, 0:W] / np.array([[[H]], [[W]]])
    shade = 1 + rng.gauss(0, 0.2) * (xx - 0.5) + rng.gauss(0, 0.2) * (yy - 0.5)
    return np.clip(ground * shade[..., None], 0, 255).astype(np.uint8)


def bin_walls(ground: np.ndarray, rng: random.Random) -> np.ndarray:
    """The ground with four darker or lighter sides of a bin around it."""
    out = ground.astype(np.float32)
    mx, my = rng.uniform(0.02, 0.14) * W, rng.uniform(0.02, 0.14) * H
    inner = np.float32([[mx, my], [W - mx, my], [W - mx, H - my], [mx, H - my]]) + np.float32([[rng.gauss(0, 8), rng.gauss(0, 8)] for _ in range(4)])
    outer = np.float32([[0, 0], [W, 0], [W, H], [0, H]])
    paint = np.array([rng.uniform(20, 230)] * 3) + np.array([rng.gauss(0, 20) for _ in range(3)])
    for k in range(4):
        side = np.stack([outer[k], outer[(k + 1) % 4], inner[(k + 1) % 4], inner[k]]).astype(np.int32)
        cv2.fillConvexPoly(out, side, tuple(float(v) for v in np.clip(paint * rng.uniform(0.6, 1.2), 0, 255)))
    return np.clip(out, 0, 255).astype(np.uint8)


def turned(rgb: np.ndarray, mask: np.ndarray, scale: float, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut-out scaled and turned: pixels [r,r,3] and soft mask [r,r] in 0..1."""
    h, w = mask.shape
    r = int(np.hypot(h, w) * scale) + 4
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, scale)
    matrix[:, 2] += [r / 2 - w / 2, r / 2 - h / 2]
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8)) if scale > 0.4 else mask
    pixels = cv2.warpAffine(rgb, matrix, (r, r), flags=cv2.INTER_AREA if scale < 0.7 else cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return pixels, cv2.warpAffine(inner.astype(np.float32), matrix, (r, r))


def paste(base: Sample, cuts: Cuts, rng: random.Random, count: int, packed: bool) -> Sample:
    """`base` with up to `count` objects set onto it, the later over the earlier; a third of them of a name already drawn.

    What is hidden by more than 1 - SHOWN stays annotated, as something nobody asks for. Objects known by a box alone
    that would be hidden are left free.
    """
    canvas, line, masks = base
    image = np.ascontiguousarray(canvas).astype(np.float32)
    h, w = image.shape[:2]
    objects, masks = list(line["objects"]), [None if m is None else np.ascontiguousarray(m) for m in masks]
    whole = [None if m is None else max(1, int(m.sum())) for m in masks]
    common = float(np.exp(rng.uniform(np.log(0.16 if packed else 0.1), np.log(0.36))))
    names: list[str] = []
    for _ in range(count):
        name = rng.choice(names) if names and rng.random() < 0.33 else None
        drawn = cuts.draw(rng, name)
        if drawn is None:
            continue
        rgb, mask, o = drawn
        if rng.random() < MIRRORABLE:
            rgb, mask = np.ascontiguousarray(rgb[:, ::-1]), np.ascontiguousarray(mask[:, ::-1])
        long = common * rng.uniform(0.6, 1.6) * max(h, w) / max(mask.shape)
        degrees = rng.uniform(-180, 180) if packed or rng.random() < 0.25 else rng.gauss(0, 6)
        pixels, soft = turned(rgb, mask, min(long, 2.2), degrees)
        r = soft.shape[0]
        x0, y0 = int(rng.uniform(-0.05, 1.05) * w - r / 2), int(rng.uniform(-0.02 if packed else 0.15, 1.02) * h - r / 2)
        ax, ay, bx, by = max(0, x0), max(0, y0), min(w, x0 + r), min(h, y0 + r)
        if bx - ax < 8 or by - ay < 8:
            continue
        soft, pixels = soft[ay - y0 : by - y0, ax - x0 : bx - x0], pixels[ay - y0 : by - y0, ax - x0 : bx - x0]
        hard = soft > 0.5
        whole_area = int((mask > 0).sum() * min(long, 2.2) ** 2)
        if hard.sum() < max(80, 0.5 * whole_area) or hides_boxed(objects, masks, hard, ax, ay) or (not packed and hides(masks, whole, hard, ax, ay)):
            continue
        names.append(o["name"])
        darken(image, soft, ax, ay, rng)
        alpha = cv2.GaussianBlur(soft, (0, 0), 0.7)[..., None]
        window = image[ay:by, ax:bx]
        window += alpha * (pixels * min(1.25, max(0.7, rng.gauss(1.0, 0.12))) - window)
        for m in masks:
            if m is not None:
                m[ay:by, ax:bx][hard] = 0
        own = np.zeros((h, w), np.uint8)
        own[ay:by, ax:bx] = hard
        masks.append(own)
        whole.append(max(whole_area, int(hard.sum())))
        objects.append({k: v for k, v in o.items() if k not in ("mask", "pseudo_mask", "mask_source", *SPATIAL)} | {"has_mask": True, "pasted": True})
    kept = [finished(o, m, n) for o, m, n in zip(objects, masks, whole)]
    rest = [(o, m) for o, m in zip(kept, masks) if o is not None]
    return np.clip(image, 0, 255).astype(np.uint8), {**line, "objects": [o for o, _ in rest]}, [m for _, m in rest]


def hides(masks: list, whole: list, hard: np.ndarray, x: int, y: int) -> bool:
    """Whether more than half of something would go out of sight."""
    h, w = hard.shape
    return any(m is not None and np.logical_and(m[y : y + h, x : x + w], hard).sum() > 0.5 * n for m, n in zip(masks, whole))


def hides_boxed(objects: list[dict], masks: list, hard: np.ndarray, x: int, y: int) -> bool:
    h, w = hard.shape
    for o, m in zip(objects, masks):
        if m is None:
            x1, y1, x2, y2 = o["box"]
            if min(x2, x + w) - max(x1, x) > 0.3 * (x2 - x1) and min(y2, y + h) - max(y1, y) > 0.3 * (y2 - y1):
                return True
    return False


def darken(image: np.ndarray, soft: np.ndarray, x: int, y: int, rng: random.Random) -> None:
    """A soft shadow around what is set down, in place."""
    h, w = soft.shape
    shadow = cv2.GaussianBlur(np.roll(soft, (rng.randint(1, 5), rng.randint(-7, 7)), (0, 1)), (0, 0), rng.uniform(2, 8))
    image[y : y + h, x : x + w] *= (1 - rng.uniform(0.15, 0.5) * shadow * (1 - soft))[..., None]


def finished(o: dict, mask: np.ndarray | None, whole: int | None) -> dict | None:
    """The annotation as the object now shows; None where it hardly does."""
    if mask is None or whole is None:
        return o
    area = int(mask.sum())
    if area < 50:
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    shown = min(1.0, area / whole)
    box = [float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)]
    target = bool((o.get("target", True) or o.get("pasted")) and shown >= SHOWN and area >= 200)
    return o | {"box": box, "visible": o.get("visible", 1.0) * shown, "target": target, "graspable": bool(o.get("graspable", True)) and target}


def pasted(base: Sample | None, cuts: Cuts, textures: list[np.ndarray], rng: random.Random) -> Sample:
    """Objects on a photo (`base`), or, without one, on a surface or packed into a bin."""
    if base is not None:
        return paste(base, cuts, rng, rng.randint(1, 6), False)
    packed = rng.random() < 0.45
    ground = surface(textures, rng)
    line = {"image": "", "source": "pasted", "split": "train", "width": W, "height": H, "complete": True, "objects": []}
    if rng.random() < 0.5:
        line["absent_nouns"] = sorted(rng.sample(cuts.nouns, min(60, len(cuts.nouns))))
    if packed and rng.random() < 0.6:
        ground = bin_walls(ground, rng)
    return paste((ground, line, []), cuts, rng, rng.randint(14, 32) if packed else rng.randint(4, 14), packed)
