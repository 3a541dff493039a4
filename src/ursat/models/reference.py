"""Applies the fitted reference model to a window: sharpness first, then radiometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.fir import filter_same, pad_edge
from ursat.models.fill import fill_gaps

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.types import ReferenceModel

_ESSENTIAL = 0.8  # share of the filter's absolute weight that must rest on valid pixels


class ReferenceApplier:
    """Turns windows of the warped reference into the input's radiometry and sharpness.

    Made of separate additions and multiplications and a fixed reach of filling, so a pixel does not depend on
    the window it is computed in.

    Args:
        model: as fitted by `ursat.harmonise.fit.fit_pair`.
    """

    def __init__(self, model: ReferenceModel) -> None:
        self._model = model
        self._reach = len(model.taps) // 2
        # At most half an input pixel: what is filled beyond an edge is a fair guess, and a lost border is not
        self._shrink = min(essential_reach(model.taps), 2 ** (model.level - 1))

    @property
    def halo(self) -> int:
        """Pixels of the level grid around a pixel that may influence it: the filter's reach, twice more in filling."""
        return 3 * self._reach

    def apply(self, values: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Harmonise one window.

        Args:
            values: (Br, H, W) the warped reference in its own units.
            valid: (Br, H, W) bool.

        Returns:
            (C, H, W) in the input's units, and its validity: False within the filter's essential reach of an invalid
            pixel of any band that is used. The outer `halo` pixels are only there to be cropped.
        """
        filled = fill_gaps(values, valid, self._reach)
        sharp = filter_same(filled, self._model.taps)
        sound = erode(valid, self._shrink)
        outs, oks = [], []
        for row, offset in zip(self._model.matrix, self._model.offsets, strict=True):
            total: Tensor | None = None
            ok: Tensor | None = None
            for band, gain in enumerate(row):
                if gain == 0:
                    continue
                term = sharp[band] * gain
                total = term if total is None else total + term
                ok = sound[band] if ok is None else ok & sound[band]
            outs.append(torch.full_like(sharp[0], offset) if total is None else total + offset)
            oks.append(torch.zeros_like(sound[0]) if ok is None else ok)
        return torch.stack(outs), torch.stack(oks)


def essential_reach(taps: tuple[float, ...]) -> int:
    """The smallest r whose central 2 r + 1 taps hold 80 % of the filter's absolute weight."""
    middle = len(taps) // 2
    whole = sum(abs(t) for t in taps)
    kept = abs(taps[middle])
    for r in range(middle + 1):
        if r:
            kept += 2 * abs(taps[middle + r])
        if kept >= _ESSENTIAL * whole:
            return r
    return middle


def erode(valid: Tensor, reach: int) -> Tensor:
    """True where all pixels within ``reach`` (a square) are True; (..., h, w) bool. Borders are replicated."""
    out = valid
    for axis in (-2, -1):
        padded = pad_edge(out.to(torch.float32), reach if axis == -2 else 0, reach if axis == -1 else 0) > 0
        size = out.shape[axis]
        for k in range(2 * reach + 1):
            out = out & padded.narrow(axis, k, size)
    return out
