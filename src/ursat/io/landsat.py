"""Landsat-8/9 Collection-2 scenes, Level 1 and 2: a folder of one file per band and its MTL metadata."""

from __future__ import annotations

import math
import re
from contextlib import closing
from typing import TYPE_CHECKING

from ursat.errors import InputError
from ursat.io.bands import select_bands
from ursat.io.geotiff import SIDECAR_RULE
from ursat.io.mtl import Metadata, read_metadata
from ursat.io.perband import BandFile, merge_bands
from ursat.io.product import MaskSource, Product, usable_scale
from ursat.io.raster import grid_of, open_raster
from ursat.io.sensors import LANDSAT
from ursat.io.tree import inside
from ursat.types import Band

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST_NAME = 255  # bytes, on the file systems that people use
_METADATA_NAME = re.compile(r"_MTL\.(txt|json|xml)$", re.IGNORECASE)
_DEFAULT = tuple(f"B{n}" for n in range(1, 8))
_THERMAL = ("B10", "B11")
_L1, _L2 = "LEVEL1_RADIOMETRIC_RESCALING", "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"


def is_metadata_name(name: str) -> bool:
    """True for ``*_MTL.txt``, ``.json`` and ``.xml``."""
    return _METADATA_NAME.search(name) is not None


def metadata_file(folder: Path) -> Path | None:
    """The folder's MTL file, text before JSON before XML; None when there is none."""
    found = [path for path in sorted(folder.iterdir()) if is_metadata_name(path.name) and path.is_file()]
    if len({_METADATA_NAME.sub("", path.name) for path in found}) > 1:
        raise InputError(
            f"{folder}: holds several Landsat scenes ({', '.join(p.name for p in found[:4])})",
            hint="name the MTL file of one of them",
        )
    return min(found, key=lambda path: (".txt", ".json", ".xml").index(path.suffix.lower()), default=None)


def read_landsat(path: Path, *, bands: Sequence[str] = (), trusted: bool = False) -> Product:
    """Understand a scene.

    Reflectance is ``DN * MULT + ADD`` with the coefficients of the metadata (Level 2: surface reflectance; Level 1:
    top of the atmosphere, further divided by sin(SUN_ELEVATION); USGS LSDS-1574, section 5). DN 0 is fill.

    Args:
        path: the folder or its MTL file.
        bands: the entries of ``--bands``; by default the bands B1 to B7 that are there.
        trusted: follow links that leave the folder.

    Raises:
        InputError: metadata or band files missing or damaged, another collection or sensor, bands on different grids.
    """
    file = metadata_file(path) if path.is_dir() else path
    if file is None:
        raise InputError(
            f"{path}: no *_MTL.txt, .json or .xml in the folder", hint="download the scene's metadata file"
        )
    metadata = read_metadata(file)
    level = metadata.get("PRODUCT_CONTENTS", "PROCESSING_LEVEL") or ""
    number = (metadata.get("IMAGE_ATTRIBUTES", "SPACECRAFT_ID") or "").rpartition("_")[2]
    if number not in {"8", "9"} or level not in {"L1TP", "L1GT", "L1GS", "L2SP", "L2SR"}:
        raise InputError(
            f"{file}: spacecraft {number or 'unknown'}, level {level or 'unknown'}; only Levels 1 and 2 of "
            "Landsat-8 and -9 are understood",
            hint="stack the bands into a GeoTIFF with band descriptions and scales",
        )
    sensor = f"landsat-{number}"
    present = _band_files(metadata, file.parent, trusted=trusted)
    chosen, missing = _choose(present, bands, sensor, file)
    surface = level.startswith("L2")
    sine = 1.0 if surface else _sun_sine(metadata)
    files = [
        BandFile(present[b.native_name or ""], *_coefficients(metadata, b.native_name or "", sine, surface=surface))
        for b in chosen
    ]
    for band, listed in zip(chosen, files, strict=True):
        if not usable_scale(listed.scale, listed.offset):
            raise InputError(
                f"{file}: band {band.native_name} has scale {listed.scale:g} and offset {listed.offset:g}",
                hint="download the metadata file again",
            )
    grid, sources = merge_bands(chosen, files, nodata=0.0, where=str(path))
    rules = [
        ("sensor", f"SPACECRAFT_ID in {file.name}"),
        ("bands", f"files named by {file.name}" + (f"; not there: {', '.join(missing)}" if missing else "")),
        ("scale/offset", _scale_rule(surface=surface, sine=sine)),
        ("nodata", "0 is fill in Landsat Collection 2"),
    ]
    mask = _quality(metadata, file.parent, trusted=trusted)
    if mask is not None:
        rules.append(("mask", "QA_PIXEL: fill, dilated cloud, cirrus, cloud and cloud shadow are not usable"))
    date, time = (metadata.get("IMAGE_ATTRIBUTES", key) for key in ("DATE_ACQUIRED", "SCENE_CENTER_TIME"))
    return Product(
        driver="GTiff",
        sensor=sensor,
        level=level,
        grid=grid,
        bands=chosen,
        sources=sources,
        mask=mask,
        acquired=f"{date}T{time}" if date and time else date,
        rules=(*rules, SIDECAR_RULE),
        warnings=() if mask is not None else ("the scene's QA_PIXEL file is missing: clouds are not known",),
    )


def _band_files(metadata: Metadata, folder: Path, *, trusted: bool) -> dict[str, Path]:
    """Native name -> existing file, by the names that the metadata lists; only bare file names count."""
    found: dict[str, Path] = {}
    for band in LANDSAT:
        number = band.native[1:]
        keys = (f"FILE_NAME_BAND_ST_B{number}",) if band.native in _THERMAL else ()
        for key in (f"FILE_NAME_BAND_{number}", *keys):
            file = _listed(metadata, folder, key, trusted=trusted)
            if file is not None:
                found[band.native] = file
    return found


def _listed(metadata: Metadata, folder: Path, key: str, *, trusted: bool) -> Path | None:
    """The file that the metadata names, where it lies in the folder: by a bare name, nothing that leads elsewhere."""
    name = metadata.get("PRODUCT_CONTENTS", key)
    if not name or "/" in name or "\x00" in name or len(name.encode(errors="replace")) > LONGEST_NAME:
        return None
    file = folder / name
    if not file.is_file():
        return None
    return file if trusted else inside(file, folder)


def _choose(
    present: dict[str, Path], wanted: Sequence[str], sensor: str, file: Path
) -> tuple[tuple[Band, ...], list[str]]:
    """The bands to read, and the default ones that are not there."""
    named = [
        Band(i, b.common, b.native, b.wavelength_um, f"file {present[b.native].name}")
        for i, b in enumerate(LANDSAT, 1)
        if b.native in present
    ]
    if not named:
        raise InputError(
            f"{file}: none of the band files that it lists lies beside it", hint="keep the scene's files in one folder"
        )
    if wanted:
        chosen = select_bands(wanted, named, [b.native_name for b in named], sensor, str(file), renaming=False)
        return chosen, []
    default = tuple(b for b in named if b.native_name in _DEFAULT)
    if not default:
        raise InputError(
            f"{file}: none of the bands B1 to B7 lies beside it, only {', '.join(present)}",
            hint="choose with --bands, for example --bands B8",
        )
    return default, [native for native in _DEFAULT if native not in present]


def _sun_sine(metadata: Metadata) -> float:
    elevation = metadata.number("IMAGE_ATTRIBUTES", "SUN_ELEVATION")
    if not 0 < elevation <= 90:
        raise InputError(
            f"{metadata.path}: SUN_ELEVATION is {elevation}, no top-of-atmosphere reflectance at night",
            hint="use a daytime scene",
        )
    return math.sin(math.radians(elevation))


def _coefficients(metadata: Metadata, native: str, sine: float, *, surface: bool) -> tuple[float, float, str]:
    """(scale, offset, unit) of a band."""
    number = native[1:]
    if native in _THERMAL:
        if surface:
            group = "LEVEL2_SURFACE_TEMPERATURE_PARAMETERS"
            mult, add = (metadata.number(group, f"TEMPERATURE_{kind}_BAND_ST_{native}") for kind in ("MULT", "ADD"))
            return mult, add, "kelvin"
        mult, add = (metadata.number(_L1, f"RADIANCE_{kind}_BAND_{number}") for kind in ("MULT", "ADD"))
        return mult, add, "W/(m2 sr um)"
    mult, add = (
        metadata.number(_L2 if surface else _L1, f"REFLECTANCE_{kind}_BAND_{number}") for kind in ("MULT", "ADD")
    )
    return mult / sine, add / sine, "reflectance"


def _scale_rule(*, surface: bool, sine: float) -> str:
    if surface:
        return "REFLECTANCE_MULT/ADD of LEVEL2_SURFACE_REFLECTANCE_PARAMETERS: surface reflectance"
    return (
        "REFLECTANCE_MULT/ADD of LEVEL1_RADIOMETRIC_RESCALING, divided by sin(SUN_ELEVATION) = "
        f"{sine:.4f}: top-of-atmosphere reflectance"
    )


def _quality(metadata: Metadata, folder: Path, *, trusted: bool) -> MaskSource | None:
    file = _listed(metadata, folder, "FILE_NAME_QUALITY_L1_PIXEL", trusted=trusted)
    if file is None:
        return None
    with closing(open_raster(file)) as dataset:
        return MaskSource(file, 1, grid_of(dataset, file), "qa_pixel")
