"""Turns the rows of place_scenes.py into docs/results/sim-places.json, whose figures docs/language.md shows."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from report import ROOT, wilson


def summarise(rows: list[dict]) -> dict:
    """Rate with its 95 % interval, the rates by relation, and what the others came to."""
    tried = [r for r in rows if r["outcome"] != "no target"]
    there = [r for r in tried if r["outcome"] == "there"]
    taken = [r for r in tried if r["outcome"] not in ("not taken", "no answer") and not r["outcome"].startswith("motion")]
    low, high = wilson(len(there), len(tried))
    relations = {}
    for relation in sorted({r["relation"] for r in tried if "relation" in r}):
        of = [r for r in tried if r.get("relation") == relation]
        relations[relation] = {"there": sum(r["outcome"] == "there" for r in of), "n": len(of)}
    outcomes = Counter(r["outcome"].split(":")[0] for r in tried)
    return {
        "there": len(there),
        "n": len(tried),
        "rate": round(len(there) / max(1, len(tried)), 4),
        "ci95": [round(low, 4), round(high, 4)],
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
    rows = sorted((json.loads(x) for x in args.rows.read_text().splitlines()), key=lambda r: (r["seed"], r["scene"]))
    note = {"note": args.note} if args.note else {}
    command = "node scripts/ros/with-env.mjs python simulation/place_scenes.py"
    result = note | {"command": command, **summarise(rows), "rows": rows}
    text = json.dumps(result, indent=None, separators=(",", ":")).replace('{"scene"', '\n{"scene"')
    (ROOT / "docs" / "results" / "sim-places.json").write_text(text + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=2))


if __name__ == "__main__":
    main()
