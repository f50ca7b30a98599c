"""Sentences with an attribute: colour, material, shape or size."""

from __future__ import annotations

from .landmarks import unique_colour_noun
from .phrasing import Style, say_colour
from .picture import Picture, Thing, shared_groups
from .query import Query, Rng
from .sizes import agrees, bulk, extreme
from .words import ANGULAR, LIKE, MATERIALS, ROUNDISH, SHAPES


def make_attribute(p: Picture, rng: Rng) -> Query | None:
    t = rng.choice(p.things)
    r = rng.random()
    if r < 0.6:
        # Rather one of several of a kind, where the colour decides.
        groups = [g for _, g in shared_groups(p, 2, 6) if len({o.colours[0] for o in g if o.colours}) > 1]
        if groups and rng.random() < 0.6:
            t = rng.choice(rng.choice(groups))
        return colour_query(p, t, rng)
    if r < 0.7:
        return colour_thing(p, t, rng)
    if r < 0.8:
        return material_query(p, t, rng)
    if r < 0.88:
        return shape_query(p, t, rng)
    return size_query(p, t, rng)


def colour_query(p: Picture, t: Thing, rng: Rng) -> Query | None:
    pair = unique_colour_noun(p, t, rng)
    if pair is None:
        return None
    colour, noun = pair
    style, word = Style(rng), say_colour(colour, rng)
    form = rng.choice(["{c} {n}", "{c} {n}", "{c} {n}", "{n} that is {c}", "{c}-coloured {n}", "{c} colored {n}"])
    if len(t.colours) > 1 and t.is_colour(t.colours[1]) and rng.random() < 0.25:
        second = t.colours[1] if colour == t.colours[0] else t.colours[0]
        if second != colour:
            return Query(style(f"the {word} and {say_colour(second, rng)} {noun}"), [t.index], "attribute")
    q = Query(style("the " + form.format(c=word, n=noun)), [t.index], "attribute")
    others = [o for o in p.called(noun) if o is not t and o.target]
    rng.shuffle(others)
    for o in others:
        for c in o.colours[:1]:
            if o.is_colour(c) and not any(x.may_be_colour(c) for x in p.called(noun) if x is not o):
                q.swap = Query(style("the " + form.format(c=say_colour(c, rng), n=noun)), [o.index], "attribute", contrast="colour")
                q.contrast = "colour"
                return q
    return q


def colour_thing(p: Picture, t: Thing, rng: Rng) -> Query | None:
    if not p.complete or not t.colours or any(not o.colours for o in p.all):
        return None
    c = t.colours[0]
    if any(o.may_be_colour(c) for o in p.all if o is not t):
        return None
    return Query(Style(rng)(f"the {say_colour(c, rng)} {rng.choice(['thing', 'object', 'one', 'item'])}"), [t.index], "attribute")


def material_query(p: Picture, t: Thing, rng: Rng) -> Query | None:
    words = MATERIALS.get(t.material or "")
    nouns = p.nouns(t)
    if not words or not nouns or not t.material:
        return None
    noun = rng.choice(nouns)
    if noun.split()[0] in words or noun.split()[0] in ("wooden", "glass", "paper", "cardboard", "plastic", "rubber") or noun == "glass":
        return None
    alike = LIKE.get(t.material, set()) | {t.material}
    if any(o is not t and (o.material is None or o.material in alike) for o in p.called(noun)):
        return None
    return Query(Style(rng)(f"the {rng.choice(words)} {noun}"), [t.index], "attribute")


def shape_query(p: Picture, t: Thing, rng: Rng) -> Query | None:
    words = [w for s in t.shape for w in SHAPES.get(s, [])]
    nouns = p.nouns(t)
    if not words or not nouns:
        return None
    noun, word = rng.choice(nouns), rng.choice(words)

    def may(o: Thing) -> bool:
        s = set(o.shape)
        if word == "round":
            return bool(s & ROUNDISH) or not s
        if word in ("square", "rectangular"):
            return bool(s & ANGULAR) or not s
        return not s or word in s or word in ("flat", "tall", "long", "clear", "transparent")

    if any(o is not t and may(o) for o in p.called(noun)):
        return None
    return Query(Style(rng)(f"the {word} {noun}"), [t.index], "attribute")


def size_query(p: Picture, t: Thing, rng: Rng) -> Query | None:
    groups = [(n, g) for n, g in shared_groups(p, 2, 5) if t in g] if p.near_complete else []
    if not groups:
        return None
    noun, group = rng.choice(groups)
    big = rng.random() < 0.5
    best = extreme(group, bulk, big, 1.22)
    if best is None or not agrees(group, best, big):
        return None
    word = rng.choice(["big", "large", "bigger", "larger"] if big else ["small", "little", "smaller"]) if len(group) == 2 else rng.choice(["big", "large"] if big else ["small", "tiny"])
    if len(group) > 2 and extreme(group, bulk, big, 1.5) is None:
        return None
    return Query(Style(rng)(f"the {word} {noun}"), [best.index], "attribute")
