"""Sentences with a rank: ordinals counted from a side, and superlatives."""

from __future__ import annotations

from .phrasing import Style
from .picture import Picture, Thing, shared_groups
from .query import Query, Rng
from .sides import OPPOSITE, furthest
from .sizes import agrees, bulk, extreme

ORDINAL = ["first", "second", "third", "fourth", "fifth"]
SUPER_SIDE = {"left": ["leftmost", "far left", "left-most"], "right": ["rightmost", "far right", "right-most"], "top": ["topmost", "uppermost", "highest"], "bottom": ["lowest", "bottommost"]}


def make_ordinal(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    options = [(n, g) for n, g in shared_groups(p, 3, 6)]
    whole = p.complete and 3 <= len(p.all) <= 6 and all(t.target for t in p.all)
    if whole and (not options or rng.random() < 0.3):
        options = [(rng.choice(["object", "thing", "item"]), list(p.all))]
    if not options:
        return None
    noun, g = rng.choice(options)
    o = sorted(g, key=lambda t: t.cx)
    if min(b.cx - a.cx for a, b in zip(o, o[1:])) < 0.045:
        return None
    from_left = rng.random() < 0.5
    k = rng.randrange(min(len(o), 4))
    if k == 0 and rng.random() < 0.6:
        k = 1
    one, two = (o[k], o[-1 - k]) if from_left else (o[-1 - k], o[k])
    style = Style(rng)
    form = rng.choice(["the {k} {n} from the {s}", "the {k} {n} from the {s}", "the {n} that is {k} from the {s}", "the {k} {n} counting from the {s}", "{k} {n} from the {s}"])
    fill = lambda side: form.format(k=ORDINAL[k], n=noun, s=side)  # noqa: E731
    a, b = ("left", "right") if from_left else ("right", "left")
    q = Query(style(fill(a)), [one.index], "ordinal")
    if one is not two:
        q.swap = Query(style(fill(b)), [two.index], "ordinal", contrast="side")
        q.contrast = "side"
    return q


def make_superlative(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    options = shared_groups(p, 2, 8)
    if p.complete and len(p.all) >= 2 and all(t.target for t in p.all) and (not options or rng.random() < 0.25):
        options = [(rng.choice(["object", "thing", "item"]), list(p.all))]
    if not options:
        return None
    noun, g = rng.choice(options)
    style = Style(rng)
    return outermost_query(noun, g, rng, style) if rng.random() < 0.62 else size_query(noun, g, rng, style)


def outermost_query(noun: str, g: list[Thing], rng: Rng, style: Style) -> Query | None:
    """"the leftmost can"."""
    side = rng.choice(["left", "right", "left", "right", "top", "bottom"])
    one, two = furthest(g, side, 0.06), furthest(g, OPPOSITE[side], 0.06)
    if one is None:
        return None
    i = rng.randrange(2)
    q = Query(style(f"the {SUPER_SIDE[side][i]} {noun}"), [one.index], "superlative")
    if two is not None and two is not one and side in ("left", "right"):
        q.swap = Query(style(f"the {SUPER_SIDE[OPPOSITE[side]][i]} {noun}"), [two.index], "superlative", contrast="side")
        q.contrast = "side"
    return q


def size_query(noun: str, g: list[Thing], rng: Rng, style: Style) -> Query | None:
    """"the biggest can", "the shortest can"."""
    big = rng.random() < 0.6
    how = rng.choice(["size", "size", "tall"])
    if how == "size":
        best = extreme(g, bulk, big, 1.18)
        if best is None or not agrees(g, best, big):
            return None
        word = rng.choice(["biggest", "largest"] if big else ["smallest", "tiniest", "littlest"])
    else:
        best = extreme(g, lambda t: t.size[2] if t.size else None, big, 1.2)
        if best is None or (best.h < max(o.h for o in g if o is not best) * 1.03 if big else best.h > min(o.h for o in g if o is not best) * 0.97):
            return None
        word = "tallest" if big else "shortest"
    return Query(style(f"the {word} {noun}"), [best.index], "superlative")
