"""Clears heaps of objects in physics: how many of eight are taken within sixteen tries."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

if __name__ == "__main__":  # MuJoCo reads it while it is imported
    os.environ.setdefault("MUJOCO_GL", "osmesa")

import mujoco  # noqa: E402
import numpy as np  # noqa: E402

from assets import Asset, load_assets  # noqa: E402
from evaluate import touches_border  # noqa: E402
from execute import execute  # noqa: E402
from methods import Choice, Planner  # noqa: E402
from report import wilson  # noqa: E402
from scene import STROKE, Scene, Target, look_again, make_scene, park_gripper, place, targets_of  # noqa: E402

OBJECTS, TRIES = 8, 16
#: Where taken objects are put, far from the heap.
ASIDE = 3.0


#: Longest object of a heap.
LONGEST = 0.16


def fits(asset: Asset) -> bool:
    """Whether the object is small, and the gripper could take it in some pose: by its second extent, or by a container's wall."""
    extents = np.sort(np.ptp(np.concatenate(asset.hulls()), axis=0))
    return extents[2] < LONGEST and (asset.container or extents[1] < 0.9 * STROKE)


def best_target(scene: Scene, planner: Planner, failed: dict[str, list[dict]], left: set[str], rng: np.random.Generator) -> tuple[Target, Choice] | None:
    """The object with the best grasp of all that are left and seen."""
    found: list[tuple[float, int, Target, Choice]] = []
    for k, target in enumerate(targets_of(scene)):
        if target.name not in left or target.mask.sum() < 250:
            continue
        choice = planner.choose(scene, target.mask, rng, tuple(failed.get(target.name, ())))
        if choice.position is not None:
            found.append((choice.score, -k, target, choice))
    return max(found)[2:] if found else None


def clear(number: int, assets: list[Asset], seed: int, planner: Planner) -> dict:
    """One heap."""
    rng = np.random.default_rng([seed, 88, number])
    chosen = [assets[k] for k in rng.choice(len(assets), OBJECTS, replace=False)]
    scene = make_scene(chosen, [bool(rng.random() < 0.5) and a.stands for a in chosen], rng, textured=False)
    left = set(scene.names)
    failed: dict[str, list[dict]] = {}
    tries: list[dict] = []
    idle = 0
    while left and len(tries) < TRIES and idle < 2:
        best = best_target(scene, planner, failed, left, rng)
        if best is None:
            idle += 1
            look_again(scene, rng)
            continue
        idle = 0
        target, choice = best
        assert choice.rotation is not None and choice.failed is not None
        outcome = execute(scene, target.name, choice.position, choice.rotation, choice.width)
        tries.append({"object": target.asset.id, "outcome": outcome, "score": round(choice.score, 3)})
        if outcome == "held":
            left.discard(target.name)
            park_gripper(scene.model, scene.data)
            at = np.array([ASIDE + int(target.name[1:]), ASIDE, 0.3])
            place(scene.model, scene.data, target.name, at, np.array([1.0, 0, 0, 0]))
            mujoco.mj_forward(scene.model, scene.data)
        else:
            failed.setdefault(target.name, []).append(choice.failed)
        look_again(scene, rng)
    kept = [t for t in targets_of(scene) if t.name in left]
    reasons = {t.asset.id: why_left(scene, planner, t, rng) for t in kept}
    return {"heap": number, "taken": OBJECTS - len(left), "tries": tries, "left": reasons}


def why_left(scene: Scene, planner: Planner, target: Target, rng: np.random.Generator) -> str:
    """Why an object has no grasp at the end."""
    if target.mask.sum() < 250:
        return "hidden"
    shape = "; cut off by the image's border" if touches_border(target.mask) else ""
    shape += "" if target.holdable else "; by its true shape it cannot be held from above as it lies"
    return (planner.choose(scene, target.mask, rng).reason or "no try was left") + shape


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=["tuning", "unseen"], default="unseen", help="which half of the objects")
    parser.add_argument("--heaps", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, one a heap; heaps in it are not run again")
    args = parser.parse_args()
    assets = [a for a in load_assets() if a.half == args.half and fits(a)]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.exists() else []
    planner = Planner()
    for number in range(args.first, args.first + args.heaps):
        if any(r["heap"] == number for r in rows):
            continue
        rows.append(clear(number, assets, args.seed, planner))
        with args.out.open("a") as out:
            out.write(json.dumps(rows[-1]) + "\n")
        print(f"heap {number}: {rows[-1]['taken']} of {OBJECTS} in {len(rows[-1]['tries'])} tries; left: {rows[-1]['left']}", flush=True)
    planner.close()
    taken, count = sum(r["taken"] for r in rows), OBJECTS * len(rows)
    low, high = wilson(taken, count)
    print(f"{100 * taken / count:.0f} % ({taken}/{count}; {100 * low:.0f} to {100 * high:.0f}) within {TRIES} tries")


if __name__ == "__main__":
    main()
