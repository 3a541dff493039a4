"""Area resampling between grids that share a corner: each new pixel is the mean of the ground it covers.

The weights of a pixel are computed from its absolute position, so a window gives what the whole image would.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor


def _taps(start: int, count: int, factor: float, origin: int, size: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Indices into the source window and weights, tap by tap, for ``count`` new pixels from absolute ``start``.

    New pixel j covers source interval [j * factor, (j + 1) * factor).
    """
    j = np.arange(start, start + count, dtype=np.float64)
    lo, hi = j * factor, (j + 1) * factor
    lo = np.where(np.abs(lo - np.round(lo)) < 1e-9 * np.maximum(1, np.abs(lo)), np.round(lo), lo)
    hi = np.where(np.abs(hi - np.round(hi)) < 1e-9 * np.maximum(1, np.abs(hi)), np.round(hi), hi)
    first = np.floor(lo).astype(np.int64)
    taps = math.ceil(factor) + 1
    indices, weights = [], []
    for t in range(taps):
        cell = first + t
        cover = np.clip(np.minimum(hi, cell + 1) - np.maximum(lo, cell), 0, None) / factor
        if not np.any(cover > 0):
            continue
        indices.append(np.clip(cell - origin, 0, size - 1))
        weights.append(cover)
    return indices, weights


def _axis(x: Tensor, axis: int, start: int, count: int, factor: float, origin: int) -> Tensor:
    indices, weights = _taps(start, count, factor, origin, x.shape[axis])
    total: Tensor | None = None
    for index, weight in zip(indices, weights, strict=True):
        picked = torch.index_select(x, axis, torch.from_numpy(index).to(x.device))
        scale = torch.from_numpy(weight).to(x.device, x.dtype)
        term = picked * (scale if axis == x.ndim - 1 else scale[:, None])
        total = term if total is None else total + term
    assert total is not None  # noqa: S101  (a new pixel always covers something)
    return total


def area_resample(
    x: Tensor, origin: tuple[int, int], target: tuple[int, int], shape: tuple[int, int], factor: float
) -> Tensor:
    """Resample (..., h, w) to ``shape`` pixels that are ``factor`` source pixels wide.

    Args:
        x: the source window, its first pixel at absolute (row, column) ``origin`` of the source grid.
        origin: see ``x``.
        target: absolute (row, column) of the first new pixel on the new grid.
        shape: (height, width) of the result.
        factor: new pixel size in source pixels; above 1 averages, below 1 distributes.

    The source window must cover all the ground of the target window.
    """
    rows = _axis(x, x.ndim - 2, target[0], shape[0], factor, origin[0])
    return _axis(rows, x.ndim - 1, target[1], shape[1], factor, origin[1])
