"""What the readers of the several formats hand to `Scene`: where each band's pixels lie and what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ursat.types import Encoding

if TYPE_CHECKING:
    from ursat.grid import Grid
    from ursat.io.remote import Location
    from ursat.types import Band


_FARTHEST = 1e30  # from 1: beyond, values of 32-bit floats and their squares are lost


def usable_scale(scale: float, offset: float) -> bool:
    """Whether ``dn * scale + offset`` can be computed with: finite, not zero, and not absurdly small or large."""
    return 1 / _FARTHEST <= abs(scale) <= _FARTHEST and abs(offset) <= _FARTHEST


@dataclass(frozen=True, slots=True)
class BandSource:
    """One band in one file.

    index: 1-based band of the file. nodata: the stored number without meaning (None: none; may be NaN).
    masked: the file carries a mask band that applies. alpha: 1-based index of an alpha band that applies (0 is not
    valid). value = dn * scale + offset.
    """

    path: Location
    index: int
    dtype: str
    nodata: float | None
    masked: bool
    alpha: int | None = None
    scale: float = 1.0
    offset: float = 0.0
    unit: str | None = None
    description: str | None = None
    colorinterp: str = "undefined"


@dataclass(frozen=True, slots=True)
class MaskSource:
    """A raster that says where pixels are usable, on its own grid.

    rule: "qa_pixel" (Landsat Collection-2 bits), "scl" (Sentinel-2 scene classes) or "zero" (0 is usable).
    """

    path: Location
    index: int
    grid: Grid
    rule: str


@dataclass(frozen=True, slots=True)
class Product:
    """An understood input: its grid, bands, encodings, mask, and the rules that decided."""

    driver: str
    sensor: str
    level: str
    grid: Grid
    bands: tuple[Band, ...]
    sources: tuple[BandSource, ...]
    mask: MaskSource | None
    acquired: str | None
    rules: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = field(default_factory=tuple)
    trusted: bool = False

    @property
    def encoding(self) -> Encoding:
        """The encoding of the selected bands; the readers have made sure that dtype and nodata agree."""
        return Encoding(
            dtype=self.sources[0].dtype,
            nodata=self.sources[0].nodata,
            scales=tuple(s.scale for s in self.sources),
            offsets=tuple(s.offset for s in self.sources),
            units=tuple(s.unit for s in self.sources),
            descriptions=tuple(s.description for s in self.sources),
            colorinterp=tuple(s.colorinterp for s in self.sources),
        )
