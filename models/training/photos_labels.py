"""Photos that are known by name alone: one object that fills the image, without an outline.

    python models/training/photos_labels.py [--photos DIR] [--out DIR]

Reads `grocery_natural` of ../shared/data/photos. Such a name is a label as Detic's are (Zhou et al. 2022): its box is nearly the
whole image, and the image is used as a part of another one (`views.py`). For training only.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import cv2

from photos import FAR

MARGIN = 0.06
"""Share of each side left out of the box."""
WIDER = {"juice": ["juice", "juice carton", "carton of juice"], "milk": ["milk", "milk carton", "carton of milk"], "yoghurt": ["yoghurt", "yogurt"], "pepper": ["bell pepper", "pepper"],
         "oat milk": ["oat milk", "milk carton"], "soy milk": ["soy milk", "milk carton"], "aubergine": ["aubergine", "eggplant"], "zucchini": ["zucchini", "courgette"], "carrots": ["carrots", "carrot"],
         "satsumas": ["mandarin", "satsuma", "tangerine"], "red beet": ["beetroot", "red beet", "beet"], "red grapefruit": ["grapefruit"], "mushroom": ["mushroom", "mushrooms"], "leek": ["leek", "leeks"]}  # fmt: skip
"""Usual names of a group of products."""
KIND_TOO = {"apple", "pear", "melon", "potato", "tomato", "onion"}
"""Groups whose sorts are spoken of together with the group: "golden delicious apple"."""
BRANDS = ("bravo ", "god morgon ", "tropicana ", "arla ", "garant ", "oatly ", "alpro ", "valio ", "yoggi ")


def names_of(labels: list[str]) -> list[str]:
    """Names by which people ask for what the labels (sort, group) say."""
    sort, group = labels[0], labels[-1]
    plain = next((sort.removeprefix(b) for b in BRANDS if sort.startswith(b)), sort)
    names = [*WIDER.get(group, [group])]
    if plain != group:
        names.append(f"{plain} {group}" if group in KIND_TOO and not plain.endswith(group) else plain)
    return list(dict.fromkeys(names))


def convert(line: dict, root: Path, out: Path) -> dict:
    w, h = line["width"], line["height"]
    name = "images/" + Path(line["image"]).name
    cv2.imwrite(str(out / name), cv2.imread(str(root / line["image"])), [cv2.IMWRITE_JPEG_QUALITY, 80])
    names = names_of(line["image_labels"])
    words = {word for n in names for word in n.split()}
    box = [MARGIN * w, MARGIN * h, (1 - MARGIN) * w, (1 - MARGIN) * h]
    o = {"name": names[0], "names": names, "category": names[0], "colours": [], "material": None, "shape": [], "box": [round(v, 1) for v in box],
         "visible": 1.0, "graspable": True, "target": True, "label_only": True}  # fmt: skip
    return {"image": name, "width": w, "height": h, "source": line["source"], "licence": line["licence"], "origin": line["origin"], "split": "train", "complete": False,
            "near_complete": False, "absent_nouns": [n for n in FAR if not set(n.split()) & words], "objects": [o]}  # fmt: skip


def main() -> None:
    here = Path(__file__).resolve()
    shared = Path(os.environ.get("GRASP_GROUNDING_SHARED", here.parents[3] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=str(shared / "data/photos"))
    parser.add_argument("--out", default=str(here.parents[2] / ".cache/training/data/labels"))
    args = parser.parse_args()
    root, out = Path(args.photos), Path(args.out)
    (out / "images").mkdir(parents=True, exist_ok=True)
    lines = [json.loads(t) for t in (root / "annotations.jsonl").read_text().splitlines()]
    chosen = [l for l in lines if l["source"] == "grocery_natural" and l.get("image_labels")]
    (out / "annotations.jsonl").write_text("".join(json.dumps(convert(l, root, out)) + "\n" for l in chosen))
    print(f"{len(chosen)} photos")


if __name__ == "__main__":
    main()
