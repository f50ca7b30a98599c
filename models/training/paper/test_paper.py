"""Tests of the paper's recipe on tiny data sets of each layout. Run in models/: python -m unittest training.paper.test_paper"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from export.checkpoint import Wishes, load_hifics
from export.clip import Clip, ClipConfig
from PIL import Image

from .data import DataError, load
from .metrics import Scores, iou
from .train import Batches, main, picture

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 220)}


def draw(seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A picture of three coloured rectangles, and each one's mask."""
    rng = np.random.default_rng(seed)
    pixels = np.full((96, 128, 3), 120, np.uint8)
    masks = {}
    for column, name in enumerate(rng.permutation(list(COLOURS))):
        x, y = column * 42 + int(rng.integers(0, 8)), int(rng.integers(5, 50))
        mask = np.zeros(pixels.shape[:2], bool)
        mask[y : y + 36, x : x + 30] = True
        pixels[mask] = COLOURS[str(name)]
        masks[str(name)] = mask
    return pixels, masks


def write_roborefit(root: Path) -> None:
    for split, seeds in (("train", range(4)), ("testA", range(4, 6))):
        folder, entries = root / split, []
        (folder / "image").mkdir(parents=True)
        for seed in seeds:
            pixels, masks = draw(seed)
            Image.fromarray(pixels).save(folder / "image" / f"{seed:07d}.png")
            (folder / "mask" / f"{seed:07d}").mkdir(parents=True)
            for number, (name, mask) in enumerate(masks.items()):
                Image.fromarray((mask * 255).astype(np.uint8)).save(folder / "mask" / f"{seed:07d}" / f"{number}.png")
                entries.append(
                    {
                        "num": len(entries),
                        "text": f"hand me the {name} box",
                        "bbox": [0, 0, 1, 1],
                        "rgb_path": f"final_dataset\\{split}\\image\\{seed:07d}.png",
                        "depth_path": f"final_dataset\\{split}\\depth\\{seed:07d}.png",
                        "mask_path": f"final_dataset\\{split}\\mask\\{seed:07d}\\{number}.png",
                        "class": "box",
                    }
                )
        (folder / f"roborefit_{split}.json").write_text(json.dumps(entries))


def write_ocid(root: Path) -> None:
    (root / "refer" / "multiple").mkdir(parents=True)
    for split, seeds in (("train", range(4)), ("test", range(4, 6))):
        entries = []
        for seed in seeds:
            sequence = f"ARID20/table/top/seq{seed:02d}"
            pixels, masks = draw(seed)
            instances = np.zeros(pixels.shape[:2], np.uint8)
            for number, (name, mask) in enumerate(masks.items(), 1):
                instances[mask] = number
                entries.append(
                    {
                        "image_filename": f"{sequence},result_{seed}.png",
                        "question_index": len(entries),
                        "question": f"the {name} box",
                        "answer": number,
                        "box": [0, 0, 1, 1],
                        "grasps": [],
                        "target": f"{name}_box_1",
                        "program": [],
                    }
                )
            for kind, content in (("rgb", pixels), ("seg_mask_instances_combi", instances)):
                path = root / sequence / kind
                path.mkdir(parents=True)
                Image.fromarray(content).save(path / f"result_{seed}.png")
        (root / "refer" / "multiple" / f"{split}_expressions.json").write_text(json.dumps({"data": entries}))


def write_jsonl(root: Path) -> None:
    from pycocotools import mask as coco

    (root / "images").mkdir(parents=True)
    lines = []
    for seed in range(6):
        pixels, masks = draw(seed)
        Image.fromarray(pixels).save(root / "images" / f"{seed}.jpg", quality=95)
        objects = []
        for name, mask in masks.items():
            ys, xs = np.nonzero(mask)
            rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
            objects.append(
                {
                    "name": "box",
                    "names": [],
                    "category": "container",
                    "colours": [name],
                    "material": None,
                    "shape": [],
                    "box": [int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1],
                    "mask": {"size": rle["size"], "counts": rle["counts"].decode()},
                    "visible": 1.0,
                    "graspable": True,
                }
            )
        split = "train" if seed < 4 else "val"
        line = {"image": f"{seed}.jpg", "width": 128, "height": 96, "source": "drawn", "split": split}
        lines.append({**line, "complete": True, "objects": objects})
    (root / "annotations.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)


class Layouts(Folder):
    def check(self, layout: str, splits: tuple[str, str], counts: tuple[int, int] | None) -> None:
        checked = 0
        for index, split in enumerate(splits):
            samples = load(layout, self.folder, split)
            if counts is not None:
                self.assertEqual(len(samples), counts[index])
            for sample in samples:
                # Sentences that name the object by its colour alone; relations name other colours too.
                said = re.fullmatch(r"(?:\w+ ){0,3}the (red|green|blue) box[.!]?", sample.sentence.lower())
                if said is None or re.search(r"\b(of|to|than|beside|near|behind)\b", sample.sentence):
                    continue
                colour = said.group(1)
                checked += 1
                with Image.open(sample.picture) as opened:
                    pixels = np.asarray(opened.convert("RGB")).astype(int)
                inside = pixels[sample.mask()]
                self.assertLess(np.abs(np.median(inside, axis=0) - COLOURS[colour]).max(), 30, sample.sentence)
        self.assertGreater(checked, 2)

    def test_roborefit(self) -> None:
        write_roborefit(self.folder)
        self.check("roborefit", ("train", "testA"), (12, 6))

    def test_ocid_vlg(self) -> None:
        write_ocid(self.folder)
        self.check("ocid-vlg", ("train", "test"), (12, 6))

    def test_own_jsonl(self) -> None:
        write_jsonl(self.folder)
        self.check("jsonl", ("train", "val"), None)

    def test_what_is_missing_is_named(self) -> None:
        with self.assertRaisesRegex(DataError, "_train.json, found 0"):
            load("roborefit", self.folder, "train")
        with self.assertRaisesRegex(DataError, "train_expressions.json is missing"):
            load("ocid-vlg", self.folder, "train")
        write_roborefit(self.folder)
        (self.folder / "train" / "mask" / "0000002" / "1.png").unlink()
        with self.assertRaisesRegex(DataError, r"0000002\\1.png is not below"):
            load("roborefit", self.folder, "train")


class Measuring(unittest.TestCase):
    def test_iou(self) -> None:
        a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
        self.assertEqual(iou(a, b), 1.0)
        a[:2], b[1:3] = True, True
        self.assertAlmostEqual(iou(a, b), 1 / 3)

    def test_low_logits_are_the_object(self) -> None:
        wanted = np.zeros((8, 8), bool)
        wanted[2:5, 2:5] = True
        scores = Scores()
        scores.add(torch.where(torch.from_numpy(wanted), -4.0, 4.0), wanted)
        scores.add(torch.where(torch.from_numpy(wanted), 4.0, -4.0), wanted)
        # 0.2 is background for the model, object for a script that takes the raw logit for a probability.
        scores.add(torch.where(torch.from_numpy(wanted), -4.0, 0.2), wanted)
        summary = scores.summary()
        self.assertAlmostEqual(summary["mean_iou"], 2 / 3)
        self.assertAlmostEqual(summary["precision_at"]["0.9"], 2 / 3)
        self.assertAlmostEqual(summary["mean_iou_raw_logits"], (1 + 0 + 9 / 64) / 3)


class Training(Folder):
    def setUp(self) -> None:
        super().setUp()
        write_roborefit(self.folder / "data")
        torch.manual_seed(0)
        self.clip = self.folder / "clip.pt"
        torch.save(Clip(ClipConfig("small", 128, 10, 16, 14, 64, 64, 2)).state_dict(), self.clip)

    def run_training(self, out: str, steps: int, **changes: object) -> dict:
        arguments = {"batch": 4, "eval-every": 1000, "log-every": 2, "save-every": 2, "lr": 1e-3, **changes}
        argv = ["--layout", "roborefit", "--data", str(self.folder / "data"), "--clip", str(self.clip)]
        argv += ["--out", str(self.folder / out), "--steps", str(steps)]
        for name, value in arguments.items():
            argv += [f"--{name}", str(value)]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            code = main(argv)
        self.assertEqual(code, 0)
        return json.loads(printed.getvalue())

    def test_the_loss_falls_and_everything_is_written(self) -> None:
        outcome = self.run_training("run", 12, **{"eval-every": 6})
        self.assertEqual(set(outcome["precision_at"]), {"0.5", "0.6", "0.7", "0.8", "0.9"})
        run = self.folder / "run"
        with (run / "log.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        self.assertEqual([row["step"] for row in rows], ["2", "4", "6", "8", "10", "12"])
        self.assertLess(float(rows[-1]["loss"]), 0.9 * float(rows[0]["loss"]))
        self.assertTrue(rows[-1]["mean_iou"])
        self.assertAlmostEqual(float(rows[-1]["lr"]), 1e-4, places=6)
        self.assertEqual((run / "curves.png").read_bytes()[:4], b"\x89PNG")
        for name in ("weights.pth", "best.pth"):
            loaded = load_hifics(run / name, self.clip, Wishes())
            self.assertEqual(loaded.model.decoder.config.variant, "per-level")

    def test_a_resumed_run_sees_the_same_batches(self) -> None:
        samples = load("roborefit", self.folder / "data", "train")
        straight = Batches(samples, 5, 0, 77)
        resumed = Batches(samples, 5, 0, 77)
        steps = [straight.indices(step) for step in range(9)]
        self.assertEqual(resumed.indices(7), steps[7])
        self.assertEqual(sorted(sum(steps, [])[:12]), list(range(12)))

    def test_a_broken_off_run_ends_where_a_straight_one_does(self) -> None:
        from . import train as module

        self.run_training("straight", 6)
        total = 0
        original = module.logits_of

        def breaking(*args: object) -> torch.Tensor:
            nonlocal total
            total += 1
            if total == 6:
                raise KeyboardInterrupt  # as a kill between two checkpoints would: steps after the last save are lost
            return original(*args)  # type: ignore[arg-type]

        module.logits_of = breaking
        try:
            with self.assertRaises(KeyboardInterrupt):
                self.run_training("broken", 6)
        finally:
            module.logits_of = original
        self.run_training("broken", 6)
        straight = torch.load(self.folder / "straight" / "weights.pth", weights_only=True)
        broken = torch.load(self.folder / "broken" / "weights.pth", weights_only=True)
        for name, value in straight.items():
            torch.testing.assert_close(broken[name], value, atol=1e-5, rtol=1e-4)

    def test_another_models_run_is_not_continued(self) -> None:
        self.run_training("run", 2)
        with self.assertRaises(AssertionError), contextlib.redirect_stderr(io.StringIO()):
            self.run_training("run", 2, variant="single")

    def test_pictures_are_scaled_to_one_and_not_normalised(self) -> None:
        sample = load("roborefit", self.folder / "data", "train")[0]
        values = picture(sample.picture)
        self.assertEqual(list(values.shape), [3, 352, 352])
        self.assertTrue(0 <= float(values.min()) < float(values.max()) <= 1)


if __name__ == "__main__":
    unittest.main()
