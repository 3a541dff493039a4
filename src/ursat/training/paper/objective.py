"""What the paper's networks are trained on: Eq. 21, L_diff + L_realness + L_consistent (arXiv 2412.18996, section 3.3).

L_diff is never printed: it is Eq. 3 with the noise for the score, the squared error of the noise at a random step.

The paper does not say how I_SR of Eq. 20 comes about while training, where the reverse chain of a thousand steps cannot
be run. Here its A is the clean estimate that one evaluation gives at the step drawn, as much as that can know:
alpha_bar of it, and tau for the rest. For some patches the U-Net is asked for the mean of A at once, as the faithful
mode asks it: at the last step, with sqrt(alpha_bar) tau in A_t's place and no noise; there all of A is its answer.

After the first level A is the level's input itself (which is how every level inherits the closure of the first), and
there is nothing to diffuse: only the CSHR is trained there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch

from ursat.models.paper.context import context_numbers
from ursat.models.paper.normalise import Conditions, Normaliser, conditions, level_scale
from ursat.models.paper.schedule import linear_schedule
from ursat.models.wavelet import HaarBands, idwt2
from ursat.training.objective import chain
from ursat.training.paper.losses import consistent, realness

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ursat.training.batches import Batch, LevelBatch
    from ursat.training.objective import RunLevel
    from ursat.training.paper.plan import LossWeights

DATA_RANGE = 10.0  # of normalised images, for SSIM: four standard deviations of A to either side and some
SCHEDULE = linear_schedule()
_USUAL = 0.5  # Eq. 20 of a classical enlargement, so that relative losses are about as large as plain ones
_BORDER = 4  # cells at a patch's border that do not count: they see zero padding
_INNER = (..., slice(_BORDER, -_BORDER), slice(_BORDER, -_BORDER))
_FINE = (..., slice(2 * _BORDER, -2 * _BORDER), slice(2 * _BORDER, -2 * _BORDER))


class Draw(NamedTuple):
    """What is random about a step besides the batch.

    t: (B,) int64 in 0 .. T - 1. noise: (B, C, s, s) standard normal. mean: (B,) bool, asked for the mean of A instead.
    alone: without the CSP's tokens, which Algorithm 1 does not have.
    """

    t: Tensor
    noise: Tensor
    mean: Tensor
    alone: bool = False


class Losses(NamedTuple):
    """total: Eq. 21. diff, real, consistent: its parts; diff None after the first level."""

    total: Tensor
    diff: Tensor | None
    real: Tensor
    consistent: Tensor


class Seen(NamedTuple):
    """What the networks are given of one level of a batch; context: (B, 3)."""

    norm: Normaliser
    given: Conditions
    context: Tensor


def see(level: LevelBatch, x: Tensor, *, progressive: bool = False) -> Seen:
    """Conditions of a level whose input is x (B, C, s, s), physical units; see `conditions`."""
    scale = torch.tensor(
        [[level_scale(v, level.level) for v in sample] for sample in level.signal],
        dtype=x.dtype,
        device=x.device,
    )[:, :, None, None]
    norm = Normaliser.of(x, scale)
    rows = [context_numbers(level.level, c.gsd_m, c.rho) for c in level.contexts]
    context = torch.tensor(rows, dtype=x.dtype, device=x.device)
    given = conditions(norm, x, level.enlarged(x), level.ref, level.trust, level.level, progressive=progressive)
    return Seen(norm, given, context)


def run_level(net: nn.Module, level: LevelBatch, x: Tensor, *, progressive: bool = False) -> Tensor:
    """The faithful answer to a level, (B, C, 2s, 2s): the mean of A on the first, what is given of A on the others."""
    return _answer(net, see(level, x, progressive=progressive), given=level.level > 1)


def run_once(net: nn.Module, level: LevelBatch, x: Tensor, *, progressive: bool = False) -> Tensor:
    """The same for one step instead of a cascade: the classical enlargement, the network on the last level alone."""
    return _answer(net, see(level, x, progressive=progressive), given=False) if level.last else level.enlarged(x)


def runner(*, one_step: bool, progressive: bool) -> RunLevel:
    """How networks of a kind answer a level."""
    return partial(run_once if one_step else run_level, progressive=progressive)


def _answer(net: nn.Module, of_level: Seen, *, given: bool) -> Tensor:
    norm, seen, context = of_level
    if given:
        return norm.image(seen.tau, net(seen, context)[1])
    last = SCHEDULE.steps - 1
    a_t = SCHEDULE.signal(last) * seen.tau
    epsilon, bands = net(seen, context, a_t, torch.full((len(a_t),), last, device=a_t.device))
    return norm.image(SCHEDULE.clean(a_t, epsilon, last), bands)


def loss(
    net: nn.Module,
    batch: Batch,
    draw: Draw,
    weights: LossWeights,
    *,
    one_step: bool = False,
    progressive: bool = False,
    literal_ssim: bool = False,
) -> Losses:
    """Eq. 21 on the batch's last level.

    Args:
        net: a `PaperNetwork`, or what wraps one.
        batch: a chain; the levels before the last are run without gradients.
        draw: what is random.
        weights: of the parts.
        one_step: the levels before the last are `run_once`.
        progressive: levels without a reference are shown the pseudo-reference, see `conditions`.
        literal_ssim: Eq. 20 as printed.
    """
    last = batch.levels[-1]
    x = chain(net, batch, runner(one_step=one_step, progressive=progressive))
    norm, given, context = see(last, x, progressive=progressive)
    truth = norm.bands(batch.truth)
    a, diff = given.tau, None
    if last.level > 1 and not one_step:
        bands = net(given, context)[1]
    else:
        mean = draw.mean[:, None, None, None]
        signal, sigma = SCHEDULE.levels(draw.t)
        a_t = signal * torch.where(mean, given.tau, truth[0]) + sigma * draw.noise * ~mean
        epsilon, bands = net(given, context, a_t, draw.t, alone=draw.alone)
        off = (epsilon - draw.noise)[_INNER].square().mean((1, 2, 3))
        diff = (off * ~draw.mean).sum() / (~draw.mean).sum().clamp(min=1)
        share = torch.where(mean, 1.0, signal**2)
        a = share * ((a_t - sigma * epsilon) / signal) + (1 - share) * given.tau
    aim = _image(*truth)
    real = realness(bands[_INNER], truth[1][_INNER], weights.lambda1, weights.lambda2)
    fidelity = weights.consistent * consistent(_image(a, bands), aim, DATA_RANGE, literal=literal_ssim)
    if weights.floor is not None:
        classic = consistent(_image(given.tau, given.base), aim, DATA_RANGE)
        share = _USUAL / (weights.floor + classic)
        real, fidelity = real * share, fidelity * share
    real, fidelity = real.mean(), fidelity.mean()
    total = real + fidelity if diff is None else diff + real + fidelity
    return Losses(total, None if diff is None else diff.detach(), real.detach(), fidelity.detach())


def _image(a: Tensor, vhd: Tensor) -> Tensor:
    """Normalised, (B, C, 2h, 2w), away from the border."""
    return idwt2(HaarBands(a, *vhd.chunk(3, dim=1)))[_FINE]
