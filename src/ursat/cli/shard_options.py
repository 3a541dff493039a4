"""Options for outputs in shards: how they are cut, who makes the pieces, and the commands on their folders."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import typer

from ursat.cli import parse
from ursat.errors import UsageError

TIMEOUT = "30m"
_shards = partial(typer.Option, rich_help_panel="Large outputs")


def part(text: object) -> tuple[int, int]:
    """'3/16' -> (3, 16): the fourth of sixteen parts.

    Raises:
        UsageError: anything else.
    """
    number, _, count = str(text).partition("/")
    if not (number.isdecimal() and count.isdecimal() and int(number) < int(count)):
        raise UsageError(f"--shard {text!r} is not a part such as 0/16", hint="parts count from 0: 0/16 ... 15/16")
    return int(number), int(count)


ShardSize = Annotated[
    int | None,
    _shards(
        "--shard-size",
        min=0,
        metavar="PX",
        show_default="8192, from 2^30 pixels on",
        help="Cut outputs that are longer than this on a side into shards of it, in a folder; 0 writes one file.",
    ),
]
Executor = Annotated[
    Literal["local", "dask"],
    _shards("--executor", help="Who makes shards: this process, or dask workers (pip install 'ursat[dask]')."),
]
Scheduler = Annotated[
    str | None,
    _shards(
        "--scheduler",
        metavar="ADDRESS",
        help="A running dask scheduler, such as tcp://host:8786. Default: a cluster on this machine.",
    ),
]
Workers = Annotated[
    int, _shards("--workers", min=0, metavar="N", show_default="2", help="Processes of dask's cluster on this machine.")
]
ShardTimeout = Annotated[
    Any,
    _shards(
        "--shard-timeout",
        parser=parse.duration,
        metavar="TIME",
        show_default="30m",
        help="End a process that has finished nothing of its shard for this long; after three, the shard has failed.",
    ),
]
Resume = Annotated[
    bool, _shards("--resume/--no-resume", help="Go on with the shards that are there, or refuse to (exit code 5).")
]
PlanOnly = Annotated[
    bool, _shards("--plan-only", help="Measure the scene, write plan.json for `ursat run-shard`, and stop.")
]
LogFormat = Annotated[
    Literal["text", "json"],
    typer.Option(
        "--log-format", rich_help_panel="Messages", help="Messages and progress on stderr as text, or as JSON lines."
    ),
]

PlanFile = Annotated[
    str, typer.Argument(metavar="PLAN", help="The plan.json of a run in shards, or the folder that holds it.")
]
Part = Annotated[
    Any,
    typer.Option(
        "--shard",
        parser=part,
        metavar="I/N",
        help="Make every N-th shard, beginning with number I (from 0): one job of an array of N.",
    ),
]
Folder = Annotated[str, typer.Argument(metavar="DIR", help="The folder of a run in shards.")]
MergeOutput = Annotated[str, typer.Option("--output", "-o", metavar="OUT", help="The COG to write.")]
