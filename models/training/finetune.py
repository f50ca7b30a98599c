"""Trains the bundled model on, encoder and decoder, with whole instances and many framings; one process a GPU.

    RANK=0 LOCAL_RANK=0 WORLD_SIZE=1 python models/training/finetune.py --begin start.pt --minutes 15 --workers 14

`--begin` is a file of `prepare_start.py`. Data sets may still be growing. Writes to the run folder: ema.pt (averaged weights,
16-bit) every `--save-every` seconds and at the end, log.csv. The learning rate rises for `--warmup` batches and follows a
cosine over `--minutes`; it is timed, so that a lease of a machine is used up and not overrun.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import math
import os
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from bundled import Weights, fill
from data import encode_words
from features import HEIGHT, PIXEL_MEAN, PIXEL_SCALE, WIDTH, EfficientNetLite2
from instance_batches import OWN, ViewBatches
from instance_loss import instance_loss, spot_loss
from losses import mask_loss, place_loss
from model import Config, LiteModel
from region_names import RegionNames
from text import MiniLM

REGIONS_LR = 1e-3
"""Learning rate of what names regions; it is not exported."""
GRID = HEIGHT // 32, WIDTH // 32
FIRST_TUNED = 4
USED = ("s4", "s8", "s16b", "s32a", "s32b")
WEIGHTS = {"mask": 0.7, "place": 1.0, "presence": 1.0, "spot": 0.6, "one": 1.5, "own": 1.0, "hold": 0.2, "region": 0.3}


class Trained(nn.Module):
    """Encoder and decoder in one module, whose forward pass is the loss: all that is synchronised between GPUs."""

    def __init__(self, encoder: EfficientNetLite2, model: LiteModel):
        super().__init__()
        self.encoder, self.model, self.regions = encoder, model, RegionNames()

    def forward(self, images: Tensor, words: Tensor, names: Tensor, before: Tensor, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        """images [B,3,H,W], words [Q,T,768], names [U,384], before: the untouched encoder's class logits [B,1000,h,w]."""
        maps = {k: v for k, v in self.encoder(images).items() if k in USED}
        logits = self.encoder.dense_logits(maps["s32b"])
        decoder = self.model.decoder
        out = decoder(self.model.frame(maps, logits), words, batch["mask"])
        features, kernels = self.model.instances(maps)
        per = batch["ids"].shape[0] // images.shape[0]
        # A query bends its instance's kernel by what it asks; the own masks are drawn whatever is asked.
        cell = batch["one_cell"].clamp(min=0)[:, None]
        one, one_quality = decoder.draw(features.repeat_interleave(per, 0), kernels.repeat_interleave(per, 0), out["fused"], cell)
        own, own_quality = decoder.draw(features, kernels, None, batch["own_cell"].clamp(min=0).reshape(-1, OWN))
        target, objects = batch["target"].float() / 255, batch["objects"].float() / 255
        present = batch["present"]
        h, w = target.shape[1:]
        parts = {
            "mask": mask_loss(out["logits"].squeeze(1), target, objects, present, batch["has_mask"]),
            "place": place_loss(out["place"], target, present.float()),
            "presence": F.binary_cross_entropy_with_logits(out["presence"], present.float()),
            "spot": spot_loss(out["spot"], target, present),
            "one": instance_loss(one.float().reshape(-1, h, w), one_quality.float().flatten(), batch["one"].float() / 255, batch["one_known"], batch["one_cell"] >= 0),
            "own": instance_loss(own.float().reshape(-1, h, w), own_quality.float().flatten(), batch["own"].float() / 255, batch["own_known"], batch["own_cell"] >= 0),
            "region": self.regions(maps, batch["own"].float() / 255, names, batch["names_table"]),
            "hold": F.kl_div(F.log_softmax(logits.float(), 1), F.log_softmax(before.float(), 1), reduction="none", log_target=True).sum(1).mean(),
        }  # fmt: skip
        return sum(WEIGHTS[k] * v for k, v in parts.items()), {k: v.detach() for k, v in parts.items()}


def load_start(path: Path, bundled: Path) -> tuple[EfficientNetLite2, MiniLM, LiteModel, EfficientNetLite2]:
    """Encoder (from stride 8 on it learns), sentence model, decoder with instances, and the encoder to hold on to."""
    saved = torch.load(path, map_location="cpu")
    encoder, text = EfficientNetLite2(), MiniLM()
    fill(text, Weights(bundled / "text.onnx"), "", ())
    encoder.load_state_dict({k: v.float() for k, v in saved["encoder"].items()})
    model = LiteModel(Config(**saved["config"]), *GRID, saved["ema"]["decoder.classes"].float())
    model.load_state_dict({k: v.float() for k, v in saved["ema"].items()})
    encoder.requires_grad_(False)
    teacher = copy.deepcopy(encoder).eval()
    if "teacher" in saved:
        teacher.load_state_dict({k: v.float() for k, v in saved["teacher"].items()})
    for block in encoder.blocks[FIRST_TUNED:]:
        block.requires_grad_(True)
    return encoder, text.eval().requires_grad_(False), model, teacher


def groups(trained: Trained, args: argparse.Namespace) -> list[dict]:
    """Parameters by what they learn at: the encoder slowly, what is new faster, norms and biases without decay."""
    new = ("decoder.spot", "decoder.bend", "instances.")
    out = []
    for share, chosen in (
        (args.encoder_lr / args.lr, list(trained.encoder.parameters())),
        (args.new_lr / args.lr, [p for n, p in trained.model.named_parameters() if n.startswith(new)]),
        (1.0, [p for n, p in trained.model.named_parameters() if not n.startswith(new)]),
        (REGIONS_LR / args.lr, list(trained.regions.parameters())),
    ):
        chosen = [p for p in chosen if p.requires_grad]
        out.append({"params": [p for p in chosen if p.dim() > 1], "weight_decay": 0.02 if share >= 1 else 0.0, "share": share})
        out.append({"params": [p for p in chosen if p.dim() <= 1], "weight_decay": 0.0, "share": share})
    return out


def save(path: Path, averaged: Trained, step: int) -> None:
    half = lambda state: {k: v.half().cpu() for k, v in state.items()}  # noqa: E731
    state = {"ema": half(averaged.model.state_dict()), "encoder": half(averaged.encoder.state_dict()), "config": averaged.model.config.to_json(), "step": step}
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def parse() -> argparse.Namespace:
    repo = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--begin", type=Path, required=True)
    parser.add_argument("--bundled", type=Path, default=repo / "models/lite", help="folder of the sentence model")
    parser.add_argument("--run", type=Path, default=repo / ".cache/training/run")
    parser.add_argument("--data", type=Path, default=repo / ".cache/training/data")
    parser.add_argument("--sets", nargs="+", default=["photos", "photos2", "labels", "rendered"])
    parser.add_argument("--weights", nargs="+", type=float, default=[0.2, 0.32, 0.1, 0.24], help="share of each set")
    parser.add_argument("--queries", default="queries", help="module with generate(line, rng, count)")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--until", type=float, default=0, help="Unix time by which to have ended, in place of --minutes")
    parser.add_argument("--images", type=int, default=32, help="images a batch and GPU")
    parser.add_argument("--per", type=int, default=6, help="sentences an image")
    parser.add_argument("--lr", type=float, default=4e-4)
    parser.add_argument("--new-lr", type=float, default=1.2e-3)
    parser.add_argument("--encoder-lr", type=float, default=1.2e-4)
    parser.add_argument("--warmup", type=int, default=300)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--workers", type=int, default=14, help="processes a GPU that read images")
    parser.add_argument("--save-every", type=float, default=120, help="seconds")
    parser.add_argument("--log-every", type=int, default=50, help="batches")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    args = parse()
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    cuda = torch.cuda.is_available()
    device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if cuda else "cpu")
    if cuda:
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
    if world > 1:
        dist.init_process_group("nccl" if cuda else "gloo")
    torch.manual_seed(args.seed + rank)
    args.run.mkdir(parents=True, exist_ok=True)
    encoder, text, model, teacher = load_start(args.begin, args.bundled)
    layout = torch.channels_last if cuda else torch.contiguous_format
    trained = Trained(encoder, model).to(device, memory_format=layout).train()
    text, teacher = text.to(device), teacher.to(device, memory_format=layout)
    averaged = copy.deepcopy(trained).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(groups(trained, args), lr=args.lr, betas=(0.9, 0.98), fused=cuda)
    parallel = nn.parallel.DistributedDataParallel(trained, device_ids=[device] if cuda else None) if world > 1 else trained
    dataset = ViewBatches(args.data, dict(zip(args.sets, args.weights)), args.queries, args.images, args.per, args.seed * 100 + rank)
    loader = torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=args.workers, prefetch_factor=2 if args.workers else None, pin_memory=cuda)
    batches = iter(loader)
    started, step, saved_at, waited = time.time(), 0, time.time(), 0.0
    length = args.until - started if args.until else args.minutes * 60
    sums: dict[str, list[Tensor]] = {}
    while True:
        progress = min(1.0, (time.time() - started) / length)
        if world > 1:  # one process alone does not wait for its GPU here
            shared = torch.tensor(progress, device=device)
            dist.broadcast(shared, 0)
            progress = float(shared)
        if progress >= 1:
            break
        lr = args.lr * min(1, (step + 1) / args.warmup) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
        for group in optimiser.param_groups:
            group["lr"] = lr * group["share"]
        asked = time.time()
        batch = {k: v.to(device, non_blocking=True) for k, v in next(batches).items()}
        waited += time.time() - asked
        images = batch.pop("images").permute(0, 3, 1, 2).float().mul_(PIXEL_SCALE).sub_(PIXEL_MEAN).contiguous(memory_format=layout)
        with torch.autocast(device.type, torch.bfloat16, enabled=cuda):
            with torch.no_grad():
                before = teacher.dense_logits(teacher(images)["s32b"])
                words = encode_words(text, batch["ids"], batch["mask"])
                names = text(batch["names_ids"], batch["names_mask"])[1]
            loss, parts = parallel(images, words, names, before, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        nn.utils.clip_grad_norm_([p for p in encoder.parameters() if p.requires_grad], 1.0)
        optimiser.step()
        step += 1
        with torch.no_grad():
            keep = min(args.ema, (step + 1) / (step + 20))
            torch._foreach_lerp_(list(averaged.parameters()), list(trained.parameters()), 1 - keep)
        for k, v in parts.items():
            sums.setdefault(k, []).append(v)
        if step % args.log_every == 0 and rank == 0:
            means = {k: round(float(torch.stack(v).mean()), 4) for k, v in sums.items()}
            sums = {}
            row = {"step": step, "seconds": round(time.time() - started), "waited": round(waited), "lr": f"{lr:.2e}", **means}
            print(json.dumps(row), flush=True)
            with (args.run / "log.csv").open("a", newline="") as f:
                writer = csv.DictWriter(f, list(row))
                if step == args.log_every:
                    writer.writeheader()
                writer.writerow(row)
            if time.time() - saved_at > args.save_every:
                saved_at = time.time()
                save(args.run / "ema.pt", averaged, step)
        elif step % args.log_every == 0:
            sums = {}
    if rank == 0:
        save(args.run / "ema.pt", averaged, step)
        print(f"{step} steps, {time.time() - started:.0f} s", flush=True)
        (args.run / "DONE").write_text(str(step))
    os._exit(0)  # loaders' processes and the process group end with it


if __name__ == "__main__":
    main()
