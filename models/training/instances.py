"""Mask probability -> instances, by the rule of the runtime: threshold, connected components, best score first."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

RELATIVE_SCORE = 0.6
"""Components below this share of the best one's score are no answers."""


@dataclass(frozen=True)
class Detection:
    """Box in the pixels of the original picture, mean probability of the component, its mask [height,width]."""

    box: list[float]
    score: float
    mask: np.ndarray


def detections(
    probability: np.ndarray, width: int, height: int, threshold: float = 0.5, min_area: float = 0.0003, limit: int = 20
) -> list[Detection]:
    """probability [h,w] covers the whole picture of width x height pixels; `min_area` is a fraction of it.

    As in the runtime, components are found at the map's resolution and drawn at the picture's by interpolation.
    """
    h, w = probability.shape
    labels, count = ndimage.label(probability >= threshold, structure=np.ones((3, 3)))
    parts = []
    for k, (ys, xs) in enumerate(ndimage.find_objects(labels), start=1):
        part = labels[ys, xs] == k
        if part.sum() >= max(1.0, min_area * h * w):
            parts.append((float(probability[ys, xs][part].mean()), int(part.sum()), k, ys, xs))
    parts.sort(key=lambda p: (-p[0], -p[1]))
    if not parts:
        return []
    fine = cv2.resize(probability.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) >= threshold
    nearest = cv2.resize(labels.astype(np.int32).astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
    found = []
    for score, _, k, ys, xs in parts[:limit]:
        if score < RELATIVE_SCORE * parts[0][0]:
            break
        y1, x1 = max(0, (ys.start - 1) * height // h), max(0, (xs.start - 1) * width // w)
        y2, x2 = -(-(ys.stop + 1) * height // h), -(-(xs.stop + 1) * width // w)
        own = nearest[y1:y2, x1:x2]
        mask = np.zeros((height, width), bool)
        mask[y1:y2, x1:x2] = fine[y1:y2, x1:x2] & ((own == k) | (own == 0))
        rows, columns = np.nonzero(mask)
        if len(rows):
            box = [float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)]
            found.append(Detection(box, score, mask))
    return found


LEAST_PART = 0.2
"""A piece of an instance is kept from this share of its largest piece's area on."""
SAME = 0.5
"""Candidates whose masks overlap more than this are one object."""


def whole(probability: np.ndarray, width: int, height: int, threshold: float = 0.5, min_area: float = 0.0003) -> Detection | None:
    """One instance's mask probability [h,w] -> its detection in the image's pixels; it may be in several pieces."""
    fine = cv2.resize(probability.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) >= threshold
    count, labels, stats, _ = cv2.connectedComponentsWithStats(fine.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count < 2 or areas.sum() < max(1.0, min_area * width * height):
        return None
    mask = np.isin(labels, 1 + np.flatnonzero(areas >= LEAST_PART * areas.max()))
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = [float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)]
    return Detection(box, float(probability[probability >= threshold].mean()), mask)


def different(masks: np.ndarray, order: np.ndarray) -> list[int]:
    """Of boolean masks [K,h,w], taken in `order`, those that overlap none taken before by more than SAME."""
    kept: list[int] = []
    for k in order:
        area = masks[k].sum()
        if area and all((masks[k] & masks[j]).sum() <= SAME * (area + masks[j].sum() - (masks[k] & masks[j]).sum()) for j in kept):
            kept.append(int(k))
    return kept


def chosen(
    probability: np.ndarray, mass: np.ndarray, width: int, height: int, threshold: float = 0.5, min_area: float = 0.0003
) -> list[Detection]:
    """Candidates' mask probabilities [K,h,w] and their mass [K] -> different objects, the most likely first, score = mass."""
    kept = different(probability >= threshold, np.argsort(-mass, kind="stable"))
    drawn = [(float(mass[k]), whole(probability[k], width, height, threshold, min_area)) for k in kept]
    return [Detection(d.box, score, d.mask) for score, d in drawn if d is not None]


def iou(a: list[float], b: list[float]) -> float:
    """Intersection over union of two boxes [x1,y1,x2,y2]."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    inside = w * h
    return inside / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inside)
