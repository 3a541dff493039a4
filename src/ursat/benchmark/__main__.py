"""``python -m ursat.benchmark``: the protocol's tables on the validation places, as markdown on stdout."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from ursat.benchmark.baselines import BASELINES
from ursat.benchmark.ensemble import mean_of_samples
from ursat.benchmark.evaluate import Method, run
from ursat.benchmark.judge import METRICS
from ursat.benchmark.observation import DEGRADATIONS, SCALES, TRACKS
from ursat.benchmark.peers import RIVALS
from ursat.benchmark.places import load_places
from ursat.benchmark.scores import Cell, Table
from ursat.benchmark.tables import TREND, difference_table, figure_table, gain_table, psnr_table, trend_table
from ursat.benchmark.tool import Ursat, parse_options
from ursat.errors import UrsatError, UsageError
from ursat.openmp import wait_asleep

_ALL = ("ursat", *RIVALS)
_DEFAULT = ("ursat", *BASELINES)


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ursat.benchmark", description=__doc__)
    add = parser.add_argument
    add("--data", help="the data pack's folder (default: URSAT_DATA)")
    add("--scales", default=",".join(map(str, SCALES)), help="comma-separated (default: %(default)s)")
    add("--degradations", default=",".join(DEGRADATIONS), help="comma-separated (default: %(default)s)")
    add("--tracks", default=",".join(TRACKS), help="comma-separated (default: %(default)s)")
    add(
        "--methods",
        default=",".join(_DEFAULT),
        help="comma-separated; dat-light as well, which is slow and outside `best` (default: %(default)s)",
    )
    add(
        "--metrics",
        default="psnr",
        help=f"comma-separated, of {', '.join(METRICS)}: a second table when there is more than psnr "
        "(default: %(default)s; all are kept in the cache)",
    )
    add("--limit", type=int, help="at most so many images, dealt to the places in turn, besides the two large ones")
    add("--large", action="store_true", help="only the large images, at every scale: the same ground from x4 to x128")
    add(
        "--ensemble",
        type=int,
        metavar="N",
        help="instead of ursat itself: mode=faithful, one sample of mode=realistic, and the mean of N samples",
    )
    add(
        "--ursat-options",
        nargs="*",
        action="append",
        metavar="NAME=VALUE",
        help="options of upscale; repeat for several variants",
    )
    add("--cli", action="store_true", help="run the command line in a process of its own for each image")
    add("--seed", type=int, default=0, help="of noise, casts and wrong references (default: %(default)s)")
    add("--cache", type=Path, help="file of JSON lines: every score, and what is in it is not computed again")
    add("--jobs", type=int, default=1, help="processes, which share the cores (default: %(default)s)")
    return parser


def _choose(asked: list[str], known: tuple[str, ...], option: str) -> list[str]:
    unknown = [word for word in asked if word not in known]
    if unknown or not asked:
        raise UsageError(
            f"{option}: no such thing as {', '.join(unknown) or 'nothing'}", hint="choose from " + ", ".join(known)
        )
    return asked


def _methods(names: list[str], variants: list[list[str]], tool: Ursat, ensemble: int | None) -> dict[str, Method]:
    """The methods by label: ``tool`` stands for every variant of ursat's options."""
    methods: dict[str, Method] = {}
    for name in _choose(names, _ALL, "--methods"):
        if name in RIVALS:
            methods[name] = RIVALS[name]
            continue
        for words in variants:
            variant = replace(tool, options=parse_options(words))
            methods |= {variant.label: variant} if ensemble is None else mean_of_samples(variant, ensemble)
    return methods


def _tables(table: Table, metrics: list[str]) -> list[str]:
    shown = [psnr_table(table)]
    if metrics != ["psnr"]:
        shown.append(figure_table(table, metrics))
    if table.measured and set(table.methods) & set(BASELINES):
        shown.append(gain_table(table))
    if len(table.measured) > 1:
        shown.append(difference_table(table, metrics))
    if len({cell.scale for cell in table.cells}) > 1 and set(metrics) & set(TREND):
        shown.append(trend_table(table, metrics))
    return [lines for lines in shown if lines]


def _report(done: int, total: int) -> None:
    if sys.stderr.isatty() or done == total or done % 10 == 0:
        sys.stderr.write(f"{done}/{total} images done\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the protocol; 0, or the exit code of what went wrong."""
    asked = _parser().parse_args(arguments)
    wait_asleep()
    try:
        scales = _choose(_words(asked.scales), tuple(map(str, SCALES)), "--scales")
        degradations = _choose(_words(asked.degradations), DEGRADATIONS, "--degradations")
        tracks = _choose(_words(asked.tracks), TRACKS, "--tracks")
        cells = [Cell(int(s), d, t) for s in scales for d in degradations for t in tracks]
        metrics = _choose(_words(asked.metrics), tuple(METRICS), "--metrics")
        jobs = max(1, asked.jobs)
        tool = Ursat(command_line=asked.cli, threads=max(1, len(os.sched_getaffinity(0)) // jobs))
        methods = _methods(_words(asked.methods), asked.ursat_options or [[]], tool, asked.ensemble)
        images = load_places(asked.data, limit=asked.limit)
        if asked.large:
            images = tuple(replace(image, large=False) for image in images if image.large)
        table = run(methods, cells, images, seed=asked.seed, cache=asked.cache, jobs=jobs, progress=_report)
    except UrsatError as err:
        sys.stderr.write(f"error: {err.message}\n" + (f"hint: {err.hint}\n" if err.hint else ""))
        return err.exit_code
    sys.stdout.write("\n".join(_tables(table, metrics)))
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
