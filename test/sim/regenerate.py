"""Compiles the planner, evaluates it in physics on the objects it was not tuned on, and rewrites the docs. About half an hour."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        dist = ROOT / "dist"
        node = os.environ.get("NODE", "node")
        compiler = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
        subprocess.run([node, compiler, "-p", ROOT / "tsconfig.build.json"], cwd=ROOT, check=True)
        rows, tiles = Path(folder) / "rows.jsonl", Path(folder) / "tiles"
        environment = {**os.environ, "GRASP_GROUNDING_DIST": str(dist)}
        evaluate = [sys.executable, HERE / "evaluate.py", "--half", "unseen", "--out", rows, "--tiles", tiles]
        subprocess.run(evaluate + sys.argv[1:], check=True, env=environment)
        subprocess.run([sys.executable, HERE / "report.py", rows, "--tiles", tiles], check=True)


if __name__ == "__main__":
    main()
