"""CLIP's byte-pair vocabulary as a tokenizer.json, and a plain reference tokenizer to test against.

The merges come from OpenAI's `bpe_simple_vocab_16e6.txt` (MIT licence; clip_merges.txt.gz here holds the 48,894
lines CLIP uses of it, see ATTRIBUTION.md).
"""

from __future__ import annotations

import gzip
import html
import json
import unicodedata
from pathlib import Path

from .checkpoint import CheckpointError

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 49152 - 256 - 2
BUNDLED = Path(__file__).parent / "clip_merges.txt.gz"
PATTERN = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


def byte_letters() -> list[str]:
    """The printable letter that stands for each byte, as byte-level BPE has it: printable Latin-1 characters stand
    for themselves, the others for letters from 256 up. In CLIP's vocabulary order."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
    rest = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain}
    letters.update({byte: chr(256 + index) for index, byte in enumerate(rest)})
    return [letters[byte] for byte in (*plain, *rest)]


def read_merges(path: Path | None = None) -> list[tuple[str, str]]:
    """Merges of a `bpe_simple_vocab` or `merges.txt` file, gzipped or not. Raises CheckpointError."""
    source = path or BUNDLED
    try:
        raw = source.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{source}: the vocabulary cannot be read: {error}") from error
    lines = [line for line in text.split("\n") if line and "#version" not in line][:MERGES]
    pairs = [tuple(line.split(" ")) for line in lines]
    if len(pairs) != MERGES or any(len(pair) != 2 for pair in pairs):
        raise CheckpointError(f"{source}: {len(pairs)} merges of two parts wanted {MERGES}: not CLIP's vocabulary")
    return pairs  # type: ignore[return-value]


def vocabulary(merges: list[tuple[str, str]]) -> dict[str, int]:
    letters = byte_letters()
    words = [*letters, *(letter + "</w>" for letter in letters), *(a + b for a, b in merges), START, END]
    return {word: index for index, word in enumerate(words)}


def tokenizer_json(merges: list[tuple[str, str]]) -> str:
    """The file @huggingface/tokenizers (and its Rust and Python kin) reads."""
    vocab = vocabulary(merges)
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": vocab[token], "content": token, **special} for token in (START, END)],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "NFC"},
                {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
                {"type": "Lowercase"},
            ],
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Removed", "invert": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": START, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": END, "type_id": 0}},
            ],
            "pair": [
                {"SpecialToken": {"id": START, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 0}},
                {"SpecialToken": {"id": END, "type_id": 0}},
            ],
            "special_tokens": {
                token: {"id": token, "ids": [vocab[token]], "tokens": [token]} for token in (START, END)
            },
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": END,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "</w>",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": vocab,
            "merges": [f"{a} {b}" for a, b in merges],
        },
    }
    return json.dumps(content, ensure_ascii=False)


class ReferenceTokenizer:
    """Byte-pair encoding written straight from its definition: slow, and the judge of the fast one in the tests."""

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.vocab = vocabulary(merges)
        plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAC + 1), *range(0xAE, 0xFF + 1)]
        order = [*plain, *(byte for byte in range(256) if byte not in plain)]
        self.letters = dict(zip(order, byte_letters()))

    def encode(self, text: str, context: int = 77) -> list[int]:
        """Ids with start and end; a sentence that is too long loses its end, never the end token."""
        ids = [self.vocab[START]]
        text = unicodedata.normalize("NFC", html.unescape(html.unescape(text))).strip()
        for word in self._words(" ".join(text.split()).lower()):
            ids.extend(self.vocab[part] for part in self._merge(word))
        return [*ids[: context - 1], self.vocab[END]]

    def _words(self, text: str) -> list[str]:
        words: list[str] = []
        at = 0
        while at < len(text):
            suffix = next((s for s in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d") if text.startswith(s, at)), None)
            end = at + (len(suffix) if suffix else 1)
            if suffix is None:
                kind = self._kind(text[at])
                if kind == "space":
                    at += 1
                    continue
                while kind != "digit" and end < len(text) and self._kind(text[end]) == kind:
                    end += 1
            words.append(text[at:end])
            at = end
        return words

    @staticmethod
    def _kind(character: str) -> str:
        category = unicodedata.category(character)[0]
        if character.isspace():
            return "space"
        return {"L": "letter", "N": "digit"}.get(category, "other")

    def _merge(self, word: str) -> list[str]:
        parts = [self.letters[byte] for byte in word.encode("utf-8")]
        parts[-1] += "</w>"
        while len(parts) > 1:
            ranked = [(self.ranks.get(pair, 1 << 30), at) for at, pair in enumerate(zip(parts, parts[1:]))]
            best, _ = min(ranked)
            if best == 1 << 30:
                break
            first, second = next(pair for pair in zip(parts, parts[1:]) if self.ranks.get(pair) == best)
            merged: list[str] = []
            at = 0
            while at < len(parts):
                if at + 1 < len(parts) and (parts[at], parts[at + 1]) == (first, second):
                    merged.append(first + second)
                    at += 2
                else:
                    merged.append(parts[at])
                    at += 1
            parts = merged
        return parts
