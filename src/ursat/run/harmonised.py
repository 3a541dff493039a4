"""The reference as the cascade wants it: warped, sharpened, in the input's radiometry; a reader like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ursat.io.cache import BLOCK, BlockCache
from ursat.models.edges import EdgeCompletion
from ursat.models.reference import ReferenceApplier
from ursat.models.wavelet import block_mean
from ursat.run.ground import FILL, read_filled, tensors
from ursat.types import Block

if TYPE_CHECKING:
    from ursat.grid import Grid, Window
    from ursat.types import Reader, ReferenceModel, SensorModel

_COVER_BYTES = 8 << 20  # kept for the next tiles


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
        """The input's bands as the reference shows them; not valid where it shows nothing, 0 far beyond its grid."""
        shape = (self._bands, *window.shape)
        values, valid = torch.zeros(shape, dtype=self._dtype), torch.zeros(shape, dtype=torch.bool)
        core = window.intersect(self.grid.window.pad(self._applier.halo))
        outer = core.pad(self._applier.halo)
        raw = None if core.empty else self._warped.read(outer)
        if raw is not None and raw.valid.any():
            given = torch.from_numpy(raw.values).to(self._device, self._dtype)
            ref, sound = self._applier.apply(given, torch.from_numpy(raw.valid).to(self._device))
            here, inner = (..., *core.within(window)), (..., *core.within(outer))
            values[here], valid[here] = ref[inner].cpu(), sound[inner].cpu()
        return Block(values.numpy(), valid.numpy())


class Completed:
    """The harmonised reference with the input pixels that it covers in part completed; see `EdgeCompletion`.

    Args:
        source: the input.
        finest: the harmonised reference.
        edges: completes.
        level: of the reference's grid.
        device: where to compute.
        dtype: float32 or float64.
    """

    def __init__(
        self,
        source: Reader,
        finest: Reader,
        edges: EdgeCompletion,
        *,
        level: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._source, self._finest, self._edges = source, finest, edges
        self._factor, self._device, self._dtype = 2**level, device, dtype

    @property
    def grid(self) -> Grid:
        """The reference's."""
        return self._finest.grid

    def read(self, window: Window) -> Block:
        """Pixels of ``window``, valid where the reference itself is."""
        given = self._finest.read(window)
        if given.valid.all() or not given.valid.any():
            return given
        coarse = window.coarser(self._factor).pad(self._edges.halo + 2 * FILL)
        fine = coarse.finer(self._factor)
        y, observed = read_filled(self._source, coarse, self._device, self._dtype)
        ref, valid = tensors(self._finest.read(fine), self._device, self._dtype)
        cover = block_mean(valid.to(self._dtype), self._factor)
        ref = self._edges.apply(ref, valid, cover, y, observed)
        return Block(ref[(..., *window.within(fine))].cpu().numpy(), given.valid)


class Halved:
    """A reader's image on a grid half as fine: means of 2 x 2 pixels, valid where any of them is."""

    def __init__(self, finer: Reader) -> None:
        self._finer = finer

    @property
    def grid(self) -> Grid:
        """The grid half as fine."""
        return self._finer.grid.finer(0.5)

    def read(self, window: Window) -> Block:
        """Pixels of ``window``."""
        fine = self._finer.read(window.finer(2))
        values = block_mean(torch.from_numpy(fine.values)).numpy()
        return Block(values, block_mean(torch.from_numpy(fine.valid).to(torch.float32)).numpy() > 0)


class Cover:
    """The share of each input pixel that the reference shows: values in 0..1, valid where above 0."""

    def __init__(self, grid: Grid, finest: Reader, level: int) -> None:
        self._grid, self._finest, self._factor = grid, finest, 2**level

    @property
    def grid(self) -> Grid:
        """The input's."""
        return self._grid

    def read(self, window: Window) -> Block:
        """Pixels of ``window``."""
        fine = torch.from_numpy(self._finest.read(window.finer(self._factor)).valid)
        share = block_mean(fine.to(torch.float32), self._factor).numpy()
        return Block(share, share > 0)


def harmonised_levels(
    source: Reader,
    warped: Reader,
    sensor: SensorModel,
    model: ReferenceModel,
    *,
    device: torch.device,
    dtype: torch.dtype,
    budget: int,
) -> tuple[dict[int, Reader], Reader]:
    """The harmonised reference on every level's grid up to its own, coarsest first, and its `Cover`; all remember.

    ``budget``: bytes that the levels may hold together.
    """
    level = model.level
    plain = HarmonisedReference(warped, model, device=device, dtype=dtype)
    edges = EdgeCompletion(sensor, level)
    finest = Completed(source, plain, edges, level=level, device=device, dtype=dtype)
    # Blocks of all levels, and of the cover, are the same ground, so that each level holds the ground of the others
    share = budget * 3 // 4
    levels: dict[int, Reader] = {level: BlockCache(finest, budget=share)}
    for k in range(level - 1, 0, -1):
        share //= 4
        levels[k] = BlockCache(Halved(levels[k + 1]), budget=share, block=max(BLOCK >> (level - k), 1))
    cover = BlockCache(Cover(source.grid, levels[level], level), budget=_COVER_BYTES, block=max(BLOCK >> level, 1))
    return dict(sorted(levels.items())), cover
