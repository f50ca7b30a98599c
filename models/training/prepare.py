"""Data sets -> cached frozen features, in shards that training reads while later ones are still being written.

    python models/training/prepare.py --data DIR --out DIR [--sets rendered photos ...] [--variants 1] [--watch SECONDS]

A data set is `<data>/<name>/annotations.jsonl` with pictures beside it. A shard holds up to SHARD pictures:
`s8.npy s16b.npy s32a.npy s32b.npy` float16 [n,C,h,w], `masks.npy` uint8 [objects,96,128] (coverage of each stride-4 cell,
0..255), `lines.jsonl` (the annotations as the encoder saw the picture: mirrored, cropped). Training pictures are
mirrored half of the time and jittered in light, blur and JPEG; further variants are cropped as well.
Resumable: what a finished shard holds is not done again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
import torch
from PIL import Image
from pycocotools import mask as coco
from tqdm import tqdm

from features import CHANNELS, HEIGHT, PIXEL_MEAN, PIXEL_SCALE, STRIDES, WIDTH, load_encoder

SHARD = 128
KEPT = ("s8", "s16b", "s32a", "s32b")
MASK_H, MASK_W = HEIGHT // 4, WIDTH // 4


class Backbone:
    """The frozen encoder in onnxruntime, which runs it twice as fast as PyTorch on a CPU."""

    def __init__(self, cache: Path, threads: int = 2):
        path = cache / f"backbone_{WIDTH}x{HEIGHT}.onnx"
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            net = load_encoder()

            class Kept(torch.nn.Module):
                def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
                    maps = net(x)
                    return tuple(maps[k] for k in KEPT)

            torch.onnx.export(
                Kept(), (torch.zeros(1, 3, HEIGHT, WIDTH),), str(path), input_names=["image"],
                output_names=list(KEPT), opset_version=17, dynamo=False,
            )  # fmt: skip
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, rgb: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 [HEIGHT,WIDTH,3] RGB -> float16 maps [C,h,w]."""
        x = (rgb.astype(np.float32) * PIXEL_SCALE - PIXEL_MEAN).transpose(2, 0, 1)[None]
        out = self.session.run(None, {"image": np.ascontiguousarray(x)})
        return {k: np.clip(v[0], -60000, 60000).astype(np.float16) for k, v in zip(KEPT, out)}


def decode_mask(rle: dict, height: int, width: int) -> np.ndarray:
    """COCO RLE (compressed or as a list) -> uint8 [H,W] of 0 and 1."""
    if isinstance(rle.get("counts"), list):
        rle = coco.frPyObjects(rle, height, width)
    return coco.decode(rle)


def mirror(line: dict, rgb: np.ndarray, masks: list[np.ndarray | None]) -> np.ndarray:
    """Mirrors the picture; boxes and camera coordinates in `line` follow, in place. Masks are replaced in the list."""
    for i, o in enumerate(line["objects"]):
        x1, y1, x2, y2 = o["box"]
        o["box"] = [line["width"] - x2, y1, line["width"] - x1, y2]
        if "xyz_camera" in o and o["xyz_camera"]:
            o["xyz_camera"] = [-o["xyz_camera"][0], *o["xyz_camera"][1:]]
        if masks[i] is not None:
            masks[i] = masks[i][:, ::-1]
    line["mirrored"] = True
    return rgb[:, ::-1]


def crop(line: dict, rgb: np.ndarray, masks: list[np.ndarray | None], rng: random.Random) -> np.ndarray:
    """A random crop of 55 to 95 % of each side. Objects cut to under 45 % stay in the annotation, since they still
    show, but as things nobody asks for (`target` false)."""
    h, w = rgb.shape[:2]
    f = rng.uniform(0.55, 0.95)
    cw, ch = int(w * min(1, f * rng.uniform(0.9, 1.1))), int(h * min(1, f * rng.uniform(0.9, 1.1)))
    return crop_window(line, rgb, masks, rng.randint(0, w - cw), rng.randint(0, h - ch), cw, ch)


def crop_window(line: dict, rgb: np.ndarray, masks: list[np.ndarray | None], x0: int, y0: int, cw: int, ch: int) -> np.ndarray:
    """The window of cw x ch pixels at (x0, y0); annotation and masks follow in place."""
    kept, index = [], {}
    for i, o in enumerate(line["objects"]):
        x1, y1, x2, y2 = o["box"]
        box = [max(x1, x0) - x0, max(y1, y0) - y0, min(x2, x0 + cw) - x0, min(y2, y0 + ch) - y0]
        if box[2] - box[0] < 2 or box[3] - box[1] < 2:
            continue
        share = (box[2] - box[0]) * (box[3] - box[1]) / max(1e-6, (x2 - x1) * (y2 - y1))
        m = masks[i]
        if m is not None:
            whole = int(m.sum())
            m = m[y0 : y0 + ch, x0 : x0 + cw]
            ys, xs = np.nonzero(m)
            if len(ys) < 12:
                continue
            share = len(ys) / max(1, whole)
            box = [float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)]
        index[i] = len(kept)
        o = dict(o, box=box, visible=o.get("visible", 1.0) * min(1.0, share))
        if share < 0.45:
            o["target"] = o["graspable"] = False
        kept.append((o, m))
    for o, _ in kept:
        if o.get("inside") is not None:
            o["inside"] = index.get(o["inside"])
            if o["inside"] is None:
                o.pop("inside")
    line["objects"] = [o for o, _ in kept]
    line["width"], line["height"] = cw, ch
    masks[:] = [m for _, m in kept]
    return rgb[y0 : y0 + ch, x0 : x0 + cw]


def recede(line: dict, rgb: np.ndarray, masks: list[np.ndarray | None], rng: random.Random) -> np.ndarray:
    """The picture at 50 to 85 % of its size somewhere before a blur of itself: things seen from further away."""
    h, w = rgb.shape[:2]
    f = rng.uniform(0.5, 0.85)
    nw, nh = max(8, int(w * f)), max(8, int(h * f))
    x0, y0 = rng.randint(0, w - nw), rng.randint(0, h - nh)
    out = cv2.resize(cv2.resize(np.ascontiguousarray(rgb), (6, 5), interpolation=cv2.INTER_AREA), (w, h), interpolation=cv2.INTER_CUBIC)
    out[y0 : y0 + nh, x0 : x0 + nw] = cv2.resize(np.ascontiguousarray(rgb), (nw, nh), interpolation=cv2.INTER_AREA)
    for i, o in enumerate(line["objects"]):
        x1, y1, x2, y2 = o["box"]
        o["box"] = [x0 + x1 * f, y0 + y1 * f, x0 + x2 * f, y0 + y2 * f]
        o.pop("xyz_camera", None)
        m = masks[i]
        if m is not None:
            small = np.zeros((h, w), np.uint8)
            small[y0 : y0 + nh, x0 : x0 + nw] = cv2.resize(np.ascontiguousarray(m), (nw, nh), interpolation=cv2.INTER_NEAREST)
            masks[i] = small
    return out


def jitter(rgb: np.ndarray, rng: random.Random) -> np.ndarray:
    """Light, contrast, a slight colour cast, blur and JPEG, none of them strong enough to make a colour word untrue."""
    x = rgb.astype(np.float32)
    if rng.random() < 0.7:
        x = 255 * np.power(np.clip(x / 255, 0, 1), rng.uniform(0.75, 1.35))
        x = (x - 128) * rng.uniform(0.8, 1.2) + 128 * rng.uniform(0.85, 1.15)
        x *= np.array([rng.uniform(0.94, 1.06) for _ in range(3)], np.float32)
    if rng.random() < 0.25:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.3))
    if rng.random() < 0.25:
        x += np.random.default_rng(rng.randrange(1 << 30)).normal(0, rng.uniform(2, 9), x.shape)
    out = np.clip(x, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        ok, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(35, 85)])
        out = cv2.imdecode(data, cv2.IMREAD_COLOR) if ok else out
    return out


def shrink(rgb: np.ndarray) -> np.ndarray:
    """Stretch to the model's input as the runtime does: a triangle filter that widens with the reduction."""
    if rgb.shape[:2] == (HEIGHT, WIDTH):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))


def read_picture(folder: Path, line: dict) -> tuple[np.ndarray, dict, list[np.ndarray | None]]:
    """The picture [H,W,3] RGB, a copy of its annotation without masks, and the masks (None where unknown)."""
    bgr = cv2.imread(str(folder / line["image"]), cv2.IMREAD_COLOR)
    if bgr is None:
        raise FileNotFoundError(f"{folder / line['image']}: cannot be read as a picture")
    line = {**line, "objects": [dict(o) for o in line["objects"]]}
    masks: list[np.ndarray | None] = []
    for o in line["objects"]:
        rle = o.pop("mask", None) or o.pop("pseudo_mask", None)
        o.pop("pseudo_mask", None)
        masks.append(decode_mask(rle, line["height"], line["width"]) if rle else None)
        o["has_mask"] = rle is not None
    return bgr[:, :, ::-1], line, masks


def augment(
    rgb: np.ndarray, line: dict, masks: list[np.ndarray | None], rng: random.Random, mirrored: bool, cropped: bool
) -> np.ndarray:
    """Mirror, crop, jitter; annotation and masks follow in place."""
    if mirrored:
        rgb = mirror(line, rgb, masks)
    if cropped:
        rgb = crop(line, rgb, masks, rng)
    if line["source"] != "rendered" or rng.random() < 0.75:
        rgb = jitter(np.ascontiguousarray(rgb), rng)
    return np.ascontiguousarray(rgb)


def load_picture(folder: Path, line: dict, variant: int) -> tuple[np.ndarray, dict, list[np.ndarray | None]]:
    """Training pictures as the variant's number has them changed; others as they are."""
    rgb, line, masks = read_picture(folder, line)
    if line["split"] == "train":
        seed = int.from_bytes(hashlib.sha256(line["image"].encode()).digest()[:4], "little")
        rgb = augment(rgb, line, masks, random.Random(seed + variant), bool((seed + variant) % 2), variant >= 1)
    return np.ascontiguousarray(rgb), line, masks


class ShardWriter:
    """Collects pictures and writes whole shards; a shard appears under its name only when complete."""

    def __init__(self, out: Path):
        self.out = out
        self.number = len(list(out.glob("shard_*"))) if out.exists() else 0
        self.rows: list[tuple[dict[str, np.ndarray], dict, list[np.ndarray]]] = []

    def add(self, maps: dict[str, np.ndarray], line: dict, masks: list[np.ndarray]) -> None:
        self.rows.append((maps, line, masks))
        if len(self.rows) == SHARD:
            self.flush()

    def flush(self) -> None:
        if not self.rows:
            return
        while (self.out / f"shard_{self.number:04d}").exists():
            self.number += 1
        temporary = self.out / f".tmp_{self.number:04d}"
        temporary.mkdir(parents=True, exist_ok=True)
        for k in KEPT:
            np.save(temporary / f"{k}.npy", np.stack([m[k] for m, _, _ in self.rows]))
        at = 0
        with (temporary / "lines.jsonl").open("w") as f:
            for _, line, masks in self.rows:
                line["first_mask"] = at
                at += len(masks)
                f.write(json.dumps(line) + "\n")
        stacked = [m for _, _, masks in self.rows for m in masks]
        np.save(temporary / "masks.npy", np.stack(stacked) if stacked else np.zeros((0, MASK_H, MASK_W), np.uint8))
        temporary.rename(self.out / f"shard_{self.number:04d}")
        self.rows = []


def small_mask(mask: np.ndarray | None, box: list[float], width: int, height: int) -> np.ndarray:
    """Coverage 0..255 of each stride-4 cell; without a mask, that of the box."""
    if mask is None:
        sx, sy = MASK_W / width, MASK_H / height
        x1, y1, x2, y2 = box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy
        cx = np.clip(np.minimum(np.arange(MASK_W) + 1, x2) - np.maximum(np.arange(MASK_W), x1), 0, 1)
        cy = np.clip(np.minimum(np.arange(MASK_H) + 1, y2) - np.maximum(np.arange(MASK_H), y1), 0, 1)
        return (255 * cy[:, None] * cx[None, :]).astype(np.uint8)
    m = np.ascontiguousarray(mask).astype(np.float32) * 255
    return cv2.resize(m, (MASK_W, MASK_H), interpolation=cv2.INTER_AREA).astype(np.uint8)


def process(backbone: Backbone, folder: Path, line: dict, variant: int, writer: ShardWriter) -> None:
    rgb, line, masks = load_picture(folder, line, variant)
    if not line["objects"]:
        return
    line["variant"] = variant
    small = [small_mask(m, o["box"], line["width"], line["height"]) for o, m in zip(line["objects"], masks)]
    writer.add(backbone(shrink(rgb)), line, small)


def done_keys(out: Path) -> set[tuple[str, int]]:
    keys = set()
    for f in out.glob("shard_*/lines.jsonl"):
        for text in f.read_text().splitlines():
            line = json.loads(text)
            keys.add((line["image"], line["variant"]))
    return keys


def run_once(args: argparse.Namespace, backbone: Backbone, name: str, last: bool) -> int:
    """Everything of one data set that is not cached yet; a part shard is written only at the last pass."""
    folder = args.data / name
    path = folder / "annotations.jsonl"
    if not path.exists():
        return 0
    text = path.read_text()
    lines = [json.loads(t) for t in text[: text.rfind("\n") + 1].splitlines() if t.strip()]
    count = 0
    for split in ("test", "val", "train"):
        out = args.out / name / split
        have = done_keys(out)
        variants = range(args.variants if split == "train" else 1)
        work = [(l, v) for v in variants for l in lines if l["split"] == split and (l["image"], v) not in have]
        if not last and split == "train":
            work = work[: len(work) // SHARD * SHARD]
        elif not last and len(work) < 32:
            continue
        if not work:
            continue
        writer = ShardWriter(out)
        for line, variant in tqdm(work, desc=f"{name}/{split}", mininterval=10):
            try:
                process(backbone, folder, line, variant, writer)
            except FileNotFoundError as error:
                print(error)
            count += 1
        writer.flush()
    return count


def main() -> None:
    repo = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=repo / ".cache/training/data")
    parser.add_argument("--out", type=Path, default=repo / ".cache/training/features")
    parser.add_argument("--sets", nargs="+", default=["rendered", "photos", "composites"])
    parser.add_argument("--variants", type=int, default=1, help="copies of each training picture")
    parser.add_argument("--watch", type=float, default=0, help="look for new lines every so many seconds, until STOP")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    backbone = Backbone(args.out, args.threads)
    while True:
        last = not args.watch or (args.out / "STOP").exists()
        total = sum(run_once(args, backbone, name, last) for name in args.sets)
        if last:
            break
        if total == 0:
            time.sleep(args.watch)
    sizes = {k: (CHANNELS[k], HEIGHT // STRIDES[k], WIDTH // STRIDES[k]) for k in KEPT}
    print(f"features in {args.out}: {sizes}")


if __name__ == "__main__":
    main()
