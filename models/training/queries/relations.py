"""Sentences that name a thing by another: beside, near, behind, between, inside."""

from __future__ import annotations

from .landmarks import landmark, noun_pool
from .phrasing import Style
from .picture import Picture, Thing
from .query import Query, Rng
from .space import apart, behind, left_of, may_be_behind, may_be_left_of, may_be_right_of, only, over, overlap_x, right_of
from .words import plural

LEFT_FORMS = [("to the left of", "to the right of"), ("left of", "right of"), ("on the left of", "on the right of"), ("on the left side of", "on the right side of")]
FLAT = {"plate", "tray", "dish", "saucer", "dinner plate"}


def make_relation(p: Picture, rng: Rng) -> Query | None:
    r = rng.random()
    if r < 0.46:
        return beside_query(p, rng)
    if r < 0.6:
        return next_query(p, rng)
    if r < 0.77:
        return depth_relation(p, rng)
    if r < 0.87:
        return between_query(p, rng)
    return inside_query(p, rng) or beside_query(p, rng)


def beside_query(p: Picture, rng: Rng) -> Query | None:
    """"the cup to the left of the bowl"; "the thing right of the can"."""
    if not p.near_complete or len(p.things) < 2:
        return None
    b = rng.choice(p.all)
    mark = landmark(p, b, rng)
    if mark is None:
        return None
    left = rng.random() < 0.5
    sure, may = (left_of, may_be_left_of) if left else (right_of, may_be_right_of)
    other_sure, other_may = (right_of, may_be_right_of) if left else (left_of, may_be_left_of)
    forms = rng.choice(LEFT_FORMS)
    style = Style(rng)
    options: list[tuple[str, list[Thing]]] = []
    for noun in sorted({n for t in p.things if t is not b for n in t.names}):
        if p.blocked(noun) or p.vague(noun) or b.called(noun) and rng.random() < 0.5:
            continue
        options.append((noun, [o for o in p.called(noun) if o is not b]))
    rng.shuffle(options)
    options.sort(key=lambda x: -min(len(x[1]), 2) + rng.random() * 0.8)
    if p.complete and rng.random() < 0.15:
        options.insert(0, (rng.choice(["thing", "object", "item"]), [o for o in p.all if o is not b]))
    for noun, pool in options[:6]:
        one = only(pool, b, sure, may)
        if one is None or not one.target:
            continue
        q = Query(style(f"the {noun} {forms[0 if left else 1]} the {mark}"), [one.index], "relation")
        two = only(pool, b, other_sure, other_may)
        if two is not None and two.target and two is not one:
            q.swap = Query(style(f"the {noun} {forms[1 if left else 0]} the {mark}"), [two.index], "relation", contrast="side")
            q.contrast = "side"
        return q
    return None


def next_query(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    b = rng.choice(p.all)
    mark = landmark(p, b, rng)
    if mark is None:
        return None
    ranked = sorted(((apart(t, b), t) for t in p.all if t is not b and t.inside != b.index and b.inside != t.index), key=lambda x: x[0])
    if not ranked or ranked[0][0] > 0.09 or not ranked[0][1].target:
        return None
    words = rng.choice(["next to", "beside", "near", "close to", "right next to", "by"])
    style = Style(rng)
    if p.complete and rng.random() < 0.15 and (len(ranked) == 1 or ranked[1][0] > max(0.16, 3 * ranked[0][0])):
        return Query(style(f"the {rng.choice(['thing', 'object'])} {words} the {mark}"), [ranked[0][1].index], "relation")
    options = []
    for d, t in ranked:
        if d > 0.07 or not t.target:
            continue
        for noun in noun_pool(p, t, rng):
            rivals = [o for o in p.called(noun) if o is not t and o is not b]
            if all(apart(o, b) > max(0.16, 3 * d) for o in rivals) and noun not in mark.split(" "):
                options.append((noun, t))
    if not options:
        return None
    noun, t = rng.choice(options)
    return Query(style(f"the {noun} {words} the {mark}"), [t.index], "relation")


def depth_relation(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    b = rng.choice(p.all)
    mark = landmark(p, b, rng)
    if mark is None or b.far is None:
        return None
    back = rng.random() < 0.5
    style = Style(rng)
    front = lambda x, y: behind(y, x)  # noqa: E731
    may_front = lambda x, y: may_be_behind(y, x)  # noqa: E731
    sure, may = (behind, may_be_behind) if back else (front, may_front)
    fits = [t for t in p.things if t is not b and sure(t, b)]
    rng.shuffle(fits)
    for t in fits:
        for noun in noun_pool(p, t, rng):
            pool = [o for o in p.called(noun) if o is not b]
            if only(pool, b, sure, may) is t:
                word = "behind" if back else rng.choice(["in front of", "in front of", "before"])
                return Query(style(f"the {noun} {word} the {mark}"), [t.index], "relation")
    return None


def between_query(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete or len(p.all) < 3:
        return None

    def place(t: Thing, a: Thing, b: Thing) -> tuple[float, float]:
        ax, ay, bx, by = a.cx, a.cy / t.aspect, b.cx, b.cy / t.aspect
        dx, dy = bx - ax, by - ay
        n = dx * dx + dy * dy
        k = ((t.cx - ax) * dx + (t.cy / t.aspect - ay) * dy) / max(n, 1e-9)
        off = abs((t.cx - ax) * dy - (t.cy / t.aspect - ay) * dx) / max(n, 1e-9)
        return k, off

    t = rng.choice(p.things)
    pairs = [(a, b) for i, a in enumerate(p.all) for b in p.all[i + 1 :] if t not in (a, b)]
    rng.shuffle(pairs)
    for a, b in pairs[:20]:
        k, off = place(t, a, b)
        if not (0.25 < k < 0.75 and off < 0.22) or (a.cx - b.cx) ** 2 + ((a.cy - b.cy) / t.aspect) ** 2 < 0.02:
            continue
        if (t.shelf, t.shelf) != (a.shelf, b.shelf) or overlap_x(a, b) > 0.5:
            continue
        style = Style(rng)
        noun_a = landmark(p, a, rng)
        noun_b = landmark(p, b, rng)
        twin = [n for n in a.names if b.called(n) and len(p.called(n)) == 2 and not p.blocked(n) and not t.called(n)]
        ends = f"the two {plural(twin[0])}" if twin and rng.random() < 0.8 else f"the {noun_a} and the {noun_b}" if noun_a and noun_b else None
        if ends is None:
            continue
        if rng.random() < 0.5 and noun_a and noun_b and not ends.startswith("the two"):
            ends = f"the {noun_b} and the {noun_a}"
        for noun in noun_pool(p, t, rng):
            rivals = [o for o in p.called(noun) if o not in (t, a, b)]
            if all(not (-0.05 < place(o, a, b)[0] < 1.05 and place(o, a, b)[1] < 0.6) for o in rivals):
                return Query(style(f"the {noun} between {ends}"), [t.index], "relation")
        if p.complete and rng.random() < 0.3 and all(o in (t, a, b) or not (-0.05 < place(o, a, b)[0] < 1.05 and place(o, a, b)[1] < 0.6) for o in p.all):
            return Query(style(f"the {rng.choice(['thing', 'object'])} between {ends}"), [t.index], "relation")
    return None


def inside_query(p: Picture, rng: Rng) -> Query | None:
    items = [t for t in p.things if t.inside is not None and t.inside < len(p.all)]
    if not items:
        return None
    t = rng.choice(items)
    c = p.all[t.inside]  # type: ignore[index]
    mark = landmark(p, c, rng)
    if mark is None:
        return None
    flat = c.name in FLAT
    words = ["on", "on top of"] if flat else ["in", "inside", "in"]
    together = [o for o in p.all if o.inside == c.index]
    unsure = [o for o in p.all if o is not c and o.inside != c.index and over(o, c)]
    style = Style(rng)
    if p.complete and not unsure and all(o.target for o in together) and rng.random() < 0.3:
        if len(together) == 1:
            return Query(style(rng.choice([f"the thing {words[0]} the {mark}", f"what is {words[0]} the {mark}", f"the object {words[0]} the {mark}"])), [t.index], "relation")
        return Query(style(rng.choice([f"everything {words[0]} the {mark}", f"the things {words[0]} the {mark}", f"all that is {words[0]} the {mark}"])), [o.index for o in together], "several")
    for noun in noun_pool(p, t, rng):
        if not any(o.called(noun) for o in [*together, *unsure] if o is not t):
            return Query(style(f"the {noun} {rng.choice(words)} the {mark}"), [t.index], "relation")
    return None
