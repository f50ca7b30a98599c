"""Whether a parallel gripper could take an object at all in the pose it rests in, by its true collision shape."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from assets import Asset
from scene import FINGER_LENGTH, FINGER_THICKNESS, FINGER_WIDTH, STROKE

BIN = 0.002
# Room that the fingers need next to the part, and the widest part they go around.
ROOM = FINGER_THICKNESS + 0.004
WIDEST = 0.9 * STROKE
# Cosine between closing direction and surface normal that counts as a hold.
SQUARE = 0.88

_samples: dict[str, tuple[np.ndarray, np.ndarray]] = {}


def surface(asset: Asset, count: int = 9000) -> tuple[np.ndarray, np.ndarray]:
    """Points and outward normals spread evenly over the convex parts."""
    if asset.id not in _samples:
        rng = np.random.default_rng(1)
        corners, normals = [], []
        for part in asset.hulls():
            hull = ConvexHull(part, qhull_options="QJ")
            corners.append(part[hull.simplices])
            normals.append(hull.equations[:, :3])
        triangles, directions = np.concatenate(corners), np.concatenate(normals)
        a, b, c = triangles.transpose(1, 0, 2)
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        pick = rng.choice(len(triangles), count, p=area / area.sum())
        u, v = rng.random((2, count, 1))
        flip = u + v > 1
        u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
        _samples[asset.id] = (a[pick] + u * (b - a)[pick] + v * (c - a)[pick], directions[pick])
    return _samples[asset.id]


def can_be_held(asset: Asset, rotation: np.ndarray, bottom: float) -> bool:
    """
    True when, straight from above at some yaw, some slab as wide as a finger holds a part no wider than nine tenths of the
    stroke, with room for the fingers next to it, sides square to the closing direction, and the palm clear of the top.
    """
    points, normals = surface(asset)
    points, normals = points @ rotation.T, normals @ rotation.T
    points = points + [0, 0, bottom - points[:, 2].min()]
    sides = np.abs(normals[:, 2]) < 0.8
    for yaw in np.radians(np.arange(0, 180, 10)):
        closing, across = np.array([np.cos(yaw), np.sin(yaw), 0]), np.array([-np.sin(yaw), np.cos(yaw), 0])
        x, y, z = points @ closing, points @ across, points[:, 2]
        facing = normals @ closing
        for middle in np.arange(y.min() + 0.004, y.max(), 0.01):
            slab = np.abs(y - middle) < FINGER_WIDTH / 2
            if slab.sum() < 20:
                continue
            top = z[slab].max()
            for depth in (0.012, 0.025, 0.045):
                tip = max(0.002, top - depth)
                if z[np.abs(y - middle) < 0.03].max() > tip + FINGER_LENGTH:
                    continue
                inside = slab & (z > tip)
                if inside.sum() >= 10 and _has_part(x[inside], facing[inside], sides[inside]):
                    return True
    return False


def _has_part(x: np.ndarray, facing: np.ndarray, sides: np.ndarray) -> bool:
    """Whether these points, seen along the closing direction, hold a part that fits."""
    order = np.argsort(x)
    x, facing, sides = x[order], facing[order], sides[order]
    breaks = np.nonzero(np.diff(x) > ROOM)[0]
    starts, ends = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(x) - 1]])
    for i, start in enumerate(starts):
        for end in ends[i:]:
            if x[end] - x[start] > WIDEST:
                break
            low = (x <= x[start] + 0.003) & (x >= x[start]) & sides
            high = (x >= x[end] - 0.003) & (x <= x[end]) & sides
            if low.sum() >= 2 and high.sum() >= 2:
                if np.median(-facing[low]) > SQUARE and np.median(facing[high]) > SQUARE:
                    return True
    return False
