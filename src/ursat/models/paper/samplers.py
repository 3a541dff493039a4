"""The reverse diffusion, Eq. 2 by steps of Eq. 8, for any function that predicts the noise; where Eq. 9 takes hold.

Every step goes through the clean estimate that follows from the predicted noise, so that a correction (Eq. 9 in the
clean domain, `ursat.models.paper.projection`) acts before the step is made; the noise is then taken again from the
corrected estimate, and the two stay consistent. Coefficients are plain numbers in double precision; a step is
multiplications and additions of whole images.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

from ursat.models.paper.schedule import CLEAN, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    Predict = Callable[[Tensor, int], Tensor]
    Correct = Callable[[Tensor], Tensor]
    Draw = Callable[[int], Tensor]
    Amend = Callable[[Tensor, int], Tensor]

Sampler = Literal["ddim", "ddpm", "dpm++"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)


def reverse(
    sampler: Sampler,
    schedule: Schedule,
    chain: Sequence[int],
    a_t: Tensor,
    predict: Predict,
    draw: Draw,
    *,
    correct: Correct | None = None,
    amend: Amend | None = None,
) -> Tensor:
    """Follow the chain from A at its first time to the clean image.

    Args:
        sampler: "ddpm", the ancestral chain; "ddim", deterministic; "dpm++", the multistep solver of second order.
        schedule: of the noise.
        chain: falling times, each the network's; after the last one the image is clean.
        a_t: A at ``chain[0]``.
        predict: (A_t, t) -> epsilon, of A's shape.
        draw: (number of the step, from 0) -> standard normal noise of A's shape, a new field for every number.
        correct: (clean estimate) -> clean estimate; Eq. 9 in the clean domain.
        amend: (A'_s, s) -> A_s, after the step to time s; Eq. 9 to the letter. Time -1 is the clean image.

    Returns:
        A_0.

    Raises:
        ValueError: an unknown sampler, or a chain that does not fall within the schedule.
    """
    if sampler not in SAMPLERS:
        raise ValueError(f"no sampler {sampler!r}, only {', '.join(SAMPLERS)}")
    if not chain or chain[0] >= schedule.steps or any(s >= t for t, s in pairwise([*chain, CLEAN])):
        raise ValueError(f"these times do not fall from {schedule.steps - 1} to 0: {tuple(chain)}")
    solver = Multistep(schedule) if sampler == "dpm++" else None
    eta = 1.0 if sampler == "ddpm" else 0.0
    for number, (t, s) in enumerate(pairwise([*chain, CLEAN])):
        clean = schedule.clean(a_t, predict(a_t, t), t)
        if correct is not None:
            clean = correct(clean)
        if solver is not None:
            a_t = solver.step(a_t, clean, t, s)
        else:
            a_t = ddim_step(schedule, a_t, clean, t, s, eta, partial(draw, number))
        if amend is not None:
            a_t = amend(a_t, s)
    return a_t


def ddim_step(
    schedule: Schedule, a_t: Tensor, clean: Tensor, t: int, s: int, eta: float, draw: Callable[[], Tensor]
) -> Tensor:
    """A_s from A_t and its clean estimate (Song et al. 2021, arXiv 2010.02502, Eq. 12 and 16).

    With eta = 1 this is the ancestral step of DDPM with the posterior's variance (Ho et al. 2020, Eq. 6-7), also
    between times that do not follow one another; with eta = 0 nothing is drawn.
    """
    added = eta * _posterior_sigma(schedule, t, s)
    kept = math.sqrt(max(schedule.sigma(s) ** 2 - added**2, 0.0))
    out = clean * schedule.signal(s) + schedule.noise(a_t, clean, t) * kept
    return out + draw() * added if added > 0 else out


def _posterior_sigma(schedule: Schedule, t: int, s: int) -> float:
    """Standard deviation of A_s given A_t and the clean image; 0 for the last step."""
    if s == CLEAN:
        return 0.0
    step = (schedule.signal(t) / schedule.signal(s)) ** 2
    return schedule.sigma(s) / schedule.sigma(t) * math.sqrt(1 - step)


class Multistep:
    """DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095, Algorithm 2): keeps the clean estimate of the step before.

    The first step, and the last one to the clean image, are of first order.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._before: tuple[float, Tensor] | None = None  # (half log SNR, clean estimate)

    def step(self, a_t: Tensor, clean: Tensor, t: int, s: int) -> Tensor:
        """A_s from A_t and its clean estimate."""
        schedule = self._schedule
        here, before = schedule.half_log_snr(t), self._before
        self._before = here, clean
        if s == CLEAN:
            return clean
        width = schedule.half_log_snr(s) - here
        if before is not None:
            half_ratio = width / (2 * (here - before[0]))
            clean = clean * (1 + half_ratio) - before[1] * half_ratio
        return a_t * (schedule.sigma(s) / schedule.sigma(t)) - clean * (schedule.signal(s) * math.expm1(-width))
