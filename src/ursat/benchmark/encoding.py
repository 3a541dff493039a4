"""How the DN of an observation are to be read: what counts as white, and what a file can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

DN_PER_STEP = 40  # of eight-bit imagery
STEPS = 255


@dataclass(frozen=True, slots=True)
class Encoding:
    """The two limits of a kind of imagery.

    peak: the DN that is 255 of eight bits, the dynamic range of PSNR and SSIM; highest: the largest DN that an answer
    can have, at least ``peak``.
    """

    peak: float
    highest: float

    def stored(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """What a uint16 file gives back: rounded to whole DN and kept in 0..``highest``."""
        return np.clip(np.rint(np.asarray(values, dtype=np.float64)), 0.0, self.highest)

    def steps(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """In eight-bit steps, which are not rounded; more than 255 where the values are brighter than the peak."""
        return self.stored(values) * (STEPS / self.peak)

    def picture(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """The eight-bit picture: what is brighter than the peak is white."""
        return np.minimum(np.rint(self.steps(values)), STEPS).astype(np.uint8)


EIGHT_BIT = Encoding(peak=STEPS * DN_PER_STEP, highest=STEPS * DN_PER_STEP)
# Clouds, snow and glint have a reflectance of more than 1: it is no error to answer so.
REFLECTANCE = Encoding(peak=10_000.0, highest=65_535.0)


def encoding_of(dtype: DTypeLike) -> Encoding:
    """Of pixels as `io.picture.read_picture` gives them: eight bits, or reflectance x 10000."""
    return EIGHT_BIT if np.dtype(dtype) == np.uint8 else REFLECTANCE
