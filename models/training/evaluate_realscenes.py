"""Measures a model folder on ../shared/data/realscenes: real scenes of many sources that are for tests alone.

    python models/training/evaluate_realscenes.py [--model models/lite] [--out docs/results/realscenes-lite.json]

Reports, for one pass over the whole image: box precision at IoU 0.5 (an answer "not found" counts as wrong, and with presence
ignored), pointing (the answer's middle lies in the right box), precision given right pointing, choice among the true boxes
(by mean heat: what perfect boxes would give), whether any candidate is right; by kind, setting and size of the object; what
is found and refused; and of the scores the area under the ROC curve (right against wrong answers) and the expected
calibration error (10 equal bins). Intervals are 95 % bootstraps over images. Nothing is written to disk of single images.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from evaluate import grouped, interval
from instances import iou
from runtime import Answer, Lite

SIZES = ((0.0, 0.01, "under 1 %"), (0.01, 0.03, "1 to 3 %"), (0.03, 0.1, "3 to 10 %"), (0.1, 1.01, "over 10 %"))
"""Shares of the image that the true box covers."""
BINS = 10


def inside(box: list[float], x: float, y: float) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def mean_heat(heat: np.ndarray, box: list[float], width: int, height: int) -> float:
    """Mean of the heat map [h,w] within a box given in the image's pixels."""
    h, w = heat.shape
    x1, y1 = int(box[0] / width * w), int(box[1] / height * h)
    x2, y2 = max(x1 + 1, round(box[2] / width * w)), max(y1 + 1, round(box[3] / height * h))
    return float(heat[y1:y2, x1:x2].mean())


def true_boxes(rows: list[dict]) -> list[list[float]]:
    """All different boxes that are asked for in one image."""
    boxes: list[list[float]] = []
    for row in rows:
        if row.get("box") and all(iou(row["box"], b) <= 0.7 for b in boxes):
            boxes.append(row["box"])
    return boxes


def pointed(answer: Answer, width: int, height: int) -> tuple[float, float]:
    """Where the answer points: the middle of the best object's mask, or the heat map's peak."""
    if answer.objects:
        ys, xs = np.nonzero(answer.objects[0].mask)
        return float(xs.mean()), float(ys.mean())
    y, x = np.unravel_index(answer.heat.argmax(), answer.heat.shape)
    return (x + 0.5) / answer.heat.shape[1] * width, (y + 0.5) / answer.heat.shape[0] * height


def size_of(box: list[float], width: int, height: int) -> str:
    share = (box[2] - box[0]) * (box[3] - box[1]) / (width * height)
    return next(name for low, high, name in SIZES if low <= share < high)


def measure(model: Lite, folder: Path) -> list[dict]:
    lines = [json.loads(t) for t in (folder / "dev.jsonl").read_text().splitlines() if t.strip()]
    by_image: dict[str, list[dict]] = {}
    for line in lines:
        by_image.setdefault(line["image"], []).append(line)
    result = []
    for image, rows in tqdm(by_image.items(), mininterval=10):
        rgb = np.ascontiguousarray(cv2.imread(str(folder / image))[:, :, ::-1])
        height, width = rgb.shape[:2]
        answers = model.answers(model.frame(rgb), model.words([r["query"] for r in rows]), width, height)
        boxes = true_boxes(rows)
        for row, answer in zip(rows, answers):
            found = model.found(answer)
            truth = row.get("box")
            new = {"image": image, "kind": row["kind"], "setting": row["setting"], "absent": truth is None, "found": bool(found),
                   "presence": answer.presence, "score": model.score(answer), "right": False}  # fmt: skip
            if truth:
                best = iou(answer.objects[0].box, truth) if answer.objects else 0.0
                heats = [mean_heat(answer.heat, b, width, height) for b in boxes]
                new |= {
                    "size": size_of(truth, width, height), "right_ungated": best >= 0.5, "right": bool(found) and best >= 0.5,
                    "pointed": inside(truth, *pointed(answer, width, height)), "any": any(iou(d.box, truth) >= 0.5 for d in answer.objects),
                    "choice": iou(boxes[int(np.argmax(heats))], truth) > 0.7,
                }  # fmt: skip
            result.append(new)
    return result


def roc_area(scores: np.ndarray, right: np.ndarray) -> float:
    """Chance that a right answer scores above a wrong one (ties half)."""
    good, bad = scores[right], scores[~right]
    if not len(good) or not len(bad):
        return float("nan")
    return float(((good[:, None] > bad[None]).mean() + 0.5 * (good[:, None] == bad[None]).mean()))


def calibration_error(scores: np.ndarray, right: np.ndarray) -> float:
    """Mean gap of score and share of right answers over equal bins of the score, weighted by their size."""
    index = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = [abs(scores[index == b].mean() - right[index == b].mean()) * (index == b).sum() for b in range(BINS) if (index == b).any()]
    return float(sum(gaps) / len(scores))


def summary(rows: list[dict]) -> dict:
    present, absent = [r for r in rows if not r["absent"]], [r for r in rows if r["absent"]]
    share = lambda part, key: interval(grouped(part, lambda r: r[key]))  # noqa: E731
    scores, right = np.array([r["score"] for r in rows]), np.array([r["right"] for r in rows])
    by = {
        name: {v: share([r for r in present if r[name] == v], "right") for v in sorted({r[name] for r in present})}
        for name in ("kind", "setting", "size")
    }
    return {
        "images": len({r["image"] for r in rows}), "precision_at_0.5": share(present, "right"), "precision_at_0.5_ungated": share(present, "right_ungated"),
        "pointing": share(present, "pointed"), "precision_given_pointing": share([r for r in present if r["pointed"]], "right_ungated"),
        "choice_among_true_boxes": share(present, "choice"), "any_candidate_right": share(present, "any"),
        "found_present": share(present, "found"), "not_found_absent": interval(grouped(absent, lambda r: not r["found"])),
        "score_roc_area": round(roc_area(scores, right), 4), "score_calibration_error": round(calibration_error(scores, right), 4),
        **{f"by_{k}": v for k, v in by.items()},
    }  # fmt: skip


def main() -> None:
    here = Path(__file__).resolve()
    shared = Path(os.environ.get("GRASP_GROUNDING_SHARED", here.parents[3] / "shared"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=here.parents[1] / "lite")
    parser.add_argument("--scenes", type=Path, default=shared / "data/realscenes")
    parser.add_argument("--out", type=Path, default=here.parents[2] / "docs/results/realscenes-lite.json")
    args = parser.parse_args()
    rows = measure(Lite(args.model, threads=1), args.scenes)
    result = {"command": "python models/training/evaluate_realscenes.py", **summary(rows)}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v["mean"] if isinstance(v, dict) and "mean" in v else v for k, v in result.items() if not k.startswith("by_")}))


if __name__ == "__main__":
    main()
