"""The low-frequency band of one level: Eq. 7-9, the reverse diffusion of A with the measurement taken in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ursat.models.core.config import BANDS
from ursat.models.noise import coordinate_noise
from ursat.models.paper.projection import literal_projection
from ursat.models.paper.samplers import Sampler, reverse
from ursat.models.paper.schedule import Schedule, linear_schedule, times

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Field:
    """Noise over one window: a function of the seed, the level and the absolute place.

    origin: absolute (row, column) of the first cell; shape: (height, width).
    """

    seed: int
    level: int
    origin: tuple[int, int]
    shape: tuple[int, int]
    device: torch.device

    def draw(self, number: int) -> Tensor:
        """(1, BANDS, h, w) standard normal, float32; a field for every number."""
        return coordinate_noise(self.seed, self.level, BANDS, self.origin, self.shape, step=number, device=self.device)[
            None
        ]


@dataclass(frozen=True)
class Chain:
    """How A is drawn.

    steps: evaluations of the U-Net. start: share of T at which the chain begins, from tau as far as it is below 1
    (CCDF). literal: Eq. 9 as printed, see `ursat.models.paper.projection`.
    """

    sampler: Sampler = "ddim"
    steps: int = 20
    start: float = 0.4
    literal: bool = False

    @cached_property
    def schedule(self) -> Schedule:
        """Of the noise."""
        return linear_schedule()

    def draw(
        self,
        tau: Tensor,
        field: Field,
        predict: Callable[[Tensor, int], Tensor],
        correct: Callable[[Tensor], Tensor] | None,
    ) -> Tensor:
        """One sample of A, normalised.

        Args:
            tau: (1, C, h, w) the condition, which the chain also starts from.
            field: of the window.
            predict: (A_t, t) -> epsilon.
            correct: Eq. 9 on the clean estimate, or None; not used where the chain is ``literal``.

        Returns:
            (1, C, h, w).
        """
        schedule, chain = self.schedule, times(self.steps, self.start)

        def literal(a_s: Tensor, s: int) -> Tensor:
            number = len(chain) if s < 0 else chain.index(s)
            return literal_projection(a_s, schedule.noisy(tau, field.draw(2 * number), s))

        noise = field.draw(0)
        # At T the condition's share is a hundredth: the paper's plain start is noise alone
        first = schedule.noisy(tau, noise, chain[0]) if self.start < 1 else noise
        return reverse(
            self.sampler,
            schedule,
            chain,
            first,
            predict,
            lambda number: field.draw(2 * number + 1),
            correct=None if self.literal else correct,
            amend=literal if self.literal else None,
        )
