"""A small randomly initialised network of GR-ConvNet's kind (convolutions, residual blocks, transposed convolutions, four
heads), and what PyTorch and NumPy make of a picture.

    grasp_network.py weights FOLDER        FOLDER/weights.pt
    grasp_network.py fixed FOLDER I J ANGLE WIDTH QUALITY    FOLDER/fixed.pt: one peak, whatever the picture
    grasp_network.py run FOLDER            reads FOLDER/{colour.npy,depth.npy} (the crop) and prints input and maps as JSON
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, padding=1)
        self.n = nn.BatchNorm2d(width)
        self.b = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return x + self.b(torch.relu(self.n(self.a(x))))


class Net(nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(4, width, 9, padding=4),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 4, stride=2, padding=1),
            nn.ReLU(),
        )
        self.body = nn.Sequential(Residual(2 * width), Residual(2 * width))
        self.up = nn.Sequential(
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1),
            nn.ReLU(),
        )
        self.heads = nn.ModuleList([nn.Conv2d(width, 1, 3, padding=1) for _ in range(4)])

    def forward(self, x):
        x = self.up(self.body(self.down(x)))
        return tuple(head(x) for head in self.heads)


class Fixed(nn.Module):
    """Answers with stored maps."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("maps", torch.zeros(4, 1, 1, 224, 224))

    def forward(self, x):
        return tuple(m + 0 * x.mean() for m in self.maps)


def fixed(i: float, j: float, angle: float, width: float, quality: float) -> Fixed:
    net = Fixed()
    v, u = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
    net.maps[0, 0, 0] = quality * torch.exp(-((u - i) ** 2 + (v - j) ** 2) / 200)
    net.maps[1] = float(np.cos(2 * angle))
    net.maps[2] = float(np.sin(2 * angle))
    net.maps[3] = width / 150
    return net


def main() -> None:
    folder = Path(sys.argv[2])
    if sys.argv[1] == "fixed":
        torch.save(fixed(*map(float, sys.argv[3:])).state_dict(), folder / "fixed.pt")
        return
    torch.manual_seed(3)
    net = Net().eval()
    if sys.argv[1] == "weights":
        torch.save(net.state_dict(), folder / "weights.pt")
        return
    net.load_state_dict(torch.load(folder / "weights.pt", weights_only=True))
    colour = np.load(folder / "colour.npy").astype(np.float32).transpose(2, 0, 1) / 255
    depth = np.load(folder / "depth.npy").astype(np.float32)
    colour -= colour.mean()
    depth = np.clip(depth - depth.mean(), -1, 1)
    x = np.concatenate([depth[None], colour])[None].astype(np.float32)
    with torch.inference_mode():
        maps = net(torch.from_numpy(x))
    names = ["quality", "cos", "sin", "width"]
    print(json.dumps({"input": x.ravel().tolist(), **{n: m.numpy().ravel().tolist() for n, m in zip(names, maps)}}))


if __name__ == "__main__":
    main()
