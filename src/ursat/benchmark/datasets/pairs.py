"""Real observations of the same ground by two or three sensors: nothing is degraded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.benchmark.datasets.dataset import Dataset, Layout, Request, files
from ursat.benchmark.images import FileImage
from ursat.benchmark.real import Triple
from ursat.errors import InputError
from ursat.io.tiles import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

LR_GSD_M = 30.0
LAYOUT = Layout(
    "pairs",
    "pairs",
    "lr/NAME.tif and, of the same names and exactly the same ground, ref/NAME.tif (a finer reference) or hr/NAME.tif "
    "(the truth), or both; GeoTIFF, JPEG 2000, PNG, JPEG or WebP",
    "your own archive, or OLI2MSI (https://github.com/wjwjww/OLI2MSI: Landsat-8 and Sentinel-2)",
    "that of the imagery",
)


def load(request: Request) -> Dataset:
    """Every file of ``lr/`` with what there is of the same name in ``ref/`` and ``hr/``."""
    root = LAYOUT.root(request)
    triples = triples_in(root, ("lr", "ref", "hr"), request, LAYOUT)
    with_truth = sum(triple.hr is not None for triple in triples)
    return Dataset(
        LAYOUT.name,
        f"real observations of the folder {root.name}, {with_truth} of {len(triples)} with a finer image as truth",
        LAYOUT.licence,
        "",
        triples,
    )


def triples_in(root: Path, names: tuple[str, str, str], request: Request, layout: Layout) -> tuple[Triple, ...]:
    """Triples by file name from three folders: input, reference, truth.

    Raises:
        InputError: no inputs there, or an input without either of the others.
    """
    lr, ref, hr = ({p.stem: p for p in files(root / name, SUFFIXES)} for name in names)
    if not lr:
        raise layout.missing(root)
    alone = sorted(set(lr) - set(ref) - set(hr))
    if alone:
        raise InputError(f"{lr[alone[0]]}: nothing of that name in {names[1]}/ or {names[2]}/", hint=layout.hint)
    gsd = request.gsd_m or LR_GSD_M
    return tuple(
        Triple(
            name,
            path,
            ref.get(name),
            hr.get(name),
            gsd,
            request.preparation.crop,
            FileImage(hr[name], name, name, gsd, request.preparation) if name in hr else None,
        )
        for name, path in lr.items()
    )
