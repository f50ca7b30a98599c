"""How well an exported model keeps the masks of the PyTorch one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnxruntime as ort
import torch

from .hifics import INPUT_SIDE, HifiCs
from .onnx_export import decoder_graph, encoder_graph, level_names, text_graph
from .onnx_graph import FP16, FP32, INT8, Graph, Precision
from .scenes import SENTENCES, scene
from .vocabulary import ReferenceTokenizer

# Masks must agree on 99 % of the pixels; a candidate is taken at once when it leaves some room above that.
LEAST_AGREEMENT = 0.99
GOOD_AGREEMENT = 0.995

INT8_CANDIDATES = (
    Precision(INT8),
    Precision(INT8, twice=True),
    Precision(INT8, twice=True, weight_bits=7),
    Precision(INT8, twice=True, wide=("c_fc", "c_proj")),
)


@dataclass(frozen=True)
class Agreement:
    """Against PyTorch in fp32: largest difference of a logit, share of equal mask pixels over all pictures and in
    the worst picture."""

    largest: float
    agreement: float
    worst: float

    def as_dict(self) -> dict[str, float]:
        return {
            "largest_logit_difference": round(self.largest, 6),
            "mask_agreement": round(self.agreement, 6),
            "worst_mask_agreement": round(self.worst, 6),
        }


def session(graph: Graph, threads: int = 0) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if threads:
        options.intra_op_num_threads = threads
    return ort.InferenceSession(
        graph.model("").SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def token_rows(tokenizer: ReferenceTokenizer, sentences: tuple[str, ...], context: int) -> list[np.ndarray]:
    return [np.array([tokenizer.encode(sentence, context)], np.int64) for sentence in sentences]


def padded(rows: list[np.ndarray], length: int) -> np.ndarray:
    """[Q, length]: zeros after the end-of-text token, as CLIP's own tokenizer pads."""
    table = np.zeros((len(rows), length), np.int64)
    for index, row in enumerate(rows):
        table[index, : row.shape[1]] = row[0]
    return table


def unit_image(picture: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] -> float32 [1, 3, H, W] in 0..1 (no mean, no deviation: as the published model is fed)."""
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[None]).astype(np.float32) / 255


class Measure:
    """Reference logits on drawn scenes (or given pictures), computed once and compared with each candidate."""

    def __init__(self, model: HifiCs, tokenizer: ReferenceTokenizer, pictures: list[np.ndarray] | None = None) -> None:
        self.model = model
        self.pictures = pictures or [scene(seed, INPUT_SIDE) for seed in range(3)]
        context = model.clip.config.context
        rows = token_rows(tokenizer, SENTENCES, context)
        self.ids = padded(rows, max(row.shape[1] for row in rows))
        # Reference: all of CLIP's padding, so that cutting it is measured too.
        whole = torch.from_numpy(padded(rows, context))
        with torch.inference_mode():
            self.expected = [model(torch.from_numpy(unit_image(p)), whole).numpy() for p in self.pictures]
        self._decoder = session(decoder_graph(model))

    def of(self, encoder: Graph, text: Graph) -> Agreement:
        run_encoder, run_text = session(encoder), session(text)
        sentence = run_text.run(None, {"input_ids": self.ids})[0]
        differences, agreements = [], []
        for picture, expected in zip(self.pictures, self.expected):
            levels = run_encoder.run(None, {"image": unit_image(picture)})
            feeds = {**dict(zip(level_names(self.model), levels)), "sentence": sentence}
            logits = self._decoder.run(None, feeds)[0]
            differences.append(float(np.abs(logits - expected).max()))
            agreements.append(float(((logits < 0) == (expected < 0)).mean()))
        return Agreement(max(differences), float(np.mean(agreements)), min(agreements))


@dataclass(frozen=True)
class Chosen:
    precision: Precision
    encoder: Graph
    text: Graph
    agreement: Agreement


def choose(kind: str, model: HifiCs, measure: Measure, tell: Callable[[str], None]) -> Chosen | None:
    """The graphs of one kind; for int8 the first candidate that keeps the masks well, else the best one.
    None when none keeps 99 % of the pixels."""
    text = text_graph(model, Precision(FP32 if kind == FP32 else FP16))
    best: Chosen | None = None
    for precision in INT8_CANDIDATES if kind == INT8 else (Precision(kind),):
        encoder = encoder_graph(model, precision)
        agreement = measure.of(encoder, text)
        tell(f"{precision.label}: {agreement.agreement:.4%} of mask pixels kept")
        chosen = Chosen(precision, encoder, text, agreement)
        if agreement.agreement >= GOOD_AGREEMENT and agreement.worst >= LEAST_AGREEMENT:
            return chosen
        if best is None or agreement.agreement > best.agreement.agreement:
            best = chosen
    return best if best is not None and best.agreement.agreement >= LEAST_AGREEMENT else None
