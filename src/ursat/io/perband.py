"""Products that keep each band in a file of its own: one grid, one data type, or a clear refusal."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.errors import InputError
from ursat.io.product import BandSource
from ursat.io.raster import grid_of, open_raster

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ursat.grid import Grid
    from ursat.types import Band


@dataclass(frozen=True, slots=True)
class BandFile:
    """The file of a band and what the product's metadata says about its numbers."""

    path: Path
    scale: float
    offset: float
    unit: str


def merge_bands(
    bands: Sequence[Band], files: Sequence[BandFile], *, nodata: float, where: str
) -> tuple[Grid, tuple[BandSource, ...]]:
    """Check that the files fit together.

    Returns:
        The common grid and one source a band, described by the band's own name.

    Raises:
        InputError: different grids or data types, with `--bands` as the way out; damaged files.
    """
    grids: dict[str, Grid] = {}
    dtypes: dict[str, str] = {}
    sources = []
    for band, file in zip(bands, files, strict=True):
        name = band.native_name or str(band.index)
        with closing(open_raster(file.path)) as dataset:
            grids[name] = grid_of(dataset, file.path)
            dtypes[name] = dataset.dtypes[0]
        sources.append(
            BandSource(
                path=file.path,
                index=1,
                dtype=dtypes[name],
                nodata=nodata,
                masked=False,
                scale=file.scale,
                offset=file.offset,
                unit=file.unit,
                description=name,
                colorinterp="undefined",
            )
        )
    _same(where, "grids", {name: f"{g.gsd_m:g} m, {g.width} x {g.height}" for name, g in grids.items()}, grids)
    _same(where, "data types", dtypes, dtypes)
    return next(iter(grids.values())), tuple(sources)


def _same(where: str, what: str, shown: dict[str, str], values: dict[str, Grid] | dict[str, str]) -> None:
    if len(set(values.values())) > 1:
        listed = "; ".join(f"{name}: {text}" for name, text in shown.items())
        raise InputError(
            f"{where}: the chosen bands have different {what} ({listed})", hint="choose bands of one grid with --bands"
        )
