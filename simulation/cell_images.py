"""
The cell's first images as a data set for `grasp-grounding eval`: what the cell asks for, without moving the arm. It needs no ROS.

    python simulation/cell_images.py --seed 32 --scenes 50 --out FOLDER
    npx grasp-grounding eval --effort careful FOLDER/eval.jsonl
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":  # MuJoCo reads it while it is imported
    os.environ.setdefault("MUJOCO_GL", "osmesa")

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "cell"))

import mujoco  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from tqdm import tqdm  # noqa: E402

from scene import HEIGHT, WIDTH, view_options  # noqa: E402
from table import GROUP_ARM, GROUP_THINGS, World, build, candidates  # noqa: E402

NOBODY = 255


def look(world: World) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Colour; the index of the object that each pixel shows; the pixels that each object would have without the others."""
    model, data = world.model, world.data
    options = view_options({GROUP_THINGS, GROUP_ARM})
    object_of = np.full(model.ngeom + 1, NOBODY, np.uint8)  # the last row: no geom
    bodies = [model.body(each.body).id for each in world.objects]
    for index, body in enumerate(bodies):
        object_of[:-1][model.geom_bodyid == body] = index
    with mujoco.Renderer(model, HEIGHT, WIDTH) as renderer:
        renderer.update_scene(data, "eye", options)
        colour = renderer.render().copy()
        renderer.enable_segmentation_rendering()

        def ids() -> np.ndarray:
            renderer.update_scene(data, "eye", options)
            return object_of[renderer.render()[..., 0]]

        shown = ids()
        groups = model.geom_group.copy()
        alone = []
        for index, body in enumerate(bodies):
            model.geom_group[np.isin(model.geom_bodyid, [b for b in bodies if b != body])] = 5
            alone.append(int((ids() == index).sum()))
            model.geom_group[:] = groups
    return colour, shown, alone


def asked_of(world: World, seed: int, shown: np.ndarray, alone: list[int], absent: int) -> list[dict]:
    """
    A query for each object that the cell could ask for, and for some that are not on the table. `asked` is `target` for the one
    that run_scenes.py would ask for.
    """
    rng = np.random.default_rng([seed, world.number, 6])
    rows = []
    for index, each in enumerate(world.objects):
        v, u = np.nonzero(shown == index)
        if len(u) < 250 or len(u) < 0.7 * alone[index] or not world.could_be_held(each):
            continue
        box = [int(u.min()), int(v.min()), int(u.max()) + 1, int(v.max()) + 1]
        if box[0] == 0 or box[1] == 0 or box[2] == WIDTH or box[3] == HEIGHT:
            continue
        rows.append({"query": f"pick up the {each.name}", "box": box, "object": each.asset.id, "asked": "other"})
    if rows:  # as target_of of run_scenes.py, which needs ROS
        rows[int(np.random.default_rng([seed, world.number, 5]).integers(len(rows)))]["asked"] = "target"
    there = {each.asset.category for each in world.objects}
    others = [a for a in candidates() if a.category not in there]
    for k in rng.permutation(len(others))[:absent]:
        rows.append({"query": f"pick up the {others[k].names[0]}", "absent": True, "object": others[k].id, "asked": "absent"})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenes", type=int, default=50)
    parser.add_argument("--absent", type=int, default=3, help="queries a scene for objects that are not on the table")
    parser.add_argument("--out", type=Path, required=True, help="folder of eval.jsonl and its images")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "eval.jsonl").open("w") as out:
        for number in tqdm(range(1, args.scenes + 1)):
            world = build(number, args.seed)
            colour, shown, alone = look(world)
            name = f"{number:03}.png"
            Image.fromarray(colour).save(args.out / name)
            for row in asked_of(world, args.seed, shown, alone, args.absent):
                out.write(json.dumps({"image": name, **row}) + "\n")


if __name__ == "__main__":
    main()
