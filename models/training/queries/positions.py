"""Sentences with a place in the picture: sides, corners, the middle, near and far, shelves."""

from __future__ import annotations

from .landmarks import unique_noun
from .phrasing import Style
from .picture import Picture, Thing, shared_groups
from .query import Query, Rng
from .sides import CORNERS, OPPOSITE, SIDES, along, furthest


def make_position(p: Picture, rng: Rng) -> Query | None:
    r = rng.random()
    if r < 0.42:
        return side_query(p, rng)
    if r < 0.56:
        return corner_query(p, rng)
    if r < 0.68:
        return middle_query(p, rng)
    if r < 0.86:
        return depth_query(p, rng)
    return shelf_query(p, rng) or side_query(p, rng)


def side_query(p: Picture, rng: Rng) -> Query | None:
    """"the cup on the left" among several cups, or of one cup that is there."""
    groups = shared_groups(p, 2, 4) if p.near_complete else []
    axis = ("left", "right") if rng.random() < 0.85 else ("top", "bottom")
    side = rng.choice(axis)
    if groups and rng.random() < 0.85:
        noun, group = rng.choice(groups)
        one, other = furthest(group, side, 0.08), furthest(group, OPPOSITE[side], 0.08)
        if one is None:
            return None
        style, k = Style(rng), rng.randrange(3)
        forms = ["the {n} {where}", "the {s} {n}", "the {n} {where}"] if len(group) == 2 and axis[0] == "left" else ["the {n} {where}"]
        if len(group) > 2 and along(side)(one) < (-0.5 if side in ("left", "top") else 0.5) + 0.08:
            return None
        form = forms[k % len(forms)]
        i = rng.randrange(len(SIDES["left"])) if axis[0] == "left" else rng.randrange(2)
        where = {s: SIDES[s][i % len(SIDES[s])] for s in axis}
        q = Query(style(form.format(n=noun, where=where[side], s=side)), [one.index], "position")
        if other is not None and other is not one:
            if len(group) == 2 or along(OPPOSITE[side])(other) >= (-0.5 if OPPOSITE[side] in ("left", "top") else 0.5) + 0.08:
                q.swap = Query(style(form.format(n=noun, where=where[OPPOSITE[side]], s=OPPOSITE[side])), [other.index], "position", contrast="side")
                q.contrast = "side"
        return q
    t = rng.choice(p.things)
    noun = unique_noun(p, t, rng)
    if noun is None:
        return None
    if axis[0] == "left":
        if not (t.cx < 0.4 or t.cx > 0.6):
            return None
        side = "left" if t.cx < 0.4 else "right"
    else:
        if not (t.cy < 0.35 or t.cy > 0.65):
            return None
        side = "top" if t.cy < 0.35 else "bottom"
    return Query(Style(rng)(f"the {noun} {rng.choice(SIDES[side])}"), [t.index], "position")


def corner_query(p: Picture, rng: Rng) -> Query | None:
    lr, tb = rng.choice(["left", "right"]), rng.choice(["top", "bottom"])
    words = rng.choice(CORNERS[lr, tb])
    form = rng.choice(["the {n} in the {w} corner", "the {w} {n}", "the {n} at the {w}", "the {n} in the {w}"])

    def deep(t: Thing, limit: float) -> bool:
        x = t.cx if lr == "left" else 1 - t.cx
        y = t.cy if tb == "top" else 1 - t.cy
        return x < limit and y < limit

    if p.complete and rng.random() < 0.3:
        here = [t for t in p.all if deep(t, 0.55)]
        if len(here) == 1 and here[0].target and deep(here[0], 0.38):
            return Query(Style(rng)(form.format(n=rng.choice(["thing", "object", "item"]), w=words)), [here[0].index], "position")
        return None
    candidates = [t for t in p.things if deep(t, 0.4)]
    if not candidates:
        return None
    t = rng.choice(candidates)
    names = [n for n in p.nouns(t) if sum(deep(o, 0.6) for o in p.called(n)) == 1]
    if not p.near_complete:
        names = [n for n in names if len(p.called(n)) == 1]
    if not names:
        return None
    multi = [n for n in names if len(p.called(n)) > 1]
    noun = rng.choice(multi or names)
    return Query(Style(rng)(form.format(n=noun, w=words)), [t.index], "position")


def middle_query(p: Picture, rng: Rng) -> Query | None:
    groups = [(n, g) for n, g in shared_groups(p, 3, 3)] if p.near_complete else []
    if groups and rng.random() < 0.6:
        noun, g = rng.choice(groups)
        o = sorted(g, key=lambda t: t.cx)
        if min(o[1].cx - o[0].cx, o[2].cx - o[1].cx) < 0.07:
            return None
        # "middle" has to hold for the eye, not only for the order
        if abs(o[1].cx - (o[0].cx + o[2].cx) / 2) > 0.3 * (o[2].cx - o[0].cx) or max(t.cy for t in o) - min(t.cy for t in o) > 0.4:
            return None
        return Query(Style(rng)(rng.choice([f"the middle {noun}", f"the {noun} in the middle", f"the {noun} in the centre"])), [o[1].index], "position")
    near = [t for t in p.all if abs(t.cx - 0.5) < 0.22 and abs(t.cy - 0.5) < 0.25]
    core = [t for t in near if t.target and abs(t.cx - 0.5) < 0.1 and abs(t.cy - 0.5) < 0.14]
    if not core:
        return None
    t = core[0]
    if len(near) == 1 and p.complete and rng.random() < 0.4:
        return Query(Style(rng)(f"the {rng.choice(['thing', 'object', 'item'])} in the middle"), [t.index], "position")
    names = [n for n in p.nouns(t) if all(o is t or (abs(o.cx - 0.5) > 0.25 or abs(o.cy - 0.5) > 0.3) for o in p.called(n)) and (p.near_complete or len(p.called(n)) == 1)]
    if not names:
        return None
    return Query(Style(rng)(f"the {rng.choice(names)} {rng.choice(['in the middle', 'in the centre', 'in the center'])}"), [t.index], "position")


def depth_query(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    options = shared_groups(p, 2, 5)
    if p.complete and rng.random() < 0.2 and all(t.target for t in p.all):
        options = [(rng.choice(["thing", "object", "item"]), p.all)]
    if not options:
        return None
    noun, g = rng.choice(options)
    if any(t.far is None for t in g) or len(g) < 2 or (len({t.shelf for t in g}) > 1):
        return None
    o = sorted(g, key=lambda t: t.far or 0.0)
    close = rng.random() < 0.5
    a, b = (o[0], o[1]) if close else (o[-1], o[-2])
    if abs((a.far or 0) - (b.far or 0)) < max(0.05, 0.07 * (o[0].far or 1)):
        return None
    # the nearest also stands lower in the picture, else the eye could disagree
    if (close and a.y2 < b.y2) or (not close and a.y2 > b.y2):
        return None
    words = ["closest to me", "closest to the camera", "nearest to you", "nearest", "closest", "at the front"] if close else ["furthest away", "farthest from me", "furthest from the camera", "at the back", "farthest away"]
    w = rng.choice(words)
    phrase = f"the {w} {noun}" if w in ("nearest", "closest") else f"the {noun} {w}"
    return Query(Style(rng)(phrase), [a.index], "position")


def shelf_query(p: Picture, rng: Rng) -> Query | None:
    n = p.shelves
    on = [t for t in p.things if t.shelf is not None]
    if not n or n < 2 or not on:
        return None
    t = rng.choice(on)
    words = ["top shelf", "upper shelf", "highest shelf"] if t.shelf == n - 1 else ["bottom shelf", "lower shelf", "lowest shelf"] if t.shelf == 0 else ["middle shelf"]
    if n == 3:
        words = [w for w in words if w not in ("upper shelf", "lower shelf")]
    word = rng.choice(words)
    beside = [o for o in p.all if o.shelf == t.shelf]
    if p.complete and len(beside) == 1 and rng.random() < 0.3:
        return Query(Style(rng)(f"the {rng.choice(['thing', 'object', 'item'])} on the {word}"), [t.index], "position")
    names = [x for x in p.nouns(t) if sum(o.called(x) for o in beside) == 1]
    if not names:
        return None
    multi = [x for x in names if len(p.called(x)) > 1]
    noun = rng.choice(multi or names)
    q = Query(Style(rng)(f"the {noun} on the {word}"), [t.index], "position")
    return q
