"""What MTD_MSIL1C.xml and MTD_MSIL2A.xml say: satellite, level, date, and how numbers become reflectance.

Since processing baseline 04.00 numbers are shifted by -ADD_OFFSET (+1000) so that dark pixels stay positive. The
metadata's own offsets decide; where they are absent, the baseline does, and never the date: old acquisitions are
reprocessed with new baselines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ursat.errors import InputError
from ursat.io.safexml import find_all, parse_xml, text_of
from ursat.io.sensors import SENTINEL2

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from xml.etree.ElementTree import Element

BASELINE_WITH_OFFSET = (4, 0)
BASELINE_OFFSET = -1000.0
LEAST_QUANTIFICATION = 1e-6  # real ones are 10000; far below, reflectances would overflow
MOST = 1e9  # of numbers about 16-bit pixels; far beyond, squares of reflectances are lost


@dataclass(frozen=True, slots=True)
class Metadata:
    """offsets: native band name -> ADD_OFFSET in DN; ``default_offset`` for bands that are not listed."""

    sensor: str
    level: str
    acquired: str | None
    quantification: float
    offsets: Mapping[str, float]
    default_offset: float
    rule: str

    def offset(self, native: str) -> float:
        """ADD_OFFSET of a band, in DN."""
        return self.offsets.get(native, self.default_offset)


def read_metadata(path: Path) -> Metadata:
    """Read a product's metadata file.

    Raises:
        InputError: damaged, of another level, or without quantification value.
    """
    root = parse_xml(path)
    level = (text_of(root, "PROCESSING_LEVEL") or "").replace("Level-", "L").replace("-", "")
    if level not in {"L1C", "L2A"}:
        raise InputError(
            f"{path}: processing level {level or 'missing'}: only L1C and L2A are understood",
            hint="download the Level-1C or Level-2A product",
        )
    surface = level == "L2A"
    names = ("BOA_QUANTIFICATION_VALUE", "BOA_ADD_OFFSET") if surface else ("QUANTIFICATION_VALUE", "RADIO_ADD_OFFSET")
    quantification = _number(path, names[0], text_of(root, names[0]))
    if quantification < LEAST_QUANTIFICATION:
        raise InputError(f"{path}: {names[0]} is {quantification:g}", hint="download the product again")
    offsets = _offsets(root, names[1], path)
    baseline = text_of(root, "PROCESSING_BASELINE")
    default, why = _default_offset(offsets, names[1], baseline, path)
    craft = (text_of(root, "SPACECRAFT_NAME") or "").lower()
    return Metadata(
        sensor=craft if craft in {"sentinel-2a", "sentinel-2b", "sentinel-2c"} else "sentinel-2",
        level=level,
        acquired=text_of(root, "DATATAKE_SENSING_START") or text_of(root, "PRODUCT_START_TIME"),
        quantification=quantification,
        offsets=offsets,
        default_offset=default,
        rule=f"(DN + ADD_OFFSET) / {names[0]} {quantification:g}; {why}",
    )


def _offsets(root: Element, name: str, path: Path) -> dict[str, float]:
    """``band_id`` counts B01 .. B08, B8A, B09 .. B12 from 0."""
    found: dict[str, float] = {}
    for element in find_all(root, name):
        band = element.get("band_id", "")
        if band.isdecimal() and int(band) < len(SENTINEL2):
            found[SENTINEL2[int(band)].native] = _number(path, name, element.text)
    return found


def _default_offset(offsets: dict[str, float], name: str, baseline: str | None, path: Path) -> tuple[float, str]:
    if offsets:
        values = sorted(set(offsets.values()))
        return values[0], f"{name} from the metadata: {', '.join(f'{v:g}' for v in values)}"
    try:
        version = tuple(int(part) for part in (baseline or "").split("."))
    except ValueError:
        version = ()
    if not version:
        raise InputError(
            f"{path}: neither {name} nor PROCESSING_BASELINE: the radiometric offset cannot be known",
            hint="download the product again",
        )
    offset = BASELINE_OFFSET if version >= BASELINE_WITH_OFFSET else 0.0
    return offset, f"ADD_OFFSET {offset:g} by processing baseline {baseline}"


def _number(path: Path, name: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not abs(value) <= MOST:
        raise InputError(f"{path}: {name} is {text or 'missing'}", hint="download the product again")
    return value
