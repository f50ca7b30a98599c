"""Sentences with a name alone: "the mug"."""

from __future__ import annotations

from scenes.colours import BASE, INDEX, WORDS

from .landmarks import unique_noun
from .phrasing import Style, the
from .picture import Picture, Thing
from .query import Query, Rng
from .words import MASS, article


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
