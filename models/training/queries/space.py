"""How two things stand to each other: surely, or so that somebody could say it."""

from __future__ import annotations

from typing import Callable

from .picture import Thing


def left_of(a: Thing, b: Thing) -> bool:
    """Clearly: a's middle lies left of all of b, and not mainly above or below it."""
    return a.cx < b.x1 - 0.005 and a.x2 < b.cx and abs(a.cy - b.cy) / a.aspect < 1.3 * (b.cx - a.cx)


def may_be_left_of(a: Thing, b: Thing) -> bool:
    return a.cx < b.cx + 0.02


def right_of(a: Thing, b: Thing) -> bool:
    return a.cx > b.x2 + 0.005 and a.x1 > b.cx and abs(a.cy - b.cy) / a.aspect < 1.3 * (a.cx - b.cx)


def may_be_right_of(a: Thing, b: Thing) -> bool:
    return a.cx > b.cx - 0.02


def gap(a: Thing, b: Thing) -> float:
    """Distance between the boxes in shares of the picture's width."""
    dx = max(a.x1 - b.x2, b.x1 - a.x2, 0.0)
    dy = max(a.y1 - b.y2, b.y1 - a.y2, 0.0) / a.aspect
    return (dx * dx + dy * dy) ** 0.5


def apart(a: Thing, b: Thing) -> float:
    """How far from each other two things seem: the gap, plus their difference in depth where it is known."""
    deep = abs(a.far - b.far) * 0.5 if a.far is not None and b.far is not None else 0.0
    return gap(a, b) + deep + (0.3 if a.shelf != b.shelf else 0.0)


def overlap_x(a: Thing, b: Thing) -> float:
    return max(0.0, min(a.x2, b.x2) - max(a.x1, b.x1)) / max(1e-6, min(a.w, b.w))


def behind(a: Thing, b: Thing) -> bool:
    return a.far is not None and b.far is not None and a.far > b.far + 0.05 and overlap_x(a, b) >= 0.45 and a.y2 < b.y2 - 0.01 and a.shelf == b.shelf and apart(a, b) < 0.25


def may_be_behind(a: Thing, b: Thing) -> bool:
    return a.far is None or b.far is None or (a.far > b.far + 0.01 and overlap_x(a, b) > 0.02)


def over(t: Thing, c: Thing) -> bool:
    """t's middle shows within c's box, so that the eye might take it to be inside."""
    return c.x1 - 0.01 < t.cx < c.x2 + 0.01 and c.y1 - 0.03 < t.cy < c.y2


def only(pool: list[Thing], b: Thing, sure: Callable[[Thing, Thing], bool], may: Callable[[Thing, Thing], bool]) -> Thing | None:
    """The one of the pool that surely stands so to b, if no other could be said to."""
    fits = [t for t in pool if may(t, b)]
    return fits[0] if len(fits) == 1 and sure(fits[0], b) else None
