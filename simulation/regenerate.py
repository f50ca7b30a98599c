"""Compiles the planner, evaluates it in physics on the objects it was not tuned on, and rewrites the docs. Some ten minutes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Number of failures and of successes that are drawn.
DRAWN = 9


def evaluate(parts: int, folder: Path, more: list[str]) -> list[str]:
    """The rows of evaluate.py, its scenes shared out over processes."""
    environment = {**os.environ, "GRASP_GROUNDING_DIST": str(ROOT / "dist" / "src"), "MUJOCO_GL": os.environ.get("MUJOCO_GL", "osmesa")}
    command = [sys.executable, str(HERE / "evaluate.py"), "--half", "unseen", *sys.argv[1:], *more]
    files = [folder / f"rows{k}.jsonl" for k in range(parts)]
    running = [
        subprocess.Popen([*command, "--part", f"{k}/{parts}", "--out", str(file)], env=environment)
        for k, file in enumerate(files)
    ]
    if any([each.wait() for each in running]):
        raise SystemExit("an evaluation failed")
    return sorted(line for file in files for line in file.read_text().splitlines())


def drawn(lines: list[str]) -> str:
    """Labels of scenes to draw, chosen at random."""
    rows = [r for r in map(json.loads, lines) if r["method"] == "planner" and r["outcome"] != "refused" and r["holdable"]]
    rng = np.random.default_rng(3)
    groups = [[r["scene"] for r in rows if (r["outcome"] == "held") == held] for held in (True, False)]
    return ",".join({label for group in groups for label in rng.permutation(group)[:DRAWN]})


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = os.environ.get("NODE", "node")
        compiler = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
        subprocess.run([node, compiler, "-p", ROOT / "tsconfig.build.json"], cwd=ROOT, check=True)
        lines = evaluate(min(8, os.cpu_count() or 1), folder, [])
        rows, tiles = folder / "rows.jsonl", folder / "tiles"
        rows.write_text("\n".join(lines) + "\n")
        evaluate(1, folder, ["--only", drawn(lines), "--methods", "planner", "--tiles", str(tiles)])
        said = shlex.join(["python", "simulation/regenerate.py", *sys.argv[1:]])
        subprocess.run([sys.executable, HERE / "report.py", rows, "--tiles", tiles, "--command", said], check=True)


if __name__ == "__main__":
    main()
