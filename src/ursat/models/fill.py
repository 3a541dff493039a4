"""Filling what was not observed, from its observed neighbours, ring by ring.

Filters then run over holes and image borders without special cases: what they read there is a smooth continuation
of the valid pixels, never the nodata value. Filled pixels are dropped again when the output is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.fir import pad_edge

if TYPE_CHECKING:
    from torch import Tensor

_NEIGHBOURS = tuple((i, j) for i in (0, 1, 2) for j in (0, 1, 2) if (i, j) != (1, 1))


def fill_rings(values: Tensor, valid: Tensor, rings: int) -> Tensor:
    """Extend valid pixels outward by up to ``rings`` pixels; farther ones become 0.

    values, valid: (C, h, w). Each ring's pixel is the mean of its already known 8-neighbours. A pixel's result
    depends on nothing farther than ``rings`` pixels, so a window with that much halo gives the same as the whole.
    """
    if bool(valid.all()):
        return values
    known = valid.to(values.dtype)
    filled = values * known
    zero = torch.zeros((), dtype=values.dtype, device=values.device)
    for _ in range(rings):
        if bool((known > 0).all()):
            break
        # Outside the window nothing is known: the border is padded with zeros, not replicated.
        padded, weights = _pad_zero(filled), _pad_zero(known)
        h, w = values.shape[-2:]
        total, count = torch.zeros_like(filled), torch.zeros_like(known)
        for i, j in _NEIGHBOURS:
            total += padded[..., i : i + h, j : j + w]
            count += weights[..., i : i + h, j : j + w]
        fresh = (known == 0) & (count > 0)
        filled = torch.where(fresh, total / torch.clamp(count, min=1), filled)
        known = torch.where(fresh, zero + 1, known)
    return filled


def _pad_zero(x: Tensor) -> Tensor:
    padded = pad_edge(x, 1, 1)
    padded[..., 0, :] = 0
    padded[..., -1, :] = 0
    padded[..., :, 0] = 0
    padded[..., :, -1] = 0
    return padded
