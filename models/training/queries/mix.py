"""Draws sentences of mixed kinds about one picture."""

from __future__ import annotations

import random
from typing import Callable, Iterable

from .absent import empty_absent, make_absent, vocabulary
from .attributes import make_attribute
from .functions import make_function
from .names import make_name
from .order import make_ordinal, make_superlative
from .picture import Picture
from .positions import make_position
from .query import Query, Rng
from .relations import make_relation
from .several import make_several

KINDS = ("name", "attribute", "position", "relation", "ordinal", "superlative", "function", "several", "absent")
MAKERS: dict[str, Callable[[Picture, Rng], Query | None]] = {
    "name": make_name, "attribute": make_attribute, "position": make_position, "relation": make_relation, "ordinal": make_ordinal,
    "superlative": make_superlative, "function": make_function, "several": make_several, "absent": make_absent,
}
#: Shares of kinds where a picture allows all; ordinals and functions seldom do.
WEIGHTS = {"name": 0.16, "attribute": 0.16, "position": 0.15, "relation": 0.19, "ordinal": 0.06, "superlative": 0.08, "function": 0.07, "several": 0.07, "absent": 0.2}


def generate(line: dict, rng: random.Random, count: int, kinds: Iterable[str] | None = None) -> list[Query]:
    """Up to `count` different queries about one picture, of mixed kinds (or of the given ones). Fewer come back only
    where the picture bears no more, none for a picture without anything to ask for."""
    p = Picture(line)
    wanted = [k for k in KINDS if kinds is None or k in set(kinds)]
    if not p.things:
        wanted = [k for k in wanted if k == "absent"] if vocabulary(p) and not p.all else []
    if not wanted:
        return []
    weights = [WEIGHTS[k] for k in wanted]
    out: list[Query] = []
    seen: set[str] = set()
    # Absent queries never fail where others do: without a bound they would fill up what meagre pictures leave.
    vain = int(0.24 * count + rng.random()) if len(wanted) > 1 else count
    for _ in range(count * 6):
        if len(out) >= count:
            break
        kind = rng.choices(wanted, weights)[0]
        if kind == "absent" and sum(q.kind == "absent" for q in out) >= vain:
            continue
        q = None
        for _attempt in range(4):
            q = MAKERS[kind](p, rng) if p.things or kind != "absent" else empty_absent(p, rng)
            if q is not None:
                break
        if q is None or q.text.lower() in seen:
            continue
        seen.add(q.text.lower())
        out.append(q)
    return out
