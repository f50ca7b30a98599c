"""Sentences with what a thing is for: "something to drink from"."""

from __future__ import annotations

from .phrasing import Style
from .picture import Picture
from .query import Query, Rng
from .uses import USES
from .words import FUNCTIONS

ALL_USES = [*FUNCTIONS, *USES]


def make_function(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    fits = []
    for nouns, wishes, yes, maybe in ALL_USES:
        found = [t for t in p.all if yes & set(t.names)]
        if not found or any(not t.target for t in found) or any(p.blocked(n) for n in yes):
            continue
        doubt = [t for t in p.all if t not in found and (set(t.names) & maybe or t.category in maybe)]
        if doubt:
            continue
        fits.append((nouns, wishes, found))
    if not fits:
        return None
    nouns, wishes, found = rng.choice(fits)
    if len(found) > 1:
        return Query(Style(rng)(rng.choice(nouns)), [t.index for t in found], "function") if rng.random() < 0.4 else None
    text = rng.choice(wishes) if rng.random() < 0.25 else Style(rng)(rng.choice(nouns))
    return Query(text, [found[0].index], "function")
