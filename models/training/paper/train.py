"""Trains a HiFi-CS decoder over frozen CLIP as the paper does (arXiv 2409.10419).

    python -m training.paper.train --layout roborefit --data final_dataset --clip ViT-B-16.pt --out runs/mine

AdamW 1e-3, cosine to 1e-4 over 20,000 steps, batch 16, binary cross-entropy with logits against the BACKGROUND
(the mask is inverted: published polarity). A run that was broken off goes on by itself from OUT/last.pt, with the
same batches in the same order. OUT gets weights.pth and best.pth (for `grasp-grounding models import`), log.csv,
curves.png and metrics.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from export.checkpoint import CheckpointError, load_clip
from export.clip import Clip
from export.hifics import INPUT_SIDE, TAPS, VARIANTS, DecoderConfig, HifiCsDecoder
from export.measure import padded, token_rows
from export.vocabulary import ReferenceTokenizer, read_merges
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from .data import LAYOUTS, DataError, Sample, load
from .metrics import THRESHOLDS, Scores

DROPOUT = 0.1  # torch's TransformerEncoderLayer has it by default


class Batches:
    """Endless seeded batches: step k is the same whenever it is asked for, so that a run can be resumed."""

    def __init__(self, samples: list[Sample], batch: int, seed: int, context: int) -> None:
        self.samples, self.batch, self.seed, self.context = samples, batch, seed, context
        self.tokenizer = ReferenceTokenizer(read_merges())
        self.pool = ThreadPoolExecutor(4)
        self._order: tuple[int, np.ndarray] = (-1, np.zeros(0, int))

    def indices(self, step: int) -> list[int]:
        found = []
        for at in range(step * self.batch, (step + 1) * self.batch):
            epoch, place = divmod(at, len(self.samples))
            if self._order[0] != epoch:
                rng = np.random.default_rng((self.seed, epoch))
                self._order = (epoch, rng.permutation(len(self.samples)))
            found.append(int(self._order[1][place]))
        return found

    def from_step(self, step: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(pictures [B, 3, S, S] in 0..1, ids [B, T], background masks [B, 1, S, S]), read ahead by one batch."""
        coming = self.pool.submit(self._read, self.indices(step))
        while True:
            step += 1
            ready, coming = coming, self.pool.submit(self._read, self.indices(step))
            yield ready.result()

    def _read(self, indices: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        chosen = [self.samples[index] for index in indices]
        ids = tokens(self.tokenizer, [sample.sentence for sample in chosen], self.context)
        masks = torch.stack([small_mask(sample.mask()) for sample in chosen])
        return torch.stack([picture(sample.picture) for sample in chosen]), ids, 1 - masks


def picture(path: Path) -> Tensor:
    """[3, S, S] in 0..1: Pillow's bilinear resize, no mean, no deviation."""
    with Image.open(path) as opened:
        resized = opened.convert("RGB").resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255


def small_mask(mask: np.ndarray) -> Tensor:
    """[1, S, S] of 0 and 1."""
    resized = Image.fromarray(mask.astype(np.uint8)).resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.NEAREST)
    return torch.from_numpy(np.array(resized)).float()[None]


def tokens(tokenizer: ReferenceTokenizer, sentences: list[str], context: int) -> Tensor:
    rows = token_rows(tokenizer, tuple(sentences), context)
    return torch.from_numpy(padded(rows, max(row.shape[1] for row in rows)))


def logits_of(clip: Clip, decoder: HifiCsDecoder, pictures: Tensor, ids: Tensor) -> Tensor:
    """Background logits [B, 1, S, S]; the 350 px of patch 14 are stretched to the input's size."""
    with torch.no_grad():
        taps = clip.visual(pictures, decoder.config.taps)
        sentence = clip.sentence(ids)
    logits = decoder(taps, sentence)
    if logits.shape[-1] == INPUT_SIDE:
        return logits
    return F.interpolate(logits, (INPUT_SIDE, INPUT_SIDE), mode="bilinear", align_corners=False)


def evaluate(clip: Clip, decoder: HifiCsDecoder, samples: list[Sample], device: torch.device, batch: int) -> dict:
    decoder.eval()
    tokenizer = ReferenceTokenizer(read_merges())
    scores = Scores()
    for start in tqdm(range(0, len(samples), batch), desc="evaluate", leave=False):
        chosen = samples[start : start + batch]
        pictures = torch.stack([picture(sample.picture) for sample in chosen]).to(device)
        ids = tokens(tokenizer, [sample.sentence for sample in chosen], clip.config.context).to(device)
        with torch.inference_mode():
            logits = logits_of(clip, decoder, pictures, ids).cpu()
        for row, sample in zip(logits, chosen):
            scores.add(row[0], sample.mask())
    decoder.train()
    return scores.summary()


def save_whole(content: object, path: Path) -> None:
    """Under another name first: a run killed while saving keeps its last checkpoint."""
    part = path.with_suffix(".part")
    torch.save(content, part)
    os.replace(part, path)


class Log:
    """log.csv, one line a measurement, and curves.png drawn from it."""

    COLUMNS = ("step", "loss", "lr", "mean_iou", *(f"precision_at_{t}" for t in THRESHOLDS))

    def __init__(self, folder: Path, from_step: int) -> None:
        self.path, self.picture = folder / "log.csv", folder / "curves.png"
        self.rows: list[dict[str, str]] = []
        if from_step and self.path.is_file():
            with self.path.open(newline="") as stream:
                self.rows = [row for row in csv.DictReader(stream) if int(row["step"]) <= from_step]

    def add(self, step: int, loss: float, lr: float, metrics: dict | None) -> None:
        row = {"step": str(step), "loss": f"{loss:.6f}", "lr": f"{lr:.8f}"}
        if metrics is not None:
            row["mean_iou"] = f"{metrics['mean_iou']:.6f}"
            row |= {f"precision_at_{t}": f"{metrics['precision_at'][str(t)]:.6f}" for t in THRESHOLDS}
        self.rows.append(row)
        with self.path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, self.COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(self.rows)

    def draw(self) -> None:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
        steps = [int(row["step"]) for row in self.rows]
        left.plot(steps, [float(row["loss"]) for row in self.rows])
        left.set(xlabel="step", ylabel="binary cross-entropy", yscale="log")
        measured = [row for row in self.rows if row.get("mean_iou")]
        for column in self.COLUMNS[3:]:
            values = [float(row[column]) for row in measured]
            right.plot([int(row["step"]) for row in measured], values, marker=".", label=column.replace("_", " "))
        right.set(xlabel="step", ylim=(0, 1))
        if measured:
            right.legend(fontsize="small")
        figure.tight_layout()
        figure.savefig(self.picture, dpi=100)
        pyplot.close(figure)


def train(args: argparse.Namespace) -> dict:
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    samples = load(args.layout, args.data, args.train_split)
    held_out = load(args.layout, args.data, args.eval_split)
    if args.eval_limit:
        held_out = held_out[:: max(1, len(held_out) // args.eval_limit)][: args.eval_limit]
    clip = load_clip(args.clip).requires_grad_(False).eval().to(device)
    config = DecoderConfig.over(
        clip.config,
        variant=args.variant,
        taps=TAPS,
        reduce_cond=args.reduce_cond,
        deepest_first=not args.shallowest_first,
    )
    torch.manual_seed(args.seed)
    decoder = HifiCsDecoder(config, DROPOUT).to(device).train()
    optimiser = torch.optim.AdamW(decoder.parameters(), lr=args.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, args.steps, eta_min=args.lr / 10)
    args.out.mkdir(parents=True, exist_ok=True)
    last = args.out / "last.pt"
    step, best = 0, -1.0
    if last.is_file():
        state = torch.load(last, map_location="cpu", weights_only=True)
        if state["config"] != _plain(config):
            raise DataError(f"{last} is of another model ({state['config']}); use another --out or remove it")
        decoder.load_state_dict(state["decoder"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["rng"])
        step, best = int(state["step"]), float(state["best"])
        tqdm.write(f"goes on at step {step}", file=sys.stderr)
    stop: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: stop.append(number))
    log, metrics = Log(args.out, step), None

    def save() -> None:
        content = {
            "config": _plain(config),
            "decoder": decoder.state_dict(),
            "optimiser": optimiser.state_dict(),
            "schedule": schedule.state_dict(),
            "rng": torch.get_rng_state(),
            "step": step,
            "best": best,
        }
        save_whole(content, last)
        save_whole(_on_cpu(decoder), args.out / "weights.pth")

    batches = Batches(samples, args.batch, args.seed, clip.config.context)
    losses: list[float] = []
    try:
        with tqdm(total=args.steps, initial=step, desc="train") as bar:
            for pictures, ids, background in batches.from_step(step):
                if step >= args.steps or stop:
                    break
                logits = logits_of(clip, decoder, pictures.to(device), ids.to(device))
                loss = F.binary_cross_entropy_with_logits(logits, background.to(device))
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                schedule.step()
                step += 1
                losses.append(float(loss.detach()))
                bar.update()
                bar.set_postfix(loss=f"{losses[-1]:.4f}")
                if step % args.eval_every == 0 or step == args.steps:
                    metrics = evaluate(clip, decoder, held_out, device, args.batch)
                    if metrics["mean_iou"] > best:
                        best = metrics["mean_iou"]
                        save_whole(_on_cpu(decoder), args.out / "best.pth")
                if step % args.log_every == 0 or step == args.steps:
                    at_end = step % args.eval_every == 0 or step == args.steps
                    log.add(step, float(np.mean(losses)), schedule.get_last_lr()[0], metrics if at_end else None)
                    log.draw()
                    losses = []
                if step % args.save_every == 0:
                    save()
        save()
    finally:
        signal.signal(signal.SIGINT, previous)
        batches.pool.shutdown(wait=False, cancel_futures=True)
    if metrics is None:
        metrics = evaluate(clip, decoder, held_out, device, args.batch)
    outcome = {"step": step, "config": _plain(config), "split": args.eval_split, **metrics, "best_mean_iou": best}
    (args.out / "metrics.json").write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    return outcome


def _plain(config: DecoderConfig) -> dict:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(config).items()}


def _on_cpu(decoder: HifiCsDecoder) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in decoder.state_dict().items()}


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train a HiFi-CS decoder over frozen CLIP as the paper does.")
    parser.add_argument("--layout", choices=sorted(LAYOUTS), required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--train-split", default="train")
    parser.add_argument("--eval-split", help="default: testA for roborefit, test for ocid-vlg, val for jsonl")
    parser.add_argument("--eval-limit", type=int, help="evaluate on about so many sentences while training")
    parser.add_argument("--clip", type=Path, required=True, help="CLIP's weights (ViT-B-16.pt, ViT-L-14.pt)")
    parser.add_argument("--variant", choices=VARIANTS, default="per-level", help="FiLM at one level or at each")
    parser.add_argument("--reduce-cond", type=int)
    parser.add_argument("--shallowest-first", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--eval-every", type=int, default=1000)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=500)
    parser.add_argument("--device")
    args = parser.parse_args(argv)
    args.eval_split = args.eval_split or {"roborefit": "testA", "ocid-vlg": "test", "jsonl": "val"}[args.layout]
    return args


def main(argv: list[str] | None = None) -> int:
    try:
        print(json.dumps(train(parse(argv))))
        return 0
    except (DataError, CheckpointError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
