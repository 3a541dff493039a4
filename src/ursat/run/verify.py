"""`ursat verify`: does a file keep its promises? Only the file, its provenance and the input are asked."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ursat.errors import InputError, OutputError
from ursat.grid import ceil_scaled
from ursat.io.provenance import read_provenance
from ursat.io.scene import open_scene
from ursat.io.written import open_written
from ursat.run.recorded import RecordedRun, recorded_run
from ursat.run.verify_pixels import PixelCheck, PixelFindings
from ursat.run.verify_report import BandClosure, Check, VerifyReport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ursat.grid import Grid, Window
    from ursat.io.scene import Scene
    from ursat.io.written import WrittenFile
    from ursat.types import Encoding

__all__ = ["BandClosure", "Check", "VerifyReport", "verify"]

_NOISE_FACTOR = 1.2  # `--closure auto`: the residual's RMSE against the recorded noise
_SLACK = 1e-4  # the provenance keeps six digits
_COUNTED = 3  # problems listed in one line


def verify(
    output: str,
    input: str,  # noqa: A002
    *,
    window_from_provenance: bool = True,
    allow_remote: bool = False,
) -> VerifyReport:
    """Check an output of `ursat upscale` against the input that it was made from.

    The checks: provenance complete; the input is the recorded one; grid exact; bands, dtype, nodata, scale, offset,
    units and descriptions kept; nodata exactly where the input has none; closure, by applying the recorded sensor
    operator to the stored numbers; the layout of a COG.

    Args:
        output: a file that ursat wrote.
        input: a file, scene folder or '-', as for `ursat upscale`.
        allow_remote: the input may be a file on a server.
        window_from_provenance: compare with the part of the input that the provenance names; False: with all of it.

    Raises:
        InputError: either of the two cannot be opened.
    """
    with ExitStack() as stack:
        path, written = stack.enter_context(open_written(output))
        run, provenance = _provenance(path)
        if not window_from_provenance:
            run = replace(run, window=None)
        scene = stack.enter_context(open_scene(input, bands=run.bands, mask=_mask(run), allow_remote=allow_remote))
        region = run.window or scene.grid.window
        grid = _grid(written.grid, scene.grid, region, run)
        bands = _bands(written.encoding, scene.info.encoding, run)
        findings = None
        if grid.ok and len(written.encoding.scales) == len(scene.info.encoding.scales):
            try:
                findings = _read(written, scene, region, run)
            except OutputError as error:
                bands = Check("bands", ok=False, detail=error.message)
        judged, cog = written.cog_problems()
        closure = _closure(findings, run)
        return VerifyReport(
            output=output,
            input=input,
            checks=(
                provenance,
                _same_input(scene, run),
                grid,
                bands,
                _nodata(findings, run),
                _closure_check(closure, run),
                Check("cog", ok=not cog, detail=f"judged by {judged}: {_listed(cog) or 'valid'}"),
            ),
            closure_mode=run.mode,
            closure=closure,
            infeasible=run.infeasible,
        )


def _provenance(path: Path) -> tuple[RecordedRun, Check]:
    try:
        facts = read_provenance(path)
    except InputError as error:
        return RecordedRun(), Check("provenance", ok=False, detail=error.message)
    run = recorded_run(facts)
    if run.problems:
        return run, Check("provenance", ok=False, detail=_listed(run.problems))
    name = facts["model"]["name"]
    return run, Check("provenance", ok=True, detail=f"ursat {facts['ursat']}, model {name}, x{run.scale:g}")


def _mask(run: RecordedRun) -> str:
    return run.mask if run.mask in {"auto", "none"} else "auto"


def _same_input(scene: Scene, run: RecordedRun) -> Check:
    if run.input_sha256 is None:
        return Check("input", ok=False, detail="the provenance does not name it")
    if run.mask not in {"auto", "none"}:
        return Check("input", ok=True, detail="not compared: the run read a --mask file, too")
    if scene.fingerprint() == run.input_sha256:
        return Check("input", ok=True, detail=f"sha256 {run.input_sha256[:12]}")
    if scene.copy_of(run.input_sha256):
        return Check("input", ok=True, detail=f"sha256 {run.input_sha256[:12]}, as a server's file was known by")
    return Check("input", ok=False, detail="not the input that the provenance names")


def _grid(found: Grid, source: Grid, region: Window, run: RecordedRun) -> Check:
    """The corner and the six numbers: T_in (cropped) * Affine.scale(1/K) exactly; size ceil(K n); the same CRS."""
    if run.scale is None:
        return Check("grid", ok=False, detail="not comparable: the provenance does not tell the scale")
    if not source.window.contains(region):
        return Check("grid", ok=False, detail="the recorded window reaches outside this input")
    expected = source.crop(region).finer(run.scale)
    height = min(expected.height, ceil_scaled(source.height, run.scale) - round(region.row * run.scale))
    width = min(expected.width, ceil_scaled(source.width, run.scale) - round(region.col * run.scale))
    if found.shape != (height, width):
        detail = f"{found.width} x {found.height} pixels instead of {width} x {height}"
        return Check("grid", ok=False, detail=detail)
    if tuple(found.transform) != tuple(expected.transform):
        ours, theirs = (tuple(grid.transform)[:6] for grid in (found, expected))
        return Check("grid", ok=False, detail=f"transform {ours} instead of {theirs}")
    if not _same_crs(found.crs, source.crs):
        return Check("grid", ok=False, detail="another CRS than the input's")
    return Check("grid", ok=True, detail=f"{width} x {height} pixels, transform exactly the input's over {run.scale:g}")


def _same_crs(found: str, expected: str) -> bool:
    if found == expected:
        return True
    from pyproj import CRS  # noqa: PLC0415  (only where the texts differ)

    return bool(found) and bool(expected) and CRS.from_wkt(found) == CRS.from_wkt(expected)


def _bands(found: Encoding, source: Encoding, run: RecordedRun) -> Check:
    if len(found.scales) != len(source.scales):
        detail = f"{len(found.scales)} bands, the input has {len(source.scales)}"
        return Check("bands", ok=False, detail=detail)
    wrong = list(_differences(found, source, run))
    if wrong:
        return Check("bands", ok=False, detail=_listed(wrong))
    return Check("bands", ok=True, detail=f"{len(found.scales)} x {found.dtype}, encoded as in the input")


def _differences(found: Encoding, source: Encoding, run: RecordedRun) -> Iterator[str]:
    dtype = run.dtype or source.dtype
    if found.dtype != dtype:
        yield f"dtype {found.dtype} instead of {dtype}"
    wanted = source.nodata if run.nodata is None else run.nodata
    if run.nodata_dropped:
        wanted = None
    # an input that marks its gaps by a mask alone has no nodata value to keep
    if wanted is not None and not (found.nodata is not None and _equal(found.nodata, wanted)):
        yield f"nodata {found.nodata} instead of {wanted:g}"
    for name in ("scales", "offsets", "units", "descriptions"):
        ours, theirs = getattr(found, name), getattr(source, name)
        if tuple(v or None for v in ours) != tuple(v or None for v in theirs):
            yield f"{name} {ours} instead of {theirs}"
    # a TIFF cannot tell grey from undefined in every place
    if [_colour(c) for c in found.colorinterp] != [_colour(c) for c in source.colorinterp]:
        yield f"colour interpretation {found.colorinterp} instead of {source.colorinterp}"


def _colour(name: str) -> str:
    return "undefined" if name == "gray" else name


def _equal(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def _read(written: WrittenFile, scene: Scene, region: Window, run: RecordedRun) -> PixelFindings:
    bands = len(written.encoding.scales)
    return PixelCheck(
        written,
        written.grid.shape,
        scene,
        scene.info.encoding,
        region,
        scale=run.scale or 1.0,
        taps=run.taps or (0.5, 0.5),
        tolerance_dn=_tolerance(written.encoding, run, bands),
    ).run()


def _tolerance(encoding: Encoding, run: RecordedRun, bands: int) -> tuple[float, ...]:
    """1 DN for whole numbers, whatever the provenance says; for floats what it recorded of the band's size."""
    if np.dtype(encoding.dtype).kind in "iu":
        return (1.0,) * bands
    if run.tolerance_dn is None or len(run.tolerance_dn) != bands:
        return (0.0,) * bands
    return run.tolerance_dn


def _nodata(findings: PixelFindings | None, run: RecordedRun) -> Check:
    if findings is None:
        return Check("nodata", ok=False, detail="not comparable")
    lost = 0 if run.aoi else findings.lost
    if findings.leaked or lost:
        detail = f"{findings.leaked} values where the input has none, {lost} missing where it has one"
        return Check("nodata", ok=False, detail=f"{detail}; first at (row, column) {findings.first}")
    where = "inside the recorded polygon's pixels at most" if run.aoi else "exactly where the input has values"
    return Check("nodata", ok=True, detail=f"values {where}")


def _closure(findings: PixelFindings | None, run: RecordedRun) -> tuple[BandClosure, ...]:
    if findings is None or run.taps is None or run.mode is None:
        return ()
    bands = len(findings.max_dn)
    noise = run.noise_dn if run.noise_dn is not None and len(run.noise_dn) == bands else (0.0,) * bands
    tolerances = findings.tolerance_dn
    limits = {
        "exact": tolerances,
        "auto": tuple(max(_NOISE_FACTOR * n, t) for n, t in zip(noise, tolerances, strict=True)),
        "off": (math.inf,) * bands,
    }[run.mode]
    return tuple(
        BandClosure(*values)
        for values in zip(
            findings.max_dn, findings.rmse_dn, tolerances, limits, findings.pixels, findings.over, strict=True
        )
    )


def _closure_check(closure: tuple[BandClosure, ...], run: RecordedRun) -> Check:
    if not closure:
        return Check("closure", ok=False, detail="not comparable")
    pixels, over = sum(band.pixels for band in closure), sum(band.over for band in closure)
    worst = max(band.max_dn for band in closure)
    rmse = ", ".join(f"{band.rmse_dn:.4g}" for band in closure)
    if run.mode == "exact":
        detail = f"exact: largest residual {worst:.4g} DN over {pixels} values, RMSE {rmse}"
        if over or run.infeasible:
            detail += f"; {over} above the tolerance, {run.infeasible} recorded as infeasible"
        return Check("closure", ok=over <= run.infeasible, detail=detail)
    if run.mode == "auto":
        limits = ", ".join(f"{band.limit_dn:.4g}" for band in closure)
        good = all(band.rmse_dn <= band.limit_dn * (1 + _SLACK) for band in closure)
        return Check("closure", ok=good, detail=f"auto: RMSE {rmse} DN, at most {limits} by the input's noise")
    return Check("closure", ok=True, detail=f"off: RMSE {rmse} DN, largest {worst:.4g}; not judged")


def _listed(problems: tuple[str, ...] | list[str]) -> str:
    shown = "; ".join(problems[:_COUNTED])
    return shown if len(problems) <= _COUNTED else f"{shown}; and {len(problems) - _COUNTED} more"
