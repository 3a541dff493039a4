"""The training objective: the clean state's error, on the cascade as it will run.

A chain of stages is run without gradients (self-forcing: the level that is trained is given what the network itself
made of the levels before, not the truth), then the last level is trained: at t = 1 for the posterior mean, below for
the flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ursat.models.core.context import detail_scale
from ursat.models.core.flow import interpolate, loss_weight
from ursat.models.core.state import features, from_state, to_state, unknown_scale
from ursat.models.predict import refine
from ursat.models.wavelet import block_mean, replicate

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ursat.training.batches import Batch, LevelBatch

_FLOOR, _EXPERT_FLOOR = 0.1, 0.02
_BORDER = 4  # cells at a patch's border that do not count: they see zero padding
_TEACHER_WEIGHT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network is given of one level of a batch, the state apart; see `ursat.models.core.state`."""

    start: Tensor
    known: Tensor
    unknown: Tensor
    context: Tensor


def see(level: LevelBatch, x: Tensor) -> Seen:
    """Features of a level whose input is x (B, C, s, s)."""
    if level.start is not None:
        start = level.start
    else:
        news = level.ref - refine(block_mean(level.ref))
        start = refine(x) + news * replicate(level.trust)
    scale = torch.tensor(
        [[detail_scale(float(v), level.level) for v in sample] for sample in level.signal],
        dtype=x.dtype,
        device=x.device,
    )[:, :, None, None]
    sure = torch.tensor([c.confidence for c in level.contexts], dtype=x.dtype, device=x.device)[:, None, None, None]
    unknown = unknown_scale(scale, level.trust, sure)
    context = torch.tensor([c.vector() for c in level.contexts], dtype=x.dtype, device=x.device)
    return Seen(start, features(x, start, level.ref, level.trust, scale), unknown, context)


def run_level(net: nn.Module, level: LevelBatch, x: Tensor) -> Tensor:
    """The posterior mean of a level, (B, C, 2s, 2s)."""
    seen = see(level, x)
    empty = torch.zeros_like(seen.known[:, : 4 * x.shape[1]])
    t = torch.ones(len(x), dtype=x.dtype, device=x.device)
    state = net(torch.cat([seen.known, empty], 1).contiguous(memory_format=torch.channels_last), seen.context, t)
    return from_state(state, seen.start, seen.unknown, mean_known=level.level > 1)


def chain(net: nn.Module, batch: Batch) -> Tensor:
    """The input of the batch's last level: where the chain begins, or what the stages before it make."""
    x = batch.levels[0].x
    if x is None:
        raise ValueError("the first level of a chain brings its input")
    with torch.no_grad():
        for level in batch.levels[:-1]:
            x = run_level(net, level, x)
            x = x[..., level.crop : -level.crop, level.crop : -level.crop]
    return x


def loss(
    net: nn.Module,
    batch: Batch,
    t: Tensor,
    noise: Tensor,
    *,
    expert_weight: float = 0.0,
    teacher: nn.Module | None = None,
) -> tuple[Tensor, Tensor]:
    """Weighted mean squared error of the clean state.

    Args:
        net: the denoiser that is trained (also in the chain before).
        batch: a chain.
        t: (B,) noise levels, 1 for the mean.
        noise: (B, 4 C, s, s).
        expert_weight: share of the expert's answer in what the mean is trained on, where there is one (0..1).
        teacher: a network whose posterior mean is aimed at as well where t = 1 (distillation: Hinton et al. 2015,
            arXiv 1503.02531), or None.

    Returns:
        The loss, and (B,) the plain squared error relative to that of the classical start.
    """
    x = chain(net, batch)
    last = batch.levels[-1]
    seen = see(last, x)
    target = to_state(batch.truth, seen.start, seen.unknown)
    mask = torch.ones_like(target[:1, :, :1, :1])
    if last.level > 1:
        mask[:, : x.shape[1]] = 0  # the mean of a block is given: nothing to predict
        target = target * mask
    z = interpolate(target, noise * mask, t)
    out = net(torch.cat([seen.known, z], 1).contiguous(memory_format=torch.channels_last), seen.context, t) * mask
    inner = (..., slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
    error = ((out - target)[inner] ** 2).mean((1, 2, 3))
    zero = (target[inner] ** 2).mean((1, 2, 3))
    wanted = _tamed(error, zero)
    if expert_weight > 0:
        known = ~batch.expert.isnan()
        taught = to_state(torch.where(known, batch.expert, batch.truth), seen.start, seen.unknown) * mask
        # Of a sample (t < 1) only the truth will do: an expert's answer is a mean
        share = expert_weight * ((t >= 1) & known.flatten(1).all(1)).to(error)
        distance = ((out - taught)[inner] ** 2).mean((1, 2, 3))
        wanted = (1 - share) * wanted + share * _tamed(distance, (taught[inner] ** 2).mean((1, 2, 3)), _EXPERT_FLOOR)
    total = (loss_weight(t) * wanted).mean()
    if teacher is not None:
        with torch.no_grad():
            empty = torch.zeros_like(z)
            known = torch.cat([seen.known, empty], 1).contiguous(memory_format=torch.channels_last)
            aim = teacher(known, seen.context, torch.ones_like(t)) * mask
        apart = ((out - aim)[inner] ** 2).mean((1, 2, 3))
        total = total + _TEACHER_WEIGHT * ((t == 1) * _tamed(apart, zero)).mean()
    return total, (error / zero.clamp(min=1e-8)).detach()


def _tamed(error: Tensor, zero: Tensor, floor: float = _FLOOR) -> Tensor:
    """A sample's error, relative to that of the classical start (``zero``) and a floor.

    The score that counts is the logarithm of an image's error, so every sample weighs alike, however far
    `unknown_scale` is off; and an expert's answer, which holds no noise, weighs as much as the noisy truth.
    """
    return error / (floor + zero.detach())
