"""The mean-normalised Haar transform on the last two axes.

``a`` is the mean of each 2 x 2 block, so it keeps the units of the image at every level; ``v``, ``h``, ``d``
are half the orthonormal coefficients (PyWavelets 'haar': cA/2, cV/2, cH/2, cD/2).

    v = left minus right   (responds to vertical edges; the paper's V, Eq. 4)
    h = top minus bottom   (responds to horizontal edges; H)
    d = the diagonal one   (D)

Sums are written as separate additions: each is correctly rounded, so the result of a pixel does not depend
on the shape of the array it sits in, nor on the device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor


class HaarBands(NamedTuple):
    """The four bands of one level, each (..., h, w)."""

    a: Tensor
    v: Tensor
    h: Tensor
    d: Tensor


def dwt2(x: Tensor) -> HaarBands:
    """One level of analysis: (..., 2h, 2w) -> four bands (..., h, w).

    Raises:
        ValueError: when a side is odd.
    """
    if x.shape[-1] % 2 or x.shape[-2] % 2:
        raise ValueError(f"the Haar transform needs even sides, got {tuple(x.shape[-2:])}")
    p, q = x[..., 0::2, 0::2], x[..., 0::2, 1::2]
    r, s = x[..., 1::2, 0::2], x[..., 1::2, 1::2]
    top, bottom = p + q, r + s
    left_top, left_bottom = p - q, r - s
    return HaarBands(
        a=(top + bottom) * 0.25,
        v=(left_top + left_bottom) * 0.25,
        h=(top - bottom) * 0.25,
        d=(left_top - left_bottom) * 0.25,
    )


def idwt2(bands: HaarBands) -> Tensor:
    """One level of synthesis: four bands (..., h, w) -> (..., 2h, 2w); the inverse of `dwt2`."""
    a, v, h, d = bands
    out = torch.empty((*a.shape[:-2], 2 * a.shape[-2], 2 * a.shape[-1]), dtype=a.dtype, device=a.device)
    upper, lower = a + h, a - h
    left, right = v + d, v - d
    out[..., 0::2, 0::2] = upper + left
    out[..., 0::2, 1::2] = upper - left
    out[..., 1::2, 0::2] = lower + right
    out[..., 1::2, 1::2] = lower - right
    return out


def block_mean(x: Tensor, factor: int = 2) -> Tensor:
    """Mean of each ``factor x factor`` block, for a power of two: (..., fh, fw) -> (..., h, w)."""
    while factor > 1:
        top, bottom = x[..., 0::2, :], x[..., 1::2, :]
        rows = top + bottom
        x = (rows[..., 0::2] + rows[..., 1::2]) * 0.25
        factor //= 2
    return x


def replicate(x: Tensor, factor: int = 2) -> Tensor:
    """Every pixel repeated ``factor x factor`` times: (..., h, w) -> (..., fh, fw)."""
    return x.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)
