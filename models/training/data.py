"""Draws batches of pictures with several queries each: from cached features (`Batches`, for a CPU) or from the pictures
themselves, freshly mirrored, cropped and jittered each time (`OnlineBatches`, for a GPU)."""

from __future__ import annotations

import json
import queue
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from prepare import KEPT, MASK_H, MASK_W, augment, read_picture, recede, shrink, small_mask
from text import MiniLM, load_tokenizer


TWIN = 0.75
"""Share of the sentences with a twin that bring it along."""


EMPHASIS = {"ordinal": 2.5, "superlative": 1.3, "colour": 2.5, "absent": 0.8, "name": 1.3, "function": 2.0}
"""How much likelier than others a kind of sentence is kept: what is often wrong is asked more. "colour" are those with a
twin in another colour."""

REREAD = 60.0
"""Least seconds between two looks at the annotations."""


class Shards:
    """All pictures of one split of the named sets; `rescan` takes up shards that were written since."""

    def __init__(self, root: Path, sets: list[str], split: str):
        self.root, self.sets, self.split = root, sets, split
        self.seen: set[Path] = set()
        self.pictures: dict[str, list[tuple[dict[str, np.ndarray], int, dict]]] = {name: [] for name in sets}
        self.rescan()

    def rescan(self) -> None:
        for name in self.sets:
            for folder in sorted((self.root / name / self.split).glob("shard_*")):
                if folder in self.seen:
                    continue
                self.seen.add(folder)
                arrays = {k: np.load(folder / f"{k}.npy", mmap_mode="r") for k in (*KEPT, "masks")}
                for row, text in enumerate((folder / "lines.jsonl").read_text().splitlines()):
                    line = json.loads(text)
                    if line["objects"]:
                        line["set"] = name
                        self.pictures[name].append((arrays, row, line))

    def count(self) -> dict[str, int]:
        return {k: len(v) for k, v in self.pictures.items()}


def object_masks(arrays: dict[str, np.ndarray], line: dict) -> np.ndarray:
    """uint8 [objects,96,128] of one picture."""
    at = line["first_mask"]
    return np.asarray(arrays["masks"][at : at + len(line["objects"])])


def union(masks: np.ndarray, targets: list[int]) -> np.ndarray:
    return masks[targets].max(axis=0) if targets else np.zeros((MASK_H, MASK_W), np.uint8)


def tokenise(tokenizer, texts: list[str]) -> tuple[Tensor, Tensor]:
    """input_ids and attention_mask, int64 [Q,T], padded to the longest."""
    ids = [e.ids for e in tokenizer.encode_batch(texts)]
    length = max(map(len, ids))
    x = torch.zeros(len(ids), length, dtype=torch.int64)
    mask = torch.zeros_like(x)
    for row, i in enumerate(ids):
        x[row, : len(i)] = torch.tensor(i)
        mask[row, : len(i)] = 1
    return x, mask


def emphasis(query) -> float:
    return EMPHASIS.get("colour" if getattr(query, "contrast", None) == "colour" else query.kind, 1.0)


def choose_queries(generate: Callable, line: dict, rng: random.Random, count: int) -> list[tuple[str, list[int]]]:
    """`count` sentences out of twice as many, by EMPHASIS; most of those that have a twin with a swapped word bring it
    along: a hard negative."""
    chosen: list[tuple[str, list[int]]] = []
    # Weighted sampling without replacement (Efraimidis and Spirakis 2006).
    drawn = sorted(generate(line, rng, 2 * count), key=lambda q: rng.random() ** (1 / emphasis(q)), reverse=True)
    for q in drawn[:count]:
        chosen.append((q.text, list(q.targets)))
        twin = swap_of(q)
        if twin is not None and rng.random() < TWIN:
            chosen.append(twin)
    while chosen and len(chosen) < count:
        chosen.append(rng.choice(chosen))
    return chosen[:count]


class Collector:
    """Gathers the sentences and masks of a batch."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.target: list[np.ndarray] = []
        self.objects: list[np.ndarray] = []
        self.present: list[bool] = []
        self.has_mask: list[bool] = []

    def add(self, line: dict, masks: np.ndarray, queries: list[tuple[str, list[int]]]) -> None:
        anything = masks.max(axis=0)
        for text, targets in queries:
            self.texts.append(text)
            self.target.append(union(masks, targets))
            self.objects.append(anything)
            self.present.append(bool(targets))
            self.has_mask.append(all(line["objects"][i]["has_mask"] for i in targets))

    def batch(self, tokenizer) -> dict:
        ids, mask = tokenise(tokenizer, self.texts)
        return {
            "ids": ids, "mask": mask, "target": torch.from_numpy(np.stack(self.target)),
            "objects": torch.from_numpy(np.stack(self.objects)), "present": torch.tensor(self.present),
            "has_mask": torch.tensor(self.has_mask),
        }  # fmt: skip


class Batches:
    """Endless batches drawn by one background thread.

    A batch: maps {name: float32 [B,C,h,w]}, ids and mask int64 [Q,T], target and objects uint8 [Q,96,128] (what is
    asked for; anything annotated), present and has_mask bool [Q].
    """

    def __init__(self, shards: Shards, generate: Callable, weights: dict[str, float], pictures: int, per: int, seed: int):
        self.shards, self.generate, self.weights = shards, generate, weights
        self.pictures, self.per = pictures, per
        self.rng = random.Random(seed)
        self.tokenizer = load_tokenizer()
        self.queue: queue.Queue = queue.Queue(maxsize=3)
        self.order: dict[str, list[int]] = {}
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                self.queue.put(self._draw())
            except Exception as error:  # handed to the trainer: a thread's own traceback would pass unseen
                self.queue.put(error)
                return

    def __next__(self) -> dict:
        item = self.queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def _next_picture(self, name: str) -> tuple[dict[str, np.ndarray], int, dict]:
        """Each picture of a set once before any of them twice."""
        order = self.order.get(name)
        if not order:
            order = list(range(len(self.shards.pictures[name])))
            self.rng.shuffle(order)
            self.order[name] = order
        return self.shards.pictures[name][order.pop()]

    def _draw(self) -> dict:
        names = [n for n in self.shards.sets if self.shards.pictures[n]]
        picked: list[tuple[dict[str, np.ndarray], int]] = []
        collector = Collector()
        while len(picked) < self.pictures:
            name = self.rng.choices(names, [self.weights.get(n, 1.0) for n in names])[0]
            arrays, row, line = self._next_picture(name)
            queries = choose_queries(self.generate, line, self.rng, self.per)
            if queries:
                picked.append((arrays, row))
                collector.add(line, object_masks(arrays, line), queries)
        maps = {k: torch.from_numpy(np.stack([a[k][r] for a, r in picked]).astype(np.float32)) for k in KEPT}
        return collector.batch(self.tokenizer) | {"maps": maps}


def read_lines(data: Path, sets: list[str], split: str) -> dict[str, list[tuple[Path, dict]]]:
    """Annotation lines of a split with their folder, by set."""
    result: dict[str, list[tuple[Path, dict]]] = {}
    for name in sets:
        path = data / name / "annotations.jsonl"
        text = path.read_text() if path.exists() else ""
        lines = [json.loads(t) for t in text[: text.rfind("\n") + 1].splitlines() if t.strip()]
        result[name] = [(data / name, l) for l in lines if l["split"] == split and l["objects"]]
    return result


class OnlineBatches(torch.utils.data.IterableDataset):
    """Endless batches from the pictures: {"images": uint8 [B,H,W,3], ...} and what Batches gives beside the maps."""

    def __init__(self, data: Path, weights: dict[str, float], queries: str, pictures: int, per: int, seed: int):
        self.data = data
        self.lines = {k: v for k, v in read_lines(data, list(weights), "train").items() if v}
        self.weights, self.queries, self.pictures, self.per, self.seed = weights, queries, pictures, per, seed

    def __iter__(self):
        import importlib

        import cv2

        info = torch.utils.data.get_worker_info()
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        rng = random.Random(f"{self.seed} {info.id if info else 0}")
        generate = importlib.import_module(self.queries).generate
        tokenizer = load_tokenizer()
        read = time.monotonic()
        while True:
            # Sets may still be growing; each worker looks at its own moment.
            if time.monotonic() - read > REREAD * (1 + rng.random()):
                self.lines = {k: v for k, v in read_lines(self.data, list(self.weights), "train").items() if v}
                read = time.monotonic()
            names = list(self.lines)
            shares = [self.weights[n] for n in names]
            collector, images = Collector(), []
            while len(images) < self.pictures:
                folder, line = rng.choice(self.lines[rng.choices(names, shares)[0]])
                rgb, line, masks = read_picture(folder, line)
                rgb = augment(rgb, line, masks, rng, rng.random() < 0.5, rng.random() < 0.6)
                if rng.random() < 0.15:
                    rgb = recede(line, rgb, masks, rng)
                if not line["objects"]:
                    continue
                queries = choose_queries(generate, line, rng, self.per)
                if not queries:
                    continue
                small = [small_mask(m, o["box"], line["width"], line["height"]) for o, m in zip(line["objects"], masks)]
                images.append(shrink(rgb))
                collector.add(line, np.stack(small), queries)
            yield collector.batch(tokenizer) | {"images": torch.from_numpy(np.stack(images))}


def swap_of(query) -> tuple[str, list[int]] | None:
    """The swapped twin of a query, whether given as an object or as a dictionary."""
    twin = getattr(query, "swap", None)
    if not twin:
        return None
    if isinstance(twin, dict):
        return twin["text"], list(twin["targets"])
    return twin.text, list(twin.targets)


@torch.no_grad()
def encode_words(net: MiniLM, ids: Tensor, mask: Tensor) -> Tensor:
    """[Q,T,768] in 16-bit arithmetic."""
    with torch.autocast(ids.device.type, torch.bfloat16):
        return net(ids, mask)[0].float()
