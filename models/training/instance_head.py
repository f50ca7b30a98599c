"""Whole instances: a mask for every place of the picture, whatever the thing there is called.

As in CondInst (Tian et al. 2020): each stride-16 cell predicts the weights of a tiny network of three 1x1 convolutions;
run over mask features at stride 4 and the coordinates relative to the cell, it draws the instance that covers the cell.
The image alone decides the masks (trained on every mask there is, without its name); the decoder chooses the cell and
may bend the kernel by what is asked ("the lid", "the jar").
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FEATURES, HIDDEN = 16, 8
SIZES = [(HIDDEN, FEATURES + 2), (HIDDEN, HIDDEN), (1, HIDDEN)]
KERNEL = sum(o * i + o for o, i in SIZES) + 1
"""Numbers of a kernel: weights and biases of the three layers, and the logit of the mask's quality (its overlap)."""
CELL = 16.0
UNIT = 64.0
"""Coordinates are in units of so many input pixels."""


class SepConv(nn.Module):
    """Residual depthwise 5x5 and pointwise convolution; shape [N,C,h,w] stays."""

    def __init__(self, channels: int):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.pointwise(F.relu(self.depthwise(x))))


def grid(h: int, w: int, stride: float) -> Tensor:
    """[2,h*w]: x and y of the cells' centres in UNITs."""
    ys, xs = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
    return torch.stack([xs.flatten(), ys.flatten()]) * (stride / UNIT)


class InstanceHead(nn.Module):
    """Encoder maps (s4 [B,24,8h,8w], s8, s16b, s32b) -> mask features [B,16,8h*8w] and kernels [B,KERNEL,2h*2w];
    h x w is the stride-32 grid."""

    def __init__(self, h: int, w: int):
        super().__init__()
        for name, channels in (("s4", 24), ("s8", 48), ("s16b", 120), ("s32b", 352)):
            self.register_buffer(f"mean_{name}", torch.zeros(1, channels, 1, 1))
            self.register_buffer(f"std_{name}", torch.ones(1, channels, 1, 1))
        ys, xs = torch.meshgrid(torch.linspace(-1, 1, 2 * h), torch.linspace(-1, 1, 2 * w), indexing="ij")
        self.register_buffer("coords", torch.stack([xs, ys])[None])
        self.from32 = nn.Conv2d(352, 96, 1)
        self.from16 = nn.Conv2d(120 + 2, 96, 1)
        self.mix16 = nn.Sequential(SepConv(96), SepConv(96))
        self.to_kernel = nn.Sequential(SepConv(96), nn.Conv2d(96, 128, 1), nn.ReLU(), nn.Conv2d(128, KERNEL, 1))
        self.from8 = nn.Conv2d(48, 64, 1)
        self.down8 = nn.Conv2d(96, 64, 1)
        self.mix8 = nn.Sequential(SepConv(64), SepConv(64))
        self.to4 = nn.Conv2d(64, 4 * FEATURES, 1)
        self.from4 = nn.Conv2d(24, FEATURES, 1)
        self.mix4 = nn.Conv2d(FEATURES, FEATURES, 3, padding=1)
        nn.init.normal_(self.to_kernel[-1].weight, std=0.02)
        nn.init.normal_(self.to_kernel[-1].bias, std=0.2)

    def forward(self, maps: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        x = {k: (maps[k] - getattr(self, f"mean_{k}")) / getattr(self, f"std_{k}") for k in ("s4", "s8", "s16b", "s32b")}
        coords = self.coords.to(x["s16b"].dtype).expand(x["s16b"].shape[0], -1, -1, -1)
        p16 = self.from16(torch.cat([x["s16b"], coords], 1)) + double(self.from32(x["s32b"]))
        p16 = self.mix16(F.relu(p16))
        kernels = self.to_kernel(p16).flatten(2)
        p8 = self.mix8(F.relu(self.from8(x["s8"]) + double(self.down8(p16))))
        f4 = F.relu(F.pixel_shuffle(self.to4(p8), 2) + self.from4(x["s4"]))
        features = f4 + self.mix4(f4)
        return features.flatten(2), kernels


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def masks_of(features: Tensor, kernels: Tensor, centres: Tensor, points: Tensor) -> Tensor:
    """Mask logits [N,K,P] of K kernels [N,K,KERNEL] at `centres` [N,K,2] (UNITs) over features [N,16,P] at `points` [2,P]."""
    n, k = kernels.shape[:2]
    x = torch.cat([features, points[None].to(features.dtype).expand(n, -1, -1)], 1)
    at = 0
    for layer, (out, cin) in enumerate(SIZES):
        weight = kernels[:, :, at : at + out * cin].reshape(n, k * out, cin) if layer == 0 else kernels[:, :, at : at + out * cin].reshape(n * k, out, cin)
        at += out * cin
        bias = kernels[:, :, at : at + out]
        at += out
        if layer == 0:
            # Coordinates relative to the centre: the centre's share moves into the bias.
            turned = kernels[:, :, : out * cin].reshape(n, k, out, cin)[..., -2:]
            bias = bias - (turned * centres[:, :, None, :].to(turned.dtype)).sum(-1)
            x = (weight @ x).reshape(n, k, out, -1) + bias[..., None]
            x = F.relu(x).reshape(n * k, out, -1)
        else:
            x = weight @ x + bias.reshape(n * k, out, 1)
            x = F.relu(x) if out > 1 else x
    return x.reshape(n, k, -1)
