"""Queries by a name alone on rendered scenes whose every object is known: does one object bear the name, or do two?

    python models/training/scenes_render.py --out DIR --scenes 1320 --seed 201 --split test
    python models/training/ask_scenes.py --data DIR --out DIR/asked.jsonl

A row is `ambiguous` where two objects bear the name (`equal`: the same asset twice), and `unique` where one does and
nothing else in the image could be called by it. The names come from the scene's metadata alone. Of each scene's views
the first two are used.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import re
from pathlib import Path

from queries.words import VAGUE, may_be_called

LEAST_AREA = 350
LEAST_VISIBLE = 0.5
VERBS = ("", "", "pick up ", "give me ", "take ")

#: Names that say little: people use them for more things than those whose metadata has them.
WIDE = VAGUE | {"box", "cup"}


def ends_with(name: str, head: str) -> bool:
    return re.search(rf"\b{re.escape(head)}$", name) is not None


def bears(thing: dict, noun: str) -> bool:
    """Whether an object has a name: one of its own, its category, or the end of one of its names."""
    return noun == thing["category"] or any(ends_with(name, noun) for name in thing["names"])


def may_bear(thing: dict, noun: str) -> bool:
    """Whether people could call an object so, though its metadata does not: the name says little, or the object has no
    name that would tell it from that one ("plate" and "dinner plate")."""
    if bears(thing, noun) or (noun in WIDE and may_be_called(noun, thing["names"])):
        return True
    return bears(thing, noun.split()[-1]) and not any(" " in name for name in thing["names"])


def is_seen(thing: dict) -> bool:
    return bool(thing["target"]) and thing["visible"] >= LEAST_VISIBLE and thing["area"] >= LEAST_AREA


def rows_of(scene: dict, rng: random.Random) -> list[dict]:
    """Each pair of objects that alone bear a name, once, and one object that alone could be called by its name."""
    things = scene["objects"]
    nouns = sorted({name for thing in things for name in thing["names"][:3]})
    bearers = {noun: [thing for thing in things if bears(thing, noun)] for noun in nouns}
    pairs = [(noun, who) for noun, who in bearers.items() if len(who) == 2 and all(map(is_seen, who))]
    singles = [(noun, who[0]) for noun, who in bearers.items() if len(who) == 1 and is_seen(who[0])]
    singles = [(noun, thing) for noun, thing in singles if not any(may_bear(other, noun) for other in things if other is not thing)]
    rng.shuffle(pairs)
    rng.shuffle(singles)
    rows, seen = [], set()
    for noun, who in pairs:
        key = tuple(sorted(id(thing) for thing in who))
        if key in seen:
            continue
        seen.add(key)
        equal = who[0]["asset"] == who[1]["asset"]
        rows.append({"query": f"{rng.choice(VERBS)}the {noun}", "kind": "ambiguous", "equal": equal, "want": [[thing["box"] for thing in who]]})
    for noun, thing in singles[:1]:
        rows.append({"query": f"{rng.choice(VERBS)}the {noun}", "kind": "unique", "want": [[thing["box"]]]})
    return [{"image": scene["image"], **row} for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of scenes_render.py")
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=201)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    scenes = [json.loads(line) for line in (Path(args.data) / "annotations.jsonl").read_text().splitlines()]
    scenes = [scene for scene in scenes if not scene.get("dark") and scene["image"].endswith(("_0.jpg", "_1.jpg"))]
    rows = [row for scene in sorted(scenes, key=lambda scene: scene["image"]) for row in rows_of(scene, rng)]
    Path(args.out).write_text("".join(json.dumps(row) + "\n" for row in rows))
    print(dict(collections.Counter(row["kind"] + (" equal" if row.get("equal") else "") for row in rows)))


if __name__ == "__main__":
    main()
