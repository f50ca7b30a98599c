"""Cut-and-paste pictures: things cut out of the training photos, set on textured tables before blurred rooms.

    python models/training/photos_paste.py [--count 1500] [--out DIR]

Training only; cut-outs come from the photos' training split, surfaces and rooms from the assets' training split.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco
from tqdm import tqdm

from scenes.assets import Assets

W, H = 640, 480
#: Usual longest side in metres, for sizes that fit each other; 0.12 for the others.
LONG = {"bottle": 0.25, "wine glass": 0.19, "cup": 0.1, "bowl": 0.15, "book": 0.22, "knife": 0.2, "fork": 0.18, "spoon": 0.17, "banana": 0.18, "carrot": 0.16, "laptop": 0.32, "keyboard": 0.36, "teddy bear": 0.3, "handbag": 0.3,
        "backpack": 0.4, "suitcase": 0.45, "umbrella": 0.4, "apple": 0.08, "orange": 0.08, "donut": 0.09, "phone": 0.14, "remote": 0.17, "computer mouse": 0.11, "scissors": 0.18, "vase": 0.22, "clock": 0.2, "tomato": 0.07, "egg": 0.06,
        "sweet potato": 0.15, "potato": 0.09, "rice": 0.2, "oat milk": 0.2, "almond milk": 0.2, "milk": 0.2, "oats": 0.24, "spaghetti": 0.26, "quinoa": 0.2, "goat cheese": 0.1, "zucchini": 0.22, "avocado": 0.11, "olive oil": 0.28,
        "toothbrush": 0.18, "pizza": 0.28, "cake": 0.2, "sandwich": 0.14, "broccoli": 0.14, "salmon": 0.16, "frisbee": 0.24, "tie": 0.4}  # fmt: skip
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
            if solid < (0.55 if o["mask_source"] == "annotated" else 0.75):
                continue
            if img is None:
                img = cv2.imread(str(photos / line["image"]))
            out.append({"rgb": img[y1:y2, x1:x2].copy(), "mask": m[y1:y2, x1:x2].copy(), "object": o, "source": line["source"]})
    return out


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


def compose(number: int, cuts: list[dict], assets: Assets) -> tuple[np.ndarray, list[dict], int]:
    rng = np.random.default_rng([77, number])
    img, horizon = table(assets, rng)
    img = img.astype(np.float32)
    n = int(rng.integers(3, 10))
    picks: list[dict] = []
    while len(picks) < n:
        if picks and rng.random() < 0.25:
            kind = picks[int(rng.integers(len(picks)))]["object"]["name"]
            same = [c for c in cuts if c["object"]["name"] == kind]
            picks.append(same[int(rng.integers(len(same)))])
        else:
            names = sorted({c["object"]["name"] for c in cuts})
            kind = str(rng.choice(names))
            same = [c for c in cuts if c["object"]["name"] == kind]
            picks.append(same[int(rng.integers(len(same)))])
    scale = rng.uniform(650, 1500)
    places = []
    for c in picks:
        h, w = c["mask"].shape
        size = LONG.get(c["object"]["name"], 0.12) * rng.uniform(0.85, 1.15)
        base = rng.uniform(max(horizon + 40, 0.25 * H), H * 0.97)
        k = size * scale * (0.6 + 0.4 * base / H) / max(h, w)
        k = float(np.clip(k, 28 / min(h, w) if min(h, w) > 14 else 1, min(0.62 * H / h, 0.6 * W / w)))
        places.append((base, k, rng.uniform(0.08, 0.92) * W, c))
    places.sort(key=lambda x: x[0])
    owner = np.full((H, W), -1, np.int32)
    whole, kept = [], []
    for base, k, cx, c in places:
        turn = float(rng.normal(0, 4)) if rng.random() < 0.7 else float(rng.uniform(-180, 180)) if horizon == 0 else 0.0
        flip = rng.random() < 0.5
        rgb, m = c["rgb"], c["mask"]
        if flip:
            rgb, m = rgb[:, ::-1], m[:, ::-1]
        h, w = m.shape
        r = int(np.hypot(h, w) * k) + 4
        mat = cv2.getRotationMatrix2D((w / 2, h / 2), turn, k)
        mat[:, 2] += [r / 2 - w / 2, r / 2 - h / 2]
        interp = cv2.INTER_AREA if k < 1 else cv2.INTER_CUBIC
        rgb2 = cv2.warpAffine(rgb, mat, (r, r), flags=cv2.INTER_LINEAR if interp == cv2.INTER_AREA else interp, borderMode=cv2.BORDER_REPLICATE)
        inner = cv2.erode(np.ascontiguousarray(m), np.ones((3, 3), np.uint8)) if k > 0.4 else m
        m2 = cv2.warpAffine(inner.astype(np.float32), mat, (r, r))
        ys, xs = np.nonzero(m2 > 0.5)
        if len(ys) < 100:
            continue
        x0, y0 = int(cx - (xs.min() + xs.max()) / 2), int(base - ys.max())
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
        covered = [np.logical_and(owner == i, full > 0.5).sum() / max(1, whole[i]) for i in range(len(kept))]
        if covered and max(covered) > 0.55:
            continue
        shadow = cv2.GaussianBlur(np.roll(full, (3, int(rng.integers(-8, 9))), (0, 1)), (0, 0), 7) * rng.uniform(0.15, 0.5)
        img *= (1 - shadow * (1 - full))[..., None]
        alpha = cv2.GaussianBlur(full, (0, 0), 0.8)[..., None]
        gain = float(np.clip(rng.normal(1.0, 0.1), 0.75, 1.2))
        img = img * (1 - alpha) + soft * gain * alpha
        owner[full > 0.5] = len(kept)
        whole.append(int((m2 > 0.5).sum()))
        kept.append(c)
    if rng.random() < 0.25:
        img = cv2.GaussianBlur(img, (0, 0), float(rng.uniform(0.4, 1.2)))
    img = img * float(np.clip(rng.normal(1, 0.12), 0.6, 1.3)) + rng.normal(0, rng.uniform(0, 5), img.shape)
    objects = []
    for i, c in enumerate(kept):
        mask = owner == i
        area = int(mask.sum())
        if area < 60:
            continue
        ys, xs = np.nonzero(mask)
        rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
        visible = area / max(whole[i], 1)
        o = {k: v for k, v in c["object"].items() if k not in ("mask", "mask_source", "crowd")}
        o |= {"box": [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1], "mask": {"size": [H, W], "counts": rle["counts"].decode()}, "visible": round(min(1.0, visible), 3),
              "target": bool(visible >= 0.35 and area >= 300), "cut_from": c["source"]}
        objects.append(o)
    return np.clip(img, 0, 255).astype(np.uint8), objects, int(rng.integers(60, 95))


def main() -> None:
    here = Path(__file__).resolve()
    shared = Path(os.environ.get("GRASP_GROUNDING_SHARED", here.parents[3] / "shared"))
    data = here.parents[2] / ".cache/training/data"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=str(data / "photos"))
    parser.add_argument("--assets", default=str(shared / "assets"))
    parser.add_argument("--out", default=str(data / "composites"))
    parser.add_argument("--count", type=int, default=1500)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    out = Path(args.out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    path = out / "annotations.jsonl"
    done = len(path.read_text().splitlines()) if path.exists() else 0
    cuts = cutouts(Path(args.photos))
    print(f"{len(cuts)} cut-outs of {len({c['object']['name'] for c in cuts})} kinds; {done} pictures are done")
    assets = Assets(Path(args.assets))
    number = json.loads(path.read_text().splitlines()[-1])["number"] + 1 if done else 0
    with open(path, "a") as f, tqdm(total=args.count, initial=done, unit="picture", mininterval=5) as bar:
        while done < args.count:
            img, objects, quality = compose(number, cuts, assets)
            if sum(o["target"] for o in objects) >= 2:
                name = f"images/paste_{number:05d}.jpg"
                cv2.imwrite(str(out / name), img, [cv2.IMWRITE_JPEG_QUALITY, quality])
                f.write(json.dumps({"image": name, "width": W, "height": H, "source": "composites", "split": "train", "complete": True, "number": number, "objects": objects}) + "\n")
                f.flush()
                done += 1
                bar.update()
            number += 1


if __name__ == "__main__":
    main()
