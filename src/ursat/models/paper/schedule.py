"""How fast the diffusion turns an image into noise: the discrete form of Eq. 1 (Ho et al. 2020, arXiv 2006.11239).

Its reverse, Eq. 2, is in `ursat.models.paper.samplers`.

q(A_t | A_0) is normal with mean sqrt(alpha_bar_t) A_0 and variance 1 - alpha_bar_t, t = 0 .. T - 1. What is called
time -1 is the clean image. The paper states T = 1000 (section 4.3) and no variances; the linear ones from 1e-4 to 0.02
are those of Ho et al., which DiffLL (Jiang et al. 2023, arXiv 2306.00306), the paper's model, uses too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 1000
FIRST_BETA, LAST_BETA = 1e-4, 0.02
CLEAN = -1  # the time of the clean image


@dataclass(frozen=True)
class Schedule:
    """The share of the image's variance that is left at every time; falls from nearly 1 to nearly 0.

    alpha_bar: one number a time, in (0, 1).
    """

    alpha_bar: tuple[float, ...]

    @property
    def steps(self) -> int:
        """T."""
        return len(self.alpha_bar)

    def signal(self, t: int) -> float:
        """sqrt(alpha_bar_t): what the clean image is multiplied by; 1 at time -1."""
        return 1.0 if t == CLEAN else math.sqrt(self.alpha_bar[t])

    def sigma(self, t: int) -> float:
        """sqrt(1 - alpha_bar_t): standard deviation of the noise; 0 at time -1."""
        return 0.0 if t == CLEAN else math.sqrt(1 - self.alpha_bar[t])

    def half_log_snr(self, t: int) -> float:
        """log(signal / sigma), the time of DPM-Solver; infinite at time -1."""
        return math.inf if t == CLEAN else math.log(self.signal(t) / self.sigma(t))

    def levels(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """(signal, sigma) of a batch of times: (B,) integers in 0 .. T - 1 -> two tensors (B, 1, 1, 1), float32."""
        import torch  # noqa: PLC0415  (the options' names come from here too)

        kept = torch.tensor(self.alpha_bar, dtype=torch.float64, device=t.device)[t][:, None, None, None]
        return kept.sqrt().float(), (1 - kept).sqrt().float()

    def noisy(self, clean: Tensor, noise: Tensor, t: int) -> Tensor:
        """A_t of a clean image and standard normal noise of the same shape."""
        return clean * self.signal(t) + noise * self.sigma(t)

    def clean(self, a_t: Tensor, epsilon: Tensor, t: int) -> Tensor:
        """The clean image that A_t comes from if ``epsilon`` is its noise."""
        return (a_t - epsilon * self.sigma(t)) / self.signal(t)

    def noise(self, a_t: Tensor, clean: Tensor, t: int) -> Tensor:
        """The noise in A_t if ``clean`` is the image: the inverse of `clean`; not defined at time -1."""
        return (a_t - clean * self.signal(t)) / self.sigma(t)


def linear_schedule(steps: int = STEPS, first: float = FIRST_BETA, last: float = LAST_BETA) -> Schedule:
    """alpha_bar_t = product over s <= t of (1 - beta_s), beta rising linearly from ``first`` to ``last``.

    Raises:
        ValueError: fewer than two steps, or variances outside of 0 < first <= last < 1.
    """
    if steps < 2 or not 0 < first <= last < 1:
        raise ValueError(f"no schedule of {steps} steps from {first} to {last}")
    kept, total = [], 1.0
    for k in range(steps):
        total *= 1 - (first + (last - first) * k / (steps - 1))
        kept.append(total)
    return Schedule(tuple(kept))


def times(count: int, start: float = 1.0, steps: int = STEPS) -> tuple[int, ...]:
    """The times at which a chain of ``count`` evaluations asks the network, falling, evenly spaced.

    Args:
        count: at least 1.
        start: share of T at which the chain begins: 1 is pure noise; below 1 the chain starts from an estimate that
            was noised (CCDF: Chung et al. 2022, arXiv 2112.05146).
        steps: T.

    Returns:
        As many times as can differ: fewer than ``count`` where start x T has not that many.

    Raises:
        ValueError: no evaluation, or a start outside of (0, 1].
    """
    if count < 1 or not 0 < start <= 1:
        raise ValueError(f"no chain of {count} evaluations from {start} T")
    first = max(1, round(start * steps))
    count = min(count, first)
    return tuple(round(first * (count - k) / count) - 1 for k in range(count))
