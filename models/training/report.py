"""Writes the measured parts of docs/model-card.md and the failure pictures from the results of evaluate.py.

    python models/training/report.py [--results docs/results/model-lite.json] [--card docs/model-card.md]

Everything between `<!-- NAME:begin -->` and `<!-- NAME:end -->` is replaced; the rest of the card is prose.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import cv2
import numpy as np

GOALS = {"rendered": {"precision_at_0.5": 0.80, "mask_iou": 0.70}, "photos": {"precision_at_0.5": 0.60}}
TITLES = {"rendered": "Rendered scenes, held-out things and tables", "photos": "Real photos, held out"}


def figure(x: dict) -> str:
    if not x.get("n"):
        return "-"
    return f"{x['mean']:.2f} ({x['low']:.2f} to {x['high']:.2f})"


def tables(results: dict) -> str:
    out = []
    for name, s in results["sets"].items():
        p = s["precision_at_0.5"]
        out.append(f"### {TITLES.get(name, name)}: {s['pictures']} images, {p['n']} queries for what is there\n")
        goal = GOALS.get(name, {})
        out.append("| measure | value (95 % interval) | goal |\n| --- | --- | --- |")
        for key, title in (
            ("precision_at_0.5", "box precision at IoU 0.5"),
            ("precision_at_0.5_ungated", "the same, presence logit ignored"),
            ("mean_box_iou", "mean box IoU"),
            ("mask_iou", "mask IoU (where a true mask is known)"),
            ("found_present", "present and found"),
            ("not_found_absent", "absent and answered \"not found\""),
        ):
            wanted = {"found_present": 0.9, "not_found_absent": 0.8}.get(key, goal.get(key))
            out.append(f"| {title} | {figure(s[key])} | {'' if wanted is None else f'{wanted:.2f}'} |")
        for what in ("position", "colour"):
            w = s["swaps"][what]
            if w["moved"].get("n"):
                out.append(f"| {what} word swapped: the box moves (n={w['moved']['n']}) | {figure(w['moved'])} | 0.90 |")
                out.append(f"| {what} word swapped: both answers right | {figure(w['both_right'])} | |")
        out.append("\n| kind of query | n | box precision at 0.5 | mask IoU | found |\n| --- | --- | --- | --- | --- |")
        for kind, k in s["by_kind"].items():
            n = k["precision_at_0.5"]["n"]
            out.append(f"| {kind} | {n} | {figure(k['precision_at_0.5'])} | {figure(k['mask_iou'])} | {figure(k['found'])} |")
        if len(s["by_source"]) > 1:
            out.append("\n| source | n | box precision at 0.5 |\n| --- | --- | --- |")
            out += [f"| {k} | {v['n']} | {figure(v)} |" for k, v in s["by_source"].items() if v.get("n")]
        out.append("\n| on the same queries | box precision at 0.5 |\n| --- | --- |")
        out.append(f"| this model | {figure(p)} |")
        names = {"centre": "centre box of the usual size", "random": "a random annotated instance", "conse": "zero-shot ConSE heat map"}
        out += [f"| {title} | {figure(s['baselines'][k])} |" for k, title in names.items()]
        out.append("")
    return "\n".join(out)


def size_table(results: dict) -> str:
    rows = ["| file | MB |", "| --- | --- |"]
    rows += [f"| {k} | {v / 1e6:.1f} |" for k, v in results["bytes"].items()]
    rows.append(f"| together | {sum(results['bytes'].values()) / 1e6:.1f} |")
    t = results["milliseconds"]
    rows.append("\n| step, two threads, 1280x720 picture already decoded | ms (median) |\n| --- | --- |")
    names = {"resize_and_encode": "resize and encode the frame", "text": "encode a sentence (once per sentence)", "decode": "decode one query", "encode_and_decode": "frame and one query together"}
    rows += [f"| {title} | {t[k]} |" for k, title in names.items()]
    return "\n".join(rows)


def failures(rows: list[dict], data: Path, out: Path, count: int) -> str:
    """A contact sheet a set: truth green, answer red; drawn by chance among the queries answered wrongly."""
    parts = []
    out.mkdir(parents=True, exist_ok=True)
    for name in sorted({r["set"] for r in rows}):
        # COCO's photos stay under their Flickr terms and are not shown here.
        bad = [r for r in rows if r["set"] == name and not r["absent"] and r["iou"] < 0.5
               and not r["kind"].startswith("twin") and r["source"] != "coco256"]  # fmt: skip
        tiles = []
        for r in random.Random(3).sample(bad, min(count, len(bad))):
            picture = cv2.imread(str(data / name / r["image"]), cv2.IMREAD_COLOR)
            scale = 300 / picture.shape[1]
            picture = cv2.resize(picture, (300, round(picture.shape[0] * scale)), interpolation=cv2.INTER_AREA)
            for box, colour in [(b, (60, 200, 60)) for b in r["truth"]] + ([(r["box"], (50, 50, 230))] if r["box"] else []):
                x1, y1, x2, y2 = (int(v * scale) for v in box)
                cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 2)
            tile = np.full((270, 300, 3), 255, np.uint8)
            tile[:225] = cv2.resize(picture, (300, 225)) if picture.shape[0] > 225 else tile[:225]
            if picture.shape[0] <= 225:
                tile[: picture.shape[0]] = picture
            for k, text in enumerate((r["query"][:46], f"{r['kind']}, presence {r['presence']:.2f}")):
                cv2.putText(tile, text, (4, 241 + 17 * k), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
            tiles.append(tile)
        if not tiles:
            continue
        while len(tiles) % 4:
            tiles.append(np.full((270, 300, 3), 255, np.uint8))
        sheet = np.vstack([np.hstack(tiles[i : i + 4]) for i in range(0, len(tiles), 4)])
        cv2.imwrite(str(out / f"failures-{name}.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 80])
        silent = sum(1 for r in bad if r["box"] is None)
        other = len(bad) - silent
        parts.append(
            f"{TITLES.get(name, name)}: {len(bad)} wrong answers; {silent} said \"not found\", {other} showed another "
            f"place or a box that fits badly.\n\n![Truth green, answer red](results/failures-{name}.jpg)\n"
        )
    return "\n".join(parts)


def replace(card: str, name: str, text: str) -> str:
    pattern = re.compile(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", re.S)
    assert pattern.search(card), f"the card has no part named {name}"
    return pattern.sub(lambda m: m.group(1) + text + "\n" + m.group(2), card)


def main() -> None:
    repo = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=repo / "docs/results/model-lite.json")
    parser.add_argument("--rows", type=Path, default=repo / ".cache/training/rows.jsonl")
    parser.add_argument("--data", type=Path, default=repo / ".cache/training/data")
    parser.add_argument("--card", type=Path, default=repo / "docs/model-card.md")
    args = parser.parse_args()
    results = json.loads(args.results.read_text())
    card = args.card.read_text()
    card = replace(card, "RESULTS", tables(results))
    card = replace(card, "SIZES", size_table(results))
    if args.rows.exists():
        rows = [json.loads(t) for t in args.rows.read_text().splitlines()]
        card = replace(card, "FAILURES", failures(rows, args.data, args.results.parent, 12))
    args.card.write_text(card)
    print("wrote", args.card)


if __name__ == "__main__":
    main()
