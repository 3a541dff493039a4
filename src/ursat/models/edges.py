"""Input pixels that the reference covers only in part, along its own edges and its holes: completed, not given up.

A reference that had to be moved ends inside the scene, and a shift of 0.6 input pixels cuts through a row of them.
The uncovered part is predicted by enlarging the input, corrected by what that misses on the covered part, and then
changed until the sensor's filter F makes of the whole what was observed (back-projection, Irani and Peleg 1991,
restricted to what is missing). What the reference shows itself is never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.models.fill import fill_gaps
from ursat.models.predict import REACH, refine
from ursat.models.sensor import SensorOperator
from ursat.models.wavelet import block_mean, replicate

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.types import SensorModel

LEAST_COVER = 0.2  # share of an input pixel: one row of four is enough
_ROUNDS = 2  # more bring nothing
_CONTINUED = 0.5  # of the enlarged input's error beside an edge: best on scenes f^-2.4 with 1 to 3 rows of 4 missing


class EdgeCompletion:
    """Completes the harmonised reference where it covers input pixels in part.

    Made of separate additions and multiplications of limited reach: a pixel does not depend on its window.

    Args:
        sensor: gives F.
        level: the cascade level on whose grid the reference lies, at least 1.
    """

    def __init__(self, sensor: SensorModel, level: int) -> None:
        self._operator = SensorOperator(sensor.taps)
        self._level = level

    @property
    def halo(self) -> int:
        """Input pixels around a pixel that may influence its completion."""
        return 2 * REACH + 2 + _ROUNDS * self._operator.reach

    def apply(self, ref: Tensor, valid: Tensor, cover: Tensor, y: Tensor, observed: Tensor) -> Tensor:
        """Complete one window.

        Args:
            ref: (C, f h, f w) with f = 2**level, the input's units, finite everywhere.
            valid: (C, f h, f w) bool.
            cover: (C, h, w) the share of each input pixel that is valid.
            y: (C, h, w) the input, filled where not observed.
            observed: (C, h, w) bool.

        Returns:
            The reference with every invalid pixel of input pixels that it covers to `LEAST_COVER` or more replaced.
        """
        factor = 2**self._level
        missing = replicate(cover >= LEAST_COVER, factor) & ~valid
        if not bool(missing.any()):
            return ref
        guess = y
        for _ in range(self._level):
            guess = refine(guess)
        news = fill_gaps(ref - guess, valid, factor)
        x = torch.where(valid, ref, guess + news * _CONTINUED)
        seen = observed.to(y.dtype)
        mass = self._operator.mass(seen)
        # A correction acts on the missing share of its pixel alone, so it is that much larger there.
        share = seen / (1 - cover).clamp(min=1 / factor**2)
        for _ in range(_ROUNDS):
            residual = (y - self._operator.observe(block_mean(x, factor // 2), seen, mass)) * share
            x = torch.where(missing, x + replicate(residual, factor), x)
        return torch.where(missing, x, ref)
