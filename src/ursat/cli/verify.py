"""`ursat verify`: does an output keep its promises?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.cli import options as o
from ursat.cli import render
from ursat.cli.console import start_logging, stdout
from ursat.errors import VerifyError

if TYPE_CHECKING:
    from ursat.cli.render import Row
    from ursat.run.verify import VerifyReport


def verify(
    output: o.Verified,
    source: o.VerifyInput,
    allow_remote: o.AllowRemote = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = 0,
) -> None:
    """Check OUTPUT against the INPUT that it was made from: grid, bands, nodata, closure, COG layout, provenance.

    Ends with exit code 4 when a check fails.
    """
    start_logging(-1 if quiet else verbose)
    from ursat.run.verify import verify as run

    report = run(output, source, allow_remote=allow_remote)
    if json:
        render.print_json(report.to_json())
    else:
        render.print_rows(stdout, rows(report), title=f"{output} against {source}")
    if not report.ok:
        failed = [check.name for check in report.checks if not check.ok]
        advice = "is --input the very file that it was made from? If so, make the output again"
        if "provenance" in failed:
            advice = "name a file that `ursat upscale` wrote, as it wrote it: other programs drop its provenance"
        raise VerifyError(f"{output} does not hold: {', '.join(failed)}", hint=advice)


def rows(report: VerifyReport) -> list[Row]:
    """One line a check."""
    return [(check.name, f"{'ok' if check.ok else 'FAILED'}: {check.detail}") for check in report.checks]
