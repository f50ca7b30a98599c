"""Endless training batches with instances: images in many framings, sentences, and the mask of one object for each."""

from __future__ import annotations

import importlib
import random
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch

from data import Collector, choose_queries, read_lines, tokenise
from prepare import read_picture, small_mask
from queries.content import further_names
from queries.words import may_be_called
from text import load_tokenizer
from views import framed, resampled
from views_paste import Cuts, pasted

OWN = 6
"""Objects an image whose masks are drawn whatever they are called."""
REREAD = 400
"""Images of a worker between two looks at the annotations, which may still be growing."""
GROUNDS = "grounds"
"""Folder of textures, beside the sets, onto which objects are pasted."""
LEAST_CELL = 24
"""Least coverage (of 255) by which a stride-16 cell may be an object's."""


def pick_cell(mask: np.ndarray, rng: random.Random) -> int:
    """A random stride-16 cell of [24,32] that is covered at least half as much as the object's fullest one; -1 if none."""
    cover = mask.reshape(24, 4, 32, 4).mean((1, 3))
    top = cover.max()
    if top < LEAST_CELL:
        return -1
    return int(rng.choice(np.flatnonzero(cover >= 0.5 * top).tolist()))


def all_names(o: dict) -> tuple[str, ...]:
    names = [n.lower() for n in dict.fromkeys([o["name"], *(o.get("names") or [])])]
    return tuple(names + further_names(names))


@lru_cache(maxsize=500_000)
def bears(noun: str, names: tuple[str, ...]) -> int:
    """1 where an object of these names is called so, 0 where nobody would, 2 where somebody might or nothing is known."""
    if not names:
        return 2
    return 1 if noun in names else 2 if may_be_called(noun, list(names)) else 0


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
        self.own_names: list[tuple[str, ...]] = []

    def add(self, line: dict, masks: np.ndarray, queries: list[tuple[str, list[int]]]) -> None:
        super().add(line, masks, queries)
        for _, targets in queries:
            t = self.rng.choice(targets) if targets else None
            self.one.append(np.zeros_like(masks[0]) if t is None else masks[t])
            self.one_cell.append(-1 if t is None or line["objects"][t].get("label_only") else pick_cell(masks[t], self.rng))
            self.one_known.append(t is not None and line["objects"][t]["has_mask"])
        order = list(range(len(masks)))
        self.rng.shuffle(order)
        order.sort(key=lambda i: not line["objects"][i]["has_mask"])
        for i in (order * OWN)[:OWN]:
            o = line["objects"][i]
            outlined = not o.get("crowd") and not o.get("label_only")
            self.own.append(masks[i])
            self.own_cell.append(pick_cell(masks[i], self.rng) if outlined else -1)
            self.own_known.append(o["has_mask"])
            self.own_names.append(all_names(o) if masks[i].any() and o.get("visible", 1.0) > 0.3 else ())

    def batch(self, tokenizer) -> dict:
        arrays = {"one": np.stack(self.one), "one_cell": np.array(self.one_cell), "one_known": np.array(self.one_known),
                  "own": np.stack(self.own), "own_cell": np.array(self.own_cell), "own_known": np.array(self.own_known)}  # fmt: skip
        spoken = sorted({self.rng.choice(n) for n in self.own_names if n}) or ["object"]
        ids, mask = tokenise(tokenizer, spoken)
        table = np.array([[bears(noun, names) for noun in spoken] for names in self.own_names], np.uint8)
        arrays["names_table"] = table
        return super().batch(tokenizer) | {k: torch.from_numpy(v) for k, v in arrays.items()} | {"names_ids": ids, "names_mask": mask}


class ViewBatches(torch.utils.data.IterableDataset):
    """{"images": uint8 [B,384,512,3], ids, mask, target, objects, present, has_mask (see data.Batches), one uint8
    [Q,96,128], one_cell int64 [Q] (-1: none), one_known bool [Q], own [B*OWN,96,128], own_cell, own_known, names_ids and
    names_mask int64 [U,T] (names of objects of the batch), names_table uint8 [B*OWN,U] (see `bears`)}."""

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
        textures = [cv2.imread(str(f))[:, :, ::-1] for f in sorted((self.data / GROUNDS).glob("*.jpg"))]
        lines, count, cuts, total = {}, 0, None, 0

        def read():
            nonlocal lines, count, cuts, total
            if count % REREAD == 0:
                found = read_lines(self.data, list(self.weights), "train")
                lines = {k: by_source(v) for k, v in found.items() if v}
                if sum(map(len, found.values())) > total:
                    total = sum(map(len, found.values()))
                    cuts = Cuts([l for name, rows in found.items() if name != "composites" for l in rows])
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
                    rgb, line, masks = framed(read, rng, (lambda base: pasted(base, cuts, textures, rng)) if textures and cuts else None)
                except (FileNotFoundError, cv2.error):
                    continue  # an image still being written, or a window without pixels
                if not line["objects"]:
                    continue
                queries = choose_queries(generate, line, rng, self.per)
                if not queries:
                    continue
                small = [small_mask(m, o["box"], line["width"], line["height"]) for o, m in zip(line["objects"], masks)]
                images.append(resampled(rgb, rng))
                collector.add(line, np.stack(small), queries)
            yield collector.batch(tokenizer) | {"images": torch.from_numpy(np.stack(images))}
