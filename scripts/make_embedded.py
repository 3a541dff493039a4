"""Cuts the images of the embedded benchmark set out of the data pack: python scripts/make_embedded.py DATA.

Writes lossless WebP files and index.csv into src/ursat/benchmark/embedded/. Only validation places under CC0 or in the
public domain; the script stops where the pack says otherwise.
"""

from __future__ import annotations

import csv
import io
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

OUT = Path(__file__).parents[1] / "src" / "ursat" / "benchmark" / "embedded"
FREE = ("CC0", "public domain (USDA NAIP)")
NEON = "National Ecological Observatory Network (NEON) AOP camera imagery, CC0"
MOST_BYTES = 4_000_000


@dataclass(frozen=True)
class Cut:
    """What to cut: a file (a member of a pack's tar, or a plain one), and the box (left, top, right, bottom)."""

    name: str
    place: str
    gsd_m: float
    file: str
    box: tuple[int, int, int, int] | None = None  # None: the whole of a tile, licence as its pack says


CUTS = (
    Cut("yell_meadow", "neon_YELL", 0.1, "val-large/neon_YELL_0010cm.webp", (900, 256, 1924, 1280)),
    Cut("yell_forest", "neon_YELL", 0.1, "val-large/neon_YELL_0010cm.webp", (256, 1664, 768, 2176)),
    Cut("soap_061", "neon_SOAP", 0.1, "train/neon_SOAP/0010cm/SOAP_061.webp"),
    Cut("soap_031", "neon_SOAP", 0.1, "train/neon_SOAP/0010cm/SOAP_031.webp"),
    Cut("kern_works", "naip_kern_CA", 1.0, "train-mid/naip_kern_CA/0100cm/uspp438_00.webp"),
    Cut("kern_fields", "naip_kern_CA", 2.0, "train-mid/naip_kern_CA/0200cm/uspp438_a2_00.webp"),
)


def from_pack(data: Path, name: str) -> tuple[bytes, str, str]:
    """The bytes of a tile, its licence and its attribution line; only of the split `val`."""
    pack, _, member = name.partition("/")
    with (data / pack / "tiles.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["member"] == member)
    if row["split"] != "val":
        sys.exit(f"{name} is a tile of {row['split']}")
    with tarfile.open(data / pack / row["part"]) as tar:
        stream = tar.extractfile(member)
        assert stream is not None
        return stream.read(), row["licence"], row["attribution"]


def make(data: Path) -> None:
    """Write every image and the index."""
    OUT.mkdir(parents=True, exist_ok=True)
    rows = []
    for cut in CUTS:
        large = cut.box is not None  # val-large has no table: its README says CC0
        content, licence, attribution = (
            ((data / cut.file).read_bytes(), "CC0", NEON) if large else from_pack(data, cut.file)
        )
        if licence not in FREE:
            sys.exit(f"{cut.file} is under {licence}")
        with Image.open(io.BytesIO(content)) as image:
            pixels = image.convert("RGB").crop(cut.box or (0, 0, *image.size))
        pixels.save(OUT / f"{cut.name}.webp", "WEBP", lossless=True, quality=100, method=6)
        rows.append([f"{cut.name}.webp", cut.place, cut.gsd_m, licence, attribution])
    with (OUT / "index.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["file", "place", "gsd_m", "licence", "attribution"], *rows])
    total = sum(path.stat().st_size for path in OUT.glob("*.webp"))
    print(f"{len(rows)} images, {total} bytes in {OUT}")
    if total > MOST_BYTES:
        sys.exit(f"more than {MOST_BYTES} bytes")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
