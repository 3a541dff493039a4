"""Filling what was not observed, from the nearest observed pixels along the four axes.

Filters then run over holes and image borders without special cases: what they read there is a continuation of the
valid pixels, never the nodata value. Filled pixels are dropped again when the output is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

_NOWHERE = -(1 << 30)  # as an index: farther from any pixel of a window than every reach


def fill_gaps(values: Tensor, valid: Tensor, reach: int) -> Tensor:
    """Extend valid pixels into gaps by up to ``reach`` pixels along each axis; farther ones become 0.

    values, valid: (C, h, w). A gap's pixel is the inverse-distance mean of the nearest known pixels to its left,
    right, above and below; what no axis reaches (a corner outside an image) is filled in a second pass from the
    first one's. A pixel depends on nothing farther than ``2 * reach`` pixels along either axis: a window with that
    much halo gives the same as the whole.
    """
    if bool(valid.all()):
        return values
    filled = torch.zeros_like(values)
    # Bands mostly share their gaps; distances are then found once
    shared = bool((valid == valid[:1]).all())
    for bands in [slice(0, len(values))] if shared else [slice(k, k + 1) for k in range(len(values))]:
        seen = valid[bands.start]
        near = (..., _around(seen.any(1), 2 * reach), _around(seen.any(0), 2 * reach))
        filled[bands][near] = _fill(values[bands][near], seen[near], reach)
    return filled


def _around(seen: Tensor, reach: int) -> slice:
    """From the first True of (n,) bool to the last, and ``reach`` more on both sides."""
    places = seen.nonzero()
    if not len(places):
        return slice(0, 0)
    return slice(max(int(places[0]) - reach, 0), int(places[-1]) + 1 + reach)


def _fill(values: Tensor, valid: Tensor, reach: int) -> Tensor:
    """Both passes, for bands with the same valid (h, w)."""
    if valid.numel() == 0:
        return values
    known = torch.where(valid, values, torch.zeros((), dtype=values.dtype, device=values.device))
    filled, reached = _pass(known, valid, reach)
    return filled if bool(reached.all()) else _pass(filled, reached, reach)[0]


def _pass(values: Tensor, valid: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """One pass: filled values (0 where nothing was near), and where they are known now."""
    flat = values.reshape(len(values), -1)
    gaps = (~valid).reshape(-1).nonzero()[:, 0]
    total = flat.new_zeros((len(flat), len(gaps)))
    weights = flat.new_zeros(len(gaps))
    for axis, stride in ((-1, 1), (-2, valid.shape[-1])):
        for backward in (False, True):
            found = _nearest(valid, axis, backward=backward).reshape(-1)[gaps].to(torch.int64)
            near = ((gaps - found).abs() <= reach * stride).nonzero()[:, 0]
            source = found[near]
            weight = ((gaps[near] - source).abs() // stride).to(values.dtype).reciprocal()
            total[:, near] += flat[:, source] * weight
            weights[near] += weight
    reached = weights > 0
    filled, known = flat.clone(), valid.reshape(-1).clone()
    filled[:, gaps] = total / torch.where(reached, weights, torch.ones_like(weights))
    known[gaps] = reached
    return filled.reshape(values.shape), known.reshape(valid.shape)


def _nearest(valid: Tensor, axis: int, *, backward: bool) -> Tensor:
    """Index into the flattened (h, w) of the nearest valid pixel before (or after) each along ``axis``."""
    index = torch.arange(valid.numel(), device=valid.device, dtype=torch.int32).reshape(valid.shape)
    if not backward:
        return _running_maximum(torch.where(valid, index, _NOWHERE), axis)
    ahead = torch.where(valid, -index, _NOWHERE).flip(axis)
    return -_running_maximum(ahead, axis).flip(axis)


def _running_maximum(x: Tensor, axis: int) -> Tensor:
    """Cumulative maximum; numpy's is ten times as fast as torch's on the CPU, and integers leave no doubt."""
    if x.device.type == "cpu":
        return torch.from_numpy(np.maximum.accumulate(x.numpy(), axis=axis))
    return x.cummax(axis).values
