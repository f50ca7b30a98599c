"""Which of a group is clearly the largest or the smallest, in the world and in the picture."""

from __future__ import annotations

from typing import Callable

from .picture import Thing


def bulk(t: Thing) -> float | None:
    return float(t.size[0] * t.size[1] * t.size[2]) ** (1 / 3) if t.size and min(t.size) > 0 else None


def extreme(group: list[Thing], key: Callable[[Thing], float | None], largest: bool, ratio: float) -> Thing | None:
    values = [(key(t), t) for t in group]
    if any(v is None for v, _ in values) or len(values) < 2:
        return None
    ordered = sorted(values, key=lambda x: x[0] or 0.0, reverse=largest)
    a, b = ordered[0][0] or 0.0, ordered[1][0] or 0.0
    good = a >= b * ratio if largest else a * ratio <= b
    return ordered[0][1] if good else None


def agrees(group: list[Thing], best: Thing, largest: bool) -> bool:
    """The picture does not say the opposite: its area there is not on the other side of everyone else's."""
    areas = [o.w * o.h for o in group if o is not best]
    mine = best.w * best.h
    return mine > max(areas) * 1.05 if largest else mine < min(areas) * 0.95
