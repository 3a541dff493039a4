"""What a training run is told, and what each of its steps trains."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ursat.models.core.config import BANDS
from ursat.models.core.flow import shared_noise

if TYPE_CHECKING:
    from torch import Tensor

_ALONE_SHARE = 0.2  # of the steps after the first ones
_GUIDED, _DEEP = 0.6, 0.12  # shares of the others: means with a reference, means of levels 3 and 4; the rest is flow
_FLOW_LEVELS = (0.4, 0.35, 0.17, 0.08)  # levels 1, 2, ...
_FLOW_WEIGHT = 0.5  # of the loss of those steps: the mean, which they move as well, comes first


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """Everything that decides a run's result, besides data and preset.

    steps: optimiser steps; batch: patches a step and process; side: cells of a patch; lr: peak learning rate; ema:
    decay of the averaged weights; reference_share: of the steps that may use references; self_forcing: whether
    chains begin at the observation (else at the truth of the level before); alone: share of the run in which only the
    mean without a reference is trained, which needs the most steps.
    """

    steps: int
    batch: int = 8
    side: int = 48
    lr: float = 3e-3
    warmup: int = 50
    ema: float = 0.999
    seed: int = 0
    reference_share: float = 0.6
    self_forcing: bool = True
    alone: float = 0.3

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """first, last: the chain; means: of posterior means, else the level's input is the truth.

    t: (batch,) noise levels at which the flow is trained besides, or None: it runs on samples, which look like truths.
    guided: with references; taught: an expert's answer is the target where there is one; weight: of the loss.
    """

    first: int
    last: int
    means: bool
    t: tuple[float, ...] | None
    guided: bool
    taught: bool
    weight: float


def plan_step(plan: TrainPlan, rng: np.random.Generator, deepest: int, done: float = 1.0) -> StepPlan:
    """What one step trains; ``deepest``: level of the scenes; ``done``: share of the run, 0..1."""
    kind = rng.random()
    if done < plan.alone or kind < _ALONE_SHARE:
        last = min(int(rng.integers(1, 3)), deepest)
        return StepPlan(1 if plan.self_forcing else last, last, True, None, guided=False, taught=True, weight=1.0)
    kind = (kind - _ALONE_SHARE) / (1 - _ALONE_SHARE)
    guided = bool(rng.random() < plan.reference_share)
    if kind < _GUIDED + _DEEP:
        if kind < _GUIDED:
            last, guided = int(rng.integers(1, 3)), plan.reference_share > 0
        else:
            last = 3 if rng.random() < 0.75 else 4
        last = min(last, deepest)
        first = 1 if last < 3 or rng.random() < 0.7 else 2
        if not plan.self_forcing:
            first = last
        return StepPlan(first, last, True, None, guided=guided, taught=False, weight=1.0)
    last = min(1 + int(rng.choice(len(_FLOW_LEVELS), p=_FLOW_LEVELS)), deepest)
    t = 1 / (1 + np.exp(-rng.standard_normal(plan.batch)))  # logit-normal (Esser et al. 2024, arXiv 2403.03206)
    return StepPlan(last, last, False, tuple(float(v) for v in t), guided=guided, taught=False, weight=_FLOW_WEIGHT)


def draw_noise(batch: int, side: int, rng: np.random.Generator) -> Tensor:
    """(batch, STATE, side, side) noise as samples are drawn from: white but for what bands share."""
    shape = (batch, 4, BANDS + 1, side, side)
    return shared_noise(torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))).flatten(1, 2)


def learning_rate(plan: TrainPlan, done: float, step: int) -> float:
    """Linear warm-up, then half a cosine down to 2 % of the peak; ``done``: share of the run, 0..1."""
    warm = min(1.0, (step + 1) / max(plan.warmup, 1))
    return float(plan.lr * warm * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(max(done, 0.0), 1.0)))))
