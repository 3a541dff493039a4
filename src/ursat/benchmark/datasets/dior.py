"""DIOR (Li et al. 2020, ISPRS J. 159): 23,463 Google Earth images of 800 x 800 pixels, 20 classes of objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ursat.benchmark.datasets.dataset import Dataset, Layout, Request, draw, files, first
from ursat.benchmark.images import FileImage

if TYPE_CHECKING:
    from pathlib import Path

A_CLASS = 30  # images of each of 20 classes, the paper's section 4.1
CLASSES = 20
GSD_M = 1.0  # 0.5 to 30 m by the authors; not recorded per image
LAYOUT = Layout(
    "dior",
    "DIOR images",
    "JPEGImages-test/11726.jpg ... (or JPEGImages-trainval/), 800 x 800 pixels, here or in DIOR/, and beside it "
    "Annotations/Horizontal Bounding Boxes/*.xml for the classes",
    "https://gcheng-nwpu.github.io/#Datasets",
    "free for academic use; imagery from Google Earth, whose terms apply",
)
FOLDERS = ("JPEGImages-test", "JPEGImages-trainval", "JPEGImages")  # of its own archive each: some hold it again
_NAME = re.compile(r"<object>.*?<name>\s*([^<]+?)\s*</name>", re.DOTALL)


def load(request: Request) -> Dataset:
    """600 images: 30 of each class by its first object; without annotations 600 of all. Drawn with a fixed seed."""
    root = LAYOUT.home(request)
    folder = first(root / at / name for name in FOLDERS for at in (name, ""))
    paths = files(folder, (".jpg",)) if folder else []
    if folder is None or not paths:
        raise LAYOUT.missing(root)
    classes: dict[str, list[Path]] = {}
    for path in paths:
        classes.setdefault(_class(root, path.stem), []).append(path)
    unknown = set(classes) == {""}
    groups = [
        draw(group, A_CLASS * CLASSES if unknown else A_CLASS) for name, group in classes.items() if unknown or name
    ]
    chosen = sorted(path for group in groups for path in group)
    images = tuple(FileImage(p, p.stem, p.stem, request.gsd_m or GSD_M, request.preparation) for p in chosen)
    how = "of all (no annotations there)" if unknown else f"up to {A_CLASS} of each class (by its first object)"
    return Dataset(
        LAYOUT.name,
        "DIOR: optical remote sensing images for object detection, JPEG, 0.5 to 30 m (taken as 1 m)",
        LAYOUT.licence,
        LAYOUT.source,
        images,
        split=f"{len(chosen)} of {folder.name}, {how}, drawn with a fixed seed of our own",
    )


def _class(root: Path, stem: str) -> str:
    """The name of the first object in the image's annotation; empty without one."""
    path = root / "Annotations" / "Horizontal Bounding Boxes" / f"{stem}.xml"
    match = _NAME.search(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else None
    return match[1] if match else ""
