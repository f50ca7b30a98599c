"""Test sets of sentences for `grasp-grounding eval`, and the small committed one.

    python models/training/queries_eval.py full    [--data DIR] [--out DIR]            the whole test split
    python models/training/queries_eval.py fixture [--data DIR] [--out test/fixtures/eval]   about 100 pictures with their files

Lines: {image, query, box or boxes, mask?, absent?, kind, source, contrast?, pair?}. A mask stands only where it is exact
(rendered) or annotated by people. Two lines with the same `pair` differ in one word (left/right or the colour) and in
their answer. Deterministic: the same annotations give the same file.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco

from queries import Query, generate

#: Photo sources whose licence lets their pictures be handed on, with how many pictures of each the fixture takes.
REDISTRIBUTABLE = {"ingredients": 26, "forkscissors": 6, "bottlescups": 8}
RENDERED = 60
#: Test photos found, when looked at one by one, to show a thing of an annotated class without its box, or with a wrong name: in no test set.
FLAWED = {"images/ingredients_00287.jpg", "images/ingredients_00288.jpg", "images/ingredients_00307.jpg"}


def balanced(line: dict, seed: str, count: int, taken: Counter[str]) -> list[Query]:
    """`count` queries of a picture, those kinds first of which the set has the fewest so far; one of them absent at least
    every second picture."""
    rng = random.Random(seed)
    pool = generate(line, rng, 60)
    rng.shuffle(pool)
    out: list[Query] = []
    while pool and len(out) < count:
        inside = Counter(q.kind for q in out)
        pool.sort(key=lambda q: (inside[q.kind], taken[q.kind] / (2.0 if q.kind in ("position", "relation", "absent", "attribute") else 1.0)))
        q = pool.pop(0)
        taken[q.kind] += 1
        out.append(q)
    return out


def rows(line: dict, image: str, found: list[Query], numbers: list[int], scale: float = 1.0, masks: bool = True) -> list[dict]:
    out = []
    for q in found:
        pair = None
        if q.swap:
            numbers[0] += 1
            pair = numbers[0]
        for one in [q] + ([q.swap] if q.swap else []):
            row: dict = {"image": image, "query": one.text, "kind": q.kind, "source": line["source"]}
            objects = [line["objects"][t] for t in one.targets]
            if not objects:
                row["absent"] = True
            else:
                boxes = [[round(v * scale, 1) for v in o["box"]] for o in objects]
                row |= {"box": boxes[0]} if len(boxes) == 1 else {"boxes": boxes}
                if masks and all("mask" in o and o.get("mask_source", "annotated") == "annotated" for o in objects):
                    m = np.max([coco.decode(o["mask"]) for o in objects], axis=0)
                    rle = coco.encode(np.asfortranarray(m))
                    row["mask"] = {"size": [int(v) for v in rle["size"]], "counts": rle["counts"].decode()}
            if pair is not None:
                row |= {"contrast": q.contrast, "pair": pair}
            out.append(row)
    return out


def read(data: Path, name: str) -> list[dict]:
    return [x for x in map(json.loads, (data / name / "annotations.jsonl").read_text().splitlines()) if x["split"] == "test" and x["image"] not in FLAWED]


def write(path: Path, lines: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(x) + "\n" for x in lines))
    kinds = Counter(x["kind"] for x in lines)
    print(f"{path}: {len(lines)} queries, {len({x['image'] for x in lines})} pictures, {dict(kinds)}, pairs {len({x['pair'] for x in lines if 'pair' in x})}")


def full(args: argparse.Namespace) -> None:
    data, out = Path(args.data), Path(args.out)
    for name, count in (("rendered", 8), ("photos", 6)):
        taken: Counter[str] = Counter()
        numbers = [0]
        lines = []
        for line in read(data, name):
            found = balanced(line, f"eval:{line['image']}", count, taken)
            lines += rows(line, f"../data/{name}/{line['image']}", found, numbers)
        write(out / f"{name}.jsonl", lines)


def fixture(args: argparse.Namespace) -> None:
    data, out = Path(args.data), Path(args.out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    for old in (out / "images").glob("*.jpg"):
        old.unlink()
    lines: list[dict] = []
    taken: Counter[str] = Counter()
    numbers = [0]
    chosen: list[tuple[str, dict]] = []
    scenes: set[int] = set()
    for line in sorted(read(data, "rendered"), key=lambda x: (x["scene"], x["image"])):
        if line["scene"] not in scenes and len(scenes) < RENDERED and sum(o["target"] for o in line["objects"]) >= 3:
            scenes.add(line["scene"])
            chosen.append(("rendered", line))
    photos = sorted(read(data, "photos"), key=lambda x: random.Random(x["image"]).random())
    for source, count in REDISTRIBUTABLE.items():
        chosen += [("photos", x) for x in photos if x["source"] == source][:count] if count else []
    for name, line in chosen:
        found = balanced(line, f"fixture:{line['image']}", 5 if name == "rendered" else 4, taken)
        target = f"images/{line['source']}_{Path(line['image']).stem.split('_', 1)[1]}.jpg"
        img = cv2.imread(str(data / name / line["image"]))
        quality = 84
        while True:
            _, raw = cv2.imencode(".jpg", img, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if len(raw) < 58_000 or quality <= 50:
                break
            quality -= 6
        (out / target).write_bytes(raw.tobytes())
        lines += rows(line, target, found, numbers)
    write(out / "eval.jsonl", lines)
    print(f"{sum(f.stat().st_size for f in out.rglob('*') if f.is_file()) / 1e6:.2f} MB")


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["full", "fixture"])
    parser.add_argument("--data", default=str(root / ".cache/training/data"))
    parser.add_argument("--out")
    args = parser.parse_args()
    args.out = args.out or str(root / (".cache/training/eval" if args.what == "full" else "test/fixtures/eval"))
    (full if args.what == "full" else fixture)(args)


if __name__ == "__main__":
    main()
