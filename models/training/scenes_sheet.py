"""Contact sheets of a data set, with boxes and words, to look at what training will see.

    python models/training/scenes_sheet.py ANNOTATIONS.jsonl OUT.png [--from 0] [--count 20] [--columns 4] [--boxes]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations")
    parser.add_argument("out")
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--boxes", action="store_true")
    args = parser.parse_args()
    path = Path(args.annotations)
    lines = path.read_text().splitlines()[args.first :: args.step][: args.count]
    tiles = []
    for text in lines:
        line = json.loads(text)
        img = cv2.imread(str(path.parent / line["image"]))
        k = args.width / img.shape[1]
        img = cv2.resize(img, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
        if args.boxes:
            for o in line["objects"]:
                x1, y1, x2, y2 = (int(v * k) for v in o["box"])
                cv2.rectangle(img, (x1, y1), (x2, y2), (0, 220, 0) if o.get("target", True) else (0, 0, 220), 1)
                text = "/".join(o.get("colours", [])[:2]) + " " + o["name"] + (" in" if "inside" in o else "") + (f" s{o['on_shelf']}" if "on_shelf" in o else "")
                cv2.putText(img, text, (x1, max(10, y1 - 2)), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 2)
                cv2.putText(img, text, (x1, max(10, y1 - 2)), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 1)
        tile = np.zeros((int(args.width * 0.75), args.width, 3), np.uint8)
        if img.shape[0] > tile.shape[0]:
            img = cv2.resize(img, (int(img.shape[1] * tile.shape[0] / img.shape[0]), tile.shape[0]))
        tile[: img.shape[0], : img.shape[1]] = img
        tiles.append(tile)
    while len(tiles) % args.columns:
        tiles.append(np.zeros_like(tiles[0]))
    rows = [np.concatenate(tiles[i : i + args.columns], 1) for i in range(0, len(tiles), args.columns)]
    cv2.imwrite(args.out, np.concatenate(rows, 0))


if __name__ == "__main__":
    main()
