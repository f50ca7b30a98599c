"""Endless training batches with instances: images in many framings, sentences, and the mask of one object for each."""

from __future__ import annotations

import importlib
import random
from pathlib import Path

import cv2
import numpy as np
import torch

from data import Collector, choose_queries, read_lines
from prepare import read_picture, shrink, small_mask
from text import load_tokenizer
from views import framed

OWN = 6
"""Objects an image whose masks are drawn whatever they are called."""
REREAD = 400
"""Images of a worker between two looks at the annotations, which may still be growing."""
LEAST_CELL = 24
"""Least coverage (of 255) by which a stride-16 cell may be an object's."""


def pick_cell(mask: np.ndarray, rng: random.Random) -> int:
    """A random stride-16 cell of [24,32] that is covered at least half as much as the object's fullest one; -1 if none."""
    cover = mask.reshape(24, 4, 32, 4).mean((1, 3))
    top = cover.max()
    if top < LEAST_CELL:
        return -1
    return int(rng.choice(np.flatnonzero(cover >= 0.5 * top).tolist()))


def by_source(rows: list[tuple[Path, dict]]) -> dict[str, list[tuple[Path, dict]]]:
    result: dict[str, list[tuple[Path, dict]]] = {}
    for folder, line in rows:
        result.setdefault(line["source"], []).append((folder, line))
    return result


class InstanceCollector(Collector):
    """Beside Collector's tensors: for every sentence one target's mask and a cell of it, and OWN objects an image."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self.rng = rng
        self.one: list[np.ndarray] = []
        self.one_cell: list[int] = []
        self.one_known: list[bool] = []
        self.own: list[np.ndarray] = []
        self.own_cell: list[int] = []
        self.own_known: list[bool] = []

    def add(self, line: dict, masks: np.ndarray, queries: list[tuple[str, list[int]]]) -> None:
        super().add(line, masks, queries)
        for _, targets in queries:
            t = self.rng.choice(targets) if targets else None
            self.one.append(np.zeros_like(masks[0]) if t is None else masks[t])
            self.one_cell.append(-1 if t is None else pick_cell(masks[t], self.rng))
            self.one_known.append(t is not None and line["objects"][t]["has_mask"])
        order = list(range(len(masks)))
        self.rng.shuffle(order)
        order.sort(key=lambda i: not line["objects"][i]["has_mask"])
        for i in (order * OWN)[:OWN]:
            crowd = bool(line["objects"][i].get("crowd"))
            self.own.append(masks[i])
            self.own_cell.append(-1 if crowd else pick_cell(masks[i], self.rng))
            self.own_known.append(line["objects"][i]["has_mask"])

    def batch(self, tokenizer) -> dict:
        arrays = {"one": np.stack(self.one), "one_cell": np.array(self.one_cell), "one_known": np.array(self.one_known),
                  "own": np.stack(self.own), "own_cell": np.array(self.own_cell), "own_known": np.array(self.own_known)}  # fmt: skip
        return super().batch(tokenizer) | {k: torch.from_numpy(v) for k, v in arrays.items()}


class ViewBatches(torch.utils.data.IterableDataset):
    """{"images": uint8 [B,384,512,3], ids, mask, target, objects, present, has_mask (see data.Batches), one uint8
    [Q,96,128], one_cell int64 [Q] (-1: none), one_known bool [Q], own [B*OWN,96,128], own_cell, own_known}."""

    def __init__(self, data: Path, weights: dict[str, float], queries: str, images: int, per: int, seed: int):
        self.data, self.weights, self.queries = data, weights, queries
        self.images, self.per, self.seed = images, per, seed

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        rng = random.Random(f"{self.seed} {info.id if info else 0}")
        generate = importlib.import_module(self.queries).generate
        tokenizer = load_tokenizer()
        lines, count = {}, 0

        def read():
            nonlocal lines, count
            if count % REREAD == 0:
                lines = {k: by_source(v) for k, v in read_lines(self.data, list(self.weights), "train").items() if v}
            count += 1
            names = list(lines)
            name = rng.choices(names, [self.weights[n] for n in names])[0]
            sources = list(lines[name])
            # A source of many alike photos is drawn less often for each: by the root of its size.
            source = rng.choices(sources, [len(lines[name][s]) ** 0.5 for s in sources])[0]
            return read_picture(*rng.choice(lines[name][source]))

        while True:
            collector, images = InstanceCollector(rng), []
            while len(images) < self.images:
                try:
                    rgb, line, masks = framed(read, rng)
                except (FileNotFoundError, cv2.error):
                    continue  # an image still being written, or a window without pixels
                if not line["objects"]:
                    continue
                queries = choose_queries(generate, line, rng, self.per)
                if not queries:
                    continue
                small = [small_mask(m, o["box"], line["width"], line["height"]) for o, m in zip(line["objects"], masks)]
                images.append(shrink(rgb))
                collector.add(line, np.stack(small), queries)
            yield collector.batch(tokenizer) | {"images": torch.from_numpy(np.stack(images))}
