"""Reads the cached shards and draws batches: pictures with several queries each, all words encoded on the way."""

from __future__ import annotations

import json
import queue
import random
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from prepare import KEPT, MASK_H, MASK_W
from text import MiniLM, load_tokenizer


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


class Batches:
    """Endless batches drawn by one background thread.

    A batch: maps {name: float32 [B,C,h,w]}, ids and mask int64 [Q,T], target and objects uint8 [Q,96,128] (what is
    asked for; anything annotated), place [Q,objects...] is derived from target, present and has_mask bool [Q].
    Half of the queries that have a twin with a swapped word bring it along: a hard negative on the same picture.
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

    def _queries(self, line: dict) -> list[tuple[str, list[int]]]:
        chosen: list[tuple[str, list[int]]] = []
        for q in self.generate(line, self.rng, self.per):
            chosen.append((q.text, list(q.targets)))
            twin = swap_of(q)
            if twin is not None and self.rng.random() < 0.5:
                chosen.append(twin)
        while len(chosen) < self.per:
            chosen.append(self.rng.choice(chosen))
        return chosen[: self.per]

    def _draw(self) -> dict:
        names = [n for n in self.shards.sets if self.shards.pictures[n]]
        picked: list[tuple[dict[str, np.ndarray], int, dict]] = []
        texts: list[str] = []
        target, objects, present, has_mask = [], [], [], []
        while len(picked) < self.pictures:
            name = self.rng.choices(names, [self.weights.get(n, 1.0) for n in names])[0]
            arrays, row, line = self._next_picture(name)
            queries = self._queries(line)
            if not queries:
                continue
            picked.append((arrays, row, line))
            masks = object_masks(arrays, line)
            anything = masks.max(axis=0)
            for text, targets in queries:
                texts.append(text)
                target.append(union(masks, targets))
                objects.append(anything)
                present.append(bool(targets))
                has_mask.append(all(line["objects"][i]["has_mask"] for i in targets))
        ids, mask = tokenise(self.tokenizer, texts)
        return {
            "maps": {k: torch.from_numpy(np.stack([a[k][r] for a, r, _ in picked]).astype(np.float32)) for k in KEPT},
            "ids": ids, "mask": mask,
            "target": torch.from_numpy(np.stack(target)), "objects": torch.from_numpy(np.stack(objects)),
            "present": torch.tensor(present), "has_mask": torch.tensor(has_mask),
        }  # fmt: skip


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
    """[Q,T,768] in bfloat16 arithmetic where the processor has it."""
    with torch.autocast("cpu", torch.bfloat16):
        return net(ids, mask)[0].float()
