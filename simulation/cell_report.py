"""Turns the rows of run_scenes.py into docs/results/sim-cell.json and the table of docs/simulation.md."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from report import ROOT, interval, read_rows, share, write_scenes

NAMES = {"oracle": "true masks (success given correct grounding)", "bundled": "the bundled model, end to end"}
STAGES = {
    "grounding: not found": "grounding: answered \"not found\"",
    "grounding: wrong mask": "grounding: another object, or an overlap below 0.5 with the true mask",
    "grasp planning": "grasp planning: no grasp, with a reason",
    "motion planning": "motion planning: no grasp has a collision-free path, with a reason",
    "motion": "motion: stopped, with a reason",
    "not lifted": "executed, but the object is not in the gripper",
    "no answer": "no answer in time",
}


def stage_of(outcome: str) -> str:
    return "motion" if outcome.startswith("motion:") else outcome


def lifts_another(row: dict) -> bool:
    """Whether another object than the one asked for hung between the fingers at the end."""
    if "wrong" in row:
        return bool(row["wrong"])
    return row["outcome"] == "grounding: wrong mask" and row.get("message", "").startswith("the object was taken")


def summarise(rows: list[dict]) -> dict:
    """Rates with 95 % intervals and failures by stage, by mode."""
    result = {}
    for mode in NAMES:
        tried = [r for r in rows if r["mode"] == mode and r["outcome"] != "no target"]
        if not tried:
            continue
        lifted = sum(r["outcome"] == "lifted" for r in tried)
        result[mode] = {
            **share("lifted", lifted, len(tried)),
            "lifted_at_a_later_try": sum("at attempt" in r.get("message", "") for r in tried if r["outcome"] == "lifted"),
            "failures": dict(Counter(stage_of(r["outcome"]) for r in tried if r["outcome"] != "lifted")),
            "seconds_p50": sorted(r.get("seconds", 0) for r in tried)[len(tried) // 2],
        }
        if mode == "bundled":
            right = [r for r in tried if not r["outcome"].startswith("grounding")]
            result[mode]["grounded"] = len(right)
            result[mode]["grounded_ci95"] = interval(len(right), len(tried))
            wrong = sum(lifts_another(r) for r in tried)
            result[mode]["wrong"] = wrong
            result[mode]["wrong_ci95"] = interval(wrong, len(tried))
    return result


def percent(part: dict) -> str:
    low, high = (round(100 * x) for x in part["ci95"])
    return f"{100 * part['rate']:.0f} % ({part['lifted']}/{part['n']}; {low} to {high})"


def table(summary: dict) -> str:
    """The Markdown between the markers."""
    lines = ["| grounding by | lifted (95 % interval) |", "| --- | --- |"]
    for mode, part in summary.items():
        lines.append(f"| {NAMES[mode]} | {percent(part)} |")
    if "grounded" in summary.get("bundled", {}):
        part = summary["bundled"]
        low, high = (round(100 * x) for x in part["grounded_ci95"])
        lines += ["", f"The bundled model found the right object in {part['grounded']} of {part['n']} scenes ({low} to {high} %)."]
        low, high = (round(100 * x) for x in part["wrong_ci95"])
        lines.append(f"It lifted another object in {part['wrong']} of {part['n']} ({low} to {high} %).")
    lines += ["", "| failed at | " + " | ".join(NAMES[m].split(" (")[0].split(",")[0] for m in summary) + " |"]
    lines.append("| --- |" + " --- |" * len(summary))
    for stage, words in STAGES.items():
        counts = [part["failures"].get(stage, 0) for part in summary.values()]
        if any(counts):
            lines.append(f"| {words} | " + " | ".join(str(c) for c in counts) + " |")
    return "\n".join(lines)


def with_earlier(rows: list[dict], command: str, earlier: dict) -> dict:
    """The result of a run; a mode that did not run keeps what `earlier` has of it."""
    ran = {r["mode"] for r in rows}
    kept = [r for r in earlier["rows"] if r["mode"] not in ran]
    commands = {mode: command if mode in ran else earlier["commands"][mode] for mode in NAMES if mode in ran | {r["mode"] for r in kept}}
    every = sorted(rows + kept, key=lambda r: (r["mode"], r["scene"]))
    return {"command": "; ".join(dict.fromkeys(commands.values())), "commands": commands, "summary": summarise(every), "rows": every}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, nargs="?", default=ROOT / "out" / "sim" / "scenes.jsonl")
    parser.add_argument("--command", default="npm run test:sim -- --scenes 50", help="how the rows were made")
    parser.add_argument("--seed", type=int, help="rows of this seed alone (default: all)")
    parser.add_argument("--note", help="what has to be said of this run, above the table")
    args = parser.parse_args()
    rows = [r for r in read_rows(args.rows, "mode", "scene") if args.seed in (None, r["seed"])]
    result = with_earlier(rows, args.command, json.loads((ROOT / "docs" / "results" / "sim-cell.json").read_text()))
    summary = result["summary"]
    write_scenes("sim-cell.json", result, args.note)
    page = ROOT / "docs" / "simulation.md"
    before, _, rest = page.read_text().partition("<!-- measured: begin -->\n")
    _, _, after = rest.partition("<!-- measured: end -->")
    said = f"**{args.note}**\n\n" if args.note else ""
    page.write_text(f"{before}<!-- measured: begin -->\n{said}{table(summary)}\n<!-- measured: end -->{after}")
    print(table(summary))


if __name__ == "__main__":
    main()
