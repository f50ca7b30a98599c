"""Sentences that mean several things: "all the mugs", "everything red", "the cutlery"."""

from __future__ import annotations

from .phrasing import Style, say_colour
from .picture import Picture, shared_groups
from .query import Query, Rng
from .words import GROUPS, MASS, plural


def make_several(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    r = rng.random()
    style = Style(rng)
    if r < 0.55:
        return kind_query(p, rng, style)
    if r < 0.72:
        return coloured_kind_query(p, rng, style)
    if r < 0.85:
        return colour_query(p, rng, style)
    return group_query(p, rng, style)


def kind_query(p: Picture, rng: Rng, style: Style) -> Query | None:
    """"all the mugs", "both mugs"."""
    options = [(n, g) for n, g in shared_groups(p, 2, 9) if n not in MASS]
    if not options:
        return None
    noun, g = rng.choice(options)
    many = plural(noun)
    forms = [f"the {many}", f"all {many}", f"all the {many}", f"every {noun}"] + ([f"both {many}", f"the two {many}"] if len(g) == 2 else [f"the {['three', 'four', 'five'][len(g) - 3]} {many}"] if len(g) <= 5 else [])
    return Query(style(rng.choice(forms)), [t.index for t in g], "several")


def coloured_kind_query(p: Picture, rng: Rng, style: Style) -> Query | None:
    """"the red mugs", where there are others."""
    options = []
    for noun, g in shared_groups(p, 3, 9):
        for c in dict.fromkeys(x for t in g for x in t.colours[:1]):
            sure = [t for t in g if t.is_colour(c)]
            if 2 <= len(sure) < len(g) and not any(t.may_be_colour(c) for t in g if t not in sure):
                options.append((noun, c, sure))
    if not options:
        return None
    noun, c, sure = rng.choice(options)
    word = say_colour(c, rng)
    return Query(style(rng.choice([f"the {word} {plural(noun)}", f"all {word} {plural(noun)}", f"all the {word} {plural(noun)}"])), [t.index for t in sure], "several")


def colour_query(p: Picture, rng: Rng, style: Style) -> Query | None:
    """"everything red"."""
    if not p.complete or any(not t.colours for t in p.all):
        return None
    options = []
    for c in dict.fromkeys(x for t in p.things for x in t.colours[:1]):
        sure = [t for t in p.all if t.is_colour(c)]
        if len(sure) >= 2 and all(t.target for t in sure) and not any(t.may_be_colour(c) for t in p.all if t not in sure):
            options.append((c, sure))
    if not options:
        return None
    c, sure = rng.choice(sorted(options, key=lambda x: x[0]))
    word = say_colour(c, rng)
    return Query(style(rng.choice([f"everything {word}", f"all {word} things", f"all the {word} objects", f"the {word} things"])), [t.index for t in sure], "several")


def group_query(p: Picture, rng: Rng, style: Style) -> Query | None:
    """"the cutlery"."""
    options = []
    for _, many, yes, maybe in GROUPS:
        found = [t for t in p.all if yes & set(t.names)]
        doubt = [t for t in p.all if t not in found and set(t.names) & maybe]
        if len(found) >= 2 and all(t.target for t in found) and not doubt and p.cut_free:
            options.append((many, found))
    if not options:
        return None
    many, found = rng.choice(options)
    return Query(style(rng.choice([f"the {many}", f"all the {many}", f"all {many}"])), [t.index for t in found], "several")
