"""An annotated picture as the sentences see it: its things, and who is meant by a noun."""

from __future__ import annotations

from scenes.colours import INDEX, NEAR

from .content import further_names
from .words import ALIASES, VAGUE, may_be_called


class Thing:
    """An annotated object with what the words need, in shares of the picture."""

    def __init__(self, index: int, o: dict, width: float, height: float):
        self.index = index
        self.names: list[str] = [n.lower() for n in dict.fromkeys([o["name"], *(o.get("names") or []), *ALIASES.get(o["name"], [])])]
        self.names += further_names(self.names)
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


def shared_groups(p: Picture, least: int = 2, most: int = 12) -> list[tuple[str, list[Thing]]]:
    """Nouns that several things bear, all of them fit to be asked for, nothing half seen among them."""
    out = []
    for noun in sorted({n for t in p.things for n in t.names}):
        g = p.group(noun)
        if least <= len(g) <= most:
            out.append((noun, g))
    return out
