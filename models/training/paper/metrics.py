"""Mean IoU and precision at 0.5 to 0.9, as the paper reports them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


def iou(found: np.ndarray, wanted: np.ndarray) -> float:
    """Two masks of one size; two empty ones agree."""
    union = int((found | wanted).sum())
    return 1.0 if union == 0 else float((found & wanted).sum() / union)


@dataclass
class Scores:
    """`probability`: the object is where sigmoid(-logit) > 0.5, which is what the model was trained for.
    `raw`: where the background's raw logit is below 0.5, as the authors' script scores it (kept to compare with
    figures made that way)."""

    probability: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)

    def add(self, logits: Tensor, wanted: np.ndarray) -> None:
        """logits [h, w] of the background; both masks are compared at the picture's own size."""
        full = F.interpolate(logits[None, None].float(), wanted.shape, mode="bilinear", align_corners=False)[0, 0]
        self.probability.append(iou((torch.sigmoid(-full) > 0.5).numpy(), wanted))
        self.raw.append(iou((full < 0.5).numpy(), wanted))

    def summary(self) -> dict[str, object]:
        return {
            "n": len(self.probability),
            "mean_iou": float(np.mean(self.probability)),
            "precision_at": {str(t): float(np.mean(np.array(self.probability) > t)) for t in THRESHOLDS},
            "mean_iou_raw_logits": float(np.mean(self.raw)),
        }
