"""Real photos in the data set's format, with our own split, true colours and synonyms.

    python models/training/photos.py [--photos DIR] [--out DIR]

Reads ../shared/data/photos. Splits are deterministic and keep neighbouring shots of one series together. Colour words
come from a thing's own masked pixels and only where one word clearly dominates. `absent_nouns` lists what a source's
annotation allows to call absent; `near_complete` marks sources whose things of the annotated classes are in practice
all annotated (so that "the left tomato" holds), without a claim about any other class.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco
from tqdm import tqdm

from scenes.colours import WORDS, shares

NAMES: dict[str, list[str]] = {
    "cup": ["cup", "mug"], "wine glass": ["wine glass", "glass"], "cell phone": ["phone", "cell phone", "smartphone", "mobile phone"], "remote": ["remote", "remote control"],
    "bowl": ["bowl", "dish"], "donut": ["donut", "doughnut"], "tv": ["tv", "television", "screen"], "sports ball": ["ball"], "handbag": ["handbag", "bag", "purse"],
    "backpack": ["backpack", "bag"], "suitcase": ["suitcase", "bag"], "teddy bear": ["teddy bear", "stuffed animal", "toy"], "potted plant": ["potted plant", "plant"],
    "mouse": ["computer mouse", "mouse"], "scissors": ["scissors", "pair of scissors"], "tin can": ["can", "tin can", "tin"], "waste bin": ["bin", "waste bin", "trash can"],
    "doll": ["doll", "toy"], "courgette": ["zucchini", "courgette"], "salmon": ["salmon", "salmon fillet", "fish"], "rice": ["rice", "bag of rice"],
    "oat milk": ["oat milk", "carton of oat milk", "milk", "carton", "milk carton"], "almond milk": ["almond milk", "carton of almond milk", "milk", "carton", "milk carton"],
    "milk": ["milk", "milk carton", "carton"], "spaghetti": ["spaghetti", "pack of spaghetti", "pasta"], "quinoa": ["quinoa", "bag of quinoa"], "oats": ["oats", "bag of oats"],
    "olive oil": ["olive oil", "bottle of olive oil", "olive oil bottle", "bottle"], "cured goat cheese": ["goat cheese", "cheese"], "picture frame": ["picture frame", "picture"],
    "pillow": ["pillow", "cushion"], "book": ["book"], "keyboard": ["keyboard"], "laptop": ["laptop", "computer"], "hot dog": ["hot dog"], "baseball glove": ["baseball glove", "glove"],
    "tv monitor": ["tv", "screen", "monitor"],
}
MATERIAL = {"fork": "metal", "wine glass": "glass"}
CATEGORY = {"fork": "cutlery", "knife": "cutlery", "spoon": "cutlery"}
FAR = ["hammer", "screwdriver", "scissors", "stapler", "calculator", "computer mouse", "toothbrush", "tennis ball", "teddy bear", "umbrella", "keyboard", "remote control", "drill", "wrench", "flashlight", "wine glass", "padlock", "donut"]
ABSENT: dict[str, list[str]] = {
    "coco256": ["cup", "mug", "wine glass", "bowl", "book", "bottle", "handbag", "knife", "spoon", "fork", "carrot", "broccoli", "teddy bear", "backpack", "umbrella", "donut", "clock", "pizza", "remote control", "phone", "tie", "laptop", "banana",
                "baseball glove", "vase", "keyboard", "suitcase", "frisbee", "sandwich", "orange", "apple", "toothbrush", "scissors", "hot dog", "cake", "tennis racket", "computer mouse"],
    "indoor": ["cup", "mug", "book", "pillow", "can", "bowl", "bottle", "backpack", "doll", "remote control", "vase", "picture frame", "waste bin"],
    "ingredients": [*FAR, "mug", "cup", "glass", "bowl", "plate", "fork", "knife", "spoon", "pen", "book", "phone", "apple", "orange", "lemon", "pear", "can", "soap", "sponge", "teapot", "pineapple", "ball", "candle", "strawberry"],
    "forkscissors": [*FAR, "mug", "cup", "bowl", "plate", "knife", "spoon", "fork", "pen", "book", "phone", "apple", "orange", "banana", "bottle", "can", "box", "ball"],
    "bottlescups": [*FAR, "banana", "carrot", "fork", "apple", "egg", "lemon", "pear", "knife"],
    "grocery_iconic": [*FAR, "mug", "cup", "bowl", "plate", "fork", "knife", "spoon", "pen", "book", "phone", "ball", "can", "teapot"],
}  # fmt: skip
#: Colours that go without saying: another measured word there means light, sauce or a neighbour, not the thing.
USUAL = {"orange": "orange", "banana": "yellow", "carrot": "orange", "tomato": "red", "broccoli": "green", "salmon": "orange", "zucchini": "green", "olive oil": "green"}
#: What lies in them covers their own colour.
FILLED = {"bowl", "pizza", "cake", "sandwich", "hot dog", "dining table"}
NEAR_COMPLETE = {"ingredients", "forkscissors", "coco256", "indoor", "grocery_iconic"}


def group_of(line: dict) -> str:
    """Pictures that must not be parted by a split: neighbouring shots of a series."""
    name = line["origin"].split("/")[-1]
    if line["source"] == "ingredients":
        m = re.match(r"IMG_(\d+)", name)
        if m:
            return f"ingredients:{int(m.group(1)) // 10}"
        return "ingredients:" + "-".join(sorted({o["name"] for o in line["objects"]}))
    if line["source"] == "indoor":
        return f"indoor:{int(re.sub(r'[^0-9]', '', name.split('.')[0])) // 60}"
    return f"{line['source']}:{name.split('.rf.')[0]}"


def split_of(line: dict) -> str:
    if line["source"] == "grocery_iconic":
        return "train"
    x = int(hashlib.md5(("photos:" + group_of(line)).encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    return "train" if x < 0.75 else "val" if x < 0.80 else "test"


def colours_of(rgb: np.ndarray, mask: np.ndarray, sure: bool) -> tuple[list[str], dict[str, float]]:
    """One dominant word (two for a clear pair) of the pixels well inside a mask, or nothing."""
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8), iterations=2)
    if inner.sum() < 80:
        return [], {}
    share = shares(rgb[inner > 0])
    parts = {WORDS[i]: round(float(v), 3) for i, v in enumerate(share) if v >= 0.05}
    word = WORDS[int(share.argmax())]
    if share.max() < (0.5 if sure else 0.6) or word in ("gray", "beige") or (not sure and word in ("white", "black")):
        return [], parts
    return [word], parts


def convert(line: dict, root: Path, out: Path) -> dict:
    rgb = cv2.cvtColor(cv2.imread(str(root / line["image"])), cv2.COLOR_BGR2RGB)
    name = "images/" + Path(line["image"]).name
    shutil.copyfile(root / line["image"], out / name)
    w, h = line["width"], line["height"]
    objects = []
    for o in line["objects"]:
        names = NAMES.get(o["name"], [o["name"]])
        new = {"name": names[0], "names": names, "category": CATEGORY.get(o["name"], names[0]), "colours": [], "material": MATERIAL.get(o["name"]), "shape": [],
               "box": o["box"], "visible": 1.0, "graspable": bool(o.get("graspable", True))}
        if line["source"] == "grocery_iconic":
            plain = [p.lower() for p in o.get("phrases", [])] or [o["name"]]
            new["names"] = list(dict.fromkeys([*plain, o["name"]]))
            new["name"] = new["names"][0]
        rle = o.get("mask") or o.get("pseudo_mask")
        if rle:
            m = coco.decode(rle)
            x1, y1, x2, y2 = (int(round(v)) for v in o["box"])
            filled = m[max(0, y1):y2, max(0, x1):x2].mean() if y2 > y1 and x2 > x1 else 0
            if m.sum() >= 30 and (o.get("mask") or filled > 0.25):
                new["mask"] = rle
                new["mask_source"] = "annotated" if o.get("mask") else "automatic"
                new["colours"], new["colour_shares"] = colours_of(rgb, m, bool(o.get("mask")))
        if new["name"] in FILLED or (new["name"] in USUAL and new["colours"] != [USUAL[new["name"]]]):
            new["colours"] = []
        if o.get("crowd"):
            new["crowd"] = True
        area = (o["box"][2] - o["box"][0]) * (o["box"][3] - o["box"][1])
        new["target"] = bool(new["graspable"] and not o.get("crowd") and area >= 0.0012 * w * h)
        objects.append(new)
    return {"image": name, "width": w, "height": h, "source": line["source"], "licence": line["licence"], "origin": line["origin"], "split": split_of(line),
            "complete": bool(line["complete"]), "near_complete": line["source"] in NEAR_COMPLETE, "absent_nouns": ABSENT[line["source"]], "objects": objects}


def main() -> None:
    here = Path(__file__).resolve()
    shared = Path(os.environ.get("GRASP_GROUNDING_SHARED", here.parents[3] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=str(shared / "data/photos"))
    parser.add_argument("--out", default=str(here.parents[2] / ".cache/training/data/photos"))
    args = parser.parse_args()
    root, out = Path(args.photos), Path(args.out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    count: Counter[tuple[str, str]] = Counter()
    lines = [json.loads(x) for x in (root / "annotations.jsonl").read_text().splitlines()]
    with open(out / "annotations.jsonl.part", "w") as f:
        for line in tqdm(lines, unit="photo"):
            if line["source"] not in ABSENT:
                continue
            new = convert(line, root, out)
            if not any(o["target"] for o in new["objects"]):
                continue
            count[new["source"], new["split"]] += 1
            f.write(json.dumps(new) + "\n")
    os.replace(out / "annotations.jsonl.part", out / "annotations.jsonl")
    for (source, split), n in sorted(count.items()):
        print(f"{source:16s} {split:6s} {n}")


if __name__ == "__main__":
    main()
