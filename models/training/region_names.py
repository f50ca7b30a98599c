"""Names of regions: what the encoder sees of an object against the names of all objects of a batch.

The pooled features of each object's outline are turned into the sentence model's space and compared with every name in
the batch, each pair a yes or a no of its own (the sigmoid loss of SigLIP, Zhai et al. 2023). It teaches the encoder alone;
nothing of it is exported.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from text import WIDTH

USED = {"s16b": (120, 4), "s32a": (208, 8), "s32b": (352, 8)}
"""Maps that are pooled: channels, and how much coarser they are than an outline of 96x128."""
YES, NO = 1, 0
"""In a table of objects and names; other numbers count for nothing."""


class RegionNames(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleDict({k: nn.LayerNorm(c) for k, (c, _) in USED.items()})
        self.turn = nn.Sequential(nn.Linear(sum(c for c, _ in USED.values()), 512), nn.GELU(), nn.Linear(512, WIDTH))
        self.scale = nn.Parameter(torch.tensor(2.3))
        self.bias = nn.Parameter(torch.tensor(-4.0))

    def forward(self, maps: dict[str, Tensor], own: Tensor, names: Tensor, table: Tensor) -> Tensor:
        """maps of B images, own [B*K,96,128] in 0..1, names [U,384] of unit length, table uint8 [B*K,U] -> the loss."""
        pooled = [self.norms[k](pool(maps[k], F.avg_pool2d(own[:, None], step)[:, 0])) for k, (_, step) in USED.items()]
        seen = F.normalize(self.turn(torch.cat(pooled, 1)).float(), dim=1)
        logits = seen @ names.float().t() * self.scale.exp() + self.bias
        loss = F.binary_cross_entropy_with_logits(logits, (table == YES).float(), reduction="none")
        known = (table == YES) | (table == NO)
        return (loss * known).sum() / known.any(1).sum().clamp(min=1)


def pool(features: Tensor, cover: Tensor) -> Tensor:
    """Mean of features [B,C,h,w] under each of the covers [B*K,h,w] -> [B*K,C]."""
    b, c = features.shape[:2]
    cover = cover.reshape(b, -1, cover.shape[1] * cover.shape[2])
    weights = cover / cover.sum(2, keepdim=True).clamp(min=1e-3)
    return (weights @ features.float().flatten(2).transpose(1, 2)).reshape(-1, c)
