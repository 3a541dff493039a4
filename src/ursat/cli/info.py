"""`ursat info`: what was understood of a file, and by which rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ursat.cli import options as o
from ursat.cli import parse, render
from ursat.cli.console import start_logging, stdout
from ursat.cli.flat import flat
from ursat.errors import InputError

if TYPE_CHECKING:
    from ursat.cli.render import Row
    from ursat.types import Band, SceneInfo


def info(
    file: o.AnyRaster,
    *,
    bands: o.Bands = None,
    mask: o.Mask = "auto",
    trusted: o.Trusted = False,
    allow_remote: o.AllowRemote = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = 0,
) -> None:
    """Print what ursat understands of FILE, and by which rule; for its own outputs also how they were made."""
    warnings = start_logging(-1 if quiet else verbose)
    from ursat.io.scene import open_scene

    with open_scene(
        file, bands=parse.names(bands or ()), mask=mask, trusted=trusted, allow_remote=allow_remote
    ) as scene:
        found = scene.info
    for text in found.warnings:
        warnings.warn(text)
    provenance = _provenance(file)
    if json:
        render.print_json({**_json_ready(found), "provenance": provenance})
        return
    render.print_rows(stdout, rows(found), title=found.path)
    render.print_rows(stdout, [(f"band {band.index}", _band(band, found)) for band in found.bands], title="bands")
    render.print_rows(stdout, found.rules, title="rules")
    if provenance is not None:
        render.print_rows(stdout, provenance_rows(provenance), title="made by ursat")


def _provenance(file: str) -> dict[str, Any] | None:
    path = Path(file)
    if not path.is_file():
        return None
    from ursat.io.provenance import read_provenance

    try:
        return read_provenance(path)
    except InputError:
        return None  # an ordinary raster


def _json_ready(found: SceneInfo) -> dict[str, Any]:
    out = found.to_json()
    nodata = found.encoding.nodata
    if nodata is not None and nodata != nodata:  # noqa: PLR0124  (NaN; JSON has none, gdalinfo writes it as text)
        out["encoding"]["nodata"] = "NaN"
    return out


def rows(found: SceneInfo) -> list[Row]:
    """The scene as labelled lines."""
    grid, encoding = found.grid, found.encoding
    nodata = "none" if encoding.nodata is None else render.number(encoding.nodata, 12)
    return [
        ("sensor", found.sensor),
        ("level", found.level or "unknown"),
        ("acquired", found.acquired or "unknown"),
        ("driver", found.driver),
        (
            "size",
            f"{render.pixels((grid.width, grid.height))}, {render.count(len(found.bands), 'band')} {encoding.dtype}",
        ),
        ("GSD", f"{render.number(found.gsd_m)} m"),
        ("CRS", _crs_name(grid.crs)),
        ("transform", ", ".join(f"{v:.15g}" for v in tuple(grid.transform)[:6])),
        ("nodata", nodata),
        ("value", _value(encoding.scales, encoding.offsets)),
    ]


def _value(scales: tuple[float, ...], offsets: tuple[float, ...]) -> str:
    if set(scales) == {1.0} and set(offsets) == {0.0}:
        return "as stored"
    return f"stored number x {render.numbers(scales, 9)}, plus {render.numbers(offsets, 9)}"


def _crs_name(crs: str) -> str:
    from pyproj import CRS

    parsed = CRS.from_user_input(crs)
    authority = parsed.to_authority()
    return f"{':'.join(authority)} {parsed.name}" if authority else parsed.name


def _band(band: Band, found: SceneInfo) -> str:
    where = found.bands.index(band)
    description = found.encoding.descriptions[where]
    parts = [
        band.common_name or "unnamed",
        band.native_name or "",
        f"{band.wavelength_um:.3f} um" if band.wavelength_um is not None else "",
        f"'{description}'" if description else "",
    ]
    return f"{' '.join(part for part in parts if part)} ({band.rule})"


def provenance_rows(provenance: dict[str, Any]) -> list[Row]:
    """What the file says of its making: one line per entry, nested ones as key=value."""
    return [(key, flat(value)) for key, value in provenance.items()]
