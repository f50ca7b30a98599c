"""Referring-expression data as its publishers ship it: RoboRefIt, OCID-VLG, and this project's own JSONL.

RoboRefIt   ROOT/train/roborefit_train.json (likewise testA, testB): a list of {text, rgb_path, mask_path, ...} with
            paths written on Windows, from the folder above ROOT (`final_dataset\\train\\image\\0000000.png`); a mask is
            a picture, object not black. Any `NAME_SPLIT.json` of that form is read.
OCID-VLG    ROOT/refer/{multiple,unique}/SPLIT_expressions.json: {data: [{image_filename: "SEQUENCE,NAME.png",
            question, answer, ...}]}; the picture is ROOT/SEQUENCE/rgb/NAME.png, and the object is where
            ROOT/SEQUENCE/seg_mask_instances_combi/NAME.png equals `answer`.
JSONL       ROOT/annotations.jsonl beside ROOT/images (see ../README.md); sentences come from ../queries/.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Sample:
    """One sentence about one picture. `mask` reads the object's pixels, bool [H, W]."""

    picture: Path
    sentence: str
    mask: Callable[[], np.ndarray]


class DataError(Exception):
    """A data set that cannot be read; the message says which file and why."""


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing") from error
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON: {error}") from error


def _field(item: object, name: str, where: str) -> object:
    if not isinstance(item, dict) or name not in item:
        raise DataError(f"{where}: {name} is missing")
    return item[name]


def roborefit(root: Path, split: str) -> list[Sample]:
    files = sorted((root / split).glob(f"*_{split}.json"))
    if len(files) != 1:
        raise DataError(f"{root / split}: wanted one file *_{split}.json, found {len(files)}")
    items = _read_json(files[0])
    if not isinstance(items, list):
        raise DataError(f"{files[0]}: wanted a list")

    def resolve(written: object) -> Path:
        # Written from the folder above ROOT, whatever ROOT is called on this machine.
        parts = PureWindowsPath(str(written)).parts
        for candidate in (root.joinpath(*parts[1:]), root.joinpath(*parts)):
            if candidate.is_file():
                return candidate
        raise DataError(f"{files[0]}: {written} is not below {root}")

    def read(path: Path) -> Callable[[], np.ndarray]:
        def mask() -> np.ndarray:
            pixels = np.asarray(Image.open(path))
            return (pixels if pixels.ndim == 2 else pixels[..., :3].max(axis=-1)) > 0

        return mask

    samples = []
    for index, item in enumerate(items):
        where = f"{files[0]}, entry {index}"
        picture = resolve(_field(item, "rgb_path", where))
        mask = resolve(_field(item, "mask_path", where))
        samples.append(Sample(picture, str(_field(item, "text", where)), read(mask)))
    return samples


def ocid_vlg(root: Path, split: str, version: str = "multiple") -> list[Sample]:
    path = root / "refer" / version / f"{split}_expressions.json"
    items = _field(_read_json(path), "data", str(path))

    def read(file: Path, number: int) -> Callable[[], np.ndarray]:
        return lambda: np.asarray(Image.open(file)) == number

    samples = []
    for index, item in enumerate(items):  # type: ignore[arg-type]
        where = f"{path}, entry {index}"
        sequence, _, name = str(_field(item, "image_filename", where)).partition(",")
        folder = root / sequence
        number = int(_field(item, "answer", where))  # type: ignore[call-overload]
        mask = read(folder / "seg_mask_instances_combi" / name, number)
        samples.append(Sample(folder / "rgb" / name, str(_field(item, "question", where)), mask))
    return samples


def own_jsonl(root: Path, split: str, per_picture: int = 8, seed: int = 0) -> list[Sample]:
    """Sentences whose object is not in the picture are left out: the published model has no way to say so."""
    from pycocotools import mask as coco

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from queries import generate

    def read(objects: list[dict], targets: list[int]) -> Callable[[], np.ndarray]:
        return lambda: np.any([coco.decode(objects[target]["mask"]) for target in targets], axis=0)

    samples = []
    path = root / "annotations.jsonl"
    if not path.is_file():
        raise DataError(f"{path} is missing")
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines()):
        line = json.loads(text)
        if line["split"] != split:
            continue
        for query in generate(line, random.Random(seed * 1_000_003 + number), per_picture):
            if query.targets and all(line["objects"][target].get("mask") for target in query.targets):
                mask = read(line["objects"], list(query.targets))
                samples.append(Sample(root / _image(line), query.text, mask))
    return samples


def _image(line: dict) -> Path:
    name = Path(line["image"])
    return name if name.parts[0] == "images" else Path("images", name)


LAYOUTS: dict[str, Callable[[Path, str], list[Sample]]] = {
    "roborefit": roborefit,
    "ocid-vlg": ocid_vlg,
    "jsonl": own_jsonl,
}


def load(layout: str, root: Path, split: str) -> list[Sample]:
    samples = LAYOUTS[layout](root, split)
    if not samples:
        raise DataError(f"{root}: split {split} is empty")
    missing = next((s.picture for s in samples if not s.picture.is_file()), None)
    if missing is not None:
        raise DataError(f"{missing} is missing")
    return samples
