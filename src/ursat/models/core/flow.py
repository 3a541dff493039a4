"""Rectified flow on the state: the path from the clean state to noise, and the way back in a few evaluations.

z_t = (1 - t) z_0 + t e with e standard normal (Liu et al. 2023, arXiv 2209.03003). The network predicts the clean z_0;
at t = 1 nothing of it is left in z_t, so its best answer there is the posterior mean: one evaluation, and the state is
given as zeros rather than noise that says nothing. A sample starts from that mean at t_s < 1 (Chung et al. 2022, CCDF,
arXiv 2112.05146) and follows dz/dt = (z - z_0) / t down to 0.

A few Euler steps end too near the mean: for a Gaussian posterior of standard deviation s, at a share of s. Over s from
0.1 to 1 two steps of `schedule` hold it constant to 13 %, more steps to 5 % (exact recursions). `sample` divides by
that share, so that the strength of detail does not depend on the number of steps.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

T_START = 0.6  # of a sample of several steps: see docs/decisions.md; the mean stands in for the clean state there
_ONLY = 0.35  # of a sample of one step: where the share below depends least on s (a factor of 2.8)


def interpolate(z0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """z_t for t of shape (B,); states (B, S, h, w). At t = 1 exactly zeros: see the module's text."""
    t = t[:, None, None, None]
    return ((1 - t) * z0 + t * noise) * (t < 1).to(z0)


def loss_weight(t: Tensor) -> Tensor:
    """Weight of the squared error of z_0 at noise level t: 1 / (t**2 + 0.05), at most 5, scaled to 1 at t = 1."""
    return (1.05 / (t * t + 0.05)).clamp(max=5.0)


def schedule(steps: int) -> list[float]:
    """Noise levels t_1 > ... > t_steps > 0 of a sample: ``steps`` evaluations after the mean's.

    Evenly spaced from `T_START` to 0 in the square root of t: small noise needs the shorter steps.

    Raises:
        ValueError: less than one step.
    """
    if steps < 1:
        raise ValueError(f"a sample takes at least one evaluation after the mean, got {steps}")
    if steps == 1:
        return [_ONLY]
    root = T_START**0.5
    return [(root * (1 - k / steps)) ** 2 for k in range(steps)]


def reached(steps: int) -> float:
    """Standard deviation of what the steps make of a posterior N(mean, 1), whose clean state is known exactly.

    There E[z_0 - mean | z_t] = (1 - t) / ((1 - t)**2 + t**2) times what z_t departs from (1 - t) mean.
    """
    spread = (levels := schedule(steps))[0]
    for t, following in pairwise([*levels, 0.0]):
        clean = (1 - t) / ((1 - t) ** 2 + t * t)
        spread *= clean + (1 - clean) * following / t
    return spread


def sample(mean: Tensor, noise: Tensor, steps: int, denoise: Callable[[Tensor, float], Tensor]) -> Tensor:
    """A sample of the posterior: the mean is re-noised, the flow followed with Euler steps, the departure scaled.

    Args:
        mean: (B, S, h, w), the network's answer at t = 1.
        noise: the same shape, standard normal.
        steps: evaluations.
        denoise: (z_t, t) -> z_0, which may be smaller by the network's halo.
    """
    levels = schedule(steps)
    z = mean * (1 - levels[0]) + noise * levels[0]
    for t, following in zip(levels, [*levels[1:], 0.0], strict=True):
        clean = denoise(z, t)
        z = clean if following == 0 else clean + (centre(z, clean) - clean) * (following / t)
    around = centre(mean, z)
    return around + (z - around) / reached(steps)


def centre(x: Tensor, like: Tensor) -> Tensor:
    """The middle of (..., h, w), as large as ``like``."""
    rows, cols = ((whole - part) // 2 for whole, part in zip(x.shape[-2:], like.shape[-2:], strict=True))
    return x[..., rows : x.shape[-2] - rows, cols : x.shape[-1] - cols]
