"""Trains the decoder on cached features.

    python models/training/train.py [--features DIR] [--run DIR] [--steps N] [--minutes M] [--resume]
    python models/training/train.py --online --bundled models/lite --encoder-lr 1e-4   # the picture encoder as well

The learning rate follows a cosine over `--steps`, or over `--minutes` where that ends first. Writes to the run folder:
last.pt (resumable), ema.pt (averaged weights), log.csv, curves.png. Batches of 16 pictures with 4 queries each; bfloat16
arithmetic. With `--encoder-lr` the encoder learns too, from stride 8 on; its classifier stays as it is, and what it says of
each place is held near to what it said before (`--hold`), so that the names of the 1,000 classes keep their meaning.
"""

from __future__ import annotations

import argparse
import copy
import csv
import importlib
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from bundled import load_bundled, load_decoder
from data import Batches, OnlineBatches, Shards, encode_words, object_masks, read_lines, tokenise, union
from features import HEIGHT, PIXEL_MEAN, PIXEL_SCALE, WIDTH, imagenet_names, load_encoder
from instances import detections, iou
from losses import total_loss
from model import Config, LiteModel
from prepare import KEPT, read_picture, shrink, small_mask
from text import class_embeddings, load_text, load_tokenizer

GRID = HEIGHT // 32, WIDTH // 32
FIRST_TUNED = 4
"""The encoder's first block that may learn: those before it, up to stride 4, see edges and colours as they are."""


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


class Source:
    """Pictures as the model takes them: cached maps, or pixels run through the frozen encoder here."""

    def __init__(self, args: argparse.Namespace, encoder, device: torch.device):
        self.args, self.encoder, self.device = args, encoder, device
        self.online = args.online
        if not self.online:
            self.train = Shards(args.features, args.sets, "train")
            self.val = Shards(args.features, args.sets, "val")

    def counts(self) -> dict[str, int]:
        if self.online:
            return {k: len(v) for k, v in read_lines(self.args.data, self.args.sets, "train").items()}
        return self.train.count()

    def batches(self, generate, seed: int):
        args = self.args
        weights = dict(zip(args.sets, args.weights))
        if not self.online:
            return Batches(self.train, generate, weights, args.pictures, args.per, seed)
        dataset = OnlineBatches(args.data, weights, args.queries, args.pictures, args.per, seed)
        loader = torch.utils.data.DataLoader(
            dataset, batch_size=None, num_workers=args.workers, prefetch_factor=3, pin_memory=self.device.type == "cuda"
        )
        return iter(loader)

    def pixels(self, batch: dict) -> Tensor:
        """[B,3,H,W] as the encoder takes them."""
        return batch["images"].to(self.device, non_blocking=True).permute(0, 3, 1, 2).float() * PIXEL_SCALE - PIXEL_MEAN

    def maps(self, batch: dict, encoder=None) -> dict[str, Tensor]:
        """Maps by the frozen encoder, or by another one: with gradients, if that one learns."""
        if "maps" in batch:
            return {k: v.to(self.device) for k, v in batch["maps"].items()}
        encoder = encoder or self.encoder
        kind = torch.bfloat16 if learns(encoder) else torch.float16
        with torch.autocast(self.device.type, kind, enabled=self.device.type == "cuda"):
            maps = encoder(self.pixels(batch))
        return {k: maps[k].float() for k in KEPT}

    def validation(self, limit: int, split: str = "val", encoder=None):
        """(set name, annotation, maps, masks uint8 [objects,96,128]) of up to `limit` pictures a set; another split
        than "val" with pictures only."""
        if not self.online:
            for name, pictures in self.val.pictures.items():
                for arrays, row, line in pictures[:limit]:
                    maps = {k: torch.from_numpy(arrays[k][row][None].astype(np.float32)) for k in KEPT}
                    yield name, line, maps, object_masks(arrays, line)
            return
        for name, rows in read_lines(self.args.data, self.args.sets, split).items():
            for folder, line in rows[:limit]:
                rgb, line, masks = read_picture(folder, line)
                small = [small_mask(m, o["box"], line["width"], line["height"]) for o, m in zip(line["objects"], masks)]
                images = torch.from_numpy(shrink(np.ascontiguousarray(rgb)).copy())[None]
                yield name, line, self.maps({"images": images}, encoder), np.stack(small)


def set_statistics(model: LiteModel, source: Source, batches, count: int = 400) -> None:
    """Mean and deviation of each channel of the frozen maps, from the first training pictures drawn."""
    parts: dict[str, list[Tensor]] = {k: [] for k in KEPT}
    while sum(len(p) for p in parts["s8"]) < count:
        for k, v in source.maps(next(batches)).items():
            parts[k].append(v[:, :, ::2, ::2].float())
    for k in KEPT:
        x = torch.cat(parts[k])
        getattr(model.frame, f"mean_{k}").copy_(x.mean((0, 2, 3))[None, :, None, None])
        getattr(model.frame, f"std_{k}").copy_(x.std((0, 2, 3))[None, :, None, None] + 1e-3)


def learns(net: torch.nn.Module) -> bool:
    return any(p.requires_grad for p in net.parameters())


def tuned_copy(encoder):
    """A copy of the encoder whose blocks from stride 8 on learn; stem, first blocks, head and classifier stay frozen."""
    copied = copy.deepcopy(encoder)
    for block in copied.blocks[FIRST_TUNED:]:
        block.requires_grad_(True)
    return copied


def hold_loss(source: Source, encoder, teacher, batch: dict, maps: dict[str, Tensor]) -> Tensor:
    """Divergence of the class probabilities at each place from what the untouched encoder gives."""
    with torch.autocast(source.device.type, torch.bfloat16, enabled=source.device.type == "cuda"):
        with torch.no_grad():
            before = teacher.dense_logits(teacher(source.pixels(batch))["s32b"]).float()
        now = encoder.dense_logits(maps["s32b"]).float()
    difference = F.kl_div(F.log_softmax(now, 1), F.log_softmax(before, 1), reduction="none", log_target=True)
    return difference.sum(1).mean()


def run_model(model: LiteModel, encoder, text_net, maps: dict[str, Tensor], ids: Tensor, mask: Tensor) -> dict:
    """One pass in bfloat16; frozen parts have no gradients."""
    with torch.autocast(ids.device.type, torch.bfloat16):
        logits = encoder.dense_logits(maps["s32b"])
        return model.decoder(model.frame(maps, logits), encode_words(text_net, ids, mask), mask)


@torch.no_grad()
def validate(
    model: LiteModel, encoder, text_net, source: Source, generate, limit: int, per: int = 6, split: str = "val"
) -> dict[str, float]:
    """Box precision at 0.5 per set, and presence: a quick look during training (evaluate.py is the real report)."""
    model.eval()
    tokenizer = load_tokenizer()
    rows: dict[str, dict[str, list[float]]] = {}
    for name, line, maps, masks in source.validation(limit, split, encoder):
        queries = generate(line, random.Random(f"{line['image']}"), per)
        if not queries:
            continue
        ids, mask = (t.to(source.device) for t in tokenise(tokenizer, [q.text for q in queries]))
        out = {k: v.float().cpu() for k, v in run_model(model, encoder, text_net, maps, ids, mask).items()}
        probability = torch.sigmoid(out["logits"]).squeeze(1).numpy()
        row = rows.setdefault(name, {"hit": [], "iou": [], "present": [], "absent": []})
        for i, q in enumerate(queries):
            row["present" if q.targets else "absent"].append(float(out["presence"][i]))
            if not q.targets:
                continue
            d = detections(probability[i], line["width"], line["height"])
            row["hit"].append(bool(d) and max(iou(d[0].box, line["objects"][t]["box"]) for t in q.targets) >= 0.5)
            t = union(masks, list(q.targets)) > 127
            p = probability[i] > 0.5
            row["iou"].append((t & p).sum() / max(1, (t | p).sum()))
    result: dict[str, float] = {}
    for name, row in rows.items():
        result[f"{name}_p50"] = float(np.mean(row["hit"]))
        result[f"{name}_iou"] = float(np.mean(row["iou"]))
        if row["present"] and row["absent"]:
            cut = float(np.quantile(row["present"], 0.1))
            result[f"{name}_absent_at_90"] = float(np.mean(np.array(row["absent"]) < cut))
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
    parser.add_argument("--encoder-lr", type=float, default=0, help="with --online: let the picture encoder learn too")
    parser.add_argument("--hold", type=float, default=0.2, help="weight that keeps its class probabilities, with --encoder-lr")
    parser.add_argument("--bundled", type=Path, help="model folder to train on from: its encoders and its decoder")
    parser.add_argument("--online", action="store_true", help="pictures instead of cached features: for a GPU")
    parser.add_argument("--data", type=Path, default=repo / ".cache/training/data", help="data sets, with --online")
    parser.add_argument("--workers", type=int, default=2, help="processes that read pictures, with --online")
    parser.add_argument("--warmup", type=int, default=150)
    parser.add_argument("--leave-after", type=float, default=0, help="stop after so many minutes, to be resumed")
    parser.add_argument("--resume", action="store_true")
    return parser.parse_args()


def main() -> None:
    args = parse()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    generate = importlib.import_module(args.queries).generate
    args.run.mkdir(parents=True, exist_ok=True)
    config = Config(**json.loads(args.config))
    if args.bundled:
        encoder, text_net, classes = load_bundled(args.bundled)
        model = load_decoder(args.bundled, config, classes).to(device)
    else:
        encoder, text_net = load_encoder(), load_text()
        model = build(config, text_net, args.features).to(device)
    encoder, text_net = encoder.to(device), text_net.to(device)
    source = Source(args, encoder, device)
    resume = torch.load(args.run / "last.pt", map_location="cpu") if args.resume and (args.run / "last.pt").exists() else None
    teacher = encoder
    if args.encoder_lr:
        if not args.online:
            raise SystemExit("--encoder-lr needs --online: cached features are those of the frozen encoder")
        encoder = tuned_copy(encoder)
    step, spent = (resume["step"], resume["spent"]) if resume else (0, 0.0)
    batches = source.batches(generate, args.seed + step)
    if args.start:
        model.load_state_dict(torch.load(args.start, map_location="cpu")["ema"])
    elif not resume and not args.bundled:
        set_statistics(model, source, batches)
    decay = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decay, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
    if args.encoder_lr:
        tuned = [p for p in encoder.parameters() if p.requires_grad]
        groups.append({"params": tuned, "weight_decay": 0.0, "share": args.encoder_lr / args.lr})
    optimiser = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98))
    trained = torch.nn.ModuleDict({"model": model, "encoder": encoder} if args.encoder_lr else {"model": model})
    if resume:
        trained.load_state_dict(resume["trained"])
        optimiser.load_state_dict(resume["optimiser"])
    averaged = copy.deepcopy(trained).eval().requires_grad_(False)
    if resume:
        averaged.load_state_dict(resume["averaged"])
    ema, ema_encoder = averaged["model"], averaged["encoder"] if args.encoder_lr else encoder
    print("pictures:", source.counts(), "parameters:", sum(p.numel() for p in model.parameters()), device, flush=True)
    started = time.time() - spent
    log_path = args.run / "log.csv"
    if step == 0 or not log_path.exists():
        log_path.write_text("step,seconds,lr,mask,place,presence,validation\n")
    sums: dict[str, list[Tensor]] = {}

    def save() -> None:
        state = {"trained": trained.state_dict(), "averaged": averaged.state_dict(), "optimiser": optimiser.state_dict(),
                 "step": step, "spent": time.time() - started, "config": model.config.to_json()}  # fmt: skip
        torch.save(state, args.run / "last.tmp")
        (args.run / "last.tmp").rename(args.run / "last.pt")
        state = {"ema": ema.state_dict(), "config": model.config.to_json(), "step": step}
        torch.save(state | ({"encoder": ema_encoder.state_dict()} if args.encoder_lr else {}), args.run / "ema.pt")

    leave = time.time() + 60 * args.leave_after if args.leave_after else float("inf")
    bar = tqdm(total=args.steps, initial=step, mininterval=10)
    while time.time() < leave:
        minutes = (time.time() - started) / 60
        progress = max(step / args.steps, minutes / args.minutes if args.minutes else 0)
        if progress >= 1:
            break
        lr = args.lr * min(1, (step + 1) / args.warmup) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = lr * group.get("share", 1)
        batch = next(batches)
        maps = source.maps(batch, encoder)
        hold = hold_loss(source, encoder, teacher, batch, maps) if args.encoder_lr and args.hold else None
        batch = {k: v.to(device, non_blocking=True) for k, v in batch.items() if isinstance(v, Tensor) and k != "images"}
        loss, parts = total_loss(run_model(model, encoder, text_net, maps, batch["ids"], batch["mask"]), batch)
        if hold is not None:
            loss, parts["hold"] = loss + args.hold * hold, hold.detach()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if args.encoder_lr:
            torch.nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        step += 1
        keep = min(args.ema, (step + 1) / (step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(averaged.parameters()), list(trained.parameters()), 1 - keep)
        for k, v in parts.items():
            sums.setdefault(k, []).append(v)
        bar.update(1)
        if step % 50 == 0:
            means = {k: float(torch.stack(v).mean()) for k, v in sums.items()}
            sums = {}
            validation = ""
            if step % args.validate_every == 0:
                if not source.online:
                    source.train.rescan()
                    source.val.rescan()
                result = validate(ema, ema_encoder, text_net, source, generate, args.validate_pictures)
                validation = json.dumps({k: round(v, 4) for k, v in result.items()})
                save()
                print(f"\nstep {step} {time.time() - started:.0f} s {means} {validation}", flush=True)
            with log_path.open("a", newline="") as f:
                row = [step, round(time.time() - started), f"{lr:.2e}", *(round(means[k], 4) for k in ("mask", "place", "presence"))]
                csv.writer(f).writerow([*row, validation])
            if validation:
                plot(log_path, args.run / "curves.png")
    bar.close()
    save()
    result = validate(ema, ema_encoder, text_net, source, generate, 200)
    print(f"{step} steps, {(time.time() - started) / 60:.1f} min, validation {result}")


if __name__ == "__main__":
    main()
