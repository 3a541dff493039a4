"""The cropping cascade: from a window of output back to the input pixels it needs, and up again, stage by stage.

For the paper's systems it is the outer loop of Algorithms 1 and 2, the self-cascade of Figure 2.

A window of the output is computed from nothing but absolute coordinates and pixel values within the stages' reach,
so any cut of the scene gives the same pixels (DESIGN promise "tiles do not exist").
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from ursat.grid import Window
from ursat.io.cache import BlockCache
from ursat.models.area import area_resample
from ursat.models.finish import Finish, needs_finish
from ursat.models.stage import LevelInputs
from ursat.models.trust import LocalTrust, upsample_smooth
from ursat.run.blocks import BlockPyramid
from ursat.run.budget import BLOCK_BYTES, REFERENCE_MOST
from ursat.run.ground import FILL, Ground, read_filled, tensors
from ursat.run.harmonised import harmonised_levels
from ursat.tiling.levels import depth_of, input_index, is_power_of_two, level_windows, total_reach, work_window

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from ursat.models.stage import Stage, StageSettings
    from ursat.types import Reader

_SOURCE_BLOCK = 256  # input pixels
_SOURCE_BYTES = 24 << 20  # of the input are kept: neighbouring tiles and blocks want the same


@dataclass(frozen=True, slots=True)
class Rendered:
    """A window of output in physical units: values (C, h, w); valid (C, h, w) bool; mean trust of the reference."""

    values: Tensor
    valid: Tensor
    trust_sum: float
    trust_count: int


class Cascade:
    """One run's cascade: the stage, the scale, and readers for the input and the warped reference.

    Several threads may `render` at once.

    Args:
        stage: the doubling.
        settings: what is fixed for the run.
        scale: K >= 2, any number.
        source: the input on its own grid; like the reference, for several threads where the cascade is.
        reference: the reference warped to the grid 2**level times finer than the input, or None.
        device: where to compute.
        dtype: float32, or float64 where stored numbers need it.
        gsd_m: the input's ground sampling distance, metres.
        keep: (window of the input) -> (h, w) bool, False where nothing is to be made (outside an AOI); None: all.
        block_budget: bytes of a block-wise stage's results to keep for the next tiles.
        reference_budget: bytes of the harmonised reference to keep for the next tiles.
    """

    def __init__(
        self,
        stage: Stage,
        settings: StageSettings,
        *,
        scale: float,
        source: Reader,
        reference: Reader | None,
        device: torch.device,
        dtype: torch.dtype,
        gsd_m: float,
        keep: Callable[[Window], NDArray[np.bool_]] | None = None,
        block_budget: int = BLOCK_BYTES,
        reference_budget: int = REFERENCE_MOST,
    ) -> None:
        self.keep = keep
        self.scale = scale
        self.depth = depth_of(scale)
        self.source = source = BlockCache(source, budget=_SOURCE_BYTES, block=_SOURCE_BLOCK)
        self.device = device
        self.dtype = dtype
        self.gsd_m = gsd_m
        taps = settings.sensor.taps
        exact = settings.closure == "exact" and needs_finish(scale, taps)
        self._finish = Finish(scale, taps) if exact else None
        self._levels: dict[int, Reader] = {}
        self._cover: Reader | None = None
        self._trust: LocalTrust | None = None
        if reference is not None and settings.reference is not None:
            self._levels, self._cover = harmonised_levels(
                source,
                reference,
                settings.sensor,
                settings.reference,
                device=device,
                dtype=dtype,
                budget=reference_budget,
            )
            self._trust = LocalTrust(settings.sensor, settings.reference)
        self._ground = Ground(source, self._levels, self._cover, self._trust, device=device, dtype=dtype)
        self._draw_with(stage, settings, block_budget)

    def sibling(self, stage: Stage, settings: StageSettings, *, block_budget: int = BLOCK_BYTES) -> Cascade:
        """The same cascade with another draw of the same model: sensor, reference and closure must not differ."""
        other = copy.copy(self)
        other._draw_with(stage, settings, block_budget)  # noqa: SLF001  (of this very class)
        return other

    def _draw_with(self, stage: Stage, settings: StageSettings, block_budget: int) -> None:
        self.stage, self.settings = stage, settings
        self.reach = total_reach(self.depth, stage.halo)
        self._blocks = None
        if stage.block is not None:
            self._blocks = BlockPyramid(stage, stage.block, self._ground, gsd_m=self.gsd_m, budget=block_budget)

    def stop(self) -> None:
        """Give up as soon as possible: blocks that other threads want from now on raise `CancelledError`."""
        if self._blocks is not None:
            self._blocks.stop()

    def render(self, window: Window) -> Rendered | None:
        """The pixels of an output window, or None where none of it is valid (nothing is computed then)."""
        valid = self._valid(window)
        if not bool(valid.any()):
            return None
        if self._finish is None:
            return self._compute(window, valid, self._under(window))
        # The residual of a pixel is known once the output around it is.
        held = self._under(window).pad(self._finish.reach)
        rows = math.floor(held.row * self.scale), math.ceil(held.row_stop * self.scale)
        cols = math.floor(held.col * self.scale), math.ceil(held.col_stop * self.scale)
        wide = Window(rows[0], cols[0], rows[1] - rows[0], cols[1] - cols[0])
        done = self._compute(wide, valid, self._under(window))
        y, observed = tensors(self.source.read(held), self.device, self.dtype)
        measured = self._valid(wide, cut=False).to(self.dtype)
        closed = self._finish.apply(done.values, measured, wide, y, observed.to(self.dtype), held)
        values = closed[(..., *window.within(wide))]
        lowest = torch.tensor(self.settings.lowest, dtype=torch.float64)[:, None, None].to(values)
        highest = torch.tensor(self.settings.highest, dtype=torch.float64)[:, None, None].to(values)
        return replace(done, values=values.clamp(lowest, highest))

    def _compute(self, window: Window, valid: Tensor, under: Window) -> Rendered:
        """The cascade itself, up to an output window; ``under``: the input pixels whose trust is reported."""
        work = work_window(window, self.scale)
        if self._blocks is None:
            x, held, trust = self._by_windows(work, under)
        else:
            x, held, trust = self._blocks.read(self.depth, work), work, self._ground.trust(under)
        if is_power_of_two(self.scale):
            x = x[(..., *window.within(held))]
        else:
            factor = 2**self.depth / self.scale
            x = area_resample(x, (held.row, held.col), (window.row, window.col), window.shape, factor)
        return Rendered(x, valid, 0.0 if trust is None else float(trust.sum()), len(x) * under.height * under.width)

    def _by_windows(self, work: Window, under: Window) -> tuple[Tensor, Window, Tensor | None]:
        """A stage that needs no blocks, level by level: pixels of the work grid, their window, and the trust."""
        chain = level_windows(work, self.depth, self.stage.halo)
        base = chain[0].reads
        outer = base.pad(2 * FILL + (self._trust.halo if self._trust else 0))
        y, observed = read_filled(self.source, outer, self.device, self.dtype)
        refs, trust = self.harmonise(outer, y, observed)
        x = y[(..., *base.within(outer))]
        held, believed = base, None
        if trust is not None:
            trust = trust[(..., *base.within(outer))]
            believed = trust[(..., *under.intersect(base).within(base))]
        for step in chain:
            rows, cols = step.reads.within(held)
            x = x[..., rows, cols]
            if trust is not None:
                trust = trust[..., rows, cols]
            ref = refs.get(step.level)
            inputs = LevelInputs(
                level=step.level,
                x=x,
                observed=observed[(..., *base.within(outer))] if step.level == 1 else None,
                ref=None if ref is None else ref[1][(..., *step.reads.finer(2).within(ref[0]))],
                trust=trust if ref is not None else None,
                origin=(step.reads.row, step.reads.col),
                gsd_m=self.gsd_m / 2**step.level,
            )
            x = self.stage.run(inputs)[(..., *step.makes.within(step.reads.finer(2)))]
            held = step.makes
            if trust is not None:
                if step.level + 1 in refs:
                    grown = upsample_smooth(trust)
                    trust = grown[(..., *step.makes.within(step.reads.finer(2)))]
                else:
                    trust = None
        return x, held, believed

    def harmonise(
        self, outer: Window, y: Tensor, observed: Tensor
    ) -> tuple[dict[int, tuple[Window, Tensor]], Tensor | None]:
        """The harmonised reference on every level that uses it, and the local trust on the input's grid.

        Args:
            outer: window of the input that y and observed show.
            y: (C, h, w) the input, filled where not observed.
            observed: (C, h, w) bool.

        Returns:
            {level: (window of that level's grid, (C, H, W))}, and (C, h, w) trust or None.
        """
        if self._trust is None or self._cover is None:
            return {}, None
        cover, shown = tensors(self._cover.read(outer), self.device, self.dtype)
        if not bool(shown.any()):
            return {}, None
        half = tensors(self._levels[1].read(outer.finer(2)), self.device, self.dtype)[0]
        trust = self._trust.compute(y, observed, half, cover)
        if not bool((trust > 0).any()):
            return {}, trust
        refs = {1: (outer.finer(2), half)}
        for level in sorted(self._levels)[1:]:
            fine = outer.finer(2**level)
            refs[level] = fine, tensors(self._levels[level].read(fine), self.device, self.dtype)[0]
        return refs, trust

    def _under(self, window: Window) -> Window:
        """The input pixels that hold the centres of an output window's pixels."""
        row, col = input_index(window.row, self.scale), input_index(window.col, self.scale)
        rows = input_index(window.row_stop - 1, self.scale) - row + 1
        cols = input_index(window.col_stop - 1, self.scale) - col + 1
        return Window(row, col, rows, cols)

    def _valid(self, window: Window, *, cut: bool = True) -> Tensor:
        """Which output pixels have their centre in an observed input pixel (and in the AOI, where it cuts)."""
        rows = [input_index(r, self.scale) for r in range(window.row, window.row_stop)]
        cols = [input_index(c, self.scale) for c in range(window.col, window.col_stop)]
        under = self._under(window)
        seen = self.source.read(under).valid
        if cut and self.keep is not None:
            seen = seen & self.keep(under)[None]
        valid = torch.from_numpy(seen).to(self.device)
        if bool(valid.all()):
            return torch.ones((1, 1, 1), dtype=torch.bool, device=self.device).expand(valid.shape[0], *window.shape)
        row_index = torch.tensor([r - rows[0] for r in rows], device=self.device)
        col_index = torch.tensor([c - cols[0] for c in cols], device=self.device)
        return valid.index_select(1, row_index).index_select(2, col_index)
