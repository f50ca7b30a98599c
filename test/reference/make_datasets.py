"""Writes one scene as RoboRefIt, OCID-VLG and RefCOCO lay data out, with Pillow, pickle and pycocotools.

Usage: make_datasets.py FOLDER   prints {name: area of the truth's mask as the peer counts it}
"""

import json
import pickle
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco

WIDTH, HEIGHT = 200, 100
RED, BLUE = (40, 20, 80, 60), (140, 40, 180, 80)
POLYGON = [40.0, 20.0, 80.0, 20.0, 80.0, 60.0, 40.0, 60.0]
ODD = [140.5, 40.2, 180.0, 47.9, 171.3, 80.0, 149.8, 77.4]


def scene() -> Image.Image:
    pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for (x1, y1, x2, y2), colour in ((RED, (250, 10, 10)), (BLUE, (10, 10, 250))):
        pixels[y1:y2, x1:x2] = colour
    return Image.fromarray(pixels)


def instances(kind: type) -> Image.Image:
    numbers = np.zeros((HEIGHT, WIDTH), kind)
    for value, (x1, y1, x2, y2) in ((3, RED), (300 if kind is np.uint16 else 7, BLUE)):
        numbers[y1:y2, x1:x2] = value
    return Image.fromarray(numbers)


def roborefit(root: Path) -> None:
    split = root / "data" / "final_dataset" / "testA"
    for name in ("image", "mask"):
        (split / name).mkdir(parents=True)
    scene().save(split / "image" / "0401.png")
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask[20:60, 40:80] = (0, 0, 128)
    Image.fromarray(mask).save(split / "mask" / "0401.png")
    rows = [
        {
            "num": 1,
            "text": "the red cup",
            "bbox": list(RED),
            "rgb_path": "final_dataset\\testA\\image\\0401.png",
            "depth_path": "final_dataset\\testA\\depth\\0401.png",
            "mask_path": "final_dataset\\testA\\mask\\0401.png",
            "class": "cup",
        }
    ]
    (split / "roborefit_testA.json").write_text(json.dumps(rows))


def ocid(root: Path) -> None:
    for sequence, kind in (("ARID20/table/top/seq03", np.uint8), ("ARID20/floor/top/seq04", np.uint16)):
        for name in ("rgb", "seg_mask_instances_combi"):
            (root / sequence / name).mkdir(parents=True)
        scene().save(root / sequence / "rgb" / "result.png")
        instances(kind).save(root / sequence / "seg_mask_instances_combi" / "result.png")
    rows = [
        {"question_index": 0, "image_filename": "ARID20/table/top/seq03,result.png", "question": "red box", "box": [40, 20, 40, 40], "answer": 3, "target": "box_1", "grasps": [], "program": []},
        {"question_index": 1, "image_filename": "ARID20/floor/top/seq04,result.png", "question": "the blue cup", "box": [140, 40, 40, 40], "answer": 300, "target": "cup_2", "grasps": [], "program": []},
    ]
    refer = root / "refer" / "multiple"
    refer.mkdir(parents=True)
    for split in ("train", "test"):
        (refer / f"{split}_expressions.json").write_text(json.dumps({"data": rows}))


def refcoco(root: Path, protocol: int) -> dict[str, int]:
    folder = root / "refcoco"
    folder.mkdir(parents=True)
    (root / "images" / "mscoco" / "images" / "train2014").mkdir(parents=True)
    scene().save(root / "images" / "mscoco" / "images" / "train2014" / "COCO_train2014_000000000009.jpg", quality=95)
    blue = np.zeros((HEIGHT, WIDTH), np.uint8)
    blue[40:80, 140:180] = 1
    rle = coco.encode(np.asfortranarray(blue))
    annotations = [
        {"id": 11, "image_id": 9, "category_id": 47, "bbox": [40, 20, 40, 40], "segmentation": [POLYGON], "iscrowd": 0},
        {"id": 12, "image_id": 9, "category_id": 47, "bbox": [140, 40, 40, 40], "segmentation": {"size": [HEIGHT, WIDTH], "counts": rle["counts"].decode()}, "iscrowd": 0},
        {"id": 13, "image_id": 9, "category_id": 47, "bbox": [140, 40, 40, 40], "segmentation": [ODD], "iscrowd": 0},
    ]
    images = [{"id": 9, "file_name": "COCO_train2014_000000000009.jpg", "width": WIDTH, "height": HEIGHT}]
    categories = [{"id": 47, "name": "cup", "supercategory": "kitchen"}]
    (folder / "instances.json").write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    refs = [
        {"ref_id": i, "ann_id": ann, "image_id": 9, "file_name": "COCO_train2014_000000000009_1.jpg", "split": split, "category_id": 47, "sent_ids": [i], "sentences": [{"sent_id": i, "sent": text, "raw": text, "tokens": text.split()} for text in texts]}
        for i, (ann, split, texts) in enumerate(((11, "val", ["red cup", "the red cup"]), (12, "testA", ["blue cup"]), (13, "testB", ["the blue"])))
    ]
    with (folder / "refs(unc).p").open("wb") as stream:
        pickle.dump(refs, stream, protocol=protocol)
    merged = coco.merge(coco.frPyObjects([ODD], HEIGHT, WIDTH))
    return {"odd_area": int(coco.area(merged)), "odd_mask": coco.decode(merged).flatten().tolist()}


def main() -> None:
    root = Path(sys.argv[1])
    roborefit(root / "roborefit")
    ocid(root / "OCID-VLG")
    print(json.dumps(refcoco(root / "refer0", 0)))
    refcoco(root / "refer2", 2)


if __name__ == "__main__":
    main()
