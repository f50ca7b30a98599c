"""Drawn pictures for measuring a converted model: smooth backgrounds, overlapping coloured shapes, sensor noise."""

from __future__ import annotations

import numpy as np

SENTENCES = (
    "the red mug on the left",
    "green bottle behind the box",
    "the second largest screwdriver with a yellow handle next to the plate",
    "banana",
)


def scene(seed: int, side: int) -> np.ndarray:
    """uint8 [side, side, 3], the same for the same seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    corners = rng.uniform(60, 200, (4, 3))
    weights = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=-1)
    picture = weights @ corners
    for _ in range(rng.integers(8, 16)):
        cx, cy = rng.uniform(0.1, 0.9, 2)
        rx, ry = rng.uniform(0.03, 0.2, 2)
        turn = rng.uniform(0, np.pi)
        u = ((x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)) / rx
        v = ((y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)) / ry
        inside = (u * u + v * v < 1) if rng.random() < 0.5 else (np.maximum(abs(u), abs(v)) < 1)
        shade = 1 - 0.4 * np.clip(u, -1, 1)[..., None]
        picture = np.where(inside[..., None], rng.uniform(10, 245, 3) * shade, picture)
    picture += rng.normal(0, 3, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
