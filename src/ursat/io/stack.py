"""GDAL's view of selected bands as one dataset: what a warp reads.

The bands, perhaps of several files, become one virtual dataset of floats in which everything invalid (nodata, the
file's mask) is NaN. ursat writes this description itself, in memory, and only names files that it has checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from ursat.io.remote import gdal_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ursat.grid import Grid
    from ursat.io.product import BandSource, MaskSource

_GDAL_TYPES = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}


def image_stack(grid: Grid, sources: Sequence[BandSource], work_dtype: str) -> str:
    """A VRT of ``sources`` with stored numbers as ``work_dtype``, NaN where the file says "no observation".

    GDAL compares with nodata to about seven digits here: 32-bit integers and doubles that close to it count as nodata.
    """
    parts = []
    for source in sources:
        inner = "<UseMaskBand>true</UseMaskBand>" if source.masked else ""
        if source.nodata is not None:
            inner += f"<NODATA>{source.nodata!r}</NODATA>"
        if source.alpha is not None:
            inner = f"<UseMaskBand>true</UseMaskBand>{inner}"
            parts.append(_source(grid, _with_alpha(grid, source), 1, inner))
        else:
            parts.append(_source(grid, gdal_name(source.path), source.index, inner))
    return _dataset(grid, parts, _GDAL_TYPES[work_dtype], "<NoDataValue>nan</NoDataValue>")


def _with_alpha(grid: Grid, source: BandSource) -> str:
    """The band with the alpha band as its mask: GDAL itself takes alpha for a mask in files of 2 or 4 bands only."""
    path = gdal_name(source.path)
    mask = _band("Byte", _source(grid, path, source.alpha or 0, ""))
    gdal_type = _GDAL_TYPES[source.dtype]
    return _dataset(grid, [_source(grid, path, source.index, "")], gdal_type, "", f"<MaskBand>{mask}</MaskBand>")


def mask_stack(mask: MaskSource) -> str:
    """A VRT of a mask's raw numbers as float32, without any nodata: outside of the file it reads as 0."""
    return _dataset(mask.grid, [_source(mask.grid, gdal_name(mask.path), mask.index, "")], "Float32", "")


def _source(grid: Grid, path: str, index: int, inner: str) -> str:
    extent = f'xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"'
    return (
        f'<ComplexSource><SourceFilename relativeToVRT="0">{escape(path)}</SourceFilename>'
        f"<SourceBand>{index}</SourceBand><SrcRect {extent}/><DstRect {extent}/>{inner}</ComplexSource>"
    )


def _band(gdal_type: str, content: str) -> str:
    return f'<VRTRasterBand dataType="{gdal_type}">{content}</VRTRasterBand>'


def _dataset(grid: Grid, sources: Sequence[str], gdal_type: str, head: str, tail: str = "") -> str:
    transform = ", ".join(repr(float(v)) for v in grid.transform.to_gdal())
    bands = "".join(_band(gdal_type, head + source) for source in sources)
    return (
        f'<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">'
        f"<GeoTransform>{transform}</GeoTransform>{bands}{tail}</VRTDataset>"
    )
