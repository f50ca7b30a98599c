"""How a speaker puts a phrase: commands, capitals, slips of the keyboard."""

from __future__ import annotations

import random
from typing import Iterable

from scenes.colours import WORDS

from .picture import Thing
from .query import Rng
from .words import COMMANDS, SAY


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
