"""ImageNet-1k's validation images (Russakovsky et al. 2015, IJCV 115(3)): photographs, not remote sensing."""

from __future__ import annotations

from ursat.benchmark.datasets.dataset import Dataset, Layout, Request, files, first
from ursat.benchmark.images import FileImage

SUFFIXES = (".jpeg", ".jpg", ".png")
GSD_M = 1.0  # photographs have none; one is needed to write a GeoTIFF
LAYOUT = Layout(
    "imagenet",
    "ImageNet validation images",
    "ILSVRC2012_img_val/*.JPEG or val/ or ILSVRC/Data/CLS-LOC/val/, flat or one folder a class",
    "https://image-net.org/download.php (account needed; ILSVRC2012_img_val.tar)",
    "ImageNet terms of access: non-commercial research and education; copyright stays with the photographers",
)


def load(request: Request) -> Dataset:
    """All validation images there are (50,000 in the published set; the paper's Table 1 says 500,000)."""
    root = LAYOUT.home(request)
    folders = ("ILSVRC2012_img_val", "val", "ILSVRC/Data/CLS-LOC/val", "Data/CLS-LOC/val")
    folder = first(root / name for name in folders) or root
    paths = files(folder, SUFFIXES) or [p for c in sorted(folder.iterdir()) for p in files(c, SUFFIXES)]
    if not paths:
        raise LAYOUT.missing(root)
    images = tuple(FileImage(p, f"{p.stem}", p.stem, request.gsd_m or GSD_M, request.preparation) for p in paths)
    return Dataset(
        LAYOUT.name,
        "ImageNet-1k validation photographs: natural images, as the paper pre-trains on",
        LAYOUT.licence,
        LAYOUT.source,
        images,
        split="validation (50,000 images as published; the paper's Table 1 says 500,000 for testing)",
    )
