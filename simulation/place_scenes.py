"""Seeded scenes in the cell: "put X in/on/next to Y", over ROS 2, and whether X ends up there. Resumable, as run_scenes.py."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from PIL import Image as PilImage
from std_srvs.srv import Trigger

sys.path.insert(0, str(Path(__file__).resolve().parent / "cell"))
from client import ROOT, Process, Timeout, start_cell, use_own_domain, wait_for
from run_scenes import Driver, start_node
from table import build

RELATIONS = ("in", "on", "next to", "to the left of", "to the right of", "in front of")
#: Beside means no farther than this from edge to edge, and the landmark moved no more than this, in metres.
NEAR, MOVED = 0.15, 0.04
#: What ~/reset answers where nothing has to be reset.
NOT_LATCHED = "no emergency stop is latched"
#: Words that take a name apart as a command.
SPLITTING = (" and ", " or ", " in ", " on ", " of ", " with ", " for ", " to ", " not ", ",")


class Solid:
    """An object where it lies: the vertices of its convex parts in the world."""

    def __init__(self, asset: Any, state: dict[str, Any]) -> None:
        rotation = np.array(state["rotation"]).reshape(3, 3)
        self.points = np.concatenate(asset.hulls()) @ rotation.T + np.array(state["origin"])
        self.low, self.high = self.points.min(0), self.points.max(0)
        self.middle = (self.low + self.high) / 2
        self.upright = rotation[2, 2] > 0.95
        self.container = asset.container

    def gap(self, other: Solid) -> float:
        """Least horizontal distance of the vertices; those of meshes are dense."""
        a, b = self.points[:, None, :2], other.points[None, :, :2]
        return float(np.sqrt(((a - b) ** 2).sum(-1)).min())


def solids(driver: Driver, assets: dict[str, Any]) -> dict[str, Solid]:
    return {t["name"]: Solid(assets[t["name"]], t) for t in driver.cell["things"]}


def could_be(relation: str, x: Solid, y: Solid) -> bool:
    """Whether the relation can hold for these two by their true shapes."""
    size_x, size_y = x.high - x.low, y.high - y.low
    if relation == "in":
        return y.container and y.upright and max(size_x[:2]) < 0.8 * min(size_y[:2]) - 0.01
    if relation == "on":
        level = (y.points[:, 2] > y.high[2] - 0.01).mean() > 0.2 and not y.container
        return level and size_y[2] < 0.12 and min(size_y[:2]) > max(0.06, 0.8 * max(size_x[:2]))
    return size_y[2] < 0.25


def choose(cell: dict[str, Any], shapes: dict[str, Solid], seed: int, relation: str) -> tuple[str, str] | None:
    """What to put where: an object that the gripper can take, and another that the camera sees well."""
    plain = [t for t in cell["things"] if not any(word in t["name"] for word in SPLITTING)]
    fit = [t["name"] for t in plain if t["holdable"] and t["visible"] >= 0.7 and t["pixels"] >= 250 and not t["border"]]
    marks = [t["name"] for t in plain if t["visible"] >= 0.7 and t["pixels"] >= 400 and not t["border"]]
    pairs = [(x, y) for x in fit for y in marks if x != y and could_be(relation, shapes[x], shapes[y])]
    return pairs[int(np.random.default_rng([seed, cell["scene"], 9]).integers(len(pairs)))] if pairs else None


def holds(relation: str, x: Solid, y: Solid) -> bool:
    """Whether X is there now. The camera looks along -x of the world, so the viewer's left is the world's -y."""
    apart = x.middle - y.middle
    inside = bool((x.middle[:2] > y.low[:2]).all() and (x.middle[:2] < y.high[:2]).all())
    if relation == "in":
        return inside and x.low[2] < y.high[2] - 0.005
    if relation == "on":
        return inside and x.low[2] > y.high[2] - 0.03
    if x.low[2] > 0.02 or x.gap(y) > NEAR:
        return False
    if relation == "next to":
        return True
    direction = {"to the left of": [0, -1], "to the right of": [0, 1], "in front of": [1, 0]}[relation]
    along = float(apart[:2] @ np.array(direction))
    return along > 0.02 and along > 0.8 * float(np.linalg.norm(apart[:2] - along * np.array(direction)))


def cleared(driver: Driver) -> bool:
    """Whether no stop is latched any more."""
    answer = driver.wait(driver.reset.call_async(Trigger.Request()))
    return answer.success or answer.message == NOT_LATCHED


def run(driver: Driver, number: int, seed: int, images: Path | None) -> dict[str, Any]:
    """One scene: the first relation, from a seeded one on, that two of its objects allow."""
    began = time.monotonic()
    cell = driver.scene(number)
    # A stop that an earlier scene latched is that scene's failure, not this one's.
    wait_for("a reset", lambda: cleared(driver), every=0.3)
    assets = {t.name: t.asset for t in build(number, seed).objects}
    before = solids(driver, assets)
    row: dict[str, Any] = {"scene": number, "seed": seed}
    first = number % len(RELATIONS)
    for relation in RELATIONS[first:] + RELATIONS[:first]:
        pair = choose(cell, before, seed, relation)
        if pair:
            break
    else:
        return row | {"outcome": "no target"}
    x, y = pair
    row |= {"relation": relation, "object": x, "landmark": y, "query": f"put the {x} {relation} the {y}"}
    shot = driver.latest.get("camera/color/image_raw")
    answer, stages = driver.grasp(row["query"])
    time.sleep(0.8)
    driver.update()
    after = solids(driver, assets)
    names = [s for _, s in stages]
    there = holds(relation, after[x], after[y])
    still = float(np.linalg.norm(after[y].middle[:2] - before[y].middle[:2])) < MOVED
    if there and still and answer.result.success:
        outcome = "there"
    elif "lift" not in names:
        outcome = "not taken"
    elif "lower" not in names:
        outcome = "no place" if "held" in answer.result.message else f"motion: {names[-1]}"
    elif not still:
        outcome = "landmark moved"
    else:
        outcome = "elsewhere"
    row |= {
        "outcome": outcome,
        "message": answer.result.message,
        "stages": stages,
        "offset": [round(float(v), 3) for v in after[x].middle - after[y].middle],
        "gap": round(after[x].gap(after[y]), 3),
        "seconds": round(time.monotonic() - began, 1),
    }
    if images and shot is not None:
        side = np.concatenate([shot, driver.latest["camera/color/image_raw"]], axis=1)
        PilImage.fromarray(side).save(images / f"place-{number:03}-{outcome.split(':')[0].replace(' ', '-')}.jpg", quality=85)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=50, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=101, help="other tables than those of run_scenes.py")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mode", default="oracle", choices=["oracle", "bundled"])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "sim" / "places.jsonl", help="JSON lines, one a scene")
    parser.add_argument("--images", action="store_true", help="save before and after of each scene next to --out")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long; run again to go on")
    args = parser.parse_args()
    use_own_domain()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    done = {json.loads(line)["scene"] for line in args.out.read_text().splitlines()} if args.out.exists() else set()
    todo = [n for n in range(args.first, args.first + args.scenes) if n not in done]
    images = args.out.parent / "images" if args.images else None
    if images:
        images.mkdir(exist_ok=True)
    until = time.monotonic() + args.minutes * 60
    truth = Path(tempfile.mkdtemp(prefix="truth-"))
    rclpy.init()
    cell: Process | None = None
    node: Process | None = None
    left = 0
    try:
        if todo:
            cell = start_cell({"truth": truth, "seed": args.seed, "scene": todo[0]}, args.out.parent / "cell.log")
            node = start_node(args.mode, truth, args.out.parent / f"node-places-{args.mode}.log")
            driver = Driver(truth)
            driver.record("camera/color/image_raw")
            wait_for("the node's action", driver.grasper.server_is_ready, 90)
            wait_for("the node's reset", driver.reset.service_is_ready)
            time.sleep(1.5)  # camera, TF and joint states connect
        for number in todo:
            if time.monotonic() > until:
                left += 1
                continue
            try:
                row = run(driver, number, args.seed, images)
            except Timeout as problem:
                row = {"scene": number, "seed": args.seed, "outcome": "no answer", "message": str(problem)}
            with args.out.open("a") as out:
                out.write(json.dumps(row) + "\n")
            print(f"{number}: {row['outcome']}: {row.get('query', '')}; {row.get('message', '')} ({row.get('seconds')} s)", flush=True)
    finally:
        if node:
            node.stop()
        if cell:
            cell.stop()
        rclpy.try_shutdown()
    if left:
        print(f"{left} scenes are left; run the same command again", file=sys.stderr)
        sys.exit(3)


if __name__ == "__main__":
    main()
