"""Options that choose the model and what is drawn from it, and the arguments of `ursat models`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ursat.cli import parse

MODEL = "Model and detail"

Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="NAME|PATH",
        rich_help_panel=MODEL,
        help="What draws the detail: a name from `ursat models list`, or a .safetensors file of weights.",
    ),
]
Mode = Annotated[
    Literal["faithful", "realistic"] | None,
    typer.Option(
        "--mode",
        show_default=False,
        rich_help_panel=MODEL,
        help="faithful: the expected image, smooth where nothing is known; realistic: a plausible one, with texture. "
        "Default: the model's own.",
    ),
]
Fidelity = Annotated[
    float | None,
    typer.Option(
        "--fidelity",
        parser=parse.fidelity,
        metavar="0..1",
        show_default=False,
        rich_help_panel=MODEL,
        help="Anything between realistic (0) and faithful (1), instead of --mode.",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        parser=parse.steps,
        metavar="N|auto",
        show_default="auto",
        rich_help_panel=MODEL,
        help="Network evaluations of a sample after its mean's, 2 by default. The mean itself takes none.",
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(
        "--samples",
        min=2,
        metavar="N",
        show_default=False,
        rich_help_panel=MODEL,
        help="Also write OUT_spread.tif: the standard deviation of N samples of seeds SEED, SEED + 1 ...",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", min=0, rich_help_panel=MODEL, help="Of the noise that samples start from; same seed, same picture."
    ),
]

ModelNamed = Annotated[
    str, typer.Argument(metavar="NAME|PATH", show_default=False, help="A model's name, or a file of weights.")
]
ModelsNamed = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME|PATH]...", show_default=False, help="Names or files of weights. Default: all that ship."
    ),
]
