"""What only the data pack has: crops of the same ground from two years, and rasters of more than three bands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.io.tiles import read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.benchmark.places import PlaceImage

_CROP = re.compile(r"(?P<place>.*)/0060cm/(?P<crop>\d+)_(?P<year>\d{4})")
_OTHER_YEAR = re.compile(r"(?P<place>.*)/0120cm/(?P<crop>\d+)_(?P<year>\d{4})_a2")
_GSD = re.compile(r"_(0?)(\d+)m(?:_|$)")  # 10m is 10 metres, 06m is 0.6
_BANDS = re.compile(r"_(rgbn|bgrn|b\d).*")
_MONTAGE_SIDE = 256  # crops of unrelated ground, side by side: no piece may lie across a seam
_SIDE = 512
_DARK_DN = 5000.0  # Landsat level 1 stores reflectance 0 so; not every file of the pack declares it
_SAMPLE = "l8c2_"  # the ground of the sample scene, which shows what the tool can do: not to be learned


def later_years(images: Sequence[PlaceImage]) -> dict[str, NDArray[np.uint8]]:
    """Crops at 1.2 m of another year, by the ids of the 0.6 m images of the same ground."""
    others = {}
    for image in images:
        match = _OTHER_YEAR.fullmatch(image.image_id)
        if match:
            others[match["place"], match["crop"]] = (match["year"], image.pixels)
    found = {}
    for image in images:
        match = _CROP.fullmatch(image.image_id)
        year, pixels = others.get((match["place"], match["crop"]), (None, None)) if match else (None, None)
        if match and pixels is not None and year != match["year"]:
            found[image.image_id] = pixels
    return found


def multispectral(data: Path) -> Iterator[tuple[str, float, NDArray[Any]]]:
    """(place, GSD in metres, (C, h, w)) of the pack's rasters; those of validation places are never opened."""
    for path in sorted((data / "multispectral").glob("*.tif")):
        if path.name.startswith(("val_", _SAMPLE)):
            continue
        side = _MONTAGE_SIDE if "montage" in path.stem else _SIDE
        named = _GSD.search(path.stem)
        for pixels, gsd in read_pieces(path, side, 64):
            if named:
                gsd = float(f"0.{named[2]}" if named[1] else named[2])  # noqa: PLW2901  (half the files have no CRS)
            if path.name.startswith("l8_") and pixels.min() > 0.8 * _DARK_DN:
                pixels = np.maximum(pixels - _DARK_DN, 0)  # noqa: PLW2901
            yield _BANDS.sub("", path.stem), gsd, pixels
