"""The reference as the cascade wants it: warped, sharpened, in the input's radiometry; a reader like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ursat.models.reference import ReferenceApplier
from ursat.types import Block

if TYPE_CHECKING:
    from ursat.grid import Grid, Window
    from ursat.types import Reader, ReferenceModel


class HarmonisedReference:
    """Reads the warped reference and applies its fitted model.

    Args:
        warped: the reference on the grid 2**model.level times finer than the input.
        model: as fitted at plan time.
        device: where the filters run.
        dtype: float32, or float64 where stored numbers need it.
    """

    def __init__(self, warped: Reader, model: ReferenceModel, *, device: torch.device, dtype: torch.dtype) -> None:
        self._warped, self._device, self._dtype = warped, device, dtype
        self._bands = len(model.offsets)
        self._applier = ReferenceApplier(model)

    @property
    def grid(self) -> Grid:
        """The grid of the warped reference."""
        return self._warped.grid

    def read(self, window: Window) -> Block:
        """The input's bands as the reference shows them; not valid where it shows nothing."""
        outer = window.pad(self._applier.halo)
        raw = self._warped.read(outer)
        if not raw.valid.any():
            shape = (self._bands, *window.shape)
            return Block(np.zeros(shape, raw.values.dtype), np.zeros(shape, bool))
        values = torch.from_numpy(raw.values).to(self._device, self._dtype)
        ref, valid = self._applier.apply(values, torch.from_numpy(raw.valid).to(self._device))
        inner = window.within(outer)
        return Block(ref[(..., *inner)].cpu().numpy(), valid[(..., *inner)].cpu().numpy())
