"""The state of the diffusion, and what the network sees: everything in units of the detail that is not known.

The state of a cell is [da, v, h, d] of the wanted image minus the classical start, band by band, divided by the
expected size of the unknown detail (`SensorModel.signal`, smaller where a trusted reference has said it already).
Whitening by level and band is what makes a few steps enough at every scale (Guth et al. 2022, arXiv 2208.05003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import max_pool2d

from ursat.fir import BINOMIAL9, filter_same
from ursat.models.wavelet import HaarBands, dwt2, idwt2

if TYPE_CHECKING:
    from torch import Tensor

FEATURE_HALO = len(BINOMIAL9) // 2
ACTIVITY_HALO = 2 * FEATURE_HALO
_LEAST_SIGNAL = 0.05  # of the noise's power: what is taken off is itself uncertain
_TINY = 1e-30
_PEAK = 1.4
_RANGE_REACH = 2
STILL = 0.01  # activity where nothing moves, in units of the expected detail


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
    high = (x - filter_same(x, BINOMIAL9)) * inverse
    parts = [high, *_relative(start, x, inverse)]
    if ref is None or trust is None:
        zeros = torch.zeros_like(x)
        parts += [zeros] * 4
        parts.append(zeros[..., :1, :, :])
    else:
        parts += [band * trust for band in _relative(ref, x, inverse)]
        parts.append(trust.mean(dim=-3, keepdim=True))
    return torch.cat(parts, dim=-3)


def activity(known: Tensor, noise_floor: Tensor | float) -> Tensor:
    """How much goes on around a cell: local root mean square of x's high-pass, (B, 9 C + 1, h, w) -> (B, 4 C, h, w).

    Detail is strong where the octave above it is, over orders of magnitude (a field, a forest): the standard deviation
    of the state is told relative to this, the same for da, v, h and d. What the noise adds is taken off.

    Args:
        known: `features`.
        noise_floor: `ursat.models.core.context.noise_floor`, one number, or anything that fits (B, C, h, w).
    """
    high = known[:, : (known.shape[1] - 1) // 9]
    noise = noise_floor * noise_floor
    power = filter_same(high * high, BINOMIAL9)
    signal = torch.maximum(power - noise, torch.as_tensor(_LEAST_SIGNAL * noise).to(power))
    return torch.sqrt(signal + STILL * STILL).repeat(1, 4, 1, 1)


def bounded(spread: Tensor, activity: Tensor, share: Tensor, limit: float) -> Tensor:
    """A sample's strength, lowered where detail would outgrow the octave above it.

    Levels feed each other: one that believes in more detail than it was given hands the next a busier image, and on
    water, dunes or a lone bright roof, of which training tells little, values run away (docs/decisions.md, 19).

    Args:
        spread: (B, 4 C, h, w), state units; the outer 4 cells are only there to be cropped.
        activity: of `activity`, the same shape.
        share: (C, 1, 1) or (C, h, w), `unknown_scale` over `detail_scale`.
        limit: of the root mean square of v, h and d, over a neighbourhood, over that of the activity; a single cell may
            have `_PEAK` times as much.
    """
    size = share.repeat(4, 1, 1)
    spread = torch.minimum(spread, activity * (_PEAK * limit) / size)
    bands = spread.shape[1] // 4
    detail = (spread * size)[:, bands:] ** 2
    told = filter_same(detail.mean(1, keepdim=True), BINOMIAL9)
    allowed = (activity[:, :bands] ** 2).mean(1, keepdim=True) * (limit * limit)
    return spread * torch.sqrt(torch.clamp(allowed / told.clamp(min=_TINY), max=1))


def local_range(x: Tensor) -> Tensor:
    """Largest less least value of a cell and the two around it each way, (C, h, w) -> (C, h, w), 0 or more.

    The outer 2 cells see a part of that only: they are there to be cropped.
    """
    size = 2 * _RANGE_REACH + 1
    highest = max_pool2d(x[None], size, 1, _RANGE_REACH)
    return (highest + max_pool2d(-x[None], size, 1, _RANGE_REACH))[0]


def within(departure: Tensor, most: Tensor) -> Tensor:
    """A sample's departure from the mean, weakened where a pixel would leave the image around it.

    The strength knows the energy around a cell, not how it is spread: beside a lone bright roof on dark water, that of
    the roof is everywhere, and level by level the roof grows. Its range does not lie (docs/decisions.md, 19).

    Args:
        departure: (B, 4 C, h, w), state units, da 0.
        most: (B, C, h, w), of |v| + |h| + |d|, which is the largest departure of the cell's four pixels.
    """
    bands = most.shape[1]
    reached = torch.stack(departure[:, bands:].abs().chunk(3, dim=1)).sum(0)
    return departure * torch.clamp(most / reached.clamp(min=_TINY), max=1).repeat(1, 4, 1, 1)


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
    return idwt2(HaarBands(mean, v * unknown, h * unknown, d * unknown)).add_(start)
