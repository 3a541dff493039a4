"""DOTA (Xia et al. 2018, CVPR; v1.0 to v2.0): aerial images of 800 to 20,000 pixels a side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ursat.benchmark.datasets.dataset import Dataset, Layout, Request, draw, files
from ursat.benchmark.images import FileImage

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 480  # the paper's Table 1
GSD_M = 0.3  # where labelTxt does not say
LAYOUT = Layout(
    "dota",
    "DOTA images",
    "images/P0003.png ... here, in DOTA/, or in val/ and train/ of it; for the pixel size labelTxt/P0003.txt or "
    "labelTxt-v1.0/P0003.txt beside images/",
    "https://captain-whu.github.io/DOTA/dataset.html",
    "academic purposes only, no commercial use; Google Earth's terms apply",
)
FOLDERS = ("images", "val/images", "train/images", "images/val", "images/train")
LABELS = ("labelTxt", "labelTxt-v1.0", "labelTxt-v1.0/labelTxt", "labelTxt-v1.5", "labelTxt-v1.5/labelTxt")
_GSD = re.compile(r"gsd\s*:\s*(\d+\.?\d*)")


def load(request: Request) -> Dataset:
    """480 images of what is there, drawn with a fixed seed (the paper's own draw was not published)."""
    root = LAYOUT.home(request)
    found = [p for part in FOLDERS for p in files(root / part, (".png", ".jpg", ".tif"))]
    if not found:
        raise LAYOUT.missing(root)
    chosen = draw(found, COUNT)
    images = tuple(FileImage(p, p.stem, p.stem, request.gsd_m or _gsd(p) or GSD_M, request.preparation) for p in chosen)
    return Dataset(
        LAYOUT.name,
        "DOTA: aerial and satellite images for object detection, 0.1 to 1 m for the most part",
        LAYOUT.licence,
        LAYOUT.source,
        images,
        split=f"{len(chosen)} of {len(found)} images, drawn with a fixed seed of our own",
    )


def _gsd(path: Path) -> float | None:
    """Metres a pixel from the head of the annotation; None where it says null or is missing."""
    labels = (path.parent.parent / folder / f"{path.stem}.txt" for folder in LABELS)
    label = next((file for file in labels if file.is_file()), None)
    if label is None:
        return None
    with label.open(encoding="utf-8", errors="replace") as file:
        match = _GSD.search(file.read(200))
    return float(match[1]) if match and float(match[1]) > 0 else None
