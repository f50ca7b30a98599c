"""The picture's sides: their words, and who of a group stands furthest towards one."""

from __future__ import annotations

from typing import Callable

from .picture import Thing

SIDES = {
    "left": ["on the left", "to the left", "on the left side", "at the left", "on the left-hand side"], "right": ["on the right", "to the right", "on the right side", "at the right", "on the right-hand side"],
    "top": ["at the top", "on top of the picture", "in the upper part"], "bottom": ["at the bottom", "in the lower part"],
}
CORNERS = {("left", "top"): ["top left", "upper left"], ("right", "top"): ["top right", "upper right"], ("left", "bottom"): ["bottom left", "lower left"], ("right", "bottom"): ["bottom right", "lower right"]}
OPPOSITE = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}


def along(side: str) -> Callable[[Thing], float]:
    """Coordinate that grows towards the side."""
    return {"left": lambda t: -t.cx, "right": lambda t: t.cx, "top": lambda t: -t.cy, "bottom": lambda t: t.cy}[side]


def furthest(group: list[Thing], side: str, gap: float = 0.06) -> Thing | None:
    """The one towards that side, by a clear gap, its edge too."""
    key = along(side)
    ordered = sorted(group, key=key, reverse=True)
    if len(ordered) > 1 and key(ordered[0]) - key(ordered[1]) < gap:
        return None
    return ordered[0]
