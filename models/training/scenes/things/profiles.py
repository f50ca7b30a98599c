"""Outlines and hulls that several makers turn on the lathe."""

from __future__ import annotations

import math

import numpy as np


def ball_profile(r: float, tall: float = 1.0, dimple: float = 0.0, n: int = 18) -> list[tuple[float, float]]:
    t = np.linspace(-math.pi / 2, math.pi / 2, n)
    z = r * tall * (np.sin(t) - dimple * np.exp(-((np.abs(t) - math.pi / 2) / 0.35) ** 2) * np.sign(t))
    return [(max(float(r * np.cos(a)), 0.0004), float(q - z.min())) for a, q in zip(t, z)]


def ring_hulls(r: float, h: float, wall: float, n: int = 10, r_low: float | None = None) -> list[np.ndarray]:
    """Convex parts of an open vessel: a floor and n wall segments."""
    low = r_low or r
    out = [np.array([[low * math.cos(a), low * math.sin(a), z] for a in np.linspace(0, 2 * math.pi, 12)[:-1] for z in (0, wall)], np.float32)]
    for i in range(n):
        a0, a1 = 2 * math.pi * i / n, 2 * math.pi * (i + 1) / n
        out.append(np.array([[rr * math.cos(a), rr * math.sin(a), z] for a in (a0, a1)
                             for z, r1 in ((0.0, low), (h, r)) for rr in (r1, r1 - wall * 1.5)], np.float32))
    return out
