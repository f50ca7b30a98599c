"""What each part of the decoder is worth: variants trained side by side on the very same batches, equally short.

    python models/training/ablate.py [--steps 2000 | --minutes 4] [--workers 14] [--bundled models/lite]

Writes docs/results/ablation-lite.json. Precision is that of the best box at IoU 0.5 on the test pictures, presence
ignored; the variants are far from trained to the end, so only their differences count.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from bundled import load_bundled
from losses import total_loss
from model import Config, LiteModel
from train import GRID, Source, run_model, set_statistics, validate

VARIANTS: dict[str, dict] = {
    "all parts": {},
    "FiLM at the first level only": {"film_every_level": False},
    "no cross-attention to the words": {"cross_attention": False},
    "no class names (ConSE and class-attention heads)": {"conse": False, "zero_shot_maps": False},
    "no coordinates": {"coordinates": False},
    "no place map added to the mask": {"location_prior": False},
}


class Variant:
    """A model, its averaged copy and its optimiser."""

    def __init__(self, config: Config, classes: Tensor, device: torch.device, lr: float):
        torch.manual_seed(0)
        self.model = LiteModel(config, *GRID, classes).to(device)
        self.lr = lr
        decay = [p for p in self.model.parameters() if p.dim() > 1]
        plain = [p for p in self.model.parameters() if p.dim() <= 1]
        groups = [{"params": decay, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98))
        self.ema: LiteModel = copy.deepcopy(self.model).eval().requires_grad_(False)

    def start(self, statistics: LiteModel) -> None:
        for name, value in statistics.frame.named_buffers():
            if name.startswith(("mean_", "std_")):
                for m in (self.model, self.ema):
                    getattr(m.frame, name).copy_(value)

    def step(self, encoder, text_net, maps: dict[str, Tensor], batch: dict, rate: float, number: int) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr * rate
        loss, _ = total_loss(run_model(self.model, encoder, text_net, maps, batch["ids"], batch["mask"]), batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        keep = min(0.995, (number + 1) / (number + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.parameters()), list(self.model.parameters()), 1 - keep)


def main() -> None:
    repo = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundled", type=Path, default=repo / "models/lite", help="where the frozen parts come from")
    parser.add_argument("--data", type=Path, default=repo / ".cache/training/data")
    parser.add_argument("--sets", nargs="+", default=["rendered", "photos", "composites"])
    parser.add_argument("--weights", nargs="+", type=float, default=[0.5, 0.3, 0.2])
    parser.add_argument("--queries", default="queries")
    parser.add_argument("--config", default="{}", help="JSON with changes to model.Config, for all variants")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=0, help="end sooner, the schedule with it")
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--per", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--test-pictures", type=int, default=300)
    parser.add_argument("--out", type=Path, default=repo / "docs/results/ablation-lite.json")
    args = parser.parse_args()
    args.online = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = True
    encoder, text_net, classes = load_bundled(args.bundled)
    encoder, text_net = encoder.to(device), text_net.to(device)
    generate = importlib.import_module(args.queries).generate
    source = Source(args, encoder, device)
    base = Config(**json.loads(args.config)).to_json()
    vectors = torch.from_numpy(classes.copy())
    variants = {name: Variant(Config(**(base | changes)), vectors, device, args.lr) for name, changes in VARIANTS.items()}
    batches = source.batches(generate, 0)
    first = variants["all parts"]
    set_statistics(first.model, source, batches)
    for v in variants.values():
        v.start(first.model)
    started, step = time.time(), 0
    while True:
        minutes = (time.time() - started) / 60
        progress = max(step / args.steps, minutes / args.minutes if args.minutes else 0)
        if progress >= 1:
            break
        batch = next(batches)
        maps = source.maps(batch)
        batch = {k: v.to(device, non_blocking=True) for k, v in batch.items() if isinstance(v, Tensor) and k != "images"}
        rate = min(1, (step + 1) / 150) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
        for v in variants.values():
            v.step(encoder, text_net, maps, batch, rate, step)
        step += 1
        if step % 100 == 0:
            print(step, f"{time.time() - started:.0f} s", flush=True)
    rows = {}
    for name, v in variants.items():
        found = validate(v.ema, encoder, text_net, source, generate, args.test_pictures, split="test")
        rows[name] = {k: round(x, 4) for k, x in found.items()} | {"parameters": sum(p.numel() for p in v.model.parameters())}
        print(name, rows[name], flush=True)
    result = {"steps": step, "pictures_a_step": args.pictures, "sentences_a_picture": args.per, "variants": rows}
    args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
