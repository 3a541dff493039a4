"""Where the reference shows the same ground as the input: clouds, their shadows and changed fields get no trust.

Everything is judged at the input's resolution: the squared difference between input and degraded reference over a
small neighbourhood, in units of what is expected there (the fit's residual, and a share of the local detail).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.agreement import REACH, TEXTURE_SHARE, local_agreement
from ursat.fir import decimate2, filter_same, pad_edge
from ursat.models.edges import LEAST_COVER

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.types import ReferenceModel, SensorModel

_SOFT = (0.25, 0.5, 0.25)
_FULL, _NONE = 4.0, 10.0  # excess up to which trust is whole, and from which it is gone
_POOLED = 1.5  # an excess that all bands share is stronger evidence than that of one
_GROW = 2  # input pixels by which distrust is widened: the soft borders of a cloud are fainter than any threshold


class LocalTrust:
    """Computes the local trust of a harmonised reference on the input's grid.

    Args:
        sensor: gives F and the noise.
        reference: gives the expected residual and the global trust, with which the local one is multiplied.
    """

    def __init__(self, sensor: SensorModel, reference: ReferenceModel) -> None:
        self._taps = sensor.taps
        self._expected = [
            max(residual, sigma, 1e-30) for residual, sigma in zip(reference.residual, sensor.noise, strict=True)
        ]
        self._trust = reference.trust

    @property
    def halo(self) -> int:
        """Input pixels around a pixel that may influence its trust."""
        return (len(self._taps) // 2 + 1) // 2 + 2 * REACH + _GROW + 2

    def compute(self, y: Tensor, observed: Tensor, ref0: Tensor, cover: Tensor) -> Tensor:
        """Trust 0..1 of every input pixel.

        A cloud or a shadow touches all bands, so each band is judged by its own excess and by the mean of all.

        Args:
            y: (C, h, w) the input, filled where not observed.
            observed: (C, h, w) bool.
            ref0: (C, 2h, 2w) the harmonised reference on the half grid, in the input's units.
            cover: (C, h, w), the share of each input pixel that has a valid reference.

        Returns:
            (C, h, w); 0 where the reference covers less than `ursat.models.edges.LEAST_COVER` of the pixel. A pixel
            that was not observed has the trust of its most trusted neighbour among those that are wholly covered, for
            trust is interpolated and must not fade towards the scene's own edge. The outer `halo` pixels are only
            there to be cropped.
        """
        known = (observed & (cover >= LEAST_COVER)).to(y.dtype)
        found = local_agreement(y, decimate2(ref0, self._taps), known)
        excess = torch.stack(
            [found.misfit[c] / (found.detail[c] * TEXTURE_SHARE + s * s) for c, s in enumerate(self._expected)]
        )
        used = [c for c, trust in enumerate(self._trust) if trust > 0]
        if used:
            pooled = excess[used[0]]
            for c in used[1:]:
                pooled = pooled + excess[c]
            pooled = pooled * (_POOLED / len(used))
            excess = torch.maximum(excess, pooled)
        local = torch.clamp((_NONE - excess) * (1 / (_NONE - _FULL)), 0.0, 1.0)
        local = filter_same(_lowest(local, _GROW), _SOFT)
        trust = torch.stack([local[c] * t for c, t in enumerate(self._trust)]) * known
        beyond = -_lowest(-trust * (cover == 1).to(y.dtype), 1)
        return torch.where(observed, trust, beyond)


def _lowest(x: Tensor, reach: int) -> Tensor:
    """Minimum over a square of (2 reach + 1) pixels a side."""
    for axis in (-2, -1):
        padded = pad_edge(x, reach if axis == -2 else 0, reach if axis == -1 else 0)
        size = x.shape[axis]
        lowest = x
        for k in range(2 * reach + 1):
            lowest = torch.minimum(lowest, padded.narrow(axis, k, size))
        x = lowest
    return x


def upsample_smooth(x: Tensor) -> Tensor:
    """Bilinear doubling at pixel centres: (C, h, w) -> (C, 2h, 2w); one pixel of reach."""
    for axis in (-2, -1):
        size = x.shape[axis]
        before = torch.cat([x.narrow(axis, 0, 1), x.narrow(axis, 0, size - 1)], dim=axis)
        after = torch.cat([x.narrow(axis, 1, size - 1), x.narrow(axis, size - 1, 1)], dim=axis)
        near = x * 0.75
        shape = list(x.shape)
        shape[axis] = 2 * size
        out = x.new_empty(shape)
        left, right = near + before * 0.25, near + after * 0.25
        if axis == -1:
            out[..., 0::2], out[..., 1::2] = left, right
        else:
            out[..., 0::2, :], out[..., 1::2, :] = left, right
        x = out
    return x
