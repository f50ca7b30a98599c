"""Models with seeded random weights and the scale statistics of trained ones: for tests and measurements.

Plain initialisation leaves a mask that hardly depends on the picture. Here the gains are chosen so that every
part matters: attention is peaked, FiLM acts, and the mask has both signs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import nn

from .clip import PUBLISHED, Clip, ClipConfig
from .hifics import PER_LEVEL, VARIANTS, DecoderConfig, HifiCs


def random_hifics(clip: ClipConfig, decoder: DecoderConfig, seed: int = 0) -> HifiCs:
    """A HiFi-CS with random weights, in evaluation mode."""
    torch.manual_seed(seed)
    model = HifiCs(clip, decoder).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("ln_1.weight", "ln_2.weight", "norm1.weight", "norm2.weight")):
                parameter.uniform_(0.5, 1.5)
            elif name.endswith("bias"):
                parameter.normal_(std=0.1)
            elif name.endswith("in_proj_weight"):
                parameter.mul_(1.5)
            elif ".film_" in name:
                # As training leaves it: no longer within the bounds of torch's initialisation.
                parameter.add_(0.5 * torch.randn_like(parameter) * parameter.shape[1] ** -0.5)
        model.decoder.trans_conv.weight.mul_(4)
    return model


def published_names(model: HifiCs) -> dict[str, torch.Tensor]:
    """The state dict as the authors' code writes it: decoder at the root, CLIP under `clip_model.`, its image
    tower again under `model.`, the unused `reduce`, and the FiLM layers of the other variant as torch makes them."""
    state = dict(model.decoder.state_dict())
    config = model.decoder.config
    levels = [""] if config.variant == PER_LEVEL else [f"_{level}" for level in range(len(config.taps))]
    for level in levels:
        for kind in ("mul", "add"):
            layer = nn.Linear(config.condition, config.reduce)
            state[f"film_{kind}{level}.weight"], state[f"film_{kind}{level}.bias"] = (
                layer.weight.detach(),
                layer.bias.detach(),
            )
    width, reduce = model.decoder.config.width, model.decoder.config.reduce
    state["reduce.weight"] = torch.zeros(reduce, width)
    state["reduce.bias"] = torch.zeros(reduce)
    for name, value in model.clip.state_dict().items():
        state[f"clip_model.{name}"] = value
        if name.startswith("visual."):
            state[f"model.{name.removeprefix('visual.')}"] = value
    return state


def save(model: HifiCs, checkpoint: Path, clip: Path | None) -> None:
    """Writes `checkpoint` (with CLIP inside, unless `clip` says where to put it)."""
    if clip is None:
        torch.save(published_names(model), checkpoint)
        return
    own = {name: value for name, value in published_names(model).items() if not name.startswith(("clip_model.", "model."))}
    torch.save(own, checkpoint)
    torch.save(_clip_state(model.clip), clip)


def _clip_state(clip: Clip) -> dict[str, torch.Tensor]:
    return {**clip.state_dict(), "logit_scale": torch.tensor(4.6052)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a HiFi-CS checkpoint with seeded random weights.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clip-out", type=Path, help="put CLIP into a file of its own")
    parser.add_argument("--clip", choices=sorted(PUBLISHED), default="vit-b16")
    parser.add_argument("--variant", choices=VARIANTS, default="single")
    parser.add_argument("--layers", type=int, help="image blocks (default: as published)")
    parser.add_argument("--text-layers", type=int, help="text blocks (default: as published)")
    parser.add_argument("--width", type=int, help="width of the image tower")
    parser.add_argument("--text-width", type=int, help="width of the text tower, and of the shared embedding")
    parser.add_argument("--reduce-cond", type=int)
    parser.add_argument("--shallowest-first", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    base = PUBLISHED[args.clip]
    config = ClipConfig(
        base.name,
        args.width or base.width,
        args.layers or base.layers,
        base.patch,
        base.grid,
        args.text_width or base.embed,
        args.text_width or base.text_width,
        args.text_layers or base.text_layers,
    )
    decoder = DecoderConfig.over(
        config, variant=args.variant, reduce_cond=args.reduce_cond, deepest_first=not args.shallowest_first
    )
    save(random_hifics(config, decoder, args.seed), args.out, args.clip_out)


if __name__ == "__main__":
    main()
