"""Applies the fitted reference model to a window: sharpness first, then radiometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.fir import filter_same
from ursat.models.fill import fill_gaps

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.types import ReferenceModel


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
            (C, H, W) in the input's units, and its validity: True where all bands that are used are valid. Beside an
            invalid pixel the filter reads its continuation, a fair guess; giving such pixels up costs more. The outer
            `halo` pixels are only there to be cropped.
        """
        filled = fill_gaps(values, valid, self._reach)
        sharp = filter_same(filled, self._model.taps)
        outs, oks = [], []
        for row, offset in zip(self._model.matrix, self._model.offsets, strict=True):
            total: Tensor | None = None
            ok: Tensor | None = None
            for band, gain in enumerate(row):
                if gain == 0:
                    continue
                term = sharp[band] * gain
                total = term if total is None else total + term
                ok = valid[band] if ok is None else ok & valid[band]
            outs.append(torch.full_like(sharp[0], offset) if total is None else total + offset)
            oks.append(torch.zeros_like(valid[0]) if ok is None else ok)
        return torch.stack(outs), torch.stack(oks)
