"""Turns the rows of place_scenes.py into docs/results/sim-places.json, whose figures docs/language.md shows."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from report import ROOT, read_rows, share, write_scenes


def summarise(rows: list[dict]) -> dict:
    """Rate with its 95 % interval, the rates by relation, and what the others came to."""
    tried = [r for r in rows if r["outcome"] != "no target"]
    there = [r for r in tried if r["outcome"] == "there"]
    taken = [r for r in tried if r["outcome"] not in ("not taken", "no answer") and not r["outcome"].startswith("motion")]
    relations = {}
    for relation in sorted({r["relation"] for r in tried if "relation" in r}):
        of = [r for r in tried if r.get("relation") == relation]
        relations[relation] = {"there": sum(r["outcome"] == "there" for r in of), "n": len(of)}
    outcomes = Counter(r["outcome"].split(":")[0] for r in tried)
    return {
        **share("there", len(there), len(tried)),
        "taken": len(taken),
        "rate_of_taken": round(len(there) / max(1, len(taken)), 4),
        "relations": relations,
        "outcomes": dict(sorted(outcomes.items())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, nargs="?", default=ROOT / "out" / "sim" / "places.jsonl")
    parser.add_argument("--note", help="what has to be said of this run")
    args = parser.parse_args()
    rows = read_rows(args.rows, "seed", "scene")
    command = "node scripts/ros/with-env.mjs python simulation/place_scenes.py"
    result = {"command": command, **summarise(rows)}
    write_scenes("sim-places.json", {**result, "rows": rows}, args.note)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
