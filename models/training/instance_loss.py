"""Losses of the instance head and of the place that is chosen."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from losses import dice


def instance_loss(logits: Tensor, quality: Tensor, target: Tensor, known: Tensor, valid: Tensor) -> Tensor:
    """Mask logits [N,96,128] of one cell's instance against its mask [N,96,128] in 0..1.

    Where only the box is known (target = the box) nothing may show outside and the mask must span it (BoxInst, Tian et
    al. 2021). `quality` [N] learns the mask's own overlap. Rows that are not `valid` count for nothing.
    """
    p = torch.sigmoid(logits)
    spans = 0.5 * (dice(p.amax(1), target.amax(1)) + dice(p.amax(2), target.amax(2)))
    shape = torch.where(known, dice(p.flatten(1), target.flatten(1)), spans)
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    near = F.max_pool2d(target[:, None], 25, stride=1, padding=12)[:, 0]
    # Cells in and around the object count in full, the rest of the image little: small objects are not drowned.
    weight = (0.1 + 0.9 * near) * (known[:, None, None] | (target < 0.5))
    outline = (bce * weight).sum((1, 2)) / (weight.sum((1, 2)) + 1)
    with torch.no_grad():
        hard, truth = p > 0.5, target > 0.5
        overlap = (hard & truth).sum((1, 2)) / (hard | truth).sum((1, 2)).clamp(min=1)
    judged = F.binary_cross_entropy_with_logits(quality, overlap, reduction="none") * known
    return ((shape + outline + 0.2 * judged) * valid).sum() / valid.sum().clamp(min=1)


def spot_loss(spot: Tensor, target: Tensor, present: Tensor) -> Tensor:
    """spot [Q,24*32], logits of a softmax: minus the logarithm of the mass within the object (pointing at it), and a
    cross-entropy against its area, so that several objects asked for share the mass."""
    cover = F.avg_pool2d(target[:, None], 4).flatten(1)
    top = cover.amax(1, keepdim=True).clamp(min=1e-6)
    inside = (cover >= 0.5 * top).to(spot.dtype)
    log_p = torch.log_softmax(spot, dim=1)
    mass = torch.logsumexp(log_p + torch.log(inside + 1e-9), dim=1)
    share = inside / inside.sum(1, keepdim=True).clamp(min=1)
    ce = -(share * log_p).sum(1) + (share * torch.log(share + 1e-9)).sum(1)
    present = present.to(spot.dtype) * (cover.amax(1) > 0)
    return ((-mass + 0.25 * ce) * present).sum() / present.sum().clamp(min=1)
