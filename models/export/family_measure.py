"""How far an exported family model is from PyTorch, on drawn images and queries of other sizes than it was traced with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor

from .families import SEPARATORS, Part
from .scenes import SENTENCES, scene
from .vocabulary import ReferenceTokenizer, read_merges

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@dataclass(frozen=True)
class FamilyAgreement:
    """Against PyTorch in single precision: largest difference of a logit, of a box (pixels of the input), and share
    of equal mask pixels. None where a family has no such output."""

    logit: float | None = None
    box: float | None = None
    mask: float | None = None

    def as_dict(self) -> dict[str, float]:
        named = {
            "largest_logit_difference": self.logit,
            "largest_box_difference_px": self.box,
            "mask_agreement": self.mask,
        }
        return {name: round(value, 6) for name, value in named.items() if value is not None}


def pixels(seed: int, height: int, width: int, stats: tuple) -> Tensor:
    """A drawn image as the processors normalise it: float32 [1, 3, height, width]."""
    picture = scene(seed, max(height, width))[:height, :width].astype(np.float32) / 255
    mean, std = (np.array(values, np.float32) for values in stats)
    return torch.from_numpy(((picture - mean) / std).transpose(2, 0, 1)[None].copy())


def clip_ids(count: int, length: int, pad: int) -> tuple[Tensor, Tensor]:
    tokenizer = ReferenceTokenizer(read_merges())
    ids = torch.full((count, length), pad)
    mask = torch.zeros((count, length), dtype=torch.int64)
    for row in range(count):
        tokens = tokenizer.encode(SENTENCES[row % len(SENTENCES)], length)
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
    return ids, mask


def sample_inputs(kind: str, part: Part, seed: int) -> dict[str, Tensor]:
    """Inputs of other numbers and lengths than the traced ones, where the graph leaves them open."""
    traced = part.inputs
    if kind == "sam":
        generator = torch.Generator().manual_seed(seed)
        if part.stem == "vision_encoder":
            side = traced["pixel_values"].shape[-1]
            return {"pixel_values": pixels(seed, side, side, IMAGENET)}
        side = 16 * traced["image_embeddings"].shape[-1]
        corner = torch.rand(1, 1, 2, generator=generator) * side / 2
        prompts = {
            "input_points": torch.rand(1, 1, 1, 2, generator=generator) * side,
            "input_labels": torch.ones(1, 1, 1, dtype=torch.int64),
            "input_boxes": torch.cat([corner, corner + side / 3], dim=-1),
        }
        return {name: prompts.get(name, value) for name, value in traced.items()}
    height, width = traced["pixel_values"].shape[-2:]
    if kind == "grounding-dino":
        words = torch.randint(2000, 20000, (1, 5), generator=torch.Generator().manual_seed(seed))
        ids = torch.cat([torch.tensor([[SEPARATORS[0]]]), words, torch.tensor([[1012, SEPARATORS[1]]])], dim=1)
        mask = torch.zeros(1, height, width, dtype=torch.int64)
        mask[:, : height * 3 // 4] = 1
        return {
            "pixel_values": pixels(seed, height, width, IMAGENET) * mask[:, None],
            "input_ids": ids,
            "token_type_ids": torch.zeros_like(ids),
            "attention_mask": torch.ones_like(ids),
            "pixel_mask": mask,
        }
    length = traced["input_ids"].shape[1]
    count, used = (4, length - 3) if kind == "clipseg" else (3, length)
    ids, mask = clip_ids(count, used, 49407 if kind == "clipseg" else 0)
    stats = IMAGENET if kind == "clipseg" else CLIP
    return {"input_ids": ids, "pixel_values": pixels(seed, height, width, stats), "attention_mask": mask}


class FamilyMeasure:
    """PyTorch's outputs for a part, computed once and compared with each of its files."""

    def __init__(self, kind: str, part: Part, seeds: tuple[int, ...] = (0, 1)) -> None:
        self.kind, self.part = kind, part
        self.samples = [sample_inputs(kind, part, seed) for seed in seeds]
        self.expected = [outputs(part, sample) for sample in self.samples]
        # Rounding grows with the values: what is near is judged by the largest logit, at least 1.
        largest = [np.abs(v[np.isfinite(v)]).max() for e in self.expected for n, v in e.items() if n != "pred_boxes"]
        self.scale = max(1.0, float(max(largest)))

    def of(self, path: Path) -> FamilyAgreement:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        wanted = {item.name for item in session.get_inputs()}
        found = []
        for sample in self.samples:
            feeds = {name: value.numpy() for name, value in sample.items() if name in wanted}
            found.append(dict(zip(self.part.outputs, session.run(list(self.part.outputs), feeds))))
        logit, box, mask = [], [], []
        for got, expected in zip(found, self.expected):
            for name, value in got.items():
                if name == "pred_boxes":
                    height, width = self.part.inputs["pixel_values"].shape[-2:]
                    scale = np.array([width, height, width, height], np.float32)
                    box.append(box_difference(value[0] * scale, expected[name][0] * scale))
                    continue
                finite = np.isfinite(expected[name])
                if not np.array_equal(finite, np.isfinite(value)):
                    return FamilyAgreement(logit=float("inf"))
                logit.append(float(np.abs(value - expected[name])[finite].max()))
                if name == "pred_masks" or (self.kind == "clipseg" and name == "logits"):
                    mask.append(float(((value > 0) == (expected[name] > 0)).mean()))
        return FamilyAgreement(
            max(logit) if logit else None, max(box) if box else None, float(np.mean(mask)) if mask else None
        )


def box_difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest distance of an expected box [N, 4] to the nearest found one: Grounding DINO sorts its boxes by scores,
    so that a rounding changes their order."""
    table = np.abs(expected[:, None] - found[None]).max(axis=-1)
    return float(table.min(axis=1).max())


def outputs(part: Part, sample: dict[str, Tensor]) -> dict[str, np.ndarray]:
    with torch.inference_mode():
        found = part.module(*sample.values())
    values = found if isinstance(found, tuple) else (found,)
    return {name: value.numpy() for name, value in zip(part.outputs, values)}
