"""HiFi-CS (Bhat et al., arXiv 2409.10419): a light decoder over frozen CLIP, under its checkpoints' names.

Each tap of the image tower is reduced to 64 dimensions and added in; the sentence modulates the sum by FiLM
(at the first level only, or at every level); a post-norm transformer block follows per level; the class token
is dropped and one transposed convolution paints the mask. Its logit is the BACKGROUND's: the probability of the
object is sigmoid(-logit).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .clip import Attention, Clip, ClipConfig

SINGLE = "single"
PER_LEVEL = "per-level"
VARIANTS = (SINGLE, PER_LEVEL)
TAPS = (1, 3, 5, 7, 9)
INPUT_SIDE = 352
DECODER_HEADS = 4


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes and wiring of the decoder. `deepest_first`: the first level gets the last tap."""

    variant: str = SINGLE
    taps: tuple[int, ...] = TAPS
    width: int = 768  # of the image tower
    embed: int = 512  # of the sentence
    reduce: int = 64
    feed_forward: int = 2048
    patch: int = 16
    reduce_cond: int | None = None
    deepest_first: bool = True

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, not {self.variant}")

    @staticmethod
    def over(clip: ClipConfig, **changes: object) -> "DecoderConfig":
        """The decoder that fits a CLIP model."""
        return DecoderConfig(**{"width": clip.width, "embed": clip.embed, "patch": clip.patch, **changes})

    @property
    def condition(self) -> int:
        """Dimensions of what the FiLM layers read."""
        return self.embed if self.reduce_cond is None else self.reduce_cond

    @property
    def order(self) -> list[int]:
        """For each decoder level the index into `taps` that feeds it."""
        indices = list(range(len(self.taps)))
        return indices[::-1] if self.deepest_first else indices

    def film_name(self, kind: str, level: int) -> str | None:
        """Module name of the FiLM layer of a level ("mul" or "add"), or None where there is none."""
        if self.variant == PER_LEVEL:
            return f"film_{kind}_{level}"
        return f"film_{kind}" if level == 0 else None


class DecoderBlock(nn.Module):
    """torch's TransformerEncoderLayer in its default form (post-norm, ReLU), batch first, dropout on demand."""

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads)
        self.linear1 = nn.Linear(width, feed_forward)
        self.linear2 = nn.Linear(feed_forward, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, materialise: bool = False) -> Tensor:
        x = self.norm1(x + self.dropout(self.self_attn(x, materialise=materialise)))
        hidden = self.dropout(torch.relu(self.linear1(x)))
        return self.norm2(x + self.dropout(self.linear2(hidden)))


class HifiCsDecoder(nn.Module):
    def __init__(self, config: DecoderConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        levels = range(len(config.taps))
        self.reduces = nn.ModuleList([nn.Linear(config.width, config.reduce) for _ in levels])
        self.blocks = nn.ModuleList(
            [DecoderBlock(config.reduce, DECODER_HEADS, config.feed_forward, dropout) for _ in levels]
        )
        for level in levels:
            for kind in ("mul", "add"):
                name = config.film_name(kind, level)
                if name is not None:
                    self.add_module(name, nn.Linear(config.condition, config.reduce))
        if config.reduce_cond is not None:
            self.reduce_cond = nn.Linear(config.embed, config.reduce_cond)
        self.trans_conv = nn.ConvTranspose2d(config.reduce, 1, config.patch, config.patch)

    def forward(self, taps: list[Tensor], sentence: Tensor, materialise: bool = False) -> Tensor:
        """taps [N, 1 + P*P, width] in the encoder's order, sentence [Q, embed] -> background logits
        [max(N, Q), 1, P*patch, P*patch]; N or Q may be 1 and then serves all of the other."""
        config = self.config
        if config.reduce_cond is not None:
            sentence = self.reduce_cond(sentence)
        x: Tensor | None = None
        for level, tap in enumerate(config.order):
            reduced = self.reduces[level](taps[tap])
            x = reduced if x is None else x + reduced
            mul = config.film_name("mul", level)
            add = config.film_name("add", level)
            if mul is not None and add is not None:
                scale = getattr(self, mul)(sentence).unsqueeze(1)
                shift = getattr(self, add)(sentence).unsqueeze(1)
                x = scale * x + shift
            x = self.blocks[level](x, materialise)
        assert x is not None
        side = round((x.shape[1] - 1) ** 0.5)
        plane = x[:, 1:].transpose(1, 2).reshape(x.shape[0], config.reduce, side, side)
        return self.trans_conv(plane)


class HifiCs(nn.Module):
    """The whole model: frozen CLIP and decoder."""

    def __init__(self, clip: ClipConfig, decoder: DecoderConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.clip = Clip(clip).requires_grad_(False)
        self.decoder = HifiCsDecoder(decoder, dropout)

    def forward(self, image: Tensor, ids: Tensor, as_published: bool = False) -> Tensor:
        """image [N, 3, 352, 352] in 0..1, ids [Q, T] -> background logits.

        `as_published` spends the time the published code spends (every CLIP block, materialised attention,
        all of the given tokens): the baseline of the speed measurements. The logits are the same.
        """
        with torch.no_grad():
            taps = self.clip.visual(image, self.decoder.config.taps, as_published, as_published)
            sentence = self.clip.sentence(ids, as_published)
        return self.decoder(taps, sentence, as_published)
