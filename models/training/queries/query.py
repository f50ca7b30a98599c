"""A sentence and its true answer."""

from __future__ import annotations

import random
from dataclasses import dataclass

Rng = random.Random


@dataclass
class Query:
    """text as a person would say it; targets: indices of line["objects"], empty when nothing fits; swap: the same
    sentence with left/right (or the colour) exchanged, and its own targets, where that is a valid query too."""

    text: str
    targets: list[int]
    kind: str
    swap: "Query | None" = None
    contrast: str | None = None  # "side" or "colour": what the twin exchanges
