"""Turns the rows of evaluate.py into docs/results/grasp-physics.json, a contact sheet, docs/grasping.md and README's figures."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
NAMES = {"planner": "this planner", "pca": "PCA, top-down", "random": "random on the mask"}
CAUSES = {
    "refused": "no grasp given (with a reason)",
    "blocked": "the gripper met something during the approach",
    "missed": "the fingers closed without both touching the object",
    "slipped": "lost while lifting",
    "shaken": "lost while being shaken",
}
SETTINGS = {"single": "single objects", "clutter": "in clutter"}
TILE, COLUMNS = (360, 120), 3


def wilson(held: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % confidence interval of a share (Wilson 1927)."""
    if n == 0:
        return 0.0, 1.0
    p = held / n
    middle, spread = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float((middle - spread) / (1 + z * z / n)), float((middle + spread) / (1 + z * z / n))


def interval(held: int, n: int) -> list[float]:
    """`wilson`, as the results hold it."""
    return [round(bound, 4) for bound in wilson(held, n)]


def share(name: str, held: int, n: int) -> dict:
    """How many of `n` under `name`, the share and its interval."""
    return {name: held, "n": n, "rate": round(held / n, 4) if n else 0.0, "ci95": interval(held, n)}


def rate(rows: list[dict]) -> dict:
    """Held, tried and the share with its interval."""
    return share("held", sum(r["outcome"] == "held" for r in rows), len(rows))


def read_rows(file: Path, *order: str) -> list[dict]:
    """The JSON lines of a run, in the order of these fields."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return sorted(rows, key=lambda r: [r[key] for key in order])


def write_scenes(name: str, result: dict, note: str | None) -> None:
    """docs/results/NAME, one scene a line. `note`: what has to be said of the run."""
    text = json.dumps(({"note": note} if note else {}) | result, indent=None, separators=(",", ":"))
    (ROOT / "docs" / "results" / name).write_text(text.replace('{"scene"', '\n{"scene"') + "\n")


def gain(rows: list[dict], method: str) -> dict:
    """How much more the planner holds than `method` on the same targets: difference, and its paired bootstrap interval."""
    outcomes: dict[tuple, dict[str, bool]] = {}
    for r in rows:
        outcomes.setdefault((r["scene"], r["object"], r["width"]), {})[r["method"]] = r["outcome"] == "held"
    pairs = np.array([(o["planner"], o[method]) for o in outcomes.values() if method in o and "planner" in o], float)
    differences = pairs[:, 0] - pairs[:, 1]
    rng = np.random.default_rng(1)
    means = rng.choice(differences, (4000, len(differences))).mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return {"difference": round(float(differences.mean()), 4), "ci95": [round(float(low), 4), round(float(high), 4)]}


def by_class(rows: list[dict]) -> dict:
    return {kind: rate([r for r in rows if r["kind"] == kind]) for kind in sorted({r["kind"] for r in rows})}


def summarise(rows: list[dict]) -> dict:
    """Everything the tables say, of the settings that were run."""
    result: dict = {}
    for setting in ("single", "clutter"):
        here = [r for r in rows if r["setting"] == setting]
        if not here:
            continue
        holdable = [r for r in here if r["holdable"]]
        part: dict = {"methods": {}, "gain_over": {}}
        for method in NAMES:
            mine = [r for r in holdable if r["method"] == method]
            part["methods"][method] = {
                **rate(mine),
                "held_untouched": rate([{**r, "outcome": "touched" if r["touched"] else r["outcome"]} for r in mine]),
                "narrow": rate([r for r in mine if r["narrow"]]),
                "wide": rate([r for r in mine if not r["narrow"]]),
                "failures": dict(Counter(r["outcome"] for r in mine if r["outcome"] != "held")),
                "by_class": by_class(mine),
            }
            reserved = [r for r in mine if r.get("part") == "reserved"]
            if reserved:
                part["methods"][method]["reserved"] = {**rate(reserved), "by_class": by_class(reserved)}
        for method in ("pca", "random"):
            part["gain_over"][method] = gain(holdable, method)
        clean = [{**r, "outcome": "touched" if r["touched"] else r["outcome"]} for r in holdable]
        part["gain_untouched_over"] = {method: gain(clean, method) for method in ("pca", "random")}
        planned = [r for r in here if r["method"] == "planner"]
        beyond = [r for r in planned if not r["holdable"]]
        part["not_holdable"] = {"n": len(beyond), "outcomes": dict(Counter(r["outcome"] for r in beyond))}
        part["refusals"] = dict(Counter(r["refusal"] for r in planned if r["holdable"] and r["refusal"]))
        result[setting] = part
    return result


def percent(r: dict) -> str:
    return f"{100 * r['rate']:.0f} % ({r['held']}/{r['n']}; {100 * r['ci95'][0]:.0f} to {100 * r['ci95'][1]:.0f})" if r["n"] else "-"


def points(gain: dict) -> str:
    low, high = gain["ci95"]
    return f"{100 * gain['difference']:+.0f} points ({100 * low:+.0f} to {100 * high:+.0f})"


def untouched(clutter: dict) -> list[str]:
    """How many were held without pushing a neighbour; results of earlier evaluations do not tell."""
    if "gain_untouched_over" not in clutter:
        return []
    shares = [f"{name} {percent(clutter['methods'][method]['held_untouched'])}" for method, name in NAMES.items()]
    over = points(clutter["gain_untouched_over"]["pca"])
    items = [f"- {share}" for share in [*shares, f"this planner over PCA, top-down: {over}"]]
    return ["", "Held in clutter, with nothing else touched during the approach:", "", *items]


def reserved_part(summary: dict) -> list[str]:
    """Rates on the categories whose failures nobody looked at."""
    here = [(s, summary[s]["methods"]) for s in ("single", "clutter") if "reserved" in summary[s]["methods"]["planner"]]
    out = []
    for setting, methods in here:
        out += ["", f"Of these, the categories whose failures were not studied ({SETTINGS[setting]}):", ""]
        out += ["| class | planner | PCA |", "| --- | --- | --- |"]
        columns = [methods[m]["reserved"] for m in ("planner", "pca")]
        for kind in ("container, by its rim", "wide, by a part"):
            out.append(f"| {kind} | " + " | ".join(percent(c["by_class"][kind]) if kind in c["by_class"] else "-" for c in columns) + " |")
        out.append("| all | " + " | ".join(percent(c) for c in columns) + " |")
    return out


def tables(summary: dict) -> str:
    """The measured part of docs/grasping.md."""
    out = ["| | single objects | in clutter |", "| --- | --- | --- |"]
    for method, name in NAMES.items():
        cells = [percent(summary[s]["methods"][method]) for s in ("single", "clutter")]
        out.append(f"| {name} | {cells[0]} | {cells[1]} |")
    for method in ("pca", "random"):
        cells = [points(summary[s]["gain_over"][method]) for s in ("single", "clutter")]
        out.append(f"| this planner over {NAMES[method]} | {cells[0]} | {cells[1]} |")
    out += untouched(summary["clutter"])
    out += ["", "By class of object, this planner and the PCA baseline:", ""]
    out += ["| class | single, planner | single, PCA | clutter, planner | clutter, PCA |", "| --- | --- | --- | --- | --- |"]
    methods = {(s, m): summary[s]["methods"][m]["by_class"] for s in ("single", "clutter") for m in ("planner", "pca")}
    for kind in sorted(set().union(*methods.values())):
        empty = {"n": 0, "rate": 0, "held": 0, "ci95": [0, 1]}
        cells = [percent(methods[key].get(kind, empty)) for key in methods]
        out.append(f"| {kind} | " + " | ".join(cells) + " |")
    out += reserved_part(summary)
    out += ["", "Failures by cause:", "", "| cause | single, planner | PCA | clutter, planner | PCA |", "| --- | --- | --- | --- | --- |"]
    for cause, words in CAUSES.items():
        cells = [str(summary[s]["methods"][m]["failures"].get(cause, 0)) for s in ("single", "clutter") for m in ("planner", "pca")]
        out.append(f"| {cause}: {words} | " + " | ".join(cells) + " |")
    beyond = summary["single"]["not_holdable"]
    counts = beyond["outcomes"]
    out += [
        "",
        f"By their true shape {beyond['n']} single poses cannot be held from above. Of these the planner refused "
        f"{counts.get('refused', 0)}, held {counts.get('held', 0)}, and failed at "
        f"{beyond['n'] - counts.get('refused', 0) - counts.get('held', 0)}.",
    ]
    return "\n".join(out)


def contact_sheet(tiles: Path, out: Path) -> None:
    """Nine successes and nine failures (fewer where there are fewer), before, closing, lifted."""
    files = sorted(tiles.glob("*.jpg"))
    rng = np.random.default_rng(3)
    held = [f for f in files if f.stem.endswith("-held")]
    lost = [f for f in files if not f.stem.endswith(("-held", "-refused"))]
    chosen = []
    for group in (held, lost):
        chosen += [group[k] for k in sorted(rng.permutation(len(group))[:9])]
    rows = -(-len(chosen) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE[0], rows * (TILE[1] + 14)), "white")
    draw = ImageDraw.Draw(sheet)
    for k, file in enumerate(chosen):
        x, y = (k % COLUMNS) * TILE[0], (k // COLUMNS) * (TILE[1] + 14)
        sheet.paste(Image.open(file), (x, y))
        draw.text((x + 3, y + TILE[1] + 1), file.stem.split("-", 1)[1], fill="black")
    sheet.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(out, optimize=True)


def quoted(text: str, summary: dict) -> str:
    """A page whose marked figures (`92 %<!-- grasp-physics.json single/… * 100 -->`) are those of the summary."""

    def value(match: re.Match[str]) -> str:
        found: Any = summary
        for key in match["path"].split("/"):
            found = found[key]
        return f"{found * float(match['factor'] or 1):.0f}{match['tail']}"

    pattern = r"[\d.]+(?P<tail>[^<\d]*<!-- grasp-physics\.json (?P<path>\S+)(?: \* (?P<factor>\d+))? -->)"
    return re.sub(pattern, value, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, help="JSON lines of evaluate.py")
    parser.add_argument("--tiles", type=Path, help="its images")
    parser.add_argument("--half", default="unseen")
    parser.add_argument("--command", default="python simulation/regenerate.py", help="the command that made the rows")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.rows.read_text().splitlines()]
    results = ROOT / "docs" / "results"
    results.mkdir(parents=True, exist_ok=True)
    earlier = results / "grasp-physics.json"
    before = json.loads(earlier.read_text()) if earlier.exists() else {}
    summary = {
        "command": "python simulation/regenerate.py",
        "objects": args.half,
        "categories": len({r["category"] for r in rows}),
        "distinct_objects": len({r["object"] for r in rows}),
        # A setting that was not run keeps its earlier result, with the command of then.
        **{setting: before[setting] for setting in SETTINGS if setting in before},
        **{setting: {"command": args.command, **part} for setting, part in summarise(rows).items()},
    }
    (results / "grasp-physics.json").write_text(json.dumps(summary, indent=1) + "\n")
    if args.tiles:
        contact_sheet(args.tiles, results / "grasp-physics.png")
    readme = ROOT / "README.md"
    if readme.exists():
        readme.write_text(quoted(readme.read_text(), summary))
    page = ROOT / "docs" / "grasping.md"
    text = page.read_text()
    begin, end = "<!-- measured: begin -->", "<!-- measured: end -->"
    head, rest = text.split(begin)
    page.write_text(head + begin + "\n" + tables(summary) + "\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    main()
