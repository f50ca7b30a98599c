"""What PyTorch makes of pictures and sentences, from the picture file on: the judge of the other implementation.

    python -m export.reference --checkpoint F [--clip F] --picture F.png --sentences TEXT... --out FOLDER

Writes pixels.npy (uint8 [S, S, 3], resized by Pillow as torchvision's Resize does), input_ids.npy (int64 [Q, 77])
and logits.npy (float32 [Q, 1, h, w]) to FOLDER.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from .checkpoint import Wishes, load_hifics
from .hifics import INPUT_SIDE
from .measure import padded, token_rows, unit_image
from .vocabulary import ReferenceTokenizer, read_merges


def main() -> None:
    parser = argparse.ArgumentParser(description="Logits of a checkpoint in PyTorch.")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--shallowest-first", action="store_true")
    parser.add_argument("--picture", type=Path, required=True)
    parser.add_argument("--sentences", nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    wishes = Wishes(deepest_first=not args.shallowest_first)
    model = load_hifics(args.checkpoint, args.clip, wishes).model
    picture = Image.open(args.picture).convert("RGB").resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    tokenizer = ReferenceTokenizer(read_merges())
    context = model.clip.config.context
    ids = padded(token_rows(tokenizer, tuple(args.sentences), context), context)
    with torch.inference_mode():
        logits = model(torch.from_numpy(unit_image(pixels)), torch.from_numpy(ids), as_published=True).numpy()
    args.out.mkdir(parents=True, exist_ok=True)
    np.save(args.out / "pixels.npy", pixels)
    np.save(args.out / "input_ids.npy", ids)
    np.save(args.out / "logits.npy", logits.astype("<f4"))


if __name__ == "__main__":
    main()
