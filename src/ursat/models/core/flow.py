"""The flow from white noise to what the posterior scatters by, on a circle of unit variance.

What is drawn is the residual r = (state - mean) / standard deviation, both of which the network gives: of unit variance
in every cell, level and band, whatever the ground. u = cos(w) r + sin(w) e with e standard normal then has unit
variance at every angle w, and du/dw = E[cos(w) e - sin(w) r | u], the velocity, is what the network learns (TrigFlow:
Lu and Song 2025, arXiv 2410.11081, Eq. 3-6 with a data deviation of 1; the same path, reparametrised, as EDM's
(Karras et al. 2022, arXiv 2206.00364) and as rectified flow (Liu et al. 2023, arXiv 2209.03003)).

A network that has learned no velocity answers 0, u stays e, and the sample is that of a Gaussian with the right local
strength: the velocity is a correction towards edges and textures, and few steps are enough for it. An angle is given
as t = w / (pi / 2): 1 is noise alone.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

SHARED = 0.97  # of the noise's variance is the same in all bands: detail hardly ever changes one band alone
_START = 0.85  # the noise itself stands in for u there: so little of the residual is in it that nobody can tell
_ONLY = 0.6  # of a sample of one step, which must leave more to learn from


def shared_noise(white: Tensor) -> Tensor:
    """(..., C + 1, h, w) standard normal -> (..., C, h, w): the last one's share is common to all; variances stay 1."""
    own, common = white[..., :-1, :, :], white[..., -1:, :, :]
    return own * math.sqrt(1 - SHARED) + common * math.sqrt(SHARED)


def interpolate(residual: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """u, and the velocity that leads there, for t of shape (B,); the others (B, S, h, w)."""
    angle = (t * (math.pi / 2))[:, None, None, None]
    cos, sin = torch.cos(angle), torch.sin(angle)
    return cos * residual + sin * noise, cos * noise - sin * residual


def schedule(steps: int) -> list[float]:
    """Noise levels t_1 > ... > t_steps > 0 of a sample, evenly spaced in the angle.

    Raises:
        ValueError: less than one step.
    """
    if steps < 1:
        raise ValueError(f"a sample takes at least one evaluation of the flow, got {steps}")
    start = _ONLY if steps == 1 else _START
    return [start * (1 - k / steps) for k in range(steps)]


def sample(noise: Tensor, steps: int, velocity: Callable[[Tensor, float], Tensor]) -> Tensor:
    """Follow the flow from noise to a residual in Euler steps of the angle, which are exact where nothing is learned.

    Args:
        noise: (B, S, h, w), standard normal.
        steps: evaluations.
        velocity: (u, t) -> velocity, which may be smaller than u by the network's halo.
    """
    u = noise
    for t, following in pairwise([*schedule(steps), 0.0]):
        moving = velocity(u, t)
        u = centre(u, moving) - moving * ((t - following) * (math.pi / 2))
    return u


def centre(x: Tensor, like: Tensor) -> Tensor:
    """The middle of (..., h, w), as large as ``like``."""
    return middle(x, like.shape[-2], like.shape[-1])


def middle(x: Tensor, height: int, width: int) -> Tensor:
    """The middle of (..., h, w), (..., height, width); h and w are larger by even numbers."""
    row, col = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return x[..., row : row + height, col : col + width]


def as_level(t: float, like: Tensor) -> Tensor:
    """The noise level for every sample of a batch: (B,)."""
    return torch.full((len(like),), t, dtype=like.dtype, device=like.device)
