"""Cut-and-paste pictures: things cut out of training photos and of rendered training scenes, set on textured tables
before blurred rooms, or into training photos among what is there.

    python models/training/photos_paste.py [--count 1500] [--onto-photos 0.45] [--out DIR] [--workers 2]

Training only; cut-outs, surfaces, rooms and photos all come from their training splits.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import random
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco
from tqdm import tqdm

from prepare import crop, mirror, read_picture
from scenes.assets import Assets

W, H = 640, 480
RENDERED_KEYS = ("name", "names", "category", "colours", "colour_shares", "material", "shape", "graspable", "phrases", "phrase_colours")
#: Usual longest side in metres, for sizes that fit each other; 0.12 for the others.
LONG = {"bottle": 0.25, "wine glass": 0.19, "cup": 0.1, "bowl": 0.15, "book": 0.22, "knife": 0.2, "fork": 0.18, "spoon": 0.17, "banana": 0.18, "carrot": 0.16, "laptop": 0.32, "keyboard": 0.36, "teddy bear": 0.3, "handbag": 0.3,
        "backpack": 0.4, "suitcase": 0.45, "umbrella": 0.4, "apple": 0.08, "orange": 0.08, "donut": 0.09, "phone": 0.14, "remote": 0.17, "computer mouse": 0.11, "scissors": 0.18, "vase": 0.22, "clock": 0.2, "tomato": 0.07, "egg": 0.06,
        "sweet potato": 0.15, "potato": 0.09, "rice": 0.2, "oat milk": 0.2, "almond milk": 0.2, "milk": 0.2, "oats": 0.24, "spaghetti": 0.26, "quinoa": 0.2, "goat cheese": 0.1, "zucchini": 0.22, "avocado": 0.11, "olive oil": 0.28,
        "toothbrush": 0.18, "pizza": 0.28, "cake": 0.2, "sandwich": 0.14, "broccoli": 0.14, "salmon": 0.16, "frisbee": 0.24, "tie": 0.4,
        "screwdriver": 0.2, "wrench": 0.2, "adjustable wrench": 0.22, "ratchet wrench": 0.22, "hammer": 0.3, "water pump pliers": 0.22, "needle-nose pliers": 0.16, "cutting pliers": 0.16, "pen": 0.14, "pencil": 0.17, "coin": 0.03, "eraser": 0.05,
        "membership card": 0.09, "usb flash drive": 0.06, "airpods case": 0.06, "earphone case": 0.07, "lego brick": 0.03, "drinking glass": 0.14, "plastic bottle": 0.24, "milk bottle": 0.24, "soy sauce bottle": 0.24, "mandarin": 0.07, "peach": 0.08,
        "lime": 0.06, "bottle cap": 0.035, "pop tab": 0.03, "toothpaste box": 0.18, "sneaker": 0.28, "boot": 0.28, "biscuit packet": 0.12, "coffee sachet": 0.1}  # fmt: skip
NOT = {"kite", "bicycle", "tennis racket", "skateboard", "surfboard", "snowboard", "skis", "baseball bat", "tie", "traffic light", "chair", "umbrella", "suitcase", "backpack", "bird", "potted plant", "plant", "handbag", "cake", "sandwich", "vase", "hot dog"}


def cutouts(photos: Path) -> list[dict]:
    out = []
    for text in (photos / "annotations.jsonl").read_text().splitlines():
        line = json.loads(text)
        if line["split"] != "train":
            continue
        img = None
        for o in line["objects"]:
            if not o["target"] or "mask" not in o or o["name"] in NOT:
                continue
            m = coco.decode(o["mask"])
            ys, xs = np.nonzero(m)
            if len(xs) < (900 if line["source"] != "coco256" else 2000):
                continue
            x1, x2, y1, y2 = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
            edge = 2 if line["source"] != "grocery_iconic" else -1
            if x1 < edge or y1 < edge or x2 > line["width"] - edge or y2 > line["height"] - edge:
                continue
            parts, labels, stats, _ = cv2.connectedComponentsWithStats(m)
            if parts > 2 and stats[1:, cv2.CC_STAT_AREA].max() < 0.85 * len(xs):
                continue  # in pieces: something stands before it
            solid = len(xs) / max(1.0, cv2.contourArea(cv2.convexHull(np.stack([xs, ys], 1).astype(np.int32))))
            if solid < (0.4 if o["mask_source"] == "annotated" else 0.75):
                continue
            if img is None:
                img = cv2.imread(str(photos / line["image"]))
            out.append({"rgb": img[y1:y2, x1:x2].copy(), "mask": m[y1:y2, x1:x2].copy(), "object": o, "source": line["source"]})
    return out


def rendered_cutouts(folder: Path, count: int) -> list[dict]:
    """Whole, large, opaque things of rendered training views, at most `count`."""
    path = folder / "annotations.jsonl"
    lines = [json.loads(t) for t in path.read_text().splitlines()] if path.exists() else []
    lines = [l for l in lines if l["split"] == "train" and not l.get("dark")]
    random.Random(5).shuffle(lines)
    out: list[dict] = []
    for line in lines:
        if len(out) >= count:
            break
        chosen = [o for o in line["objects"] if o["target"] and o["visible"] > 0.97 and o["area"] > 2500 and "transparent" not in (o["shape"] or []) and o.get("inside") is None]
        chosen = [o for o in chosen if o["box"][0] > 1 and o["box"][1] > 1 and o["box"][2] < line["width"] - 1 and o["box"][3] < line["height"] - 1]
        if not chosen:
            continue
        img = cv2.imread(str(folder / line["image"]))
        for o in chosen[:3]:
            x1, y1, x2, y2 = o["box"]
            m = coco.decode(o["mask"])[y1:y2, x1:x2].copy()
            kept = {k: o[k] for k in RENDERED_KEYS if k in o} | {"target": True}
            out.append({"rgb": img[y1:y2, x1:x2].copy(), "mask": m, "object": kept, "source": "rendered", "long": max(o["size_m"])})
    return out


class Base:
    """The picture that things are set into, with what is there already. `owner` names the topmost thing at each pixel."""

    def __init__(self, img: np.ndarray, horizon: int):
        self.img, self.horizon = img.astype(np.float32), horizon
        self.line: dict = {"complete": True}
        self.objects: list[dict] = []
        self.owner = np.full(img.shape[:2], -1, np.int32)
        self.whole: list[int] = []
        self.boxed: list[bool] = []


def photo_base(photos: list[tuple[Path, dict]], rng: np.random.Generator) -> Base:
    """A training photo, mirrored and cropped at random, with its things."""
    plain = random.Random(int(rng.integers(1 << 30)))
    folder, line = photos[int(rng.integers(len(photos)))]
    rgb, line, masks = read_picture(folder, line)
    if plain.random() < 0.5:
        rgb = mirror(line, rgb, masks)
    if plain.random() < 0.6:
        rgb = crop(line, rgb, masks, plain)
    base = Base(np.ascontiguousarray(rgb[:, :, ::-1]), 0)
    base.line = {"complete": False, "near_complete": line["near_complete"], "absent_nouns": line["absent_nouns"]}
    for o, m in zip(line["objects"], masks):
        o = {k: v for k, v in o.items() if k not in ("has_mask", "crowd_mask")}
        x1, y1, x2, y2 = (int(round(v)) for v in o["box"])
        if m is None:
            # Known by its box alone: what is pasted over the box counts as covering it.
            area = np.zeros(base.owner.shape, bool)
            area[max(0, y1):y2, max(0, x1):x2] = True
            base.boxed.append(True)
            base.whole.append(max(1, int(area.sum())))
            o["_area"] = area
        else:
            base.boxed.append(False)
            base.whole.append(max(1, int(m.sum())))
            base.owner[m > 0] = len(base.objects)
        o["_base"] = True
        base.objects.append(o)
    return base


def table(assets: Assets, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """A table top in perspective before a room, and the row where it begins."""
    kind = "cloth" if rng.random() < 0.15 else "table"
    tex = assets.surface(str(rng.choice([t["file"] for t in assets.textures["train"][kind]])))
    tile = np.tile(tex, (2, 3, 1)) if rng.random() < 0.6 else tex
    horizon = int(rng.uniform(-0.3, 0.42) * H)
    spread = rng.uniform(0.0, 0.35) * W
    src = np.float32([[0, 0], [tile.shape[1], 0], [tile.shape[1], tile.shape[0]], [0, tile.shape[0]]])
    dst = np.float32([[0, horizon], [W, horizon], [W + spread * 3, H], [-spread * 3, H]])
    top = cv2.warpPerspective(tile, cv2.getPerspectiveTransform(src, dst), (W, H), flags=cv2.INTER_AREA)
    back = assets.background(str(rng.choice(assets.backgrounds["train"])))
    if rng.random() < 0.4:
        back = assets.surface(str(rng.choice([t["file"] for t in assets.textures["train"]["wall"]])))
    out = cv2.resize(back, (W, H))
    if horizon > 0:
        out[horizon:] = top[horizon:]
    else:
        out = top
    yy, xx = np.mgrid[0:H, 0:W] / [[[H]], [[W]]]
    a, b = rng.normal(0, 0.15, 2)
    out = out * (1 + a * (xx - 0.5) + b * (yy - 0.5))[..., None]
    return cv2.cvtColor(np.clip(out, 0, 255).astype(np.uint8), cv2.COLOR_RGB2BGR), max(0, horizon)


def covering(base: Base, index: int, full: np.ndarray) -> float:
    """Share of a thing that the pixels of `full` would hide."""
    area = base.objects[index]["_area"] if base.boxed[index] else base.owner == index
    return float(np.logical_and(area, full > 0.5).sum()) / base.whole[index]


def pick_cuts(cuts: dict[str, list[dict]], n: int, rng: np.random.Generator) -> list[dict]:
    """n cut-outs, kinds equally likely, a third of them of a kind that is drawn already."""
    picks: list[dict] = []
    names = list(cuts)
    while len(picks) < n:
        kind = picks[int(rng.integers(len(picks)))]["object"]["name"] if picks and rng.random() < 0.33 else str(rng.choice(names))
        same = cuts[kind]
        picks.append(same[int(rng.integers(len(same)))])
    return picks


def compose(number: int, cuts: dict[str, list[dict]], assets: Assets, photos: list[tuple[Path, dict]], onto: float) -> tuple[np.ndarray, dict, int]:
    rng = np.random.default_rng([77, number])
    if photos and rng.random() < onto:
        base = photo_base(photos, rng)
        n = int(rng.integers(1, 6))
    else:
        base = Base(*table(assets, rng))
        n = int(rng.integers(3, 10))
    H, W = base.owner.shape
    img = base.img
    picks = pick_cuts(cuts, n, rng)
    scale = rng.uniform(650, 1500) * W / 640
    places = []
    for c in picks:
        h, w = c["mask"].shape
        size = c.get("long") or LONG.get(c["object"]["name"], 0.12)
        size *= rng.uniform(0.85, 1.15)
        low = max(base.horizon + 40, 0.25 * H)
        bottom = rng.uniform(low, H * 0.97)
        k = size * scale * (0.6 + 0.4 * bottom / H) / max(h, w)
        k = float(np.clip(k, 28 / min(h, w) if min(h, w) > 14 else 1, min(0.62 * H / h, 0.6 * W / w)))
        places.append((bottom, k, rng.uniform(0.08, 0.92) * W, c))
    places.sort(key=lambda x: x[0])
    for bottom, k, cx, c in places:
        turn = float(rng.normal(0, 4)) if rng.random() < 0.7 else float(rng.uniform(-180, 180)) if base.horizon == 0 else 0.0
        rgb, m = c["rgb"], c["mask"]
        if rng.random() < 0.5:
            rgb, m = rgb[:, ::-1], m[:, ::-1]
        h, w = m.shape
        r = int(np.hypot(h, w) * k) + 4
        mat = cv2.getRotationMatrix2D((w / 2, h / 2), turn, k)
        mat[:, 2] += [r / 2 - w / 2, r / 2 - h / 2]
        rgb2 = cv2.warpAffine(rgb, mat, (r, r), flags=cv2.INTER_LINEAR if k < 1 else cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        inner = cv2.erode(np.ascontiguousarray(m), np.ones((3, 3), np.uint8)) if k > 0.4 else m
        m2 = cv2.warpAffine(inner.astype(np.float32), mat, (r, r))
        ys, xs = np.nonzero(m2 > 0.5)
        if len(ys) < 100:
            continue
        x0, y0 = int(cx - (xs.min() + xs.max()) / 2), int(bottom - ys.max())
        if y0 + ys.min() < 2 or x0 + xs.min() < -0.2 * (xs.max() - xs.min()) or x0 + xs.max() > W + 0.2 * (xs.max() - xs.min()):
            continue
        full = np.zeros((H, W), np.float32)
        soft = np.zeros((H, W, 3), np.float32)
        sx0, sy0 = max(0, -x0), max(0, -y0)
        dx0, dy0 = max(0, x0), max(0, y0)
        ww, hh = min(r - sx0, W - dx0), min(r - sy0, H - dy0)
        if ww <= 0 or hh <= 0:
            continue
        full[dy0:dy0 + hh, dx0:dx0 + ww] = m2[sy0:sy0 + hh, sx0:sx0 + ww]
        soft[dy0:dy0 + hh, dx0:dx0 + ww] = rgb2[sy0:sy0 + hh, sx0:sx0 + ww]
        if any(covering(base, i, full) > 0.55 for i in range(len(base.objects))):
            continue
        shadow = cv2.GaussianBlur(np.roll(full, (3, int(rng.integers(-8, 9))), (0, 1)), (0, 0), 7) * rng.uniform(0.15, 0.5)
        img *= (1 - shadow * (1 - full))[..., None]
        alpha = cv2.GaussianBlur(full, (0, 0), 0.8)[..., None]
        gain = float(np.clip(rng.normal(1.0, 0.1), 0.75, 1.2))
        img = img * (1 - alpha) + soft * gain * alpha
        for i, boxed in enumerate(base.boxed):
            if boxed:
                base.objects[i]["_area"] &= full <= 0.5
        base.owner[full > 0.5] = len(base.objects)
        base.whole.append(int((m2 > 0.5).sum()))
        base.boxed.append(False)
        base.objects.append({k: v for k, v in c["object"].items() if k not in ("mask", "mask_source", "crowd")} | {"cut_from": c["source"]})
    if rng.random() < 0.25:
        img = cv2.GaussianBlur(img, (0, 0), float(rng.uniform(0.4, 1.2)))
    img = img * float(np.clip(rng.normal(1, 0.12), 0.6, 1.3)) + rng.normal(0, rng.uniform(0, 5), img.shape)
    objects = [o for o in (finished(base, i) for i in range(len(base.objects))) if o is not None]
    line = {"width": W, "height": H, "source": "composites", "split": "train", **base.line, "objects": objects}
    return np.clip(img, 0, 255).astype(np.uint8), line, int(rng.integers(60, 95))


def finished(base: Base, i: int) -> dict | None:
    """The thing's annotation as it now shows, or nothing if it hardly does."""
    o = base.objects[i]
    mask = o.pop("_area") if base.boxed[i] else base.owner == i
    there = o.pop("_base", False)
    area = int(mask.sum())
    if area < 60:
        return None
    shown = min(1.0, area / base.whole[i])
    o["visible"] = round(o.get("visible", 1.0) * shown, 3)
    if base.boxed[i]:
        o["target"] = bool(o["target"] and shown > 0.7)
        return o
    ys, xs = np.nonzero(mask)
    rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    o["box"] = [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1]
    o["mask"] = {"size": list(mask.shape), "counts": rle["counts"].decode()}
    o["target"] = bool((o["target"] or not there) and o["visible"] >= 0.35 and area >= 300)
    return o


def work(rank: int, args: argparse.Namespace, tally: "mp.Queue[int]") -> None:
    """Every `workers`-th picture number from `first` on; lines are appended whole, under a lock."""
    from scenes_render import append

    cv2.setNumThreads(1)
    assets, out, folders = Assets(Path(args.assets)), Path(args.out), [Path(f) for f in args.photos]
    lines = [(f, json.loads(t)) for f in folders for t in (f / "annotations.jsonl").read_text().splitlines()]
    photos = [(f, l) for f, l in lines if l["split"] == "train" and l["source"] != "grocery_iconic"]
    cuts: dict[str, list[dict]] = {}
    for c in [*(c for f in folders for c in cutouts(f)), *rendered_cutouts(Path(args.rendered), args.rendered_cuts)]:
        cuts.setdefault(c["object"]["name"], []).append(c)
    cuts = dict(sorted(cuts.items()))
    for number in range(args.first + rank, args.first + args.count, args.workers):
        img, line, quality = compose(number, cuts, assets, photos, args.onto_photos)
        if sum(o["target"] for o in line["objects"]) >= 2:
            name = f"images/paste_{number:05d}.jpg"
            cv2.imwrite(str(out / name), img, [cv2.IMWRITE_JPEG_QUALITY, quality])
            append(out / "annotations.jsonl", json.dumps({"image": name, "number": number, **line}) + "\n")
        tally.put(1)


def main() -> None:
    here = Path(__file__).resolve()
    shared = Path(os.environ.get("GRASP_GROUNDING_SHARED", here.parents[3] / "shared"))
    data = here.parents[2] / ".cache/training/data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="+", default=[str(data / "photos"), str(data / "photos2")])
    parser.add_argument("--rendered", default=str(data / "rendered"), help="rendered scenes to cut things out of")
    parser.add_argument("--rendered-cuts", type=int, default=1500, help="rendered cut-outs at most")
    parser.add_argument("--assets", default=str(shared / "assets"))
    parser.add_argument("--out", default=str(data / "composites"))
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--onto-photos", type=float, default=0.45, help="share set into photos")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    out = Path(args.out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    path = out / "annotations.jsonl"
    numbers = [json.loads(t)["number"] for t in path.read_text().splitlines()] if path.exists() else []
    args.first = max(numbers, default=-1) + 1
    args.count = max(0, args.count - args.first)
    tally: "mp.Queue[int]" = mp.Queue()
    workers = [mp.Process(target=work, args=(i, args, tally), daemon=True) for i in range(args.workers)]
    for w in workers:
        w.start()
    with tqdm(total=args.count, unit="picture", mininterval=5) as bar:
        for _ in range(args.count):
            tally.get()
            bar.update()


if __name__ == "__main__":
    main()
