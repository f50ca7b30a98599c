"""Measures a model folder on test pictures never trained on, beside three baselines, and writes the results.

    python models/training/evaluate.py [--model models/lite] [--sets rendered photos] [--out docs/results/model-lite.json]
    python models/training/evaluate.py --calibrate --split val   # writes calibration.json for export.py

The best box answers a query; it is right at intersection over union >= 0.5 with a named object. Precision counts every
query whose object is there, "not found" answers as wrong. Intervals: 95 % bootstrap over pictures. Baselines on the
same queries: a centre box of the usual size, a random annotated instance, and the zero-shot ConSE heat map.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import random
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from instances import detections, iou
from prepare import decode_mask
from runtime import Lite, logit, timings
from data import swap_of

BOOTSTRAP = 500
VARIED = {"coco256"}
"""Sources whose scenes are nearest to a new place: the score is fitted on them alone."""


def read_set(data: Path, name: str, split: str, limit: int) -> list[dict]:
    path = data / name / "annotations.jsonl"
    if not path.exists():
        return []
    lines = [json.loads(t) for t in path.read_text().splitlines() if t.strip()]
    lines = [l for l in lines if l["split"] == split and l["objects"]]
    random.Random(1).shuffle(lines)
    return lines[:limit] if limit else lines


class Case:
    """One query on one picture: what it names, and what was answered."""

    def __init__(self, line: dict, text: str, targets: list[int], kind: str):
        self.line, self.text, self.targets, self.kind = line, text, targets, kind
        self.boxes = [line["objects"][t]["box"] for t in targets]
        self.row: dict = {}
        self.contrast = "position"


def conse_heat(frame: dict[str, np.ndarray], sentence: np.ndarray, classes: np.ndarray, h: int, w: int) -> np.ndarray:
    """Zero-shot map in 0..1 [Q,h,w]: cosine of the sentence and ConSE at each place, stretched between its extremes."""
    conse = classes.T @ frame["class_probability"][0]
    conse = conse / (np.linalg.norm(conse, axis=0, keepdims=True) + 1e-6)
    heat = (sentence @ conse).reshape(-1, h, w)
    low, high = heat.min((1, 2), keepdims=True), heat.max((1, 2), keepdims=True)
    return (heat - low) / (high - low + 1e-6)


def score_box(box: list[float] | None, case: Case) -> float:
    return max((iou(box, b) for b in case.boxes), default=0.0) if box is not None else 0.0


def target_mask(line: dict, targets: list[int]) -> np.ndarray | None:
    """Union of the named objects' masks; None unless every one has one that a person or a renderer made."""
    total = np.zeros((line["height"], line["width"]), bool)
    for t in targets:
        rle = line["objects"][t].get("mask")
        if not rle:
            return None
        total |= decode_mask(rle, line["height"], line["width"]).astype(bool)
    return total


def run_set(args: argparse.Namespace, name: str, lines: list[dict]) -> list[dict]:
    """All rows of a set, its pictures dealt out to `--jobs` processes."""
    usual = np.median(
        [[(o["box"][2] - o["box"][0]) / l["width"], (o["box"][3] - o["box"][1]) / l["height"]]
         for l in lines for o in l["objects"]], axis=0)  # fmt: skip
    parts = [lines[i :: args.jobs] for i in range(args.jobs)]
    if args.jobs == 1:
        return run_part(args, name, lines, usual)
    with multiprocessing.Pool(args.jobs) as pool:
        return [r for rows in pool.starmap(run_part, [(args, name, p, usual) for p in parts]) for r in rows]


def run_part(args: argparse.Namespace, name: str, lines: list[dict], usual: np.ndarray) -> list[dict]:
    import torch

    generate = importlib.import_module(args.queries).generate
    classes = torch.load(args.classes).numpy()
    model = Lite(args.model, threads=2 if args.jobs == 1 else 1)
    data, per = args.data, args.per
    rows: list[dict] = []
    spec = model.manifest["input"]
    h, w = spec["height"] // 32, spec["width"] // 32
    for line in tqdm(lines, desc=name, mininterval=10):
        rgb = cv2.imread(str(data / name / line["image"]), cv2.IMREAD_COLOR)
        if rgb is None:
            continue
        rgb = np.ascontiguousarray(rgb[:, :, ::-1])
        rng = random.Random(f"evaluate {line['image']}")
        cases: list[Case] = []
        twins: dict[int, int] = {}
        for q in generate(line, rng, per):
            cases.append(Case(line, q.text, list(q.targets), q.kind))
            cases[-1].contrast = "colour" if getattr(q, "contrast", None) == "colour" else "position"
            twin = swap_of(q)
            if twin is not None and q.targets and twin[1]:
                twins[len(cases) - 1] = len(cases)
                cases.append(Case(line, twin[0], twin[1], f"twin of {q.kind}"))
        if not cases:
            continue
        frame = model.frame(rgb)
        words = model.words([c.text for c in cases])
        answers = model.answers(frame, words, line["width"], line["height"])
        heat = conse_heat(frame, words["sentence"], classes, h, w)
        first: list[list[float] | None] = []
        for i, c in enumerate(cases):
            found = model.found(answers[i])
            first.append(found[0].box if found else None)
            row = {
                "set": name, "image": line["image"], "source": line["source"], "query": c.text, "kind": c.kind,
                "absent": not c.targets, "presence": round(answers[i].presence, 4), "found": bool(found),
                "iou": round(score_box(first[i], c), 4), "mass": round(answers[i].objects[0].score, 4) if answers[i].objects else 0.0,
            }  # fmt: skip
            # The mask without the presence gate: what the outline alone is worth is told apart from "not found".
            if c.targets:
                open_ = answers[i].objects
                row["iou_ungated"] = round(score_box(open_[0].box if open_ else None, c), 4)
                truth = target_mask(line, c.targets)
                if truth is not None:
                    answer = np.zeros_like(truth)
                    for d in found:
                        answer |= d.mask
                    row["mask_iou"] = round(float((answer & truth).sum() / max(1, (answer | truth).sum())), 4)
                guess = rng.choice(line["objects"])["box"]
                W, H = line["width"], line["height"]
                cw, ch = usual[0] * W / 2, usual[1] * H / 2
                zero = detections(cv2.resize(heat[i], (128, 96), interpolation=cv2.INTER_LINEAR), W, H, 0.7)
                row["centre"] = round(score_box([W / 2 - cw, H / 2 - ch, W / 2 + cw, H / 2 + ch], c), 4)
                row["random"] = round(score_box(guess, c), 4)
                row["conse"] = round(score_box(zero[0].box if zero else None, c), 4)
                row["box"] = first[i]
                row["truth"] = c.boxes
            c.row = row
            rows.append(row)
        for a, b in twins.items():
            # Two answers were asked for; the question is whether the swapped word moves the box.
            what = cases[a].contrast
            moved = first[a] is not None and first[b] is not None and iou(first[a], first[b]) < 0.5
            both = rows_right(cases[a].row) and rows_right(cases[b].row)
            cases[a].row["swap"] = {"of": what, "moved": bool(moved), "both_right": bool(both)}
    return rows


def rows_right(row: dict) -> bool:
    return row["iou"] >= 0.5


def interval(groups: dict[str, list[float]]) -> dict:
    """Mean with a 95 % interval; pictures, not queries, are drawn again."""
    keys = list(groups)
    values = [v for k in keys for v in groups[k]]
    if not values:
        return {"n": 0}
    rng = np.random.default_rng(0)
    sums = np.array([sum(groups[k]) for k in keys])
    counts = np.array([len(groups[k]) for k in keys])
    pick = rng.integers(0, len(keys), (BOOTSTRAP, len(keys)))
    means = sums[pick].sum(1) / counts[pick].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"n": len(values), "mean": round(float(np.mean(values)), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def grouped(rows: list[dict], value) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for r in rows:
        v = value(r)
        if v is not None:
            groups[r["image"]].append(float(v))
    return groups


def summarise(rows: list[dict]) -> dict:
    """All figures of one set."""
    plain = [r for r in rows if not r["kind"].startswith("twin")]
    present = [r for r in plain if not r["absent"]]
    absent = [r for r in plain if r["absent"]]
    by_kind = {}
    for kind in sorted({r["kind"] for r in present}):
        part = [r for r in present if r["kind"] == kind]
        by_kind[kind] = {
            "precision_at_0.5": interval(grouped(part, rows_right)),
            "mask_iou": interval(grouped(part, lambda r: r.get("mask_iou"))),
            "found": interval(grouped(part, lambda r: r["found"])),
        }
    swaps = {}
    for what in ("position", "colour"):
        part = [r for r in plain if r.get("swap", {}).get("of") == what]
        swaps[what] = {
            "moved": interval(grouped(part, lambda r: r["swap"]["moved"])),
            "both_right": interval(grouped(part, lambda r: r["swap"]["both_right"])),
        }
    return {
        "pictures": len({r["image"] for r in rows}),
        "precision_at_0.5": interval(grouped(present, rows_right)),
        "precision_at_0.5_ungated": interval(grouped(present, lambda r: r["iou_ungated"] >= 0.5)),
        "mean_box_iou": interval(grouped(present, lambda r: r["iou"])),
        "mask_iou": interval(grouped(present, lambda r: r.get("mask_iou"))),
        "found_present": interval(grouped(present, lambda r: r["found"])),
        "not_found_absent": interval(grouped(absent, lambda r: not r["found"])),
        "by_kind": by_kind,
        "by_source": {
            s: interval(grouped([r for r in present if r["source"] == s], rows_right)) for s in sorted({r["source"] for r in present})
        },
        "swaps": swaps,
        "baselines": {b: interval(grouped(present, lambda r, b=b: r[b] >= 0.5)) for b in ("centre", "random", "conse")},
    }


def calibrate(rows: list[dict], keep: float = 0.925, presence: list[float] | None = None) -> dict:
    """Scale and bias of the presence logit, so that 0.5 keeps `keep` of the present of every set on average, and the
    probabilities are honest in between (least log loss over the scale)."""
    plain = [r for r in rows if not r["kind"].startswith("twin")]
    logit = np.array([np.log(max(r["presence"], 1e-4) / max(1 - r["presence"], 1e-4)) for r in plain])
    label = np.array([not r["absent"] for r in plain], float)
    sets = np.array([r["set"] for r in plain])
    cuts = [np.quantile(logit[(sets == s) & (label == 1)], 1 - keep) for s in sorted(set(sets))]
    cut = float(np.mean(cuts))
    scales = np.linspace(0.2, 2.0, 37)
    weight = np.where(label == 1, 0.5 / label.sum(), 0.5 / max(1, (1 - label).sum()))
    losses = [np.sum(weight * np.logaddexp(0, -(2 * label - 1) * s * (logit - cut))) for s in scales]
    scale = float(scales[int(np.argmin(losses))])
    absent = {s: round(float((logit[(sets == s) & (label == 0)] < cut).mean()), 4) for s in sorted(set(sets))}
    present = {s: round(float((logit[(sets == s) & (label == 1)] >= cut).mean()), 4) for s in sorted(set(sets))}
    print("kept present:", present, "refused absent:", absent)
    if presence:
        scale, cut = presence
    varied = [r for r in plain if r["source"] in VARIED] or plain
    return {"scale": round(scale, 4), "bias": round(-scale * cut, 4), "score": fit_score(varied, scale, cut)}


def fit_score(rows: list[dict], scale: float, cut: float) -> dict:
    """Logistic regression of "the best object is right" on the logits of its mass and of presence (as calibrated)."""
    x = np.array([[1.0, logit(r["mass"]), logit(1 / (1 + np.exp(-scale * (logit(r["presence"]) - cut))))] for r in rows])
    y = np.array([r.get("iou_ungated", 0.0) >= 0.5 for r in rows], float)
    weights = np.zeros(3)
    for _ in range(50):  # Newton's method with a little ridge
        p = 1 / (1 + np.exp(-x @ weights))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-3 * np.eye(3)
        weights += np.linalg.solve(hessian, x.T @ (y - p) - 1e-3 * weights)
    return dict(zip(("bias", "mass", "presence"), (round(float(w), 4) for w in weights)))


def main() -> None:
    repo = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=repo / "models/lite")
    parser.add_argument("--data", type=Path, default=repo / ".cache/training/data")
    parser.add_argument("--sets", nargs="+", default=["rendered", "photos"])
    parser.add_argument("--split", default="test")
    parser.add_argument("--per", type=int, default=10, help="queries a picture")
    parser.add_argument("--limit", type=int, default=0, help="pictures of a set at most")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--classes", type=Path, default=repo / ".cache/training/features/classes.pt")
    parser.add_argument("--queries", default="queries")
    parser.add_argument("--out", type=Path, default=repo / "docs/results/model-lite.json")
    parser.add_argument("--rows", type=Path, default=repo / ".cache/training/rows.jsonl")
    parser.add_argument("--calibrate", type=Path, nargs="?", const=repo / ".cache/training/run/calibration.json")
    parser.add_argument("--presence", type=float, nargs=2, metavar=("SCALE", "CUT"), help="with --calibrate: set by hand")
    args = parser.parse_args()
    rows: list[dict] = []
    results = {}
    for name in args.sets:
        lines = read_set(args.data, name, args.split, args.limit)
        if not lines:
            print(f"{name}: no pictures of split {args.split}")
            continue
        part = run_set(args, name, lines)
        rows += part
        results[name] = summarise(part)
        short = {k: v["mean"] for k, v in results[name].items() if isinstance(v, dict) and "mean" in v}
        print(name, json.dumps(short))
    if args.calibrate:
        args.calibrate.parent.mkdir(parents=True, exist_ok=True)
        args.calibrate.write_text(json.dumps(calibrate(rows, presence=args.presence)) + "\n")
        print("wrote", args.calibrate)
        return
    args.rows.parent.mkdir(parents=True, exist_ok=True)
    args.rows.write_text("".join(json.dumps(r) + "\n" for r in rows))
    model = Lite(args.model)
    sizes = {f.name: f.stat().st_size for f in sorted(args.model.iterdir())}
    command = "python models/training/evaluate.py"
    result = {"command": command, "model": model.manifest["name"], "split": args.split, "bytes": sizes, "milliseconds": timings(model), "sets": results}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print("wrote", args.out, result["milliseconds"])


if __name__ == "__main__":
    main()
