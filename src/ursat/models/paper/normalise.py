"""Images as the paper's networks see them: without brightness, in units of the scene's own detail.

The paper scales images to 0..1. A scene's reflectances fill a small and varying part of their type's range, and a range
of each patch would make a result depend on the tile it was computed in. So a wide low-pass of the level's input is
taken off every image of the level, and what is left is divided by one number a band and level for the whole scene:
the low-frequency band A then has about unit variance, as the noise schedule expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

from ursat.fir import BINOMIAL9, filter_same
from ursat.models.core.context import detail_scale
from ursat.models.paper.pyramid import stand_in
from ursat.models.wavelet import HaarBands, dwt2, idwt2, replicate

if TYPE_CHECKING:
    from torch import Tensor

REACH = 2 * (len(BINOMIAL9) // 2)  # cells around a cell whose mean is taken off it
_SPREAD = 2.5  # median of A's deviation from the low-pass over `detail_scale`, on the training scenes


class Conditions(NamedTuple):
    """What the networks are given of a level, normalised; B may be absent.

    x: (B, C, h, w) the level's input. ref: (B, C, 2h, 2w) the reference as far as it is trusted, or None.
    tau: (B, C, h, w), the low-frequency condition: A of the classical enlargement. base: (B, 3 C, h, w), the others.
    """

    x: Tensor
    ref: Tensor | None
    tau: Tensor
    base: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Normaliser:
    """Takes images of one level into the networks' units and back.

    low: (..., C, h, w), physical units; scale: (..., C, 1, 1), see `level_scale`.
    """

    low: Tensor
    scale: Tensor

    @staticmethod
    def of(x: Tensor, scale: Tensor) -> Normaliser:
        """For the level whose input is x (..., C, h, w), with ``scale`` (..., C, 1, 1)."""
        return Normaliser(filter_same(filter_same(x, BINOMIAL9), BINOMIAL9), scale)

    def coarse(self, image: Tensor) -> Tensor:
        """(..., C, h, w): an image on the level's input grid, such as A."""
        return (image - self.low) / self.scale

    def fine(self, image: Tensor) -> Tensor:
        """(..., C, 2h, 2w): an image on the level's output grid; its Haar bands are those of `bands`."""
        return (image - replicate(self.low)) / self.scale

    def bands(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(..., C, 2h, 2w) -> A (..., C, h, w), and v, h, d (..., 3 C, h, w)."""
        found = dwt2(image)
        return self.coarse(found.a), torch.cat([band / self.scale for band in found[1:]], dim=-3)

    def mean(self, a: Tensor) -> Tensor:
        """The inverse of `coarse`."""
        return a * self.scale + self.low

    def image(self, a: Tensor, vhd: Tensor) -> Tensor:
        """The inverse of `bands`."""
        v, h, d = (band * self.scale for band in vhd.chunk(3, dim=-3))
        return idwt2(HaarBands(self.mean(a), v, h, d))


def level_scale(signal: float, level: int) -> float:
    """The number that a band is divided by: ``signal`` is that of `ursat.types.SensorModel`, physical units."""
    return _SPREAD * detail_scale(signal, level)


def conditions(
    norm: Normaliser,
    x: Tensor,
    start: Tensor,
    ref: Tensor | None,
    trust: Tensor | None,
    level: int = 1,
    *,
    progressive: bool = False,
) -> Conditions:
    """What training and inference alike give the networks.

    Args:
        norm: of the level.
        x: (..., C, h, w) the level's input.
        start: (..., C, 2h, 2w) the classical enlargement: `ursat.models.fusion.FusionStage.start`, which has the
            reference's detail where there is one, or any other.
        ref: (..., C, 2h, 2w) the harmonised reference, or None.
        trust: (..., C, h, w) in 0..1, or None without a reference. Where it is 0 the networks are given what also
            stands in the reference's place where there is none.
        level: 1 for the first doubling.
        progressive: that is the pseudo-reference of `ursat.models.paper.pyramid`, else the input's own pixels, which
            the networks put in None's place themselves.
    """
    tau, base = norm.bands(start)
    seen = None
    if ref is not None and trust is not None:
        own = stand_in(x, level, progressive=progressive)
        seen = norm.fine(own + replicate(trust) * (ref - own))
    elif progressive and level > 1:
        seen = norm.fine(stand_in(x, level, progressive=True))
    return Conditions(norm.coarse(x), seen, tau, base)
