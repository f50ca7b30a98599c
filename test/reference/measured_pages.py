"""What the measured parts of pages have to say, from the committed results by the scripts that write those parts. JSON to stdout."""

import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def module(path: str):
    file = ROOT / path
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(path.replace("/", "_").removesuffix(".py"), file)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    sys.path.pop(0)
    return loaded


def result(name: str):
    return json.loads((ROOT / "docs" / "results" / name).read_text())


card = module("models/training/report.py")
print(
    json.dumps(
        {
            "docs/model-card.md": [card.tables(result("model-lite.json")), card.size_table(result("model-lite.json"))],
            "docs/grasping.md": [module("simulation/report.py").tables(result("grasp-physics.json"))],
            "docs/simulation.md": [module("simulation/cell_report.py").table(result("sim-cell.json")["summary"])],
        }
    )
)
