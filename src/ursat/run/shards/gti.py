"""GDAL's tile index (GTI, GDAL 3.9) for more shards than a VRT lists comfortably: an XML file and a vector layer.

GDAL 3.10 takes the layer's path as it stands, from the current folder, so it is written whole; locations inside the
layer are relative to it. A folder that has been moved wants its run repeated: nothing is made again but the index.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ursat.run.shards.vrt import TYPES, describe_band, overview_factors

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.grid import Grid, Window
    from ursat.types import Encoding

FROM_SHARDS = 16_384
_LOCATION = "location"


def can_index(grid: Grid) -> bool:
    """A tile index knows neither rotation nor south-up rows."""
    t = grid.transform
    return t.b == 0 and t.d == 0 and t.a > 0 > t.e


def footprints_text(grid: Grid, shards: list[tuple[str, Window]]) -> str:
    """GeoJSON (the form of 2008, in the output's own CRS): a rectangle a shard, with its path."""
    features = []
    for path, window in shards:
        t = grid.crop(window).transform
        left, top, right, bottom = t.c, t.f, t.c + window.width * t.a, t.f + window.height * t.e
        ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
        features.append(
            {
                "type": "Feature",
                "properties": {_LOCATION: path},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    return json.dumps({"type": "FeatureCollection", "features": features}) + "\n"


def gti_text(grid: Grid, encoding: Encoding, footprints: Path) -> str:
    """The index's XML; ``footprints``: the GeoJSON beside it."""
    t = grid.transform
    root = ET.Element("GDALTileIndexDataset")
    texts = {
        "IndexDataset": str(footprints.absolute()),
        "LocationField": _LOCATION,
        "SRS": grid.crs,
        "ResX": repr(t.a),
        "ResY": repr(-t.e),
        "MinX": repr(t.c),
        "MinY": repr(t.f + grid.height * t.e),
        "MaxX": repr(t.c + grid.width * t.a),
        "MaxY": repr(t.f),
        "DataType": TYPES[encoding.dtype],
        "BandCount": str(len(encoding.scales)),
    }
    for name, text in texts.items():
        if text:
            ET.SubElement(root, name).text = text
    for index in range(len(encoding.scales)):
        band = ET.SubElement(root, "Band", band=str(index + 1), dataType=TYPES[encoding.dtype])
        describe_band(band, encoding, index)
    for factor in overview_factors(grid):
        overview = ET.SubElement(root, "Overview")
        ET.SubElement(overview, "Factor").text = str(factor)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"
