"""The losses of Eq. 19 and 20 (paper, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d

_SIDE, _SIGMA = 11, 1.5  # of the window of Wang et al. 2004, doi 10.1109/TIP.2003.819861
_K1, _K2 = 0.01, 0.03


def total_variation(bands: Tensor) -> Tensor:
    """TV of Eq. 19: mean squared difference of horizontal, plus that of vertical neighbours; (B, c, h, w) -> (B,).

    Squares, as in the code that the loss comes from (DiffLL, arXiv 2306.00306).
    """
    across, down = bands[..., 1:] - bands[..., :-1], bands[..., 1:, :] - bands[..., :-1, :]
    return across.square().mean((1, 2, 3)) + down.square().mean((1, 2, 3))


def realness(found: Tensor, truth: Tensor, lambda1: float, lambda2: float) -> Tensor:
    """Eq. 19: lambda1 |found - truth|^2 + lambda2 TV(found), the norm as a mean; v, h, d (B, 3 C, h, w) -> (B,)."""
    return lambda1 * (found - truth).square().mean((1, 2, 3)) + lambda2 * total_variation(found)


def ssim(one: Tensor, other: Tensor, data_range: float) -> Tensor:
    """Structural similarity (Wang et al. 2004), Gaussian window of 11 pixels: (B, c, h, w) twice -> (B,) means.

    Args:
        one: an image, sides of 11 pixels or more.
        other: another.
        data_range: L, by which the constants are scaled.
    """
    channels = one.shape[1]
    offsets = torch.arange(_SIDE, dtype=one.dtype, device=one.device) - _SIDE // 2
    taps = torch.exp(-0.5 * (offsets / _SIGMA) ** 2)
    taps = taps / taps.sum()

    def blur(image: Tensor) -> Tensor:
        rows = conv2d(image, taps.reshape(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
        return conv2d(rows, taps.reshape(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)

    mean1, mean2 = blur(one), blur(other)
    variance1, variance2 = blur(one * one) - mean1 * mean1, blur(other * other) - mean2 * mean2
    covariance = blur(one * other) - mean1 * mean2
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    likeness = (2 * mean1 * mean2 + c1) * (2 * covariance + c2)
    return (likeness / ((mean1 * mean1 + mean2 * mean2 + c1) * (variance1 + variance2 + c2))).mean((1, 2, 3))


def consistent(found: Tensor, truth: Tensor, data_range: float, *, literal: bool = False) -> Tensor:
    """Eq. 20 of every sample: |found - truth| + 1 - SSIM(found, truth), the norm as a mean; images -> (B,).

    Args:
        found: (B, c, h, w).
        truth: the same.
        data_range: of the images, for the structural similarity.
        literal: SSIM(found - truth, 0), as printed.
    """
    off = found - truth
    alike = ssim(off, torch.zeros_like(off), data_range) if literal else ssim(found, truth, data_range)
    return off.abs().mean((1, 2, 3)) + 1 - alike
