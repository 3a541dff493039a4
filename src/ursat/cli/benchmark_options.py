"""The options that only `ursat benchmark` has."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ursat.cli import parse

_data = partial(typer.Option, rich_help_panel="Data")
_what = partial(typer.Option, rich_help_panel="What is measured")
_methods = partial(typer.Option, rich_help_panel="Methods")
_output = partial(typer.Option, rich_help_panel="Output")
_effort = partial(typer.Option, rich_help_panel="Effort")

TRACKS = {
    "perfect": "ref", "none": "noref", "shifted": "ref-shift", "cast": "ref-cast", "changed": "ref-changed",
    "wrong": "ref-wrong",
}  # fmt: skip


def scales(text: object) -> tuple[int, ...]:
    """'4,8' -> (4, 8): whole numbers from 2 to 128."""
    return (
        text
        if isinstance(text, tuple)
        else tuple(parse.whole(part, 2, 128, "a scale from 2 to 128") for part in _parts(text))
    )


def seeds(text: object) -> tuple[int, ...]:
    """'0,1,2' -> (0, 1, 2)."""
    return text if isinstance(text, tuple) else tuple(parse.whole(part, 0, 2**31, "a seed") for part in _parts(text))


def tracks(text: object) -> tuple[str, ...]:
    """'none,perfect' -> ('noref', 'ref')."""
    if isinstance(text, tuple):
        return text
    unknown = [part for part in _parts(text) if part not in TRACKS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no track: {', '.join(TRACKS)}")
    return tuple(TRACKS[part] for part in _parts(text))


def words(text: object) -> tuple[str, ...]:
    """'a,b' -> ('a', 'b')."""
    return text if isinstance(text, tuple) else _parts(text)


def _parts(text: object) -> tuple[str, ...]:
    found = tuple(part.strip() for part in str(text).split(",") if part.strip())
    if not found:
        raise typer.BadParameter("nothing is named")
    return found


DatasetName = Annotated[
    str,
    _data(
        "--dataset",
        "-d",
        metavar="NAME",
        help="ddisr (without --root: the embedded set), imagenet, aid, dota, dior, folder, pairs, places.",
    ),
]
Root = Annotated[
    Path | None, _data("--root", metavar="DIR", help="Its folder, laid out as published: docs/benchmark.md.")
]
Images = Annotated[
    int | None, _data("--images", min=1, metavar="N", help="At most so many images, spread over the places.")
]
Crop = Annotated[
    int | None,
    _data(
        "--crop",
        min=0,
        metavar="PX",
        show_default="as the task",
        help="Of each image only the middle; 0 for all of it.",
    ),
]
Resize = Annotated[
    int | None,
    _data("--resize", min=16, metavar="PX", help="Reduce the central square to so many pixels, as the paper does."),
]
ImageGsd = Annotated[
    float | None,
    _data("--image-gsd", parser=parse.gsd, metavar="METRES", help="Pixel size of files that do not say it."),
]

TaskName = Annotated[
    str,
    _what(
        "--task",
        metavar="NAME",
        help="Defaults of an experiment: quick, sr (Tables 2, 3), ur (Table 4), cascade (one step or many), "
        "ablation (Table 5), efficiency (Figure 14), robust (every track), all.",
    ),
]
Scales = Annotated[
    Any, _what("--scales", parser=scales, metavar="K,K", show_default="as the task", help="Such as 4,8,16,32,64,128.")
]
Protocols = Annotated[
    Any,
    _what(
        "--protocol",
        parser=words,
        metavar="P,P",
        show_default="as the task",
        help="bicubic (the paper's), sensor (blur and noise), real (nothing is degraded).",
    ),
]
Tracks = Annotated[
    Any,
    _what(
        "--tracks",
        parser=tracks,
        metavar="T,T",
        show_default="as the task",
        help="Of the reference: none, perfect, shifted, cast, changed, wrong.",
    ),
]
RefRatio = Annotated[
    float | None,
    _what("--ref-ratio", min=1.0, metavar="R", show_default="3", help="Reference pixels along an input pixel."),
]
Metrics = Annotated[
    Any,
    _what(
        "--metrics",
        parser=words,
        metavar="M,M",
        show_default="psnr,ssim,sam,sre,niqe,ag",
        help="Columns of the table: metrics with all their figures, or figures. CSV, JSON and HTML have them all.",
    ),
]
Seeds = Annotated[Any, _what("--seeds", parser=seeds, metavar="N,N", show_default="0", help="Of noise and samples.")]
Distances = Annotated[
    bool,
    _what("--distances", help="Frechet and kernel distances of EfficientNet-Lite0 features (needs ursat[bench])."),
]
FidWeights = Annotated[
    Path | None,
    _what("--fid-weights", metavar="FILE", help="FID and KID, with this TorchScript file of Inception."),
]

Methods = Annotated[
    list[str] | None,
    _methods(
        "--methods",
        "-m",
        metavar="M,M",
        show_default="as the task",
        help="Such as ursat:faithful, core-xs:realistic,steps=4, bicubic, hpf, dat-light, spandrel:FILE, ncnn:FILE; "
        "docs/benchmark.md has all of them.",
    ),
]
External = Annotated[
    list[str] | None,
    _methods(
        "--external",
        metavar="CMD",
        help="Another program, such as 'python mine.py {lr} {ref} {out} {scale}'; can be repeated.",
    ),
]
ExternalTimeout = Annotated[
    float,
    _methods("--external-timeout", min=1.0, metavar="SECONDS", help="Of one call of it."),
]
Subprocess = Annotated[bool, _methods("--subprocess", help="Run ursat's command line in a process for each image.")]

Html = Annotated[Path | None, _output("--html", metavar="FILE", help="A report in one file (needs ursat[bench]).")]
Csv = Annotated[Path | None, _output("--csv", metavar="FILE", help="Every score, one line each.")]
Overwrite = Annotated[bool, _output("--overwrite", help="Replace these files where they exist.")]

Cache = Annotated[
    str | None,
    _effort(
        "--cache",
        metavar="DIR|none",
        show_default="~/.cache/ursat/benchmark",
        help="Scores by image: what is in it is not computed again, and an interrupted run goes on.",
    ),
]
Processes = Annotated[
    int, _effort("--jobs", "-j", min=1, metavar="N", help="Processes, an image each, which share the cores.")
]
