"""AID, the Aerial Image Dataset (Xia et al. 2017, IEEE TGRS 55(7)): 10,000 Google Earth images of 600 x 600 pixels."""

from __future__ import annotations

from ursat.benchmark.datasets.dataset import Dataset, Layout, Request, draw, files
from ursat.benchmark.images import FileImage

TEST_SHARE = 0.2  # 2,000 of 10,000, the paper's Table 1
GSD_M = 1.0  # 0.5 to 8 m by the authors; not recorded per image
LAYOUT = Layout(
    "aid",
    "AID images",
    "30 class folders (Airport/airport_1.jpg ... Viaduct/viaduct_1.jpg), 600 x 600 pixels, here or in AID/",
    "http://www.captain-whu.com/project/AID/",
    "free for academic use; imagery from Google Earth, whose terms apply",
)


def load(request: Request) -> Dataset:
    """The test part: a fifth of all images, drawn with a fixed seed (the paper's own draw was not published)."""
    root = LAYOUT.home(request)
    paths = [p for c in sorted(root.iterdir()) for p in files(c, (".jpg",))]
    if not paths:
        raise LAYOUT.missing(root)
    chosen = draw(paths, max(1, round(TEST_SHARE * len(paths))))
    images = tuple(
        FileImage(
            p, f"{p.parent.name}/{p.stem}", f"{p.parent.name}/{p.stem}", request.gsd_m or GSD_M, request.preparation
        )
        for p in chosen
    )
    return Dataset(
        LAYOUT.name,
        "AID: aerial scenes of 30 classes from Google Earth, JPEG, 0.5 to 8 m (taken as 1 m)",
        LAYOUT.licence,
        LAYOUT.source,
        images,
        split=f"test: {len(chosen)} of {len(paths)} images, drawn with a fixed seed of our own",
    )
