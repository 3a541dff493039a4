"""Input pixels that the reference covers only in part, along its own edges and its holes: completed, not given up.

A reference that had to be moved ends inside the scene, and a shift of 0.6 input pixels cuts through a row of them.
The uncovered part is predicted by enlarging the input, corrected by what that misses on the covered part, the less the
farther away. Then what the sensor's filter F makes of the whole is brought towards the observation by one
back-projection (Irani and Peleg 1991) with a Wiener gain, on what is missing. What the reference shows itself is never
changed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import max_pool2d

from ursat.models.fill import fill_gaps
from ursat.models.predict import REACH, refine
from ursat.models.sensor import SensorOperator
from ursat.models.wavelet import block_mean, replicate

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.types import SensorModel

LEAST_COVER = 0.2  # share of an input pixel: one row of four is enough
# How much of the enlarged input's error on covered ground goes on beyond it, d input pixels away: 1.4 - 2 d, within
# 0..1. As good as the least-squares prediction from all neighbours on 14 training images (docs/decisions.md, 14).
_CONTINUED, _FALL = 1.4, 2.0


class EdgeCompletion:
    """Completes the harmonised reference where it covers input pixels in part.

    Made of separate additions and multiplications of limited reach: a pixel does not depend on its window.

    Args:
        sensor: gives F, and the noise and the detail of each band.
        level: the cascade level on whose grid the reference lies, at least 1.
    """

    def __init__(self, sensor: SensorModel, level: int) -> None:
        self._operator = SensorOperator(sensor.taps)
        self._level = level
        self._doubt = torch.tensor(
            [(noise / max(signal, 1e-30)) ** 2 for noise, signal in zip(sensor.noise, sensor.signal, strict=True)],
            dtype=torch.float64,
        ).clamp(max=1e6)[:, None, None]

    @property
    def halo(self) -> int:
        """Input pixels around a pixel that may influence its completion."""
        return 2 * REACH + 2 + self._operator.reach

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
        x = torch.where(valid, ref, guess + news * _share_continued(valid, factor).to(y.dtype))
        seen = observed.to(y.dtype)
        residual = y - self._operator.observe(block_mean(x, factor // 2), seen, self._operator.mass(seen))
        # A correction acts on the missing share of its pixel alone, and the smaller that is, the more noise it takes in
        share = (1 - cover).clamp(min=1 / factor**2)
        x = x + replicate(residual * seen * (share / (share * share + self._doubt.to(y))), factor)
        return torch.where(missing, x, ref)


def _share_continued(valid: Tensor, factor: int) -> Tensor:
    """(C, H, W) bool -> what `_CONTINUED` and `_FALL` say at the distance to the nearest valid pixel; 0 at those."""
    known = valid.to(torch.float32)
    share = torch.zeros_like(known)
    for distance in range(1, math.ceil(factor * _CONTINUED / _FALL)):
        grown = max_pool2d(known, 3, stride=1, padding=1)
        share = share + (grown - known) * min(_CONTINUED - _FALL * distance / factor, 1.0)
        known = grown
    return share
