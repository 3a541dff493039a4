"""The training objective: the mean of the clean state, how far it scatters, and the flow, on the cascade as it runs.

A chain of stages is run without gradients (self-forcing: the level that is trained is given what the network itself
made of the levels before, not the truth), then the last level is trained. The mean is trained by its squared error; the
spread by the local strength of what the truth departs from that mean; the velocity by its squared error on the
departure in units of that spread. To both the mean is given: neither moves it directly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import huber_loss

from ursat.fir import BINOMIAL9, filter_same
from ursat.models.core.config import STATE
from ursat.models.core.context import detail_scale
from ursat.models.core.denoiser import POSTERIOR, VELOCITY, posterior
from ursat.models.core.flow import as_level, interpolate
from ursat.models.core.state import activity, features, from_state, to_state, unknown_scale

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ursat.training.batches import Batch, LevelBatch

_FLOOR, _EXPERT_FLOOR = 0.1, 0.02
_BORDER = 4  # cells at a patch's border that do not count: they see zero padding
_TEACHER_WEIGHT = 0.5
_SPREAD_WEIGHT, _FLOW_WEIGHT = 0.5, 0.5
_TINY = 1e-6  # of a mean square, state units
_INNER = (..., slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
_OUTLIER = 4.0  # standard deviations; a departure beyond says more about the spread than about the flow


# (network, level, its input) -> its output
RunLevel = Callable[["nn.Module", "LevelBatch", "Tensor"], "Tensor"]


class Flow(NamedTuple):
    """Where the flow is trained: (B,) noise levels, and (B, STATE, s, s) noise as samples will be drawn from."""

    t: Tensor
    noise: Tensor


class Losses(NamedTuple):
    """total: what is minimised. mean: (B,) squared error of the mean relative to that of the classical start.

    flow: mean squared error of the velocity (1: nothing learned), or None.
    """

    total: Tensor
    mean: Tensor
    flow: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network is given of one level of a batch, the state apart; see `ursat.models.core.state`."""

    start: Tensor
    known: Tensor
    unknown: Tensor
    context: Tensor
    activity: Tensor


def see(level: LevelBatch, x: Tensor) -> Seen:
    """Features of a level whose input is x (B, C, s, s)."""
    start = level.enlarged(x)
    scale = torch.tensor(
        [[detail_scale(v, level.level) for v in sample] for sample in level.signal],
        dtype=x.dtype,
        device=x.device,
    )[:, :, None, None]
    sure = torch.tensor([c.confidence for c in level.contexts], dtype=x.dtype, device=x.device)[:, None, None, None]
    unknown = unknown_scale(scale, level.trust, sure)
    context = torch.tensor([c.vector() for c in level.contexts], dtype=x.dtype, device=x.device)
    known = features(x, start, level.ref, level.trust, scale)
    floor = torch.tensor([c.noise_floor for c in level.contexts], dtype=x.dtype, device=x.device)[:, None, None, None]
    return Seen(start, known, unknown, context, activity(known, floor))


def ask(net: nn.Module, seen: Seen, state: Tensor | None, t: Tensor) -> Tensor:
    """All outputs of the network, given a noisy state, or None for nothing of it."""
    if state is None:
        state = torch.zeros_like(seen.known[:, :STATE])
    out: Tensor = net(torch.cat([seen.known, state], 1).contiguous(memory_format=torch.channels_last), seen.context, t)
    return out


def run_level(net: nn.Module, level: LevelBatch, x: Tensor) -> Tensor:
    """The posterior mean of a level, (B, C, 2s, 2s)."""
    seen = see(level, x)
    mean = ask(net, seen, None, as_level(1.0, x))[:, :STATE]
    return from_state(mean, seen.start, seen.unknown, mean_known=level.level > 1)


def asked_of(level: LevelBatch, state: Tensor) -> Tensor:
    """(1, STATE, 1, 1): 0 for da where the mean of a block is given, after the first level; 1 for what is wanted."""
    wanted = torch.ones_like(state[:1, :, :1, :1])
    if level.level > 1:
        wanted[:, : STATE // 4] = 0
    return wanted


def chain(net: nn.Module, batch: Batch, run: RunLevel = run_level) -> Tensor:
    """The input of the batch's last level: where the chain begins, or what the stages before it make by ``run``."""
    x = batch.levels[0].x
    if x is None:
        raise ValueError("the first level of a chain brings its input")
    with torch.no_grad():
        for level in batch.levels[:-1]:
            x = run(net, level, x)
            x = x[..., level.crop : -level.crop, level.crop : -level.crop]
    return x


def loss(
    net: nn.Module,
    batch: Batch,
    flow: Flow | None = None,
    *,
    expert_weight: float = 0.0,
    teacher: nn.Module | None = None,
) -> Losses:
    """The losses of the batch's last level.

    Args:
        net: the denoiser that is trained (also in the chain before).
        batch: a chain.
        flow: noise to train the flow with, or None.
        expert_weight: share of the expert's answer in what the mean is trained on, where there is one (0..1).
        teacher: a network whose posterior mean is aimed at as well (distillation: Hinton et al. 2015,
            arXiv 1503.02531), or None.
    """
    x = chain(net, batch)
    last = batch.levels[-1]
    seen = see(last, x)
    wanted = asked_of(last, seen.known[:, :STATE])
    target = to_state(batch.truth, seen.start, seen.unknown) * wanted
    nothing = as_level(1.0, x)
    mean, spread = posterior(ask(net, seen, None, nothing)[:, POSTERIOR], seen.activity)
    mean = mean * wanted
    error, zero = _square(mean - target), _square(target)
    off = _tamed(error, zero)
    if expert_weight > 0:
        known = ~batch.expert.isnan()
        taught = to_state(torch.where(known, batch.expert, batch.truth), seen.start, seen.unknown) * wanted
        share = expert_weight * known.flatten(1).all(1).to(error)
        off = (1 - share) * off + share * _tamed(_square(mean - taught), _square(taught), _EXPERT_FLOOR)
    total = off.mean()
    departure = target - mean.detach()
    total = total + _SPREAD_WEIGHT * _strength_off(departure, spread * wanted)
    if teacher is not None:
        with torch.no_grad():
            aim = ask(teacher, seen, None, nothing)[:, :STATE] * wanted
        total = total + _TEACHER_WEIGHT * _tamed(_square(mean - aim), zero).mean()
    moving = None
    if flow is not None:
        # How strong a patch's detail is as a whole is the spread's business; the flow learns its shape
        residual = departure / spread.detach()
        strength = (_square(residual) / wanted.mean()).sqrt().clamp(min=_TINY)[:, None, None, None]
        residual = (residual / strength).clamp(-_OUTLIER, _OUTLIER)
        u, velocity = interpolate(residual, flow.noise * wanted, flow.t)
        answer = ask(net, seen, u, flow.t)[:, VELOCITY] * wanted
        moving = _square(answer - velocity).mean() / wanted.mean()
        total = total + _FLOW_WEIGHT * moving
    return Losses(total, (error / zero.clamp(min=1e-8)).detach(), None if moving is None else moving.detach())


def _strength_off(departure: Tensor, spread: Tensor) -> Tensor:
    """Huber's loss of the logarithm of the spread's local strength over the departure's, pooled over 9 x 9 cells.

    A likelihood would do as well as the worst scenes ask for, and leave most others with samples that are too rough:
    what counts is the strength of detail place by place, as a ratio.
    """
    found, told = (filter_same(part * part, BINOMIAL9)[_INNER] + _TINY for part in (departure, spread))
    ratio = 0.5 * torch.log(found / told)
    return huber_loss(ratio, torch.zeros_like(ratio))


def _square(state: Tensor) -> Tensor:
    """Mean square of every sample away from its border: (B, ...) -> (B,)."""
    return (state[_INNER] ** 2).mean((1, 2, 3))


def _tamed(error: Tensor, zero: Tensor, floor: float = _FLOOR) -> Tensor:
    """A sample's error, relative to that of the classical start (``zero``) and a floor.

    The score that counts is the logarithm of an image's error, so every sample weighs alike, however far
    `unknown_scale` is off; and an expert's answer, which holds no noise, weighs as much as the noisy truth.
    """
    return error / (floor + zero.detach())
