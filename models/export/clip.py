"""CLIP's two towers (Radford et al., arXiv 2103.00020) with the parameter names of the published weights.

Only what HiFi-CS needs is computed: the image tower returns the outputs of chosen residual blocks (class token
included) and may stop after the last of them; the text tower returns the projected end-of-text vector, not
normalised. Shapes: N pictures, P patches a side, W width, Q sentences, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The end-of-text token has the highest number in CLIP's vocabulary, so pooling takes the arg-max of the ids.
HEAD_WIDTH = 64  # both towers of both ViT variants use heads of 64


@dataclass(frozen=True)
class ClipConfig:
    """Sizes of a CLIP model; every field can be read off the shapes of a state dict."""

    name: str
    width: int
    layers: int
    patch: int
    grid: int
    embed: int
    text_width: int
    text_layers: int
    context: int = 77
    vocabulary: int = 49408

    @property
    def heads(self) -> int:
        return max(1, self.width // HEAD_WIDTH)

    @property
    def text_heads(self) -> int:
        return max(1, self.text_width // HEAD_WIDTH)

    def with_layers(self, layers: int, text_layers: int) -> "ClipConfig":
        """The same model, less deep (tests)."""
        return replace(self, layers=layers, text_layers=text_layers)


VIT_B16 = ClipConfig("ViT-B/16", 768, 12, 16, 14, 512, 512, 12)
VIT_L14 = ClipConfig("ViT-L/14", 1024, 24, 14, 16, 768, 768, 12)
PUBLISHED = {"vit-b16": VIT_B16, "vit-l14": VIT_L14}


class QuickGelu(nn.Module):
    """The sigmoid approximation of GELU that CLIP was trained with: x * sigmoid(1.702 x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Attention(nn.Module):
    """Multi-head self-attention, batch first, under the parameter names of torch's own module."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor, causal: bool = False, materialise: bool = False) -> Tensor:
        """[N, T, W] -> [N, T, W]. `materialise` computes the T x T matrices as the published code does."""
        n, t, w = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.view(n, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        if materialise:
            scores = torch.matmul(q * (w // self.heads) ** -0.5, k.transpose(-2, -1))
            if causal:
                scores = scores + torch.full((t, t), float("-inf"), device=x.device).triu(1)
            y = torch.matmul(torch.softmax(scores, dim=-1), v)
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out_proj(y.transpose(1, 2).reshape(n, t, w))


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.gelu = QuickGelu()
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(self.gelu(self.c_fc(x)))


class ResidualBlock(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.ln_1 = nn.LayerNorm(width)
        self.mlp = Mlp(width)
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor, causal: bool = False, materialise: bool = False) -> Tensor:
        x = x + self.attn(self.ln_1(x), causal, materialise)
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList([ResidualBlock(width, heads) for _ in range(layers)])


def resized_positions(embedding: Tensor, grid: int) -> Tensor:
    """[1 + g*g, W] -> [1 + grid*grid, W]: the class token's row as it is, the others resized bicubically
    (half-pixel centres). Also runs when the size is unchanged, where it is the identity."""
    side = round((embedding.shape[0] - 1) ** 0.5)
    plane = embedding[1:].T.reshape(1, -1, side, side)
    plane = F.interpolate(plane, (grid, grid), mode="bicubic", align_corners=False)
    return torch.cat([embedding[:1], plane.reshape(embedding.shape[1], grid * grid).T])


class VisualTower(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        width = config.width
        self.conv1 = nn.Conv2d(3, width, config.patch, config.patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) * width**-0.5)
        self.positional_embedding = nn.Parameter(torch.randn(config.grid**2 + 1, width) * width**-0.5)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, config.heads, config.layers)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.randn(width, config.embed) * width**-0.5)

    def forward(
        self, image: Tensor, taps: tuple[int, ...], whole: bool = False, materialise: bool = False
    ) -> list[Tensor]:
        """image [N, 3, H, W] -> one [N, 1 + P*P, width] per tap, in the order of `taps`.

        A side that is no multiple of the patch loses its last pixels to the convolution (352 px at patch 14
        gives 25 patches). `whole` runs the blocks after the last tap too, as the published code does.
        """
        x = self.conv1(image)
        grid = x.shape[-1]
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(x.shape[0], 1, -1), x], dim=1)
        x = self.ln_pre(x + resized_positions(self.positional_embedding, grid))
        found: dict[int, Tensor] = {}
        for index, block in enumerate(self.transformer.resblocks):
            if index > max(taps) and not whole:
                break
            x = block(x, materialise=materialise)
            if index in taps:
                found[index] = x
        if whole:
            self.ln_post(x[:, 0]) @ self.proj
        return [found[index] for index in taps]


class Clip(nn.Module):
    """Both towers under the names of OpenAI's state dicts (`visual.*`, `transformer.*`, ...)."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        self.visual = VisualTower(config)
        self.transformer = Transformer(config.text_width, config.text_heads, config.text_layers)
        self.token_embedding = nn.Embedding(config.vocabulary, config.text_width)
        self.positional_embedding = nn.Parameter(torch.randn(config.context, config.text_width) * 0.01)
        self.ln_final = nn.LayerNorm(config.text_width)
        self.text_projection = nn.Parameter(
            torch.randn(config.text_width, config.embed) * config.text_width**-0.5
        )
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def sentence(self, ids: Tensor, materialise: bool = False) -> Tensor:
        """ids int64 [Q, T], T <= context -> [Q, embed]: the end-of-text vector, projected, not normalised.

        The attention is causal, so what follows the end-of-text token (padding) cannot change the result, and
        rows may be cut right after it.
        """
        x = self.token_embedding(ids) + self.positional_embedding[: ids.shape[1]]
        for block in self.transformer.resblocks:
            x = block(x, causal=True, materialise=materialise)
        x = self.ln_final(x)
        return x[torch.arange(x.shape[0], device=x.device), ids.argmax(dim=-1)] @ self.text_projection
