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
    "images/P0003.png ... with labelTxt/P0003.txt beside it (for the pixel size), in the folder or in val/, train/",
    "https://captain-whu.github.io/DOTA/dataset.html",
    "academic purposes only, no commercial use; Google Earth's terms apply",
)
_GSD = re.compile(r"gsd\s*:\s*([0-9.]+)")


def load(request: Request) -> Dataset:
    """480 images of what is there, drawn with a fixed seed (the paper's own draw was not published)."""
    root = LAYOUT.root(request)
    found = [p for part in ("", "val", "train") for p in files(root / part / "images", (".png", ".jpg", ".tif"))]
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
    label = path.parent.with_name("labelTxt") / f"{path.stem}.txt"
    if not label.is_file():
        return None
    with label.open(encoding="utf-8", errors="replace") as file:
        match = _GSD.search(file.read(200))
    return float(match[1]) if match and float(match[1]) > 0 else None
