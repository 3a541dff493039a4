"""The reference as the input's sensor would have seen it: the common ground of every comparison of the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from ursat.fir import decimate2, filter_same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.harmonise.pair import PairWindow

    Floats = NDArray[np.floating[Any]]
    Bools = NDArray[np.bool_]

_REACH = 2  # input pixels around an invalid one that the degraded reference cannot be trusted at


def fill_nearest(values: Floats, valid: Bools) -> Floats:
    """Give invalid pixels their nearest valid neighbour's value; (..., h, w). All invalid: zeros."""
    if valid.all():
        return values
    out = values.copy()
    for band, ok in zip(out.reshape(-1, *out.shape[-2:]), valid.reshape(-1, *out.shape[-2:]), strict=True):
        if not ok.any():
            band[:] = 0
        elif not ok.all():
            rows, cols = ndimage.distance_transform_edt(~ok, return_distances=False, return_indices=True)
            band[:] = band[rows, cols]
    return out


def block_mean(x: Floats, factor: int) -> Floats:
    """(..., f h, f w) -> (..., h, w)."""
    h, w = x.shape[-2] // factor, x.shape[-1] // factor
    out: Floats = x.reshape(*x.shape[:-2], h, factor, w, factor).mean(axis=(-3, -1))
    return out


@dataclass(frozen=True, slots=True)
class SeenWindow:
    """A pair prepared for comparison.

    lr: (C, h, w), filled where invalid; lr_valid (C, h, w). ref: (Br, f h, f w) on the level grid, filled;
    ref_valid: (Br, h, w) on the input's grid, True where all the reference under and around the pixel is valid.
    """

    lr: Floats
    lr_valid: Bools
    ref: Floats
    ref_valid: Bools
    factor: int

    def degraded(self, level_taps: Sequence[float], sensor_taps: Sequence[float]) -> Floats:
        """F(box(D ref)): (Br, h, w), with D's taps on the level grid and F's on the half grid."""
        return decimate2(block_mean(filter_same(self.ref, level_taps), self.factor // 2), sensor_taps)

    def centre(self, side: int) -> SeenWindow:
        """The middle of the window, at most ``side`` input pixels a side."""
        h, w = self.lr.shape[-2:]
        row, col = max(0, (h - side) // 2), max(0, (w - side) // 2)
        rows, cols = slice(row, row + min(h, side)), slice(col, col + min(w, side))
        f = self.factor
        fine_rows, fine_cols = slice(f * row, f * rows.stop), slice(f * col, f * cols.stop)
        return SeenWindow(
            lr=self.lr[:, rows, cols],
            lr_valid=self.lr_valid[:, rows, cols],
            ref=self.ref[:, fine_rows, fine_cols],
            ref_valid=self.ref_valid[:, rows, cols],
            factor=f,
        )

    def half(self) -> Floats:
        """The reference averaged to the half grid: (Br, 2 h, 2 w)."""
        return block_mean(self.ref, self.factor // 2)


def prepare(pair: PairWindow) -> SeenWindow:
    """Fill what is invalid and bring the reference's validity to the input's grid."""
    whole = block_mean(pair.ref_valid.astype(np.float32), pair.factor) > 1 - 1e-6
    size = 2 * _REACH + 1
    if not whole.all():
        whole = np.stack([ndimage.minimum_filter(v, size=size, mode="nearest") for v in whole])
    return SeenWindow(
        lr=fill_nearest(np.asarray(pair.lr, np.float32), pair.lr_valid),
        lr_valid=pair.lr_valid,
        ref=fill_nearest(np.asarray(pair.ref, np.float32), pair.ref_valid),
        ref_valid=whole,
        factor=pair.factor,
    )
