"""Options that choose the model and what is drawn from it, and the arguments of `ursat models`."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import typer

from ursat.cli import parse

_model = partial(typer.Option, rich_help_panel="Model and detail")

Model = Annotated[
    str,
    _model(
        "--model",
        metavar="NAME|PATH",
        help="What draws the detail: a name from `ursat models list`, or a .safetensors file of weights.",
    ),
]
Mode = Annotated[
    Literal["faithful", "realistic"] | None,
    _model(
        "--mode",
        help="faithful: the expected image, smooth where nothing is known; realistic: a plausible one, with texture. "
        "Default: the model's own.",
    ),
]
Fidelity = Annotated[
    float | None,
    _model(
        "--fidelity",
        parser=parse.fidelity,
        metavar="0..1",
        help="Anything between realistic (0) and faithful (1), instead of --mode.",
    ),
]
Steps = Annotated[
    int | None,
    _model(
        "--steps",
        parser=parse.steps,
        metavar="N|auto",
        show_default="auto",
        help="Network evaluations of a sample, after the one for its mean; wavediffur and csp-wavediffur: of the "
        "diffusion. --mode faithful needs none of them.",
    ),
]
Samples = Annotated[
    int | None,
    _model(
        "--samples",
        min=2,
        metavar="N",
        help="Also write OUT_spread.tif: the standard deviation of N samples of seeds SEED, SEED + 1 ...",
    ),
]
Sr = Annotated[
    str | None,
    _model(
        "--sr",
        metavar="NAME|PATH",
        help="The SR module of the model wavediffur: bicubic, dat-light, a model of ursat's; or a file of weights: "
        ".onnx, or a .pth or .safetensors that spandrel knows. Default: core-xs.",
    ),
]
OneStep = Annotated[
    bool,
    _model(
        "--one-step",
        help="wavediffur and csp-wavediffur: all of the scale in one enlargement, instead of a cascade of doublings.",
    ),
]
SamplerOption = Annotated[
    Literal["ddim", "ddpm", "dpm++"] | None,
    _model("--sampler", help="wavediffur and csp-wavediffur: how the low-frequency band is drawn. Default: ddim."),
]
Start = Annotated[
    float | None,
    _model(
        "--start",
        parser=parse.share,
        metavar="0..1",
        show_default="0.4",
        help="wavediffur and csp-wavediffur: where the diffusion begins; 1 is noise alone, below 1 a noised estimate.",
    ),
]
Csp = Annotated[
    Literal["reuse", "progressive", "none"] | None,
    _model(
        "--csp",
        show_default="as trained",
        help="csp-wavediffur: what conditions the levels finer than the reference: no reference (reuse), one made of "
        "the levels before (progressive); none: no CSP condition of the diffusion on any level.",
    ),
]
PaperLiteral = Annotated[
    list[str] | None,
    _model(
        "--paper-literal",
        metavar="NAME,NAME",
        help="wavediffur and csp-wavediffur: formulas as the paper prints them, for comparison: projection (Eq. 9), "
        "loop (Algorithms 1 and 2); docs/paper.md.",
    ),
]
Seed = Annotated[int, _model("--seed", min=0, help="Of the noise that samples start from; same seed, same picture.")]

ModelNamed = Annotated[str, typer.Argument(metavar="NAME|PATH", help="A model's name, or a file of weights.")]
ModelsNamed = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME|PATH]...", help="Names or files of weights. Default: all that ship."),
]
