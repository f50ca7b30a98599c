"""What the decoder is trained on: the outline, the place, and whether the thing is there at all."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

OBJECT_WEIGHT = 4.0
"""Extra weight of cells on any annotated object: there the wrong instance is told from the right one."""


def dice(p: Tensor, t: Tensor) -> Tensor:
    """1 - Dice of probabilities and targets [Q,N], a row each."""
    return 1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)


def mask_loss(logits: Tensor, target: Tensor, objects: Tensor, present: Tensor, has_mask: Tensor) -> Tensor:
    """Weighted BCE everywhere plus Dice where a mask is known.

    Where only a box is known (target = the box): outside it nothing may show, and the mask must span it in both
    directions (Dice of the projections on the axes, as in BoxInst, Tian et al. 2021).
    """
    weight = 1 + OBJECT_WEIGHT * objects
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    known = (has_mask | ~present)[:, None, None] | (target < 0.5)
    weight = weight * known
    total = (bce * weight).sum((1, 2)) / (weight.sum((1, 2)) + 1)
    p = torch.sigmoid(logits)
    with_mask = dice(p.flatten(1), target.flatten(1))
    spans = 0.5 * (dice(p.amax(1), target.amax(1)) + dice(p.amax(2), target.amax(2)))
    shape = torch.where(has_mask, with_mask, spans) * present
    return 2.0 * total.mean() + shape.sum() / present.sum().clamp(min=1)


def place_loss(where: Tensor, target: Tensor, present: Tensor) -> Tensor:
    """where [Q,h*w]: softmax cross-entropy against the target's share of each cell, and BCE of the share of the
    fullest cell, so that the map is also right about 'nowhere'."""
    cover = F.avg_pool2d(target[:, None], 8).flatten(1)
    share = cover / cover.sum(1, keepdim=True).clamp(min=1e-6)
    ce = -(share * torch.log_softmax(where, dim=1)).sum(1)
    relative = cover / cover.amax(1, keepdim=True).clamp(min=1e-6)
    bce = F.binary_cross_entropy_with_logits(where, relative * present[:, None], reduction="none")
    weight = 1 + 8 * relative
    return 0.5 * (ce * present).sum() / present.sum().clamp(min=1) + (bce * weight).mean()


def total_loss(out: dict[str, Tensor], batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
    """The sum that is minimised and its parts for the log."""
    target = batch["target"].float() / 255
    objects = batch["objects"].float() / 255
    present = batch["present"]
    parts = {
        "mask": mask_loss(out["logits"].squeeze(1), target, objects, present, batch["has_mask"]),
        "place": place_loss(out["place"], target, present.float()),
        "presence": F.binary_cross_entropy_with_logits(out["presence"], present.float()),
    }
    return sum(parts.values()), {k: v.detach() for k, v in parts.items()}
