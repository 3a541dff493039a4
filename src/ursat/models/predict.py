"""Detail predicted from the coarser image alone, and the range of values that a file can hold.

The prediction is average-interpolating subdivision (Donoho 1993, "Smooth wavelet decompositions with blocky
coefficient kernels"; the low-pass side of the biorthogonal CDF(1, 5) pair): in each direction the polynomial of degree
4 whose means over five neighbouring pixels are the given ones is averaged over the two halves of the middle one. It
keeps the mean of every 2 x 2 block, and polynomials up to degree 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.fir import pad_edge
from ursat.models.wavelet import block_mean, replicate

if TYPE_CHECKING:
    from torch import Tensor

REACH = 2
_NEAR, _FAR = 22 / 128, -3 / 128


def _half_difference(padded: Tensor, size: int, axis: int) -> Tensor:
    """First half minus the pixel's mean along ``axis``; ``padded`` carries `REACH` pixels more on both sides."""
    near = padded.narrow(axis, REACH - 1, size) - padded.narrow(axis, REACH + 1, size)
    far = padded.narrow(axis, REACH - 2, size) - padded.narrow(axis, REACH + 2, size)
    return near.mul_(_NEAR).add_(far.mul_(_FAR))


def refine(x: Tensor) -> Tensor:
    """(C, h, w) -> (C, 2h, 2w): the smooth image whose 2 x 2 block means are x."""
    h, w = x.shape[-2:]
    padded = pad_edge(x, REACH, REACH)
    vertical = _half_difference(padded, h, -2)
    rows = padded[..., REACH:-REACH, :]
    out = torch.empty((*x.shape[:-2], 2 * h, 2 * w), dtype=x.dtype, device=x.device)
    for phase, half in ((0, rows + vertical), (1, rows - vertical)):
        horizontal = _half_difference(half, w, -1)
        middle = half[..., REACH:-REACH]
        torch.add(middle, horizontal, out=out[..., phase::2, 0::2])
        torch.sub(middle, horizontal, out=out[..., phase::2, 1::2])
    return out


def refine_guided(x: Tensor, ref: Tensor, trust: Tensor) -> Tensor:
    """`refine` x (C, h, w), plus what ref (C, 2h, 2w) knows beyond its own block means, times trust (C, h, w)."""
    news = ref - refine(block_mean(ref))
    return refine(x).add_(news.mul_(replicate(trust)))


def in_range(x: Tensor, lowest: Tensor, highest: Tensor) -> bool:
    """True when every pixel of (C, H, W) lies within its band's limits, each (C, 1, 1)."""
    return bool((x.amin((1, 2)) >= lowest.reshape(-1)).all()) and bool((x.amax((1, 2)) <= highest.reshape(-1)).all())


def shrink_to_range(x: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
    """Pull the four pixels of each 2 x 2 block towards their mean until they lie in range; others stay bit for bit.

    The block's mean is kept wherever it lies in range itself, and is clipped elsewhere.

    Args:
        x: (C, 2h, 2w).
        lowest: (C, 1, 1), physical units.
        highest: the same.

    Returns:
        (C, 2h, 2w), every value in range.
    """
    if in_range(x, lowest, highest):
        return x
    mean = block_mean(x)
    inside = mean.clamp(lowest, highest)
    corners = (x[..., 0::2, 0::2], x[..., 0::2, 1::2], x[..., 1::2, 0::2], x[..., 1::2, 1::2])
    top = torch.maximum(torch.maximum(corners[0], corners[1]), torch.maximum(corners[2], corners[3]))
    bottom = torch.minimum(torch.minimum(corners[0], corners[1]), torch.minimum(corners[2], corners[3]))
    tiny = torch.finfo(x.dtype).tiny
    up = (highest - inside) / (top - mean).clamp(min=tiny)
    down = (inside - lowest) / (mean - bottom).clamp(min=tiny)
    factor = torch.minimum(up, down).clamp(max=1.0)
    broken = (top > highest) | (bottom < lowest)
    out = torch.empty_like(x)
    for k, corner in enumerate(corners):
        shrunk = inside + (corner - mean) * factor
        out[..., k // 2 :: 2, k % 2 :: 2] = torch.where(broken, shrunk, corner).clamp(lowest, highest)
    return out
