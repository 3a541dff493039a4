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

_NOWHERE = -(1 << 20)


def fill_gaps(values: Tensor, valid: Tensor, reach: int) -> Tensor:
    """Extend valid pixels into gaps by up to ``reach`` pixels along each axis; farther ones become 0.

    values, valid: (C, h, w). A gap's pixel is the inverse-distance mean of the nearest known pixels to its left,
    right, above and below; what no axis reaches (a corner outside an image) is filled in a second pass from the
    first one's. A pixel depends on nothing farther than ``2 * reach`` pixels along either axis: a window with that
    much halo gives the same as the whole.
    """
    if bool(valid.all()):
        return values
    known = torch.where(valid, values, torch.zeros((), dtype=values.dtype, device=values.device))
    filled, reached = _pass(known, valid, reach)
    if bool(reached.all()):
        return filled
    return _pass(filled, reached, reach)[0]


def _pass(values: Tensor, valid: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """One pass: filled values (0 where nothing was near), and where they are known now."""
    # Bands mostly share their gaps; distances are then found once.
    shared = valid[:1] if bool((valid == valid[:1]).all()) else valid
    total = torch.zeros_like(values)
    weights = torch.zeros(shared.shape, dtype=values.dtype, device=values.device)
    for axis in (-1, -2):
        for backward in (False, True):
            position, distance = _nearest(shared, axis, backward=backward)
            weight = torch.where(distance <= reach, distance.clamp(min=1).to(values.dtype).reciprocal(), 0.0)
            picked = torch.gather(values, values.ndim + axis, position.expand(values.shape))
            total = total + picked * weight
            weights = weights + weight
    reached = weights > 0
    mean = total / torch.where(reached, weights, torch.ones_like(weights))
    return torch.where(valid, values, mean), valid | reached


def _nearest(valid: Tensor, axis: int, *, backward: bool) -> tuple[Tensor, Tensor]:
    """Index along ``axis`` of the nearest valid pixel before (or after) each, and its distance (huge: none)."""
    size = valid.shape[axis]
    index = torch.arange(size, device=valid.device, dtype=torch.int32)
    index = index.reshape((-1,) if axis == -1 else (-1, 1)).expand(valid.shape)
    flipped = valid.flip(axis) if backward else valid
    found = _running_maximum(torch.where(flipped, index, _NOWHERE), axis)
    distance, position = index - found, found.clamp(min=0)
    if backward:
        distance, position = distance.flip(axis), (size - 1 - position).flip(axis)
    return position.to(torch.int64), distance


def _running_maximum(x: Tensor, axis: int) -> Tensor:
    """Cumulative maximum; numpy's is ten times as fast as torch's on the CPU, and integers leave no doubt."""
    if x.device.type == "cpu":
        return torch.from_numpy(np.maximum.accumulate(x.numpy(), axis=axis))
    return x.cummax(axis).values
