"""Sentences for which nothing in the picture fits, even under a generous reading."""

from __future__ import annotations

from scenes.colours import WORDS

from .functions import ALL_USES
from .landmarks import landmark, names_colour
from .phrasing import Style, say_colour, some_noun
from .picture import Picture
from .query import Query, Rng
from .sides import SIDES
from .words import COMMON, MASS, article, plural


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
    if r < 0.34:
        return missing_thing(p, rng, style)
    if r < 0.58:
        return wrong_colour(p, rng, style)
    if r < 0.74:
        return right_colour(p, rng, style)
    if r < 0.84:
        return missing_beside(p, rng, style)
    if r < 0.9:
        return missing_group(p, rng, style)
    return missing_function(p, rng, style)


def missing_thing(p: Picture, rng: Rng, style: Style) -> Query | None:
    """A plausible thing that is not there."""
    words = vocabulary(p)
    for _ in range(8):
        if not words:
            return None
        noun = rng.choice(words)
        if truly_absent(p, noun):
            return Query(style(rng.choice([f"the {noun}", f"the {noun}", f"{article(noun)} {noun}" if noun not in MASS else f"the {noun}"])), [], "absent")
    return None


def wrong_colour(p: Picture, rng: Rng, style: Style) -> Query | None:
    """The right noun in a colour that none of its bearers has."""
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


def right_colour(p: Picture, rng: Rng, style: Style) -> Query | None:
    """A colour that is there, on a thing that is not."""
    words = vocabulary(p)
    t = rng.choice(p.things)
    if not words or not t.colours:
        return None
    for _ in range(8):
        noun = rng.choice(words)
        if truly_absent(p, noun):
            return Query(style(f"the {say_colour(t.colours[0], rng)} {noun}"), [], "absent")
    return None


def missing_beside(p: Picture, rng: Rng, style: Style) -> Query | None:
    """A missing thing beside, before or behind something that is there, or on a side."""
    words = vocabulary(p)
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


def missing_group(p: Picture, rng: Rng, style: Style) -> Query | None:
    """Several missing things, or one of them by its rank."""
    words = vocabulary(p)
    if not words:
        return None
    noun = rng.choice(words)
    if noun in MASS or not truly_absent(p, noun):
        return None
    return Query(style(rng.choice([f"all the {plural(noun)}", f"the {plural(noun)}", f"all {plural(noun)}", f"the leftmost {noun}", f"the second {noun} from the left", f"the biggest {noun}"])), [], "absent")


def missing_function(p: Picture, rng: Rng, style: Style) -> Query | None:
    """A purpose that nothing there serves."""
    if not p.complete or not p.closed_world:
        return None
    nouns, wishes, yes, maybe = rng.choice(ALL_USES)
    if any(set(t.names) & (yes | maybe) or t.category in maybe or any(t.maybe(n) for n in yes) for t in p.all):
        return None
    return Query(rng.choice(wishes) if rng.random() < 0.25 else style(rng.choice(nouns)), [], "absent")


def empty_absent(p: Picture, rng: Rng) -> Query | None:
    """For a picture without annotated things: any noun of its vocabulary."""
    noun = rng.choice(vocabulary(p))
    return Query(Style(rng)(f"the {noun}"), [], "absent") if truly_absent(p, noun) else None
