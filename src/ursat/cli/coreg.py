"""`ursat coreg`: where the reference lies relative to the input, and whether that is to be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.cli import options as o
from ursat.cli import parse, render
from ursat.cli.console import start_logging, stdout
from ursat.errors import QualityError

if TYPE_CHECKING:
    from ursat.cli.render import Row
    from ursat.run.report import CoregReport


def coreg(
    input: o.Input,  # noqa: A002  (the name of the argument in the help text)
    *,
    ref: o.RequiredRef,
    mode: o.Coreg = "auto",
    max_shift: o.MaxShift = 60.0,
    bands: o.Bands = None,
    ref_bands: o.RefBands = None,
    mask: o.Mask = "auto",
    trusted: o.Trusted = False,
    allow_remote: o.AllowRemote = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = 0,
) -> None:
    """Print the shift that moves the reference onto INPUT, and its reliability.

    Ends with exit code 4 when the result is not reliable.
    """
    warnings = start_logging(-1 if quiet else verbose)
    from ursat.run.coreg import coregister_files

    report = coregister_files(
        input,
        ref,
        mode=mode,
        max_shift=max_shift,
        bands=parse.names(bands or ()),
        ref_bands=parse.names(ref_bands or ()),
        mask=mask,
        trusted=trusted,
        allow_remote=allow_remote,
    )
    for text in report.warnings:
        warnings.warn(text)
    if json:
        render.print_json(report.to_json())
    else:
        render.print_rows(stdout, rows(report), title=f"{report.reference} onto {report.input}")
    if not report.reliable:
        raise QualityError(
            f"the shift of {report.reference} is not reliable: {report.reason}",
            hint="choose a reference with fewer clouds, closer in time or with more overlap, or widen --max-shift",
        )


def rows(report: CoregReport) -> list[Row]:
    """The result as labelled lines."""
    return [
        ("shift", f"{report.dx_m:+.2f} m east, {report.dy_m:+.2f} m north"),
        ("", f"{report.dcol:+.4f} px right, {report.drow:+.4f} px down (input pixels)"),
        ("reliable", f"{'yes' if report.reliable else 'no'}: {report.reason}"),
        ("reliability", f"{report.reliability:.2f} of 1"),
        ("windows", f"{report.inliers} of {report.windows} agree, scatter {render.number(report.residual_px, 3)} px"),
        ("mode", report.mode),
    ]
