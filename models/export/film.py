"""Which FiLM layers of a HiFi-CS checkpoint were trained.

The authors' code makes film_mul/film_add and film_mul_0..4/film_add_0..4 in every model and trains one of the two
sets. Parameters without a gradient keep torch's initial values: uniform within ±1/sqrt(inputs). Training moves them
out of these bounds and bends their distribution.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from .hifics import PER_LEVEL, SINGLE

TRAINED, UNTRAINED, UNCLEAR = "trained", "untrained", "unclear"
# Rounding of half-precision checkpoints.
SLACK = 2e-3
# Kolmogorov-Smirnov: uniform values exceed this in one of 100,000 cases.
FLAT = 2.47
# Fewer values than this do not tell a flat distribution from a bent one.
LEAST_VALUES = 256


def flatness(values: Tensor, bound: float) -> float:
    """Largest gap between the distribution of values and the uniform one in ±bound, times sqrt(count)."""
    ordered = values.flatten().double().sort().values
    count = len(ordered)
    uniform = ((ordered + bound) / (2 * bound)).clamp(0, 1)
    steps = torch.arange(count + 1, dtype=torch.float64) / count
    return float(torch.maximum(steps[1:] - uniform, uniform - steps[:-1]).max() * count**0.5)


def state_of(weight: Tensor) -> str:
    """Whether a linear layer's weight [out, in] was trained since torch initialised it."""
    bound = weight.shape[1] ** -0.5
    values = weight.double()
    if values.numel() < LEAST_VALUES or not bool(torch.isfinite(values).all()) or float(values.std()) < bound / 100:
        return UNCLEAR
    if float(values.abs().max()) > bound * (1 + SLACK):
        return TRAINED
    return UNTRAINED if flatness(values, bound) < FLAT else TRAINED


def set_state(state: dict[str, Tensor], pattern: str) -> str:
    """Of all layers whose names match: trained or untrained where they agree."""
    found = {state_of(value) for name, value in state.items() if re.fullmatch(pattern, name) and value.ndim == 2}
    return found.pop() if len(found) == 1 else UNCLEAR


def trained_variant(state: dict[str, Tensor]) -> tuple[str | None, str]:
    """The variant whose layers alone were trained, for a decoder that holds both sets; None where its weights do not
    decide. Also what was found, for people."""
    single = set_state(state, r"film_(mul|add)\.weight")
    levels = set_state(state, r"film_(mul|add)_\d+\.weight")
    found = f"film_mul and film_add are {single}, film_mul_0.. and film_add_0.. are {levels}"
    decided = {(TRAINED, UNTRAINED): SINGLE, (UNTRAINED, TRAINED): PER_LEVEL}
    return decided.get((single, levels)), found
