"""The state of the diffusion, and what the network sees: everything in units of the detail that is not known.

The state of a cell is [da, v, h, d] of the wanted image minus the classical start, band by band, divided by the
expected size of the unknown detail (`SensorModel.signal`, smaller where a trusted reference has said it already).
Whitening by level and band is what makes a few steps enough at every scale (Guth et al. 2022, arXiv 2208.05003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.fir import filter_same
from ursat.models.wavelet import HaarBands, dwt2, idwt2

if TYPE_CHECKING:
    from torch import Tensor

LOW_PASS = tuple(c / 256 for c in (1.0, 8.0, 28.0, 56.0, 70.0, 56.0, 28.0, 8.0, 1.0))
FEATURE_HALO = len(LOW_PASS) // 2


def unknown_scale(scale: Tensor, trust: Tensor | None, confidence: Tensor | float) -> Tensor:
    """Expected size of the unknown detail, (..., C, 1, 1) without trust, else (..., C, h, w).

    Args:
        scale: (..., C, 1, 1), `detail_scale` of each band.
        trust: (..., C, h, w) in 0..1, or None.
        confidence: `Context.confidence`, one number, or one a sample (B, 1, 1, 1).
    """
    return scale if trust is None else scale * (1 - trust * (1 - confidence))


def features(x: Tensor, start: Tensor, ref: Tensor | None, trust: Tensor | None, scale: Tensor) -> Tensor:
    """What is known, for the network: (..., C, h, w) and (..., C, 2h, 2w) -> (..., 9 C + 1, h, w).

    High-pass of x; the start's [a - x, v, h, d]; the reference's [a - x, v, h, d] times its trust; the mean trust. All
    but the last in units of ``scale``; constants of x cancel, so neither brightness nor offset of a scene matters.
    """
    inverse = 1 / scale
    high = (x - filter_same(x, LOW_PASS)) * inverse
    parts = [high, *_relative(start, x, inverse)]
    if ref is None or trust is None:
        zeros = torch.zeros_like(x)
        parts += [zeros] * 4
        parts.append(zeros[..., :1, :, :])
    else:
        parts += [band * trust for band in _relative(ref, x, inverse)]
        parts.append(trust.mean(dim=-3, keepdim=True))
    return torch.cat(parts, dim=-3)


def _relative(image: Tensor, x: Tensor, inverse: Tensor) -> list[Tensor]:
    bands = dwt2(image)
    return [(bands.a - x) * inverse, bands.v * inverse, bands.h * inverse, bands.d * inverse]


def to_state(image: Tensor, start: Tensor, unknown: Tensor) -> Tensor:
    """(..., C, 2h, 2w) -> (..., 4 C, h, w): the state of an image."""
    return torch.cat([band / unknown for band in dwt2(image - start)], dim=-3)


def from_state(state: Tensor, start: Tensor, unknown: Tensor, *, mean_known: bool) -> Tensor:
    """The inverse of `to_state`: (..., 4 C, h, w) -> (..., C, 2h, 2w).

    With ``mean_known`` the means of 2 x 2 blocks stay those of the start (da counts as 0): levels after the first keep
    the mean of every block, and so inherit the closure of the first.
    """
    da, v, h, d = state.chunk(4, dim=-3)
    mean = torch.zeros_like(da) if mean_known else da * unknown
    return start + idwt2(HaarBands(mean, v * unknown, h * unknown, d * unknown))
