"""What the scene and its reference show of any window, for whoever works block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.io.cache import BlockCache
from ursat.models.fill import fill_gaps
from ursat.models.trust import upsample_smooth
from ursat.types import Block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from ursat.grid import Grid, Window
    from ursat.models.trust import LocalTrust
    from ursat.types import Reader

FILL = 12  # input pixels beyond an edge that are continued; no filter sees unobserved pixels from farther away
_TRUST_BLOCK = 128  # input pixels: as much ground as a block of a network, which reads it on every level
_TRUST_BYTES = 16 << 20


class TrustReader:
    """The local trust of the reference as a reader of the input's grid: values in 0..1, valid where observed.

    Args:
        source: the input.
        half: the harmonised reference on the half grid.
        cover: the share of each input pixel that it shows.
        trust: judges.
        device: where to compute.
        dtype: float32 or float64.
    """

    def __init__(
        self,
        source: Reader,
        half: Reader,
        cover: Reader,
        trust: LocalTrust,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._source, self._half, self._cover, self._trust = source, half, cover, trust
        self._device, self._dtype = device, dtype

    @property
    def grid(self) -> Grid:
        """The input's."""
        return self._source.grid

    def read(self, window: Window) -> Block:
        """Trust of ``window``; 0 outside the grid."""
        outer = window.pad(2 * FILL + self._trust.halo)
        y, observed = read_filled(self._source, outer, self._device, self._dtype)
        cover, shown = tensors(self._cover.read(outer), self._device, self._dtype)
        inner = (..., *window.within(outer))
        if bool(shown.any()):
            half = tensors(self._half.read(outer.finer(2)), self._device, self._dtype)[0]
            trust = self._trust.compute(y, observed, half, cover)
        else:
            trust = torch.zeros_like(y)
        return Block(trust[inner].cpu().numpy(), observed[inner].cpu().numpy())


class Ground:
    """The input, filled; and where there is a reference, what of it is to be believed.

    Args:
        source: the input.
        levels: the harmonised reference on the grids 2, 4 ... times finer than the input, by level; empty: none.
        cover: the share of each input pixel that it shows; None without one.
        trust: judges it; None without one.
        device: where tensors go.
        dtype: theirs.
    """

    def __init__(
        self,
        source: Reader,
        levels: Mapping[int, Reader],
        cover: Reader | None,
        trust: LocalTrust | None,
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._source, self._levels = source, levels
        self._device, self._dtype = device, dtype
        self._trust: Reader | None = None
        if trust is not None and cover is not None:
            judged = TrustReader(source, levels[1], cover, trust, device=device, dtype=dtype)
            self._trust = BlockCache(judged, budget=_TRUST_BYTES, block=_TRUST_BLOCK)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the input."""
        return self._source.grid.shape

    def observed_any(self, window: Window) -> bool:
        """Whether any band has a valid pixel in a window of the input's grid."""
        return bool(self._source.read(window).valid.any())

    def image(self, window: Window) -> tuple[Tensor, Tensor]:
        """(C, h, w) a window of the input, filled where it was not observed; and where it was, bool."""
        outer = window.pad(2 * FILL)
        y, observed = read_filled(self._source, outer, self._device, self._dtype)
        inner = (..., *window.within(outer))
        return y[inner], observed[inner]

    def trust(self, window: Window, level: int = 0) -> Tensor | None:
        """(C, h, w) in 0..1 over a window of a level's grid, the input's being 0; None without a reference."""
        if self._trust is None:
            return None
        if level == 0:
            return torch.from_numpy(self._trust.read(window).values).to(self._device, self._dtype)
        coarse = window.coarser(2).pad(1)
        below = self.trust(coarse, level - 1)
        return None if below is None else upsample_smooth(below)[(..., *window.within(coarse.finer(2)))]

    def reference(self, level: int, window: Window) -> tuple[Tensor | None, Tensor | None]:
        """What a level's stage is told: (C, 2h, 2w) the reference on the level's grid, (C, h, w) its trust.

        Both None where it has nothing to say: too coarse for the level, or not believed anywhere in the window.

        Args:
            level: of the stage.
            window: of the level's input grid.
        """
        if level not in self._levels:
            return None, None
        trust = self.trust(window, level - 1)
        if trust is None or not bool((trust > 0).any()):
            return None, None
        return tensors(self._levels[level].read(window.finer(2)), self._device, self._dtype)[0], trust


def tensors(block: Block, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Values and validity of a block on a device."""
    return torch.from_numpy(block.values).to(device, dtype), torch.from_numpy(block.valid).to(device)


def read_filled(source: Reader, window: Window, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Values, filled where not valid, and validity; right but for ``2 * FILL`` pixels at the window's borders."""
    values, valid = tensors(source.read(window), device, dtype)
    return fill_gaps(values, valid, FILL), valid
