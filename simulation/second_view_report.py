"""
Rows of second views into docs/results: of run_scenes.py with the camera on the hand (sim-cell-hand.json), and of evaluate.py with
`--mount wrist --second-view both` (grasp-second-view-wrist.json).
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from cell_report import stage_of
from report import rate, read_rows, share, write_scenes

FIELDS = ("scene", "seed", "second_view", "target", "width", "container", "outcome", "message", "keeping_up", "seconds")
KINDS = {"rims": "container, by its rim", "wide": "wide, by a part"}


def of_cell(rows: list[dict]) -> dict:
    """By policy: lifted, failures by stage, goals with a second image, and the median time."""
    result = {}
    for policy in ("never", "when_unsure", "always"):
        tried = [r for r in rows if r["second_view"] == policy and r["outcome"] != "no target"]
        if not tried:
            continue
        seconds = sorted(r.get("seconds", 0) for r in tried)
        result[policy] = {
            **share("lifted", sum(r["outcome"] == "lifted" for r in tried), len(tried)),
            "second_images": sum("seen from a second place" in r.get("message", "") for r in tried),
            "failures": dict(Counter(stage_of(r["outcome"]) for r in tried if r["outcome"] != "lifted")),
            "seconds_p50": seconds[len(seconds) // 2],
        }
    return result


def of_wrist(rows: list[dict]) -> dict:
    """By kind: held with one image, with a second one when unsure, and always."""
    result = {}
    for name, kind in KINDS.items():
        mine = [r for r in rows if r["kind"] == kind and r["holdable"]]
        fused = [r | {"outcome": r.get("fused_outcome", r["outcome"])} for r in mine]
        result[name] = {
            "one_view": rate(mine),
            "when_unsure": rate([f if r.get("unsure") else r for r, f in zip(mine, fused)])
            | {"second_images": sum("fused_outcome" in r and r["unsure"] for r in mine)},
            "always": rate(fused),
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", type=Path, help="JSON lines of run_scenes.py --camera hand")
    parser.add_argument("--wrist", type=Path, help="JSON lines of evaluate.py --mount wrist --second-view both")
    parser.add_argument("--command", required=True, help="what was run")
    parser.add_argument("--note", help="what has to be said of the run")
    args = parser.parse_args()
    if args.cell:
        rows = read_rows(args.cell, "scene", "second_view")
        short = [{name: row.get(name) for name in FIELDS} for row in rows]
        write_scenes("sim-cell-hand.json", {"command": args.command, "summary": of_cell(rows), "rows": short}, args.note)
    if args.wrist:
        rows = [{"scene": r.pop("scene"), **r} for r in read_rows(args.wrist, "scene", "object")]
        write_scenes("grasp-second-view-wrist.json", {"command": args.command, **of_wrist(rows), "rows": rows}, args.note)


if __name__ == "__main__":
    main()
