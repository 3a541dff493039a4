"""Any folder of images or GeoTIFFs as ground truth."""

from __future__ import annotations

from ursat.benchmark.datasets.dataset import Dataset, Layout, Request
from ursat.benchmark.images import FileImage
from ursat.io.tiles import SUFFIXES

GSD_M = 1.0
LAYOUT = Layout(
    "folder",
    "images",
    "GeoTIFF, JPEG 2000, PNG, JPEG or WebP files at any depth; a subfolder counts as one place",
    "",
    "",
)


def load(request: Request) -> Dataset:
    """Every image; files of the top folder count as a place each, those of a subfolder as one."""
    root = LAYOUT.root(request)
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise LAYOUT.missing(root)
    names = [p.relative_to(root) for p in paths]
    images = tuple(
        FileImage(
            path,
            str(name),
            str(name.parent) if name.parent.name else name.stem,
            request.gsd_m or GSD_M,
            request.preparation,
        )
        for path, name in zip(paths, names, strict=True)
    )
    return Dataset(LAYOUT.name, f"images of the folder {root.name}", "the user's own", "", images)
