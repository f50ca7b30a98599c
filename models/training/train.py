"""Trains the decoder on cached features.

    python models/training/train.py [--features DIR] [--run DIR] [--steps N] [--minutes M] [--resume]

The learning rate follows a cosine over `--steps`, or over `--minutes` where that ends first. Writes to the run folder:
last.pt (resumable), log.csv, curves.png. Batches of 16 pictures with 4 queries each; bfloat16 arithmetic.
"""

from __future__ import annotations

import argparse
import copy
import csv
import importlib
import json
import math
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from data import Batches, Shards, encode_words, object_masks, tokenise, union
from features import HEIGHT, WIDTH, imagenet_names, load_encoder
from instances import detections, iou
from losses import total_loss
from model import Config, LiteModel
from prepare import KEPT
from text import class_embeddings, load_text, load_tokenizer

GRID = HEIGHT // 32, WIDTH // 32


def build(config: Config, text_net: torch.nn.Module, cache: Path | None = None) -> LiteModel:
    """A fresh model; the class names' vectors are kept in `cache`, since they take a while."""
    path = cache / "classes.pt" if cache else None
    if path is not None and path.exists():
        classes = torch.load(path)
    else:
        classes = class_embeddings(text_net, imagenet_names())
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(classes, path)
    return LiteModel(config, *GRID, classes)


def set_statistics(model: LiteModel, shards: Shards) -> None:
    """Mean and deviation of each channel of the frozen maps, from up to 400 pictures of all sets."""
    rows = [p for pictures in shards.pictures.values() for p in pictures]
    rows = random.Random(0).sample(rows, min(400, len(rows)))
    for k in KEPT:
        x = np.stack([a[k][r][:, ::2, ::2] for a, r, _ in rows]).astype(np.float32)
        getattr(model.frame, f"mean_{k}").copy_(torch.from_numpy(x.mean((0, 2, 3)))[None, :, None, None])
        getattr(model.frame, f"std_{k}").copy_(torch.from_numpy(x.std((0, 2, 3)) + 1e-3)[None, :, None, None])


def run_model(model: LiteModel, encoder, text_net, maps: dict[str, Tensor], ids: Tensor, mask: Tensor) -> dict:
    """One pass in bfloat16; the frozen parts without gradients."""
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            logits = encoder.dense_logits(maps["s32b"])
        return model.decoder(model.frame(maps, logits), encode_words(text_net, ids, mask), mask)


@torch.no_grad()
def validate(model: LiteModel, encoder, text_net, shards: Shards, generate, limit: int, per: int = 6) -> dict[str, float]:
    """Box precision at 0.5 per set, and presence: a quick look during training (evaluate.py is the real report)."""
    model.eval()
    tokenizer = load_tokenizer()
    result: dict[str, float] = {}
    for name, pictures in shards.pictures.items():
        hits, ious, present, absent = [], [], [], []
        for arrays, row, line in pictures[:limit]:
            queries = generate(line, random.Random(f"{line['image']}"), per)
            if not queries:
                continue
            ids, mask = tokenise(tokenizer, [q.text for q in queries])
            maps = {k: torch.from_numpy(arrays[k][row][None].astype(np.float32)) for k in KEPT}
            out = run_model(model, encoder, text_net, maps, ids, mask)
            probability = torch.sigmoid(out["logits"]).squeeze(1).numpy()
            masks = object_masks(arrays, line)
            for i, q in enumerate(queries):
                (present if q.targets else absent).append(float(out["presence"][i]))
                if not q.targets:
                    continue
                d = detections(probability[i], line["width"], line["height"])
                hits.append(bool(d) and max(iou(d[0].box, line["objects"][t]["box"]) for t in q.targets) >= 0.5)
                t = union(masks, list(q.targets)) > 127
                p = probability[i] > 0.5
                ious.append((t & p).sum() / max(1, (t | p).sum()))
        if hits:
            result[f"{name}_p50"] = float(np.mean(hits))
            result[f"{name}_iou"] = float(np.mean(ious))
        if present and absent:
            cut = float(np.quantile(present, 0.1))
            result[f"{name}_absent_at_90"] = float(np.mean(np.array(absent) < cut))
    model.train()
    return result


def plot(path: Path, out: Path) -> None:
    """Loss parts and validation over steps."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = list(csv.DictReader(path.open()))
    fig, axes = plt.subplots(1, 2, figsize=(11, 4))
    for key in ("mask", "place", "presence"):
        axes[0].plot([int(r["step"]) for r in rows], [float(r[key]) for r in rows], label=key)
    keys = sorted({k for r in rows for k in json.loads(r["validation"] or "{}")})
    for key in keys:
        points = [(int(r["step"]), json.loads(r["validation"])[key]) for r in rows if key in (r["validation"] or "")]
        axes[1].plot(*zip(*points), marker="o", label=key)
    for ax in axes:
        ax.set_xlabel("step")
        ax.legend(fontsize=7)
        ax.grid(alpha=0.3)
    fig.tight_layout()
    fig.savefig(out, dpi=110)
    plt.close(fig)


def parse() -> argparse.Namespace:
    repo = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, default=repo / ".cache/training/features")
    parser.add_argument("--run", type=Path, default=repo / ".cache/training/run")
    parser.add_argument("--sets", nargs="+", default=["rendered", "photos", "composites"])
    parser.add_argument("--weights", nargs="+", type=float, default=[0.5, 0.3, 0.2], help="share of each set")
    parser.add_argument("--queries", default="queries", help="module with generate(line, rng, count)")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--per", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--ema", type=float, default=0.997)
    parser.add_argument("--validate-every", type=int, default=500)
    parser.add_argument("--validate-pictures", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--config", default="{}", help="JSON with changes to model.Config (ablations)")
    parser.add_argument("--start", type=Path, help="weights to start from, with a fresh schedule")
    parser.add_argument("--resume", action="store_true")
    return parser.parse_args()


def main() -> None:
    args = parse()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    sys.path.insert(0, str(Path.cwd()))
    generate = importlib.import_module(args.queries).generate
    args.run.mkdir(parents=True, exist_ok=True)
    encoder, text_net = load_encoder(), load_text()
    shards = Shards(args.features, args.sets, "train")
    val = Shards(args.features, args.sets, "val")
    model = build(Config(**json.loads(args.config)), text_net, args.features)
    set_statistics(model, shards)
    if args.start:
        model.load_state_dict(torch.load(args.start, map_location="cpu")["ema"])
    ema = copy.deepcopy(model).eval().requires_grad_(False)
    decay = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}], lr=args.lr, betas=(0.9, 0.98)
    )
    step, spent = 0, 0.0
    if args.resume and (args.run / "last.pt").exists():
        saved = torch.load(args.run / "last.pt", map_location="cpu")
        model.load_state_dict(saved["model"])
        ema.load_state_dict(saved["ema"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent = saved["step"], saved["spent"]
    print("pictures:", shards.count(), "validation:", val.count(), "parameters:", sum(p.numel() for p in model.parameters()))
    batches = Batches(shards, generate, dict(zip(args.sets, args.weights)), args.pictures, args.per, args.seed + step)
    started = time.time() - spent
    log_path = args.run / "log.csv"
    if step == 0 or not log_path.exists():
        log_path.write_text("step,seconds,lr,mask,place,presence,validation\n")
    sums: dict[str, list[float]] = {}

    def save() -> None:
        state = {"model": model.state_dict(), "ema": ema.state_dict(), "optimiser": optimiser.state_dict(),
                 "step": step, "spent": time.time() - started, "config": model.config.to_json()}  # fmt: skip
        torch.save(state, args.run / "last.tmp")
        (args.run / "last.tmp").rename(args.run / "last.pt")

    bar = tqdm(total=args.steps, initial=step, mininterval=10)
    while True:
        minutes = (time.time() - started) / 60
        progress = max(step / args.steps, minutes / args.minutes if args.minutes else 0)
        if progress >= 1:
            break
        lr = args.lr * min(1, (step + 1) / 150) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = lr
        batch = next(batches)
        out = run_model(model, encoder, text_net, batch["maps"], batch["ids"], batch["mask"])
        loss, parts = total_loss(out, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(args.ema, (step + 1) / (step + 20))
        with torch.no_grad():
            for a, b in zip(ema.parameters(), model.parameters()):
                a.lerp_(b, 1 - keep)
        for k, v in parts.items():
            sums.setdefault(k, []).append(v)
        bar.update(1)
        if step % 50 == 0:
            means = {k: float(np.mean(v)) for k, v in sums.items()}
            sums = {}
            validation = ""
            if step % args.validate_every == 0:
                shards.rescan()
                val.rescan()
                result = validate(ema, encoder, text_net, val, generate, args.validate_pictures)
                validation = json.dumps({k: round(v, 4) for k, v in result.items()})
                ema.eval()
                save()
                print(f"\nstep {step} {time.time() - started:.0f} s {shards.count()} {means} {validation}", flush=True)
            with log_path.open("a", newline="") as f:
                row = [step, round(time.time() - started), f"{lr:.2e}", *(round(means[k], 4) for k in ("mask", "place", "presence"))]
                csv.writer(f).writerow([*row, validation])
            if validation:
                plot(log_path, args.run / "curves.png")
    bar.close()
    save()
    result = validate(ema, encoder, text_net, val, generate, 10**9)
    print(f"done: {step} steps, {(time.time() - started) / 60:.1f} min, validation {result}")


if __name__ == "__main__":
    main()
