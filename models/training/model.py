"""Trainable parts of the `lite` model: a lean HiFi-CS decoder.

Kept from HiFi-CS: five levels of a frozen encoder, deepest first, each reduced and summed in, the sentence modulating
EVERY level by FiLM, post-norm transformer blocks, one mask at the end. Changed, because the known weakness is the right
mask on the wrong instance: visual tokens also attend to the WORDS (cross-attention) and know their coordinates; a coarse
map is trained to choose the place before the fine levels draw the outline; a logit says whether the thing is there.

Shapes: B pictures, Q queries, the same number Q/B for each picture and in the pictures' order (B is 1 at inference);
h x w the stride-32 grid; d the token width.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from instance_head import KERNEL, InstanceHead, double, grid, masks_of
from text import MAX_TOKENS, TOKEN_WIDTH, WIDTH

CLASSES = 1000
DROPOUT = 0.1


@dataclass(frozen=True)
class Config:
    """Sizes of the decoder. `maps`: class-attention heads. The flags switch parts off, to measure what each is worth."""

    d: int = 192
    heads: int = 6
    feed_forward: int = 384
    blocks: int = 3
    d16: int = 96
    d8: int = 32
    maps: int = 4
    cross_attention: bool = True
    coordinates: bool = True
    zero_shot_maps: bool = True
    conse: bool = True
    film_every_level: bool = True
    location_prior: bool = True
    instances: bool = False

    def to_json(self) -> dict:
        return asdict(self)


def coordinates(h: int, w: int) -> Tensor:
    """[1,10,h,w]: x and y in -1..1 and sines and cosines of two frequencies of each."""
    ys = (torch.arange(h) + 0.5) / h * 2 - 1
    xs = (torch.arange(w) + 0.5) / w * 2 - 1
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    parts = [x, y]
    for k in (1.0, 2.0):
        parts += [torch.sin(torch.pi * k * x), torch.cos(torch.pi * k * x)]
        parts += [torch.sin(torch.pi * k * y), torch.cos(torch.pi * k * y)]
    return torch.stack(parts)[None]


class Attention(nn.Module):
    """Multi-head attention; `mask` [Q,S] is 1 for keys that count. Written out, so that it exports plainly."""

    def __init__(self, d: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        n, d = query.shape[0], query.shape[2]
        q, k, v = (
            p(x).reshape(n, -1, self.heads, d // self.heads).transpose(1, 2)
            for p, x in ((self.q, query), (self.k, key), (self.v, value))
        )
        weights = (q * (d // self.heads) ** -0.5) @ k.transpose(-1, -2)
        if mask is not None:
            weights = weights + ((mask[:, None, None, :] - 1.0) * 10000.0).to(weights.dtype)
        y = torch.softmax(weights, dim=-1, dtype=weights.dtype) @ v
        return self.o(y.transpose(1, 2).reshape(n, -1, d))


class FiLM(nn.Module):
    """Feature-wise modulation: (1 + a(s)) x + b(s), starting as the identity."""

    def __init__(self, d_text: int, channels: int):
        super().__init__()
        self.linear = nn.Linear(d_text, 2 * channels)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, s: Tensor) -> Tensor:
        a, b = self.linear(s).chunk(2, dim=-1)
        if x.dim() == 3:
            return x * (1 + a[:, None, :]) + b[:, None, :]
        return x * (1 + a[:, :, None, None]) + b[:, :, None, None]


class FeedForward(nn.Sequential):
    def __init__(self, d: int, hidden: int):
        super().__init__(nn.Linear(d, hidden), nn.GELU(), nn.Linear(hidden, d))


class TextPart(nn.Module):
    """Frozen token vectors [Q,T,768] -> words [Q,T,d], sentence [Q,d], class-attention queries [Q,maps,384]."""

    def __init__(self, c: Config):
        super().__init__()
        self.drop = nn.Dropout(DROPOUT)
        self.reduce = nn.Linear(TOKEN_WIDTH, c.d)
        self.position = nn.Parameter(torch.randn(MAX_TOKENS, c.d) * 0.02)
        self.norm0 = nn.LayerNorm(c.d)
        self.attention = Attention(c.d, c.heads)
        self.norm1 = nn.LayerNorm(c.d)
        self.ff = FeedForward(c.d, c.feed_forward)
        self.norm2 = nn.LayerNorm(c.d)
        self.pool = nn.Linear(c.d, 2)
        self.sentence = nn.Linear(2 * c.d, c.d)
        self.norm3 = nn.LayerNorm(c.d)
        self.pick = nn.Linear(c.d, c.maps)
        nn.init.zeros_(self.pick.weight)
        nn.init.zeros_(self.pick.bias)
        self.align = nn.Parameter(torch.eye(WIDTH).repeat(c.maps, 1, 1) + 0.002 * torch.randn(c.maps, WIDTH, WIDTH))

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.norm0(self.reduce(self.drop(tokens * 0.1)) + self.position[: tokens.shape[1]])
        x = self.norm1(x + self.attention(x, x, x, mask))
        x = self.norm2(x + self.ff(x))
        off = (mask[:, :, None] - 1.0) * 10000.0
        weights = torch.softmax(self.pool(x).float() + off, dim=1)
        pooled = (weights.transpose(1, 2).to(x.dtype) @ x).reshape(x.shape[0], -1)
        s = self.norm3(self.sentence(pooled))
        chosen = torch.softmax(self.pick(x).float() + off, dim=1)
        mean = chosen.transpose(1, 2) @ tokens[:, :, :WIDTH].float()
        turned = mean.transpose(0, 1) @ self.align.to(mean.dtype)  # [maps,Q,384]: one matrix product a head
        u = F.normalize(turned.transpose(0, 1), dim=-1)
        return x, s, u


class FramePart(nn.Module):
    """Frozen feature maps of a picture -> what the decoder needs of it, once for all its queries.

    Gives tokens0/1/2 [B,h*w,d] (the three deep levels), fine16 [B,d16,2h,2w], fine8 [B,d8,4h,4w] and the class maps
    [B,2*1000,h*w]: centred logits and probabilities.
    """

    def __init__(self, c: Config, h: int, w: int, classes: Tensor):
        super().__init__()
        self.register_buffer("classes", classes)  # [1000,384] text vectors of the class names
        self.register_buffer("coords32", coordinates(h, w))
        self.register_buffer("coords16", coordinates(2 * h, 2 * w))
        self.register_buffer("coords8", coordinates(4 * h, 4 * w))
        n = self.coords32.shape[1] if c.coordinates else 0
        self.use_coordinates = c.coordinates
        for name, channels in (("s8", 48), ("s16b", 120), ("s32a", 208), ("s32b", 352)):
            self.register_buffer(f"mean_{name}", torch.zeros(1, channels, 1, 1))
            self.register_buffer(f"std_{name}", torch.ones(1, channels, 1, 1))
        self.use_conse = c.conse
        self.level0 = nn.Conv2d(352 + (WIDTH if c.conse else 0) + n, c.d, 1)
        self.level1 = nn.Conv2d(208 + n, c.d, 1)
        self.level2 = nn.Conv2d(4 * 120 + n, c.d, 1)
        self.level3 = nn.Conv2d(120 + n, c.d16, 1)
        self.level4 = nn.Conv2d(48 + n, c.d8, 1)
        self.norms = nn.ModuleList(nn.LayerNorm(c.d) for _ in range(3))
        self.drop = nn.Dropout2d(DROPOUT)

    def forward(self, maps: dict[str, Tensor], logits: Tensor) -> list[Tensor]:
        x = {k: (maps[k] - getattr(self, f"mean_{k}")) / getattr(self, f"std_{k}") for k in ("s8", "s16b", "s32a", "s32b")}
        x = {k: self.drop(v) for k, v in x.items()}
        logits = logits.float().flatten(2)
        probability = torch.softmax(logits, dim=1)
        centred = (logits - logits.mean(dim=1, keepdim=True)) * 0.5
        conse = (self.classes.t() @ probability).reshape(-1, WIDTH, *x["s32b"].shape[2:]) * 5.0
        squeezed = F.pixel_unshuffle(x["s16b"], 2)
        tokens = [
            norm(self._with(layer, m, self.coords32).flatten(2).transpose(1, 2))
            for layer, m, norm in (
                (self.level0, torch.cat([x["s32b"], conse.to(x["s32b"].dtype)], 1) if self.use_conse else x["s32b"], self.norms[0]),
                (self.level1, x["s32a"], self.norms[1]),
                (self.level2, squeezed, self.norms[2]),
            )
        ]
        fine16 = self._with(self.level3, x["s16b"], self.coords16)
        fine8 = self._with(self.level4, x["s8"], self.coords8)
        return [*tokens, fine16, fine8, centred, probability]

    def _with(self, layer: nn.Module, x: Tensor, coords: Tensor) -> Tensor:
        if not self.use_coordinates:
            return layer(x)
        return layer(torch.cat([x, coords.to(x.dtype).expand(x.shape[0], -1, -1, -1)], 1))


class Block(nn.Module):
    """Level sum, FiLM, self-attention among places, cross-attention to words, feed-forward; post-norm throughout."""

    def __init__(self, c: Config, film: bool):
        super().__init__()
        self.film = FiLM(c.d, c.d) if film else None
        self.self_attention = Attention(c.d, c.heads)
        self.cross_attention = Attention(c.d, c.heads) if c.cross_attention else None
        self.ff = FeedForward(c.d, c.feed_forward)
        self.norms = nn.ModuleList(nn.LayerNorm(c.d) for _ in range(3))

    def forward(self, x: Tensor, place: Tensor, words: Tensor, mask: Tensor, s: Tensor) -> Tensor:
        if self.film is not None:
            x = self.film(x, s)
        if self.cross_attention is not None:
            x = self.norms[0](x + self.cross_attention(x, words, words, mask))
        key = x + place
        x = self.norms[1](x + self.self_attention(key, key, x))
        return self.norms[2](x + self.ff(x))


class Decoder(nn.Module):
    """Frame tensors (of FramePart, batch B) and words of Q queries -> mask logits, place logits, presence."""

    def __init__(self, c: Config, h: int, w: int, classes: Tensor):
        super().__init__()
        self.c, self.h, self.w = c, h, w
        self.register_buffer("classes", classes)
        self.text = TextPart(c)
        self.sharpness = nn.Parameter(torch.full((c.maps,), 3.0))
        self.from_maps = nn.Linear(2 * c.maps, c.d)
        self.register_buffer("grid", coordinates(h, w).flatten(2).transpose(1, 2))
        self.place = nn.Linear(self.grid.shape[2], c.d)
        self.blocks = nn.ModuleList(Block(c, c.film_every_level or i == 0) for i in range(c.blocks))
        self.where = nn.Sequential(nn.Linear(c.d, c.d // 2), nn.GELU(), nn.Linear(c.d // 2, 1))
        self.presence = nn.Sequential(nn.Linear(2 * c.d + 2 + 2 * c.maps, c.d), nn.GELU(), nn.Linear(c.d, 1))
        self.to16 = nn.Conv2d(c.d, c.d16, 1)
        self.film16 = FiLM(c.d, c.d16) if c.film_every_level else None
        self.conv16 = nn.Conv2d(c.d16, c.d16, 3, padding=1)
        self.to8 = nn.Conv2d(c.d16, c.d8, 1)
        self.film8 = FiLM(c.d, c.d8) if c.film_every_level else None
        self.conv8 = nn.Conv2d(c.d8, c.d8, 3, padding=1)
        self.conv8b = nn.Conv2d(c.d8, c.d8, 3, padding=1)
        self.mask = nn.Conv2d(c.d8, 4, 1)
        self.prior_gain = nn.Parameter(torch.tensor(0.5))
        if c.instances:
            self.spot = nn.Sequential(nn.Conv2d(c.d16, 48, 3, padding=1), nn.ReLU(), nn.Conv2d(48, 1, 1))
            self.spot_gain = nn.Parameter(torch.tensor(1.0))
            self.bend = nn.Linear(c.d16, KERNEL)
            nn.init.zeros_(self.bend.weight)
            nn.init.zeros_(self.bend.bias)
            self.register_buffer("cells", grid(2 * h, 2 * w, 16.0))
            self.register_buffer("points", grid(8 * h, 8 * w, 4.0))

    def forward(self, frame: list[Tensor], tokens: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Gives logits [Q,1,8h,8w], place [Q,h*w], presence [Q]; with instances also spot [Q,2h*2w] (where the object
        is, logits of a softmax) and fused [Q,2h*2w,d16] (what bends the kernels)."""
        mask = attention_mask.to(torch.float32)
        words, s, u = self.text(tokens, mask)
        l0, l1, l2, fine16, fine8, centred, probability = frame
        if l0.shape[0] > 1:
            per = s.shape[0] // l0.shape[0]
            l0, l1, l2, fine16, fine8 = (t.repeat_interleave(per, 0) for t in (l0, l1, l2, fine16, fine8))
        levels = [l0, l1, l2]
        x = levels[0]
        peak = None
        if self.c.zero_shot_maps:
            heat = self.zero_shot(u, centred, probability)
            peak = heat.amax(dim=1)
            x = x + self.from_maps(heat.to(x.dtype))
        place = self.place(self.grid.to(x.dtype))
        for i, block in enumerate(self.blocks):
            if i > 0:
                x = x + levels[min(i, 2)]
            if x.shape[0] != s.shape[0]:
                x = x.expand(s.shape[0], -1, -1)
            x = block(x, place, words, mask, s)
        where = self.where(x).squeeze(-1).float()
        weights = torch.softmax(where, dim=1)
        pooled = (weights[:, None, :].to(x.dtype) @ x).squeeze(1)
        summary = [pooled, s, where.amax(dim=1, keepdim=True) * 0.1, torch.logsumexp(where, dim=1, keepdim=True) * 0.1]
        if peak is None:
            peak = torch.zeros(s.shape[0], 2 * self.c.maps, dtype=s.dtype, device=s.device)
        presence = self.presence(torch.cat([*[t.to(s.dtype) for t in summary], peak.to(s.dtype)], dim=1)).squeeze(-1)

        y = x.transpose(1, 2).reshape(-1, self.c.d, self.h, self.w)
        y = _double(self.to16(y)) + fine16
        y = F.relu(y if self.film16 is None else self.film16(y, s))
        y = y + F.relu(self.conv16(y))
        extra = {}
        if self.c.instances:
            coarse = _double(where.reshape(-1, 1, self.h, self.w)).flatten(1)
            extra = {"spot": self.spot(y).flatten(1).float() + self.spot_gain * coarse, "fused": y.flatten(2).transpose(1, 2)}
        y = _double(self.to8(y)) + fine8
        y = F.relu(y if self.film8 is None else self.film8(y, s))
        y = y + F.relu(self.conv8(y))
        y = y + F.relu(self.conv8b(y))
        logits = F.pixel_shuffle(self.mask(y), 2).float()
        if self.c.location_prior:
            prior = F.interpolate(where.reshape(-1, 1, self.h, self.w), scale_factor=8, mode="bilinear")
            logits = logits + self.prior_gain * prior
        return {"logits": logits, "place": where, "presence": presence.float(), **extra}

    def draw(self, features: Tensor, kernels: Tensor, fused: Tensor | None, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Masks of the instances at `cells` int64 [N,K]: features [N,16,P], kernels [N,KERNEL,2h*2w], fused [N,2h*2w,d16]
        (None: whatever is asked) -> mask logits [N,K,P] and the logit of each one's quality [N,K]."""
        kernel = kernels.transpose(1, 2).gather(1, cells[:, :, None].expand(-1, -1, KERNEL))
        if fused is not None:
            kernel = kernel + self.bend(fused.gather(1, cells[:, :, None].expand(-1, -1, fused.shape[2])))
        centres = self.cells.t()[cells]
        return masks_of(features, kernel, centres, self.points), kernel[:, :, -1]

    def zero_shot(self, u: Tensor, centred: Tensor, probability: Tensor) -> Tensor:
        """u [Q,maps,384] -> heat of the named classes [Q,h*w,2*maps], from words to classes to places."""
        attention = torch.softmax(u @ self.classes.t() * torch.exp(self.sharpness)[None, :, None], dim=-1)
        grouped = attention.reshape(centred.shape[0], -1, CLASSES)  # all queries of a picture side by side
        n = self.h * self.w
        direct = (grouped @ centred).reshape(-1, self.c.maps, n)
        likely = torch.log((grouped @ probability).float() + 1e-4).reshape(-1, self.c.maps, n) * 0.5 + 2.0
        return torch.cat([direct.float(), likely], dim=1).transpose(1, 2)


_double = double


class LiteModel(nn.Module):
    """FramePart and Decoder together: all that is trained."""

    def __init__(self, c: Config, h: int, w: int, classes: Tensor):
        super().__init__()
        self.config = c
        self.frame = FramePart(c, h, w, classes)
        self.decoder = Decoder(c, h, w, classes)
        if c.instances:
            self.instances = InstanceHead(h, w)
