"""Sentences that refer to things in an annotated picture, the way people ask for them, each with its true answer.

`generate(line, rng, count)` is a pure function of the annotation and the generator. Boxes count as they stand in `line`
(the picture may have been mirrored or cropped before the call). Every query is unambiguous by the annotation: exactly
one thing fits, or all that fit are targets, or (absent) nothing fits even under a generous reading of the words.
Spatial words follow the viewer's image.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Callable, Iterable

from queries_words import (ALIASES, ANGULAR, COMMANDS, COMMON, FUNCTIONS, GROUPS, LIKE, MASS, MATERIALS, ROUNDISH, SAY, SHAPES,
                           article, may_be_called, plural)
from scenes.colours import BASE, INDEX, NEAR, WORDS

KINDS = ("name", "attribute", "position", "relation", "ordinal", "superlative", "function", "several", "absent")


@dataclass
class Query:
    """text as a person would say it; targets: indices of line["objects"], empty when nothing fits; swap: the same
    sentence with left/right (or the colour) exchanged, and its own targets, where that is a valid query too."""

    text: str
    targets: list[int]
    kind: str
    swap: "Query | None" = None
    contrast: str | None = None  # "side" or "colour": what the twin exchanges


VAGUE = {"toy", "container", "device", "electronic device", "dish", "package", "case", "tool", "toy tool", "plastic part", "game", "pot", "bag", "pen", "carton", "kitchen tool", "kitchen utensil", "jar", "tube", "lock"}


class Thing:
    """An annotated object with what the words need, in shares of the picture."""

    def __init__(self, index: int, o: dict, width: float, height: float):
        self.index = index
        self.names: list[str] = [n.lower() for n in dict.fromkeys([o["name"], *(o.get("names") or []), *ALIASES.get(o["name"], [])])]
        self.name = self.names[0]
        x1, y1, x2, y2 = o["box"]
        self.x1, self.y1, self.x2, self.y2 = x1 / width, y1 / height, x2 / width, y2 / height
        self.cx, self.cy = (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2
        self.w, self.h = self.x2 - self.x1, self.y2 - self.y1
        self.aspect = width / height
        self.far: float | None = o.get("distance_m")
        # Through a transparent thing one sees the table's colour, so nothing is said of its own.
        clear = "transparent" in (o.get("shape") or [])
        self.colours: list[str] = [] if clear else [c for c in o.get("colours") or [] if c in INDEX]
        self.shares: dict[str, float] = o.get("colour_shares") or {}
        self.material: str | None = o.get("material")
        self.shape: list[str] = o.get("shape") or []
        self.size = o.get("size_m")
        self.inside: int | None = o.get("inside")
        self.shelf: int | None = o.get("on_shelf")
        self.category: str = o.get("category") or self.name
        self.phrases: list[str] = o.get("phrases") or []
        self.world = o.get("centre_world")
        crowd = bool(o.get("crowd"))
        self.target = bool(o.get("graspable", True) and o.get("target", True) and o.get("visible", 1.0) >= 0.35 and not crowd and self.w * self.h > 0.0007)

    def called(self, noun: str) -> bool:
        return noun in self.names

    def maybe(self, noun: str) -> bool:
        return may_be_called(noun, self.names)

    def is_colour(self, word: str) -> bool:
        """Surely: anybody would say so."""
        if word not in self.colours:
            return False
        return self.colours[0] == word or self.shares.get(word, 0.0) >= 0.3

    def may_be_colour(self, word: str) -> bool:
        """Somebody could say so."""
        if not self.colours:
            return True
        return word in self.colours or self.shares.get(word, 0.0) >= 0.06 or word in NEAR[self.colours[0]]


class Picture:
    def __init__(self, line: dict):
        self.line = line
        w, h = float(line["width"]), float(line["height"])
        self.all = [Thing(i, o, w, h) for i, o in enumerate(line["objects"])]
        self.things = [t for t in self.all if t.target]
        self.cut: list[list[str]] = [[n.lower() for n in ALIASES.get(n, [n])] for n in line.get("cut_names") or []]
        self.cut_free = not self.cut
        self.complete = bool(line.get("complete")) and self.cut_free
        self.near_complete = bool(line.get("near_complete")) or bool(line.get("complete"))
        self.aspect = w / h
        self.shelves: int | None = line.get("shelves")
        self.closed_world = bool(line.get("complete")) and not line.get("absent_nouns")

    # -- who is meant by a noun ------------------------------------------------------------------------------------

    def called(self, noun: str) -> list[Thing]:
        return [t for t in self.all if t.called(noun)]

    def blocked(self, noun: str) -> bool:
        """Something half seen at the border could bear the noun."""
        return any(may_be_called(noun, names) for names in self.cut)

    def vague(self, noun: str) -> bool:
        """A wide word that might take in more things than those annotated with it."""
        return noun in VAGUE and any(t.maybe(noun) and not t.called(noun) for t in self.all)

    def nouns(self, t: Thing) -> list[str]:
        return [n for n in t.names if not self.blocked(n) and not self.vague(n)]

    def group(self, noun: str) -> list[Thing]:
        """All that bear the noun; empty if one of them is too hidden to be asked for or something half seen could bear it."""
        found = self.called(noun)
        return found if found and all(t.target for t in found) and not self.blocked(noun) and not self.vague(noun) else []


Rng = random.Random


# ---- phrasing -------------------------------------------------------------------------------------------------------

def say_colour(word: str, rng: Rng) -> str:
    return rng.choice(SAY.get(word, [word]))


def the(phrase: str, rng: Rng) -> str:
    r = rng.random()
    return f"the {phrase}" if r < 0.9 else f"that {phrase}"


def typo(text: str, rng: Rng) -> str:
    """One slip of the keyboard in a longer word."""
    words = text.split(" ")
    keep = {"right", "front", "behind", "between", "second", "third", "first", "fourth", "upper", "lower", "highest", "lowest", "bottom", "middle", "centre", "center", "leftmost", "rightmost", "closest", "nearest", "furthest", "farthest",
            "biggest", "largest", "smallest", "shelf", "inside"}  # fmt: skip
    long = [i for i, w in enumerate(words) if len(w) > 4 and w.isalpha() and w not in keep and w not in WORDS]
    if not long:
        return text
    i = rng.choice(long)
    w = words[i]
    k = rng.randrange(1, len(w) - 1)
    how = rng.random()
    words[i] = w[:k] + w[k + 1] + w[k] + w[k + 2 :] if how < 0.4 else w[:k] + w[k + 1 :] if how < 0.75 else w[:k] + w[k] + w[k:]
    return " ".join(words)


class Style:
    """How one speaker asks: used for a query and its twin alike, so that they differ in the one word only."""

    def __init__(self, rng: Rng):
        r = rng.random()
        self.command = rng.choice(COMMANDS) if r < 0.55 else "{}"
        self.bare = self.command == "{}" and rng.random() < 0.35
        self.seed = rng.randrange(1 << 30)
        self.slip = rng.random() < 0.04
        self.case = rng.random()

    def __call__(self, phrase: str) -> str:
        if self.bare and phrase.startswith(("the ", "that ")):
            phrase = phrase.split(" ", 1)[1]
        text = self.command.format(phrase)
        if self.slip:
            text = typo(text, random.Random(self.seed))
        if self.case < 0.18:
            text = text[0].upper() + text[1:]
        elif self.case < 0.24 and not text.endswith("?"):
            text = text[0].upper() + text[1:] + "."
        return text


def some_noun(t: Thing, rng: Rng, usable: Iterable[str] | None = None) -> str | None:
    names = list(usable) if usable is not None else t.names
    if not names:
        return None
    return names[0] if rng.random() < 0.6 else rng.choice(names)


# ---- descriptions of one thing, used by themselves and as landmarks ---------------------------------------------------

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


# ---- makers: each returns a query or None -----------------------------------------------------------------------------

def make_name(p: Picture, rng: Rng) -> Query | None:
    t = rng.choice(p.things)
    good = [q for q in t.phrases if len(q.split()) > 1 and phrase_true(p, t, q.lower())]
    if good and rng.random() < 0.25:
        return Query(Style(rng)(the(rng.choice(good), rng)), [t.index], "name")
    noun = unique_noun(p, t, rng)
    if noun is None:
        return None
    phrase = the(noun, rng) if rng.random() < 0.85 or noun in MASS else f"{article(noun)} {noun}"
    return Query(Style(rng)(phrase), [t.index], "name")


def phrase_true(p: Picture, t: Thing, phrase: str) -> bool:
    """A fixed phrase is used when its colour words are borne out and no other thing shares it or its head word in those colours."""
    padded = f" {phrase} "
    found = []
    for word in (*BASE, *WORDS):
        if f" {word} " in padded:
            found.append(BASE.get(word, word))
            padded = padded.replace(f" {word} ", " ")
    if any(w in INDEX and not t.is_colour(w) for w in found):
        return False
    head = phrase.split(" with ")[0].split()[-1]
    for o in p.all:
        if o is not t and (phrase in [x.lower() for x in o.phrases] or (any(n.split()[-1] == head for n in o.names) and (not found or o.may_be_colour(found[0])))):
            return False
    return not p.blocked(head)


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


def shared_groups(p: Picture, least: int = 2, most: int = 12) -> list[tuple[str, list[Thing]]]:
    """Nouns that several things bear, all of them fit to be asked for, nothing half seen among them."""
    out = []
    for noun in sorted({n for t in p.things for n in t.names}):
        g = p.group(noun)
        if least <= len(g) <= most:
            out.append((noun, g))
    return out


def bulk(t: Thing) -> float | None:
    return float(t.size[0] * t.size[1] * t.size[2]) ** (1 / 3) if t.size and min(t.size) > 0 else None


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


def extreme(group: list[Thing], key: Callable[[Thing], float | None], largest: bool, ratio: float) -> Thing | None:
    values = [(key(t), t) for t in group]
    if any(v is None for v, _ in values) or len(values) < 2:
        return None
    ordered = sorted(values, key=lambda x: x[0] or 0.0, reverse=largest)
    a, b = ordered[0][0] or 0.0, ordered[1][0] or 0.0
    good = a >= b * ratio if largest else a * ratio <= b
    return ordered[0][1] if good else None


def agrees(group: list[Thing], best: Thing, largest: bool) -> bool:
    """The picture does not say the opposite: its area there is not on the other side of everyone else's."""
    areas = [o.w * o.h for o in group if o is not best]
    mine = best.w * best.h
    return mine > max(areas) * 1.05 if largest else mine < min(areas) * 0.95


# -- absolute position

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


# -- relations

def left_of(a: Thing, b: Thing) -> bool:
    """Clearly: a's middle lies left of all of b, and not mainly above or below it."""
    return a.cx < b.x1 - 0.005 and a.x2 < b.cx and abs(a.cy - b.cy) / a.aspect < 1.3 * (b.cx - a.cx)


def may_be_left_of(a: Thing, b: Thing) -> bool:
    return a.cx < b.cx + 0.02


def right_of(a: Thing, b: Thing) -> bool:
    return a.cx > b.x2 + 0.005 and a.x1 > b.cx and abs(a.cy - b.cy) / a.aspect < 1.3 * (a.cx - b.cx)


def may_be_right_of(a: Thing, b: Thing) -> bool:
    return a.cx > b.cx - 0.02


def gap(a: Thing, b: Thing) -> float:
    """Distance between the boxes in shares of the picture's width."""
    dx = max(a.x1 - b.x2, b.x1 - a.x2, 0.0)
    dy = max(a.y1 - b.y2, b.y1 - a.y2, 0.0) / a.aspect
    return (dx * dx + dy * dy) ** 0.5


def apart(a: Thing, b: Thing) -> float:
    """How far from each other two things seem: the gap, plus their difference in depth where it is known."""
    deep = abs(a.far - b.far) * 0.5 if a.far is not None and b.far is not None else 0.0
    return gap(a, b) + deep + (0.3 if a.shelf != b.shelf else 0.0)


def overlap_x(a: Thing, b: Thing) -> float:
    return max(0.0, min(a.x2, b.x2) - max(a.x1, b.x1)) / max(1e-6, min(a.w, b.w))


def behind(a: Thing, b: Thing) -> bool:
    return a.far is not None and b.far is not None and a.far > b.far + 0.05 and overlap_x(a, b) >= 0.45 and a.y2 < b.y2 - 0.01 and a.shelf == b.shelf and apart(a, b) < 0.25


def may_be_behind(a: Thing, b: Thing) -> bool:
    return a.far is None or b.far is None or (a.far > b.far + 0.01 and overlap_x(a, b) > 0.02)


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


LEFT_FORMS = [("to the left of", "to the right of"), ("left of", "right of"), ("on the left of", "on the right of"), ("on the left side of", "on the right side of")]


def noun_pool(p: Picture, t: Thing, rng: Rng) -> list[str]:
    names = p.nouns(t)
    multi = [n for n in names if len(p.called(n)) > 1]
    return multi if multi and rng.random() < 0.75 else names


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


def only(pool: list[Thing], b: Thing, sure: Callable[[Thing, Thing], bool], may: Callable[[Thing, Thing], bool]) -> Thing | None:
    """The one of the pool that surely stands so to b, if no other could be said to."""
    fits = [t for t in pool if may(t, b)]
    return fits[0] if len(fits) == 1 and sure(fits[0], b) else None


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


FLAT = {"plate", "tray", "dish", "saucer", "dinner plate"}


def over(t: Thing, c: Thing) -> bool:
    """t's middle shows within c's box, so that the eye might take it to be inside."""
    return c.x1 - 0.01 < t.cx < c.x2 + 0.01 and c.y1 - 0.03 < t.cy < c.y2


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


# -- order

ORDINAL = ["first", "second", "third", "fourth", "fifth"]


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


SUPER_SIDE = {"left": ["leftmost", "far left", "left-most"], "right": ["rightmost", "far right", "right-most"], "top": ["topmost", "uppermost", "highest"], "bottom": ["lowest", "bottommost"]}


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
    if rng.random() < 0.62:
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


# -- functions and several

def make_function(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    fits = []
    for nouns, wishes, yes, maybe in FUNCTIONS:
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


def make_several(p: Picture, rng: Rng) -> Query | None:
    if not p.near_complete:
        return None
    r = rng.random()
    style = Style(rng)
    if r < 0.55:
        options = [(n, g) for n, g in shared_groups(p, 2, 9) if n not in MASS]
        if not options:
            return None
        noun, g = rng.choice(options)
        many = plural(noun)
        forms = [f"the {many}", f"all {many}", f"all the {many}", f"every {noun}"] + ([f"both {many}", f"the two {many}"] if len(g) == 2 else [f"the {['three', 'four', 'five'][len(g) - 3]} {many}"] if len(g) <= 5 else [])
        return Query(style(rng.choice(forms)), [t.index for t in g], "several")
    if r < 0.72:
        options = []
        for noun, g in shared_groups(p, 3, 9):
            for c in {x for t in g for x in t.colours[:1]}:
                sure = [t for t in g if t.is_colour(c)]
                if 2 <= len(sure) < len(g) and not any(t.may_be_colour(c) for t in g if t not in sure):
                    options.append((noun, c, sure))
        if options and all(True for _ in options):
            noun, c, sure = rng.choice(options)
            word = say_colour(c, rng)
            return Query(style(rng.choice([f"the {word} {plural(noun)}", f"all {word} {plural(noun)}", f"all the {word} {plural(noun)}"])), [t.index for t in sure], "several")
        return None
    if r < 0.85:
        if not p.complete or any(not t.colours for t in p.all):
            return None
        options = []
        for c in {x for t in p.things for x in t.colours[:1]}:
            sure = [t for t in p.all if t.is_colour(c)]
            if len(sure) >= 2 and all(t.target for t in sure) and not any(t.may_be_colour(c) for t in p.all if t not in sure):
                options.append((c, sure))
        if not options:
            return None
        c, sure = rng.choice(sorted(options, key=lambda x: x[0]))
        word = say_colour(c, rng)
        return Query(style(rng.choice([f"everything {word}", f"all {word} things", f"all the {word} objects", f"the {word} things"])), [t.index for t in sure], "several")
    options2 = []
    for _, many, yes, maybe in GROUPS:
        found = [t for t in p.all if yes & set(t.names)]
        doubt = [t for t in p.all if t not in found and set(t.names) & maybe]
        if len(found) >= 2 and all(t.target for t in found) and not doubt and p.cut_free:
            options2.append((many, found))
    if not options2:
        return None
    many, found = rng.choice(options2)
    return Query(style(rng.choice([f"the {many}", f"all the {many}", f"all {many}"])), [t.index for t in found], "several")


# -- nothing there

def vocabulary(p: Picture) -> list[str]:
    """Nouns of which the annotation lets us say that nothing bears them."""
    if p.line.get("absent_nouns"):
        return list(p.line["absent_nouns"])
    return COMMON if p.closed_world else []


def truly_absent(p: Picture, noun: str) -> bool:
    return not any(t.maybe(noun) for t in p.all) and not p.blocked(noun)


def make_absent(p: Picture, rng: Rng) -> Query | None:
    style = Style(rng)
    r = rng.random()
    words = vocabulary(p)
    if r < 0.34:  # a plausible thing that is not there
        for _ in range(8):
            if not words:
                return None
            noun = rng.choice(words)
            if truly_absent(p, noun):
                return Query(style(rng.choice([f"the {noun}", f"the {noun}", f"{article(noun)} {noun}" if noun not in MASS else f"the {noun}"])), [], "absent")
        return None
    if r < 0.58:  # the right noun in a colour that none of its bearers has
        if not p.near_complete or not p.things:
            return None
        t = rng.choice(p.things)
        noun = some_noun(t, rng)
        if noun is None or p.blocked(noun) or names_colour(noun):
            return None
        bearers = [o for o in p.all if o.maybe(noun)]
        free = [c for c in WORDS if c not in ("beige", "gray") and not any(o.may_be_colour(c) for o in bearers)]
        if not free:
            return None
        form = rng.choice(["the {c} {n}", "the {c} {n}", "{a} {c} {n}"])
        c = say_colour(rng.choice(free), rng)
        return Query(style(form.format(c=c, n=noun, a=article(c))), [], "absent")
    if r < 0.74:  # the right colour on a thing that is not there
        t = rng.choice(p.things)
        if not words or not t.colours:
            return None
        for _ in range(8):
            noun = rng.choice(words)
            if truly_absent(p, noun):
                return Query(style(f"the {say_colour(t.colours[0], rng)} {noun}"), [], "absent")
        return None
    if r < 0.84:  # beside, on or in something that is there
        if not words or not p.all:
            return None
        t = rng.choice(p.all)
        mark = landmark(p, t, rng)
        noun = rng.choice(words)
        if mark is None or not truly_absent(p, noun):
            return None
        rel = rng.choice(["next to", "to the left of", "to the right of", "behind", "in front of", "near"])
        if rng.random() < 0.25:
            return Query(style(f"the {noun} {rng.choice(SIDES[rng.choice(['left', 'right'])])}"), [], "absent")
        return Query(style(f"the {noun} {rel} the {mark}"), [], "absent")
    if r < 0.9:
        if not words:
            return None
        noun = rng.choice(words)
        if noun in MASS or not truly_absent(p, noun):
            return None
        return Query(style(rng.choice([f"all the {plural(noun)}", f"the {plural(noun)}", f"all {plural(noun)}", f"the leftmost {noun}", f"the second {noun} from the left", f"the biggest {noun}"])), [], "absent")
    if not p.complete or not p.closed_world:
        return None
    nouns, wishes, yes, maybe = rng.choice(FUNCTIONS)
    if any(set(t.names) & (yes | maybe) or t.category in maybe or any(t.maybe(n) for n in yes) for t in p.all):
        return None
    return Query(rng.choice(wishes) if rng.random() < 0.25 else style(rng.choice(nouns)), [], "absent")


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


def empty_absent(p: Picture, rng: Rng) -> Query | None:
    """For a picture without annotated things: any noun of its vocabulary."""
    noun = rng.choice(vocabulary(p))
    return Query(Style(rng)(f"the {noun}"), [], "absent") if truly_absent(p, noun) else None
