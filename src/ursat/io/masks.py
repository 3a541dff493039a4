"""Clouds, shadows, fill: quality layers turned into "usable", on any grid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ursat.io.jpeg2000_layer import open_stack
from ursat.io.stack import mask_stack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.grid import Grid, Window
    from ursat.io.product import MaskSource

# Landsat Collection-2 QA_PIXEL (USGS LSDS-1618, table 6-3): 0 fill, 1 dilated cloud, 2 cirrus, 3 cloud, 4 shadow.
QA_PIXEL_BITS = 0b11111
# Sentinel-2 scene classes (L2A ATBD): 0 no data, 1 saturated, 3 cloud shadow, 8 and 9 cloud, 10 thin cirrus.
SCL_UNUSABLE = (0, 1, 3, 8, 9, 10)
MAX_SAMPLES = 8  # a side, of a target pixel that spans several mask pixels


def usable(values: NDArray[np.floating], rule: str) -> NDArray[np.bool_]:
    """Which stored numbers of a quality layer say that the pixel may be used.

    Args:
        values: any shape, stored numbers as floats.
        rule: "qa_pixel", "scl" or "zero" (a mask file: what is not zero is not usable).
    """
    if rule == "zero":
        return np.asarray(values == 0)
    codes = np.nan_to_num(values).astype(np.uint16)
    if rule == "qa_pixel":
        return np.asarray((codes & QA_PIXEL_BITS) == 0)
    return np.asarray(~np.isin(codes, SCL_UNUSABLE))


def samples_per_side(ratio: tuple[float, float]) -> int:
    """How many nearest samples a side stand for a target pixel that spans ``ratio`` source pixels: 1 to 8."""
    return min(MAX_SAMPLES, max(1, math.ceil(max(ratio) - 1e-6)))


def all_of_block(flags: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    """(..., h * factor, w * factor) -> (..., h, w): true where every flag of a block is."""
    if factor == 1:
        return flags
    *lead, height, width = flags.shape
    blocks = flags.reshape(*lead, height // factor, factor, width // factor, factor)
    return np.asarray(blocks.all(axis=(-3, -1)))


class MaskLayer:
    """A quality layer on ``grid``: nearest neighbour, and where pixels are coarser than the mask's, all of them."""

    def __init__(self, mask: MaskSource, grid: Grid, ratio: tuple[float, float]) -> None:
        self._rule = mask.rule
        self._factor = samples_per_side(ratio)
        self._stack = open_stack(mask_stack(mask), mask.grid, [mask.path])
        self._layer = self._stack.layer(
            grid.finer(self._factor),
            resampling="nearest",
            dtype="float32",
            skip_nan=False,
            fill=0.0,
            ratio=(ratio[0] / self._factor, ratio[1] / self._factor),
        )

    def read(self, window: Window) -> NDArray[np.bool_]:
        """(height, width) bool; beyond the mask's own extent its number is taken as 0."""
        values = self._layer.read(window.finer(self._factor))[0]
        return all_of_block(usable(values, self._rule), self._factor)

    def close(self) -> None:
        """Release the datasets."""
        self._layer.close()
        self._stack.close()
