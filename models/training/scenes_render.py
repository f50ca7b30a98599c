"""Renders the synthetic data set: scenes of scanned and procedural things, three views each, with exact masks.

    MUJOCO_GL=osmesa python models/training/scenes_render.py --out DIR [--scenes 2200] [--workers 2] [--from 0]

Writes `<out>/images/*.jpg` and appends complete lines to `<out>/annotations.jsonl`, so that training can start on a part.
Resumable: finished scenes are named in `<out>/done.txt`. Every scene depends on --seed and its own number alone.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import math
import multiprocessing as mp
import os
import time
from pathlib import Path

if __name__ == "__main__":  # MuJoCo reads it while it is imported
    os.environ.setdefault("MUJOCO_GL", "osmesa")

import cv2
import mujoco
import numpy as np
from pycocotools import mask as coco
from tqdm import tqdm

from scenes.arrange import arrange
from scenes.assets import Assets
from scenes.colours import BASE, INDEX, WORDS, shares, words_of
from scenes.compile import compile_scene
from scenes.draw import Rand
from scenes.place import Scene

W, H = 640, 480
VIEWS = 3
LEAST_VISIBLE = 0.35
LEAST_PIXELS = 150
FIRST_WIDE = 2200
"""Scenes from this number on are for training only and of the wider mix of layouts; those before it hold the test and
validation scenes, which stay as they were first measured."""


def split_of_scene(number: int) -> str:
    return {0: "val", 1: "test"}.get(number % 22, "train")


def look_at(eye: np.ndarray, target: np.ndarray, roll: float) -> np.ndarray:
    """Camera axes in the world (columns right, up, back), MuJoCo's convention."""
    back = eye - target
    back /= np.linalg.norm(back)
    right = np.cross([0, 0, 1.0], back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    c, s = math.cos(roll), math.sin(roll)
    return np.stack([right * c + up * s, up * c - right * s, back], 1)


def camera(scene: Scene, rng: np.random.Generator, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Eye, axes and vertical field of view of a robot's or a standing person's look at the things."""
    fov_y = float(rng.uniform(36, 55))
    target = points.mean(0) if len(points) else scene.centre
    target = target + rng.normal(0, scene.extent * 0.12, 3) * [1, 1, 0.4]
    if scene.layout == "shelf":
        el, az = math.radians(rng.uniform(-4, 28)), math.radians(-90 + rng.normal(0, 16))
        target = scene.centre + rng.normal(0, 0.04, 3)
    elif scene.layout == "bin":
        el, az = math.radians(rng.uniform(48, 86)), rng.uniform(0, 2 * math.pi)
    elif scene.layout == "drawer":
        el, az = math.radians(rng.uniform(42, 80)), math.radians(-90 + rng.normal(0, 20))
    else:
        el = math.radians(float(np.clip(rng.normal(40, 15), 16, 76)))
        az = rng.uniform(0, 2 * math.pi) if rng.random() < 0.75 else math.radians(-90 + rng.normal(0, 25))
    fit = (scene.extent + 0.06) / math.tan(math.radians(fov_y / 2)) / 1.12
    dist = float(np.clip(fit * rng.uniform(0.72, 1.25), 0.34, 1.5 if scene.layout != "shelf" else 2.0))
    wall = scene.info.get("walls")
    direction = np.array([math.cos(az) * math.cos(el), math.sin(az) * math.cos(el), math.sin(el)])
    if wall:
        dist = min(dist, (wall - 0.05) / max(abs(direction[0]), abs(direction[1]), 1e-6))
    eye = target + dist * direction
    return eye, look_at(eye, target, math.radians(rng.normal(0, 2.0))), fov_y


def silhouette(verts: np.ndarray, faces: np.ndarray, focal: float) -> float:
    """Area in pixels of the whole thing's projection, unoccluded and also beyond the picture's border."""
    z = np.maximum(-verts[:, 2], 0.03)
    k = 0.5
    px = np.stack([(W * k / 2 + W * k / 2) + verts[:, 0] / z * focal * k, (H * k / 2 + H * k / 2) - verts[:, 1] / z * focal * k], 1)
    pts = np.round(px * 16).astype(np.int32)
    canvas = np.zeros((int(H * k * 2), int(W * k * 2)), np.uint8)
    for tri in pts[faces]:
        cv2.fillConvexPoly(canvas, tri, 1, lineType=cv2.LINE_8, shift=4)
    return float(canvas.sum()) / (k * k)


def photograph(rgb: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, int, dict]:
    """What a real camera does to the picture: exposure, tint, blur, noise; the JPEG quality to store with; notes."""
    x = rgb.astype(np.float32) / 255
    note: dict = {}
    r = rng.random()
    gain = float(np.exp(rng.normal(0.04, 0.14)))
    if r < 0.09:
        gain = float(rng.uniform(0.22, 0.5))
        note["dark"] = True
    elif r < 0.12:
        gain = float(rng.uniform(1.3, 1.55))
    # Dim rooms in a dark exposure would be all black, pale ones in a bright one all white.
    gain = max(min(gain, 1.2 / max(float(np.percentile(x, 90)), 0.05)), 0.1 / max(float(x.mean()), 0.02))
    x = x * gain * (1 + rng.normal(0, 0.035, 3)).astype(np.float32)
    if rng.random() < 0.3:  # vignette
        yy, xx = np.mgrid[-1:1:H * 1j, -1:1:W * 1j]
        x *= (1 - rng.uniform(0.05, 0.35) * (xx ** 2 + yy ** 2) / 2)[..., None].astype(np.float32)
    contrast = float(rng.uniform(0.88, 1.12))
    x = (x - 0.45) * contrast + 0.45 if not note else x
    r = rng.random()
    if r < 0.25:
        x = cv2.GaussianBlur(x, (0, 0), float(rng.uniform(0.5, 1.5)))
    elif r < 0.31:
        n = int(rng.integers(3, 8))
        kernel = np.zeros((n, n), np.float32)
        kernel[n // 2] = 1 / n
        kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D((n / 2 - 0.5, n / 2 - 0.5), float(rng.uniform(0, 180)), 1), (n, n))
        x = cv2.filter2D(x, -1, kernel / max(kernel.sum(), 1e-6))
    sigma = float(rng.uniform(0.0, 0.02) if not note else rng.uniform(0.01, 0.035))
    if sigma > 0.003:
        x = x + rng.normal(0, sigma, x.shape).astype(np.float32)
    return np.clip(x * 255, 0, 255).astype(np.uint8), int(rng.integers(55, 96)), note


def measure_colours(pixels: np.ndarray, described: list[str], white: float) -> tuple[list[str], dict[str, float]]:
    """True words of a thing from its own pixels, evened for the scene's brightness, and every word's share."""
    lit = np.clip(pixels.astype(np.float32) * white, 0, 255).astype(np.uint8)
    share = shares(lit)
    words = words_of(share, described if described else None)
    return words, {WORDS[i]: round(float(v), 3) for i, v in enumerate(share) if v >= 0.05}


def label_renderer(model: mujoco.MjModel, renderer: mujoco.Renderer) -> mujoco.Renderer:
    """A renderer for labels: one that does not multisample, since between two things the mean of two labels is a third's.
    That of the picture where its back end does not multisample anyway (OSMesa)."""
    samples = model.vis.quality.offsamples
    if renderer._mjr_context.offSamples == 0:
        return renderer
    model.vis.quality.offsamples = 0
    try:
        return mujoco.Renderer(model, H, W)
    finally:
        model.vis.quality.offsamples = samples


def aim(renderer: mujoco.Renderer, data: mujoco.MjData, cam: mujoco.MjvCamera, eye, axes, fov: float) -> None:
    """Sets the scene and its camera: `axes` are the camera's right, up and backwards in the world, `fov` vertical degrees."""
    renderer.update_scene(data, cam)
    for glcam in renderer.scene.camera:
        glcam.pos[:] = eye
        glcam.forward[:] = -axes[:, 2]
        glcam.up[:] = axes[:, 1]
        top = glcam.frustum_near * math.tan(math.radians(fov / 2))
        glcam.frustum_top, glcam.frustum_bottom, glcam.frustum_center = top, -top, 0
        glcam.frustum_width = top * W / H


def render_scene(number: int, seed: int, assets: Assets, out: Path) -> list[str]:
    rng = Rand(np.random.PCG64([seed, number]))
    wide = number >= FIRST_WIDE
    split = "train" if wide else split_of_scene(number)
    for _ in range(6):
        scene = arrange(assets, split, rng, wide)
        if len(scene.placed) >= 2:
            break
    model, data, geoms = compile_scene(scene, assets, rng)
    count = len(scene.placed)
    world: list[tuple[np.ndarray, np.ndarray]] = []
    centres, tops = [], []
    for k, p in enumerate(scene.placed):
        body = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_BODY, f"o{k}")
        r, t = data.xmat[body].reshape(3, 3), data.xpos[body]
        vs, fs, off = [], [], 0
        for part in p.thing.parts:
            vs.append(part.verts @ r.T + t)
            fs.append(part.faces + off)
            off += len(part.verts)
        v = np.concatenate(vs)
        world.append((v, np.concatenate(fs)))
        centres.append((v.max(0) + v.min(0)) / 2)
        tops.append(v[:, 2].max())
    inside: dict[int, int] = {}
    for k, p in enumerate(scene.placed):
        if p.inside is not None:
            box_v = world[p.inside][0]
            lo, hi = box_v.min(0), box_v.max(0)
            c = centres[k]
            span = (hi - lo)[:2] * 0.42
            if (abs(c[:2] - (lo + hi)[:2] / 2) < span).all() and lo[2] - 0.005 < world[k][0][:, 2].min() < hi[2]:
                inside[k] = p.inside
    # What has rolled off the table still shows on the floor and is annotated; the camera looks at what has stayed.
    kept = list(range(count))
    stayed = [k for k in kept if centres[k][2] > -0.1]
    if len(stayed) < 2:
        return []
    renderer = mujoco.Renderer(model, H, W)
    labels = label_renderer(model, renderer)
    lines = []
    cam = mujoco.MjvCamera()
    cam.type = mujoco.mjtCamera.mjCAMERA_FREE
    background = assets.background(str(rng.choice(assets.backgrounds[split])))
    try:
        for view in range(VIEWS):
            for _attempt in range(4):
                eye, axes, fov = camera(scene, rng, np.array([centres[k] for k in stayed]))
                focal = H / 2 / math.tan(math.radians(fov / 2))
                seen = 0
                for k in stayed:
                    q = axes.T @ (centres[k] - eye)
                    if q[2] < -0.1:
                        u, w = W / 2 + q[0] / -q[2] * focal, H / 2 - q[1] / -q[2] * focal
                        seen += 0 < u < W and 0 < w < H
                if seen >= max(2, len(stayed) * 0.6):
                    break
            model.vis.global_.fovy = fov
            for r in {renderer, labels}:
                aim(r, data, cam, eye, axes, fov)
            rgb = renderer.render().copy()
            labels.enable_segmentation_rendering()
            seg = labels.render().copy()
            labels.disable_segmentation_rendering()
            renderer.enable_depth_rendering()
            depth = renderer.render().copy()
            renderer.disable_depth_rendering()
            ids = np.full((H, W), -1, np.int32)
            is_geom = seg[..., 1] == int(mujoco.mjtObj.mjOBJ_GEOM)
            table = np.full(model.ngeom + 1, -1, np.int32)
            for g, k in geoms.items():
                table[g] = k
            ids[is_geom] = table[seg[..., 0][is_geom]]
            empty = seg[..., 0] < 0
            if empty.any():
                dim = float(rng.uniform(0.5, 1.0))
                b = background
                s = float(rng.uniform(0.5, 1.0))
                x0, y0 = int(rng.uniform(0, 1 - s) * b.shape[1]), int(rng.uniform(0, 1 - s) * b.shape[0])
                crop = cv2.resize(b[y0:y0 + int(s * b.shape[0]), x0:x0 + int(s * b.shape[1])], (W, H))
                rgb[empty] = (crop[empty] * dim).astype(np.uint8)
            white = float(np.clip(238 / max(float(np.percentile(rgb.max(-1)[~empty], 97)), 60), 0.9, 2.0))
            image, quality, note = photograph(rgb, rng)
            objects = []
            index_of: dict[int, int] = {}
            for k in kept:
                mask = ids == k
                area = int(mask.sum())
                if area < 12:
                    continue
                p = scene.placed[k]
                thing = p.thing
                ys, xs = np.nonzero(mask)
                verts = (world[k][0] - eye) @ axes
                whole = max(silhouette(verts, world[k][1], focal), area)
                words, parts = measure_colours(rgb[mask], thing.colours, white)
                if note.get("dark") and float(image[mask].max(-1).mean()) < 26:
                    words = []
                where = float(np.median(depth[mask]))
                mid = np.array([xs.mean(), ys.mean()])
                visible = area / whole
                rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
                phrases = [n for n in getattr(thing, "phrases", [])]
                o = {
                    "name": thing.name, "names": thing.names, "category": thing.category, "colours": words, "colour_shares": parts,
                    "material": thing.material, "shape": thing.shape, "size_m": [round(float(s), 4) for s in np.ptp(world[k][0], axis=0)],
                    "box": [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1],
                    "mask": {"size": [H, W], "counts": rle["counts"].decode()}, "area": area, "visible": round(visible, 3),
                    "graspable": True, "target": bool(visible >= LEAST_VISIBLE and area >= LEAST_PIXELS), "distance_m": round(where, 3),
                    "xyz_camera": [round(float((mid[0] - W / 2) / focal * where), 3), round(float((mid[1] - H / 2) / focal * where), 3), round(where, 3)],
                    "centre_world": [round(float(c), 3) for c in centres[k]], "asset": thing.asset,
                }  # fmt: skip
                if phrases:
                    o["phrases"] = phrases
                    o["phrase_colours"] = sorted({BASE.get(w, w) for w in thing.colours} & set(INDEX))
                if p.shelf is not None:
                    o["on_shelf"] = p.shelf
                if p.drawer:
                    o["in_drawer"] = True
                if k not in stayed:
                    o["fallen"] = True
                index_of[k] = len(objects)
                objects.append(o)
            for k, i in index_of.items():
                if k in inside and inside[k] in index_of:
                    objects[i]["inside"] = index_of[inside[k]]
            if not any(o["target"] for o in objects):
                continue
            name = f"images/{split}_{number:05d}_{view}.jpg"
            cv2.imwrite(str(out / name), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
            lines.append(json.dumps({
                "image": name, "width": W, "height": H, "source": "rendered", "split": split, "complete": True, "scene": number, "layout": scene.layout,
                "shelves": scene.info.get("boards"), "fov_y": round(fov, 2), **note, "objects": objects,
            }))  # fmt: skip
    finally:
        for r in {renderer, labels}:
            r.close()
    return lines


def append(path: Path, text: str) -> None:
    with open(path, "a") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.write(text)
        f.flush()
        fcntl.flock(f, fcntl.LOCK_UN)


def work(rank: int, numbers: list[int], args: argparse.Namespace, tally: "mp.Queue[int]") -> None:
    cv2.setNumThreads(1)
    assets = Assets(Path(args.assets))
    out = Path(args.out)
    for number in numbers:
        try:
            lines = render_scene(number, args.seed, assets, out)
            if lines:
                append(out / "annotations.jsonl", "".join(x + "\n" for x in lines))
            append(out / "done.txt", f"{number}\n")
        except Exception as e:  # noqa: BLE001 - one bad scene must not end the run; it is named and counted
            append(out / "failed.txt", f"{number}\t{e!r}\n")
            if args.strict:
                raise
            lines = []
        tally.put(len(lines))


def main() -> None:
    shared = Path(os.environ.get("GRASP_GROUNDING_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=str(Path(__file__).resolve().parents[2] / ".cache/training/data/rendered"))
    parser.add_argument("--assets", default=str(shared / "assets"))
    parser.add_argument("--scenes", type=int, default=2200, help="scenes, three views each")
    parser.add_argument("--from", dest="first", type=int, default=0, help="number of the first scene")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--held-out-first", action="store_true", help="render what is left of val and test before train")
    parser.add_argument("--split", choices=["train", "val", "test"], help="render the scenes of this split alone")
    parser.add_argument("--strict", action="store_true", help="stop at the first failing scene")
    args = parser.parse_args()
    out = Path(args.out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    done = {int(x) for x in (out / "done.txt").read_text().split()} if (out / "done.txt").exists() else set()
    todo = [n for n in range(args.first, args.first + args.scenes) if n not in done]
    if args.split is not None:
        todo = [n for n in todo if split_of_scene(n) == args.split]
    if args.held_out_first:
        todo.sort(key=lambda n: split_of_scene(n) == "train")
    tally: "mp.Queue[int]" = mp.Queue()
    if args.workers <= 1:
        workers = []
        start = time.time()
        work(0, todo, args, tally)
        print(f"{len(todo)} scenes in {time.time() - start:.1f} s")
        return
    workers = [mp.Process(target=work, args=(i, todo[i::args.workers], args, tally), daemon=True) for i in range(args.workers)]
    for w in workers:
        w.start()
    views = 0
    with tqdm(total=len(todo), unit="scene", mininterval=5) as bar:
        for _ in todo:
            views += tally.get()
            bar.update()
            bar.set_postfix(views=views)
    for w in workers:
        w.join()


if __name__ == "__main__":
    main()
