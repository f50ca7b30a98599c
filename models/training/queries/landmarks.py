"""Short descriptions that mean one thing alone, used by themselves and as landmarks."""

from __future__ import annotations

from scenes.colours import INDEX

from .phrasing import say_colour, some_noun
from .picture import Picture, Thing
from .query import Rng


def unique_noun(p: Picture, t: Thing, rng: Rng) -> str | None:
    names = [n for n in p.nouns(t) if len(p.called(n)) == 1]
    return some_noun(t, rng, names)


def names_colour(noun: str) -> bool:
    """"red bell pepper", "orange": the noun says a colour itself."""
    return any(w in INDEX for w in noun.split())


def unique_colour_noun(p: Picture, t: Thing, rng: Rng) -> tuple[str, str] | None:
    """(colour, noun) that fit this thing alone, with nobody else of the noun near the colour."""
    options = []
    for noun in p.nouns(t):
        if names_colour(noun):
            continue
        others = [o for o in p.called(noun) if o is not t]
        for c in t.colours[:2]:
            if t.is_colour(c) and not any(o.may_be_colour(c) for o in others):
                options.append((c, noun))
    if not options:
        return None
    return rng.choice(options)


def landmark(p: Picture, t: Thing, rng: Rng) -> str | None:
    """A short noun phrase that means this thing alone."""
    noun = unique_noun(p, t, rng)
    pair = unique_colour_noun(p, t, rng)
    if pair and (noun is None or rng.random() < 0.4):
        return f"{say_colour(pair[0], rng)} {pair[1]}"
    return noun


def noun_pool(p: Picture, t: Thing, rng: Rng) -> list[str]:
    names = p.nouns(t)
    multi = [n for n in names if len(p.called(n)) > 1]
    return multi if multi and rng.random() < 0.75 else names
