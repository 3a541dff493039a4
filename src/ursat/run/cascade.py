"""The cropping cascade: from a window of output back to the input pixels it needs, and up again, stage by stage.

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
from ursat.models.fill import fill_gaps
from ursat.models.finish import Finish, needs_finish
from ursat.models.stage import LevelInputs
from ursat.models.trust import LocalTrust
from ursat.models.wavelet import block_mean
from ursat.run.blocks import BlockRunner
from ursat.run.budget import BLOCK_BYTES
from ursat.run.harmonised import HarmonisedReference
from ursat.tiling.levels import depth_of, input_index, is_power_of_two, level_windows, total_reach, work_window

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from ursat.models.stage import Stage, StageSettings
    from ursat.types import Block, Reader


_CACHE_BYTES = 48 << 20  # of harmonised reference kept for the next tiles
_FILL = 12  # input pixels beyond an edge that are continued; no filter sees unobserved pixels from farther away


@dataclass(frozen=True, slots=True)
class Rendered:
    """A window of output in physical units: values (C, h, w); valid (C, h, w) bool; mean trust of the reference."""

    values: Tensor
    valid: Tensor
    trust_sum: float
    trust_count: int


class Cascade:
    """One run's cascade: the stage, the scale, and readers for the input and the warped reference.

    Args:
        stage: the doubling.
        settings: what is fixed for the run.
        scale: K >= 2, any number.
        source: the input on its own grid.
        reference: the reference warped to the grid 2**level times finer than the input, or None.
        device: where to compute.
        dtype: float32, or float64 where stored numbers need it.
        gsd_m: the input's ground sampling distance, metres.
        keep: (window of the input) -> (h, w) bool, False where nothing is to be made (outside an AOI); None: all.
        block_budget: bytes of a block-wise stage's results to keep for the next tiles.
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
    ) -> None:
        self.keep = keep
        self.scale = scale
        self.depth = depth_of(scale)
        self.source = source
        self.device = device
        self.dtype = dtype
        self.gsd_m = gsd_m
        self._draw_with(stage, settings, block_budget)
        taps = settings.sensor.taps
        exact = settings.closure == "exact" and needs_finish(scale, taps)
        self._finish = Finish(scale, taps) if exact else None
        self.reference: Reader | None = None
        self._trust: LocalTrust | None = None
        if reference is not None and settings.reference is not None:
            harmonised = HarmonisedReference(reference, settings.reference, device=device, dtype=dtype)
            self.reference = BlockCache(harmonised, budget=_CACHE_BYTES)
            self._trust = LocalTrust(settings.sensor, settings.reference)

    def sibling(self, stage: Stage, settings: StageSettings, *, block_budget: int = BLOCK_BYTES) -> Cascade:
        """The same cascade with another draw of the same model: sensor, reference and closure must not differ."""
        other = copy.copy(self)
        other._draw_with(stage, settings, block_budget)  # noqa: SLF001  (of this very class)
        return other

    def _draw_with(self, stage: Stage, settings: StageSettings, block_budget: int) -> None:
        self.stage, self.settings = stage, settings
        self.reach = total_reach(self.depth, stage.halo)
        self._blocks = None if stage.block is None else BlockRunner(stage, stage.block, budget=block_budget)

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
        y, observed = self._tensors(self.source.read(held))
        measured = self._valid(wide, cut=False).to(self.dtype)
        closed = self._finish.apply(done.values, measured, wide, y, observed.to(self.dtype), held)
        values = closed[(..., *window.within(wide))]
        lowest = torch.tensor(self.settings.lowest, dtype=torch.float64)[:, None, None].to(values)
        highest = torch.tensor(self.settings.highest, dtype=torch.float64)[:, None, None].to(values)
        return replace(done, values=values.clamp(lowest, highest))

    def _compute(self, window: Window, valid: Tensor, under: Window) -> Rendered:
        """The cascade itself, up to an output window; ``under``: the input pixels whose trust is reported."""
        work = work_window(window, self.scale)
        chain = level_windows(work, self.depth, self.stage.halo, self.stage.block)
        base = chain[0].reads
        outer = base.pad(2 * _FILL + (self._trust.halo if self._trust else 0))
        observed_block = self.source.read(outer)
        y, observed = self._tensors(observed_block)
        y = fill_gaps(y, observed, _FILL)
        refs, trust = self.harmonise(outer, y, observed)
        x = y[(..., *base.within(outer))]
        seen = observed[(..., *base.within(outer))].any(dim=0)
        held = base
        trust_sum, trust_count = 0.0, len(y) * under.height * under.width
        if trust is not None:
            trust = trust[(..., *base.within(outer))]
            trust_sum = float(trust[(..., *under.intersect(base).within(base))].sum())
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
            if self._blocks is None:
                x = self.stage.run(inputs)[(..., *step.makes.within(step.reads.finer(2)))]
            else:
                x = self._blocks.run(inputs, step.reads, step.makes, seen, base)
            held = step.makes
            if trust is not None:
                if step.level + 1 in refs:
                    grown = upsample_smooth(trust)
                    trust = grown[(..., *step.makes.within(step.reads.finer(2)))]
                else:
                    trust = None
        if is_power_of_two(self.scale):
            x = x[(..., *window.within(held))]
        else:
            factor = 2**self.depth / self.scale
            x = area_resample(x, (held.row, held.col), (window.row, window.col), window.shape, factor)
        return Rendered(x, valid, trust_sum, trust_count)

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
        model = self.settings.reference
        if self.reference is None or model is None or self._trust is None:
            return {}, None
        block = self.reference.read(outer.finer(2**model.level))
        if not block.valid.any():
            return {}, None
        ref, ref_valid = self._tensors(block)
        refs: dict[int, tuple[Window, Tensor]] = {}
        for level in range(1, model.level + 1):
            refs[level] = (outer.finer(2**level), block_mean(ref, 2 ** (model.level - level)))
        half_valid = block_mean(ref_valid.to(self.dtype), 2 ** (model.level - 1)) >= 0.5
        trust = self._trust.compute(y, observed, refs[1][1], half_valid)
        if not bool((trust > 0).any()):
            return {}, trust
        return refs, trust

    def _tensors(self, block: Block) -> tuple[Tensor, Tensor]:
        values = torch.from_numpy(block.values).to(self.device, self.dtype)
        return values, torch.from_numpy(block.valid).to(self.device)

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
