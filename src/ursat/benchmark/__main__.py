"""``python -m ursat.benchmark``: the protocol's table on the validation places, as markdown on stdout."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ursat.benchmark.baselines import BASELINES
from ursat.benchmark.evaluate import Method, run
from ursat.benchmark.observation import DEGRADATIONS, SCALES, TRACKS
from ursat.benchmark.places import load_places
from ursat.benchmark.scores import Cell
from ursat.benchmark.tool import Ursat, parse_options
from ursat.errors import UrsatError, UsageError

_ALL = ("ursat", *BASELINES)


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ursat.benchmark", description=__doc__)
    add = parser.add_argument
    add("--data", help="the data pack's folder (default: URSAT_DATA)")
    add("--scales", default=",".join(map(str, SCALES)), help="comma-separated (default: %(default)s)")
    add("--degradations", default=",".join(DEGRADATIONS), help="comma-separated (default: %(default)s)")
    add("--tracks", default=",".join(TRACKS), help="comma-separated (default: %(default)s)")
    add("--methods", default=",".join(_ALL), help="comma-separated (default: %(default)s)")
    add("--limit", type=int, help="at most so many images, dealt to the places in turn, besides the two large ones")
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
    add("--jobs", type=int, default=1, help="processes (default: %(default)s)")
    return parser


def _choose(asked: list[str], known: tuple[str, ...], option: str) -> list[str]:
    unknown = [word for word in asked if word not in known]
    if unknown or not asked:
        raise UsageError(
            f"{option}: no such thing as {', '.join(unknown) or 'nothing'}", hint="choose from " + ", ".join(known)
        )
    return asked


def _methods(names: list[str], variants: list[list[str]] | None, command_line: bool) -> dict[str, Method]:
    methods: dict[str, Method] = {}
    for name in _choose(names, _ALL, "--methods"):
        if name == "ursat":
            for words in variants or [[]]:
                tool = Ursat(parse_options(words), command_line)
                methods[tool.label] = tool
        else:
            methods[name] = BASELINES[name]
    return methods


def _report(done: int, total: int) -> None:
    if sys.stderr.isatty() or done == total or done % 10 == 0:
        sys.stderr.write(f"{done}/{total} images done\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the protocol; 0, or the exit code of what went wrong."""
    asked = _parser().parse_args(arguments)
    try:
        scales = _choose(_words(asked.scales), tuple(map(str, SCALES)), "--scales")
        degradations = _choose(_words(asked.degradations), DEGRADATIONS, "--degradations")
        tracks = _choose(_words(asked.tracks), TRACKS, "--tracks")
        cells = [Cell(int(s), d, t) for s in scales for d in degradations for t in tracks]
        methods = _methods(_words(asked.methods), asked.ursat_options, asked.cli)
        images = load_places(asked.data, limit=asked.limit)
        table = run(methods, cells, images, seed=asked.seed, cache=asked.cache, jobs=asked.jobs, progress=_report)
    except UrsatError as err:
        sys.stderr.write(f"error: {err.message}\n" + (f"hint: {err.hint}\n" if err.hint else ""))
        return err.exit_code
    sys.stdout.write(table.markdown())
    return 1 if table.failures else 0


if __name__ == "__main__":
    sys.exit(main())
