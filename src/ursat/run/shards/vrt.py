"""A VRT that shows all shards as one image, with overviews made of theirs (GDAL's VRT driver, `OverviewList`)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from ursat.grid import Grid, Window
    from ursat.types import Encoding

TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "float32": "Float32", "float64": "Float64",
}  # fmt: skip
_LEAST_OVERVIEW = 512


def overview_factors(grid: Grid) -> list[int]:
    """Powers of two down to the first overview of at most 512 pixels a side."""
    factors = [2]
    while max(grid.shape) > _LEAST_OVERVIEW * factors[-1]:
        factors.append(2 * factors[-1])
    return factors


def vrt_text(grid: Grid, encoding: Encoding, shards: list[tuple[str, Window]], block: int) -> str:
    """The VRT's XML.

    Args:
        grid: of the mosaic.
        encoding: of every shard.
        shards: (path relative to the VRT, window on ``grid``); what no shard covers is nodata.
        block: side of the shards' blocks, so that GDAL need not open them to know.
    """
    root = ET.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    if grid.crs:
        ET.SubElement(root, "SRS").text = grid.crs
    ET.SubElement(root, "GeoTransform").text = ", ".join(repr(v) for v in grid.transform.to_gdal())
    metadata = ET.SubElement(root, "Metadata")
    ET.SubElement(metadata, "MDI", key="AREA_OR_POINT").text = "Area"
    resampling = "nearest" if "palette" in encoding.colorinterp else "average"
    ET.SubElement(root, "OverviewList", resampling=resampling).text = " ".join(map(str, overview_factors(grid)))
    for index in range(len(encoding.scales)):
        band = ET.SubElement(root, "VRTRasterBand", dataType=TYPES[encoding.dtype], band=str(index + 1))
        describe_band(band, encoding, index)
        for path, window in shards:
            _source(band, index + 1, path, window, block, TYPES[encoding.dtype])
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def describe_band(band: ET.Element, encoding: Encoding, index: int) -> None:
    """Description, unit, offset, scale, nodata and colour, under the names that GDAL's XML formats share."""
    texts = {
        "Description": encoding.descriptions[index],
        "UnitType": encoding.units[index],
        "Offset": repr(float(encoding.offsets[index])),
        "Scale": repr(float(encoding.scales[index])),
        "NoDataValue": None if encoding.nodata is None else repr(float(encoding.nodata)),
        "ColorInterp": encoding.colorinterp[index].title(),
    }
    for name, text in texts.items():
        if text:
            ET.SubElement(band, name).text = text


def _source(band: ET.Element, number: int, path: str, window: Window, block: int, dtype: str) -> None:
    source = ET.SubElement(band, "SimpleSource")
    ET.SubElement(source, "SourceFilename", relativeToVRT="1").text = path
    ET.SubElement(source, "SourceBand").text = str(number)
    width, height = str(window.width), str(window.height)
    ET.SubElement(
        source,
        "SourceProperties",
        RasterXSize=width,
        RasterYSize=height,
        DataType=dtype,
        BlockXSize=str(block),
        BlockYSize=str(block),
    )
    ET.SubElement(source, "SrcRect", xOff="0", yOff="0", xSize=width, ySize=height)
    ET.SubElement(source, "DstRect", xOff=str(window.col), yOff=str(window.row), xSize=width, ySize=height)
