"""The validation places of the project's own data pack: what its development is measured on."""

from __future__ import annotations

from dataclasses import replace

from ursat.benchmark.datasets.dataset import Dataset, Request
from ursat.benchmark.places import load_places
from ursat.errors import UsageError

SOURCE = "docs/guide.md describes the folder"


def load(request: Request) -> Dataset:
    """All images of the split `val`; the folder may come from URSAT_DATA as well.

    Raises:
        UsageError: crop or resize was asked for: places are used whole.
    """
    if request.preparation.label:
        raise UsageError("--dataset places takes no --crop or --resize", hint="its images are used whole")
    images = load_places(request.root)
    return Dataset(
        "places",
        "validation places of the project's data pack: drone, airborne and NAIP imagery of 0.07 to 15 m",
        "CC0, public domain, CC BY 3.0 and 4.0, Copernicus Sentinel data terms, by place",
        SOURCE,
        tuple(images),
        split="val: places that no training sees",
    )


def load_large(request: Request) -> Dataset:
    """Only the large images, and those at every scale: the same ground from x4 to x128."""
    whole = load(request)
    large = tuple(replace(image, large=False) for image in load_places(request.root) if image.large)
    return replace(whole, images=large, split="the large images of val")
