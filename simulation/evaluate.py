"""Measures grasp success in physics: our planner against two baselines, on single objects and in clutter."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

if __name__ == "__main__":  # MuJoCo reads it while it is imported
    os.environ.setdefault("MUJOCO_GL", "osmesa")

import mujoco  # noqa: E402
import numpy as np  # noqa: E402
from tqdm import tqdm  # noqa: E402

from assets import Asset, load_assets  # noqa: E402
from execute import execute  # noqa: E402
from methods import Choice, Planner, pca_top_down, random_on_mask  # noqa: E402
from sensing import DEPTHS, MOUNTS, SURFACES, Sensing  # noqa: E402
from scene import STROKE, Scene, Target, look_again, look_from, make_scene, render_colour, side_camera, targets_of  # noqa: E402

# Narrower than this the whole object fits between the fingers.
FITS = 0.9 * STROKE
SECOND_VIEWS = ("never", "when_unsure", "always", "both")
#: A plan is unsure where its best grasp scores less, or more of the object's sides is unseen.
UNSURE_SCORE, UNSURE_UNSEEN = 0.45, 0.4


def kind_of(target: Target) -> str:
    """Class of a target by how it lies."""
    rim = target.asset.container and target.upright
    if rim and target.width > FITS:
        return "container, by its rim"
    if rim:
        return "container, narrow"
    if target.width > FITS:
        return "wide, by a part"
    if target.height < 0.025:
        return "flat"
    if target.height > 0.12:
        return "tall"
    round_words = {"round", "cylindrical", "spherical", "rounded", "bottle-shaped", "oval", "pear-shaped", "ring-shaped"}
    if round_words & set(target.asset.shape):
        return "round"
    if {"rectangular", "square", "cubic", "boxy"} & set(target.asset.shape):
        return "box"
    return "other"


def touches_border(mask: np.ndarray) -> bool:
    """Whether the target is cut off by the image's border; such targets are left out."""
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def single_scenes(
    assets: list[Asset], poses: int, seed: int, textured: bool, sensing: Sensing, wanted: Callable[[int, str], bool]
) -> Iterator[tuple[str, Scene]]:
    for index, asset in enumerate(assets):
        for pose in range(poses):
            if not wanted(index * poses + pose, f"{asset.id}/{pose}"):
                continue
            rng = np.random.default_rng([seed, index, pose])
            yield f"{asset.id}/{pose}", make_scene([asset], [pose % 2 == 0 and asset.stands], rng, textured, sensing)


def clutter_scenes(
    assets: list[Asset], count: int, seed: int, textured: bool, sensing: Sensing, wanted: Callable[[int, str], bool]
) -> Iterator[tuple[str, Scene]]:
    for index in range(count):
        if not wanted(index, f"clutter{index}"):
            continue
        rng = np.random.default_rng([seed, 77, index])
        chosen = [assets[k] for k in rng.choice(len(assets), rng.integers(5, 9), replace=False)]
        upright = [bool(rng.random() < 0.5) and a.stands for a in chosen]
        yield f"clutter{index}", make_scene(chosen, upright, rng, textured, sensing)


def contact_tile(scene: Scene, mask: np.ndarray, shots: list[np.ndarray]) -> np.ndarray:
    """Crop around the target of each image, side by side."""
    v, u = np.nonzero(mask)
    half = int(np.clip(max(np.ptp(u), np.ptp(v)) * 0.9 + 40, 90, 230))
    cu, cv = int(np.clip(u.mean(), half, 639 - half)), int(np.clip(v.mean(), half, 479 - half))
    return np.concatenate([shot[cv - half : cv + half, cu - half : cu + half] for shot in shots], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=["tuning", "unseen", "studied", "reserved"], default="unseen",
                        help="which half of the objects, or which part of the unseen half")  # fmt: skip
    parser.add_argument("--poses", type=int, default=2, help="poses of each single object (even: upright, odd: dropped)")
    parser.add_argument("--clutter", type=int, default=120, help="clutter scenes")
    parser.add_argument("--targets", type=int, default=3, help="targets tried in each clutter scene")
    parser.add_argument("--limit", type=int, default=0, help="so many single objects, drawn at random (0: all)")
    parser.add_argument("--only", help="scenes to run again, by their labels, with commas (default: all)")
    parser.add_argument("--kinds", help="classes of targets as in the report, with semicolons (default: all)")
    parser.add_argument("--part", default="0/1", help="K/N: every Nth scene from the Kth on, to share the work")
    parser.add_argument("--methods", default="planner,pca,random")
    parser.add_argument("--attempts", type=int, default=1, help="tries of the planner; after a miss it looks again")
    parser.add_argument("--mount", choices=MOUNTS, default="tripod", help="where the camera is")
    parser.add_argument("--depth", choices=DEPTHS, default="stereo", help="the kind of depth camera")
    parser.add_argument("--surface", choices=SURFACES, default="opaque", help="shiny objects have holes in their depth; through clear ones the table is measured")
    parser.add_argument("--second-view", choices=SECOND_VIEWS, default="never",
                        help="another image, from where the plan says; 'both' carries out both plans of each scene")  # fmt: skip
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, one a grasp")
    parser.add_argument("--tiles", type=Path, help="folder for images of each of the planner's grasps")
    parser.add_argument("--view", choices=["camera", "side"], default="camera", help="where the images are taken from")
    parser.add_argument("--options", type=json.loads, default={}, help="planner options as JSON")
    args = parser.parse_args()

    assets = [a for a in load_assets() if args.half in (a.half, a.part)]
    singles = assets
    if args.limit:
        singles = [assets[k] for k in np.random.default_rng(args.seed).permutation(len(assets))[: args.limit]]
    kinds = set(args.kinds.split(";")) if args.kinds else None
    only = set(args.only.split(",")) if args.only else set()
    part, parts = (int(x) for x in args.part.split("/"))

    def wanted(number: int, label: str) -> bool:
        return number % parts == part and (not only or label in only)

    planner = Planner(args.options)
    choosers = {"planner": planner.choose, "pca": pca_top_down, "random": random_on_mask}
    methods = args.methods.split(",")
    textured = args.tiles is not None
    sensing = Sensing(args.mount, args.depth, args.surface)
    if args.tiles:
        args.tiles.mkdir(parents=True, exist_ok=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    jobs: list[tuple[str, int, Iterator[tuple[str, Scene]]]] = [
        ("single", len(singles) * args.poses, single_scenes(singles, args.poses, args.seed, textured, sensing, wanted)),
        ("clutter", args.clutter, clutter_scenes(assets, args.clutter, args.seed, textured, sensing, wanted)),
    ]
    with args.out.open("w") as out:
        for setting, total, scenes in jobs:
            for label, scene in tqdm(scenes, total=total // parts, desc=setting, mininterval=10):
                targets = [t for t in targets_of(scene) if t.mask.sum() >= 250 and not touches_border(t.mask)]
                if setting == "clutter":
                    targets = [t for t in targets if t.holdable and t.visible >= 0.7]
                    order = np.random.default_rng([args.seed, len(label), targets and int(targets[0].mask.sum())])
                    targets = [targets[k] for k in order.permutation(len(targets))[: args.targets]]
                for target in targets:
                    if kinds is not None and kind_of(target) not in kinds:
                        continue
                    for method in methods:
                        row = attempt(scene, target, method, choosers[method], args, f"{setting}-{label}")
                        row.update(setting=setting, scene=label)
                        out.write(json.dumps(row) + "\n")
                    out.flush()
    planner.close()


def with_retries(
    scene: Scene,
    target: Target,
    choice: Choice,
    outcomes: list[str],
    choose: Callable[..., Choice],
    carry_out: Callable[[Choice], str],
    attempts: int,
    rng: np.random.Generator,
) -> list[str]:
    """The outcomes of all tries, as src/arm/control/grasp-attempts.ts makes them; the scene is as before afterwards."""
    before = scene.state.copy(), scene.depth, scene.clean_depth, scene.segmentation
    failed: list[dict] = []
    while outcomes[-1] != "held" and len(outcomes) < attempts and outcomes[-2:] != ["refused", "refused"]:
        if choice.failed is not None:
            failed.append(choice.failed)
        look_again(scene, rng)
        mask = next(t.mask for t in targets_of(scene) if t.name == target.name)
        if mask.sum() < 250:
            outcomes.append("out of sight")
            break
        choice = choose(scene, mask, rng, tuple(failed))
        outcomes.append(carry_out(choice))
    scene.state, scene.depth, scene.clean_depth, scene.segmentation = before
    return outcomes


def attempt(scene: Scene, target: Target, method: str, choose, args: argparse.Namespace, label: str) -> dict:
    """Plans and carries out one grasp."""
    rng = np.random.default_rng([args.seed, int(target.mask.sum())])
    scene.restore()
    begin = time.perf_counter()
    choice = choose(scene, target.mask, rng)
    planned = time.perf_counter() - begin
    first = choice
    fused: Choice | None = None
    unsure = choice.position is None or choice.score < UNSURE_SCORE or (choice.unseen or 0) > UNSURE_UNSEEN
    if method == "planner" and choice.next_views and (args.second_view in ("always", "both") or (args.second_view == "when_unsure" and unsure)):
        fused = choose(scene, target.mask, rng, second=look_from(scene, target.name, choice.next_views[0], rng))
        if args.second_view != "both":
            choice = fused
    shots: list[np.ndarray] = []
    watch = None
    if args.tiles and method == "planner":
        side = args.view == "side" and choice.position is not None and choice.rotation is not None
        eye = side_camera(choice.position, choice.rotation) if side else "eye"
        shots.append(render_colour(scene, with_gripper=False, camera=eye))

        def watch(_stage: str) -> None:
            shots.append(render_colour(scene, camera=eye))

    touched: set[str] = set()

    def carry_out(grasp: Choice) -> str:
        if grasp.position is None or grasp.rotation is None:
            return "refused"
        return execute(scene, target.name, grasp.position, grasp.rotation, grasp.width, watch, touched)

    outcome = carry_out(choice)
    outcomes = [outcome]
    if method == "planner" and args.attempts > 1:
        outcomes = with_retries(scene, target, choice, outcomes, choose, carry_out, args.attempts, rng)
    second = {}
    if first.unseen is not None:
        second = {"unseen": round(first.unseen, 3), "unsure": unsure}
    if fused is not None:
        second |= {"unseen_after": None if fused.unseen is None else round(fused.unseen, 3), "overlap": round(fused.overlap or 0, 3)}
        if args.second_view == "both":
            second |= {"fused_outcome": carry_out(fused), "fused_score": round(fused.score, 3), "fused_reason": fused.reason}
    if watch:
        while len(shots) < 3:
            shots.append(shots[-1])
        from PIL import Image

        name = f"{label}-{target.asset.id}-{outcome}.jpg".replace("/", "_")
        tile = contact_tile(scene, target.mask, shots) if eye == "eye" else np.concatenate([s[90:390, 170:470] for s in shots], axis=1)
        Image.fromarray(tile).resize((360, 120)).save(args.tiles / name, quality=80)
    return {
        "method": method,
        "object": target.asset.id,
        "category": target.asset.category,
        "part": target.asset.part,
        "kind": kind_of(target),
        "holdable": target.holdable,
        "narrow": target.width <= FITS,
        "upright": target.upright,
        "width": round(target.width, 4),
        "height": round(target.height, 4),
        "visible": round(target.visible, 3),
        "outcome": outcome,
        "attempts": outcomes,
        **second,
        "touched": len(touched),
        "reason": choice.reason,
        "refusal": choice.refusal,
        "score": round(choice.score, 3),
        "tilt": None if choice.rotation is None else round(float(-choice.rotation[2, 2]), 3),
        "opening": round(choice.width, 4),
        "plan_ms": round(choice.milliseconds or planned * 1000, 2),
    }


if __name__ == "__main__":
    main()
