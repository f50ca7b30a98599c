"""Textures onto which `views_paste.py` sets objects: surfaces of the training split as 320x320 JPEG.

    python models/training/grounds.py [--assets DIR] [--out DIR]
"""

from __future__ import annotations

import argparse
import os
import random
from pathlib import Path

import cv2

from scenes.assets import Assets

COUNTS = {"table": 34, "cloth": 22, "floor": 20, "wall": 14}
SIDE = 320


def main() -> None:
    here = Path(__file__).resolve()
    shared = Path(os.environ.get("GRASP_GROUNDING_SHARED", here.parents[3] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assets", type=Path, default=shared / "assets")
    parser.add_argument("--out", type=Path, default=here.parents[2] / ".cache/training/data/grounds")
    args = parser.parse_args()
    assets, rng, number = Assets(args.assets), random.Random(3), 0
    args.out.mkdir(parents=True, exist_ok=True)
    for kind, count in COUNTS.items():
        rows = list(assets.textures["train"][kind])
        rng.shuffle(rows)
        rows.sort(key=lambda t: -min(t["native_px"], 300))
        for row in rows[:count]:
            image = cv2.resize(assets.surface(row["file"]), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            cv2.imwrite(str(args.out / f"{kind}_{number:03d}.jpg"), image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
            number += 1


if __name__ == "__main__":
    main()
