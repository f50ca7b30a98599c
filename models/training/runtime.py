"""Runs a model folder as the product does: manifest, three ONNX graphs, the tokenizer; for evaluation and timing."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tokenizers import Tokenizer

from export import session
from instances import RELATIVE_SCORE, Detection, chosen, detections


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -50, 50)))


def logit(p: float) -> float:
    """Of a probability, held within 0.001 and 0.999."""
    p = min(max(p, 1e-3), 1 - 1e-3)
    return float(np.log(p / (1 - p)))


@dataclass(frozen=True)
class Answer:
    """Probability that the object is there, objects it may be (the most likely first), mask probability [h,w]."""

    presence: float
    objects: list[Detection]
    heat: np.ndarray


class Lite:
    """A model folder opened for pictures [H,W,3] uint8 RGB and sentences."""

    def __init__(self, folder: Path, threads: int = 2):
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.encoder, self.text, self.decoder = (
            session(folder / self.manifest[k]["file"], threads) for k in ("encoder", "text", "decoder")
        )
        self.tokenizer = Tokenizer.from_file(str(folder / self.manifest["text"]["tokenizer"]["file"]))

    def frame(self, rgb: np.ndarray) -> dict[str, np.ndarray]:
        spec = self.manifest["input"]
        small = Image.fromarray(rgb).resize((spec["width"], spec["height"]), Image.Resampling.BILINEAR)
        x = np.asarray(small, np.float32) * spec["scale"] - np.array(spec["mean"], np.float32)
        x = (x / np.array(spec["std"], np.float32)).transpose(2, 0, 1)[None]
        names = self.manifest["encoder"]["outputs"]
        return dict(zip(names, self.encoder.run(names, {self.manifest["encoder"]["input"]: np.ascontiguousarray(x)})))

    def words(self, texts: list[str]) -> dict[str, np.ndarray]:
        encoded = self.tokenizer.encode_batch(texts)
        length = max(len(e.ids) for e in encoded)
        ids = np.array([e.ids + [0] * (length - len(e.ids)) for e in encoded], np.int64)
        mask = np.array([[1] * len(e.ids) + [0] * (length - len(e.ids)) for e in encoded], np.int64)
        names = self.manifest["text"]["outputs"]
        out = self.text.run(names, {"input_ids": ids, "attention_mask": mask})
        return dict(zip(names, out)) | {"attention_mask": mask}

    def decode(self, frame: dict[str, np.ndarray], words: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Mask probabilities [Q,h,w] and presence probabilities [Q]."""
        feed = {n: (frame | words)[n] for n in self.manifest["decoder"]["inputs"]}
        logits, presence = self.decoder.run(["logits", "presence"], feed)
        return sigmoid(logits[:, 0]), sigmoid(presence)

    def answers(self, frame: dict[str, np.ndarray], words: dict[str, np.ndarray], width: int, height: int) -> list["Answer"]:
        """What each query of `words` finds in an image of width x height pixels."""
        names = self.manifest["decoder"].get("candidates")
        if not names:
            probability, presence = self.decode(frame, words)
            spec = self.manifest["mask"]
            return [
                Answer(float(p), detections(m, width, height, spec["threshold"], spec.get("min_area", 0.0003)), m)
                for m, p in zip(probability, presence)
            ]
        feed = {n: (frame | words)[n] for n in self.manifest["decoder"]["inputs"]}
        logits, presence, masks, mass = self.decoder.run(["logits", "presence", names["logits"], names["mass"]], feed)
        spec = self.manifest["mask"]
        return [
            Answer(float(sigmoid(presence[i])), chosen(sigmoid(masks[i]), mass[i], width, height, spec["threshold"], spec.get("min_area", 0.0003)), sigmoid(logits[i, 0]))
            for i in range(len(presence))
        ]  # fmt: skip

    def found(self, answer: "Answer") -> list[Detection]:
        """The answer's objects: none when it is said not to be there, those near the best one's score otherwise."""
        if answer.presence < self.manifest["found"]["threshold"] or not answer.objects:
            return []
        return [d for d in answer.objects if d.score >= RELATIVE_SCORE * answer.objects[0].score]

    def score(self, answer: Answer) -> float:
        """The probability that the best object is the right answer, by the manifest's `score`; without one presence times mass."""
        mass = answer.objects[0].score if answer.objects else 0.0
        spec = self.manifest.get("score")
        if not spec or not answer.objects:
            return answer.presence * mass
        return float(sigmoid(spec["bias"] + spec["mass"] * logit(mass) + spec["presence"] * logit(answer.presence)))

    def instances(self, probability: np.ndarray, presence: float, width: int, height: int) -> list[Detection]:
        """The answer by connected components of the mask: empty when the object is said not to be there."""
        if presence < self.manifest["found"]["threshold"]:
            return []
        spec = self.manifest["mask"]
        return detections(probability, width, height, spec["threshold"], spec.get("min_area", 0.0003))


def timings(model: Lite, repeats: int = 40) -> dict[str, float]:
    """Median milliseconds of each part and of a frame with one query, on a 1280x720 picture already decoded."""
    rgb = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
    rows = []
    for _ in range(repeats + 3):
        t = [time.perf_counter()]
        frame = model.frame(rgb)
        t.append(time.perf_counter())
        words = model.words(["the red mug on the left"])
        t.append(time.perf_counter())
        model.decode(frame, words)
        t.append(time.perf_counter())
        rows.append([b - a for a, b in zip(t, t[1:])] + [t[1] - t[0] + t[3] - t[2]])
    ms = np.median(np.array(rows[3:]), axis=0) * 1000
    return {k: round(float(v), 1) for k, v in zip(("resize_and_encode", "text", "decode", "encode_and_decode"), ms)}
