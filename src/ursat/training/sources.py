"""Where training tiles come from: the data pack, or any folder of images and GeoTIFFs; and how they are drawn."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ursat.benchmark.places import PACKS, load_places
from ursat.errors import InputError
from ursat.io.tiles import SUFFIXES, read_pieces
from ursat.training.datapack import later_years, multispectral

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Split = Literal["train", "val"]

_CAP = 30  # tiles of a place that count: a place with many more would crowd out the others
TILE_SIDE = 512
MOST_TILES = 64  # of one raster: a whole scene shall not crowd out the memory of every process
_HELD_OUT = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """place; gsd_m: metres per pixel; pixels: (C, H, W); later: (C, h, w), the same ground in another year, or None."""

    place: str
    gsd_m: float
    pixels: NDArray[Any]
    later: NDArray[Any] | None = None


def load_tiles(data: Path, *, split: Split = "train", full: bool = False) -> tuple[Tile, ...]:
    """The tiles of a data pack's split, or of a folder of images.

    A data pack brings its own split by place. Of any other folder, a place is a subfolder, and a tenth of the tiles
    (whole places; where there is only one, its last tiles) is the validation.

    Args:
        data: the folder.
        split: which tiles.
        full: also the data pack's multispectral rasters, and crops of other years; False: its RGB tiles alone.

    Raises:
        InputError: nothing usable is there.
    """
    if any((data / pack / "tiles.csv").is_file() for pack in PACKS):
        return _pack_tiles(data, split, full=full)
    tiles = _folder_tiles(data)
    if not tiles:
        raise InputError(
            f"{data}: no training tiles there",
            hint="a data pack with train/tiles.csv, or a folder of images of 64 px a side or more",
        )
    held = _held_out([tile.place for tile in tiles])
    return tuple(tile for k, tile in enumerate(tiles) if (k in held) == (split == "val"))


def _pack_tiles(data: Path, split: Split, *, full: bool) -> tuple[Tile, ...]:
    images = [image for image in load_places(data, split=split) if not image.large]
    later = later_years(images) if full else {}
    tiles = [Tile(i.place, i.gsd_m, i.pixels, later.get(i.image_id)) for i in images]
    if full and split == "train":
        tiles += [Tile(place, gsd, pixels) for place, gsd, pixels in multispectral(data)]
    return tuple(tiles)


def _folder_tiles(data: Path) -> list[Tile]:
    found = []
    for path in sorted(p for p in data.rglob("*") if p.suffix.lower() in SUFFIXES):
        try:
            pieces = list(read_pieces(path, TILE_SIDE, MOST_TILES))
        except InputError as error:
            _log.warning("left out: %s", error.message)
            continue
        found += [Tile(str(path.parent.relative_to(data)), gsd, pixels) for pixels, gsd in pieces]
    return found


def _held_out(places: list[str]) -> set[int]:
    """Numbers of the tiles for validation: places in a fixed random order until a tenth is reached."""
    names = sorted(set(places))
    if len(names) == 1:
        count = max(1, round(_HELD_OUT * len(places))) if len(places) > 1 else 0
        return set(range(len(places) - count, len(places)))
    held: set[int] = set()
    for k in np.random.default_rng(0).permutation(len(names))[:-1]:
        if len(held) >= _HELD_OUT * len(places):
            break
        held |= {number for number, place in enumerate(places) if place == names[k]}
    return held


def three_bands(pixels: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """(C, H, W) -> (3, H, W): three bands at random; fewer than three are repeated; three stay as they are."""
    count = len(pixels)
    if count == 3:
        return pixels
    picked = rng.choice(count, 3, replace=False) if count > 3 else np.arange(3) % count
    return np.asarray(pixels[picked])


class TileSampler:
    """Draws tiles so that places count alike (up to the number of tiles they have)."""

    def __init__(self, tiles: tuple[Tile, ...]) -> None:
        if not tiles:
            raise InputError("there are no tiles to draw from", hint="more images, or images of more places")
        groups: dict[str, list[Tile]] = defaultdict(list)
        for tile in tiles:
            groups[tile.place].append(tile)
        self._groups = list(groups.values())
        weights = np.array([min(len(group), _CAP) for group in self._groups], dtype=np.float64)
        self._weights = weights / weights.sum()

    def draw(self, rng: np.random.Generator) -> Tile:
        """One tile."""
        group = self._groups[int(rng.choice(len(self._groups), p=self._weights))]
        return group[int(rng.integers(len(group)))]

    def draw_other(self, rng: np.random.Generator, than: Tile, least: tuple[int, int]) -> Tile | None:
        """A tile of ``least`` (rows, columns) or more that is not this one; None where a few draws find none."""
        for _ in range(8):
            tile = self.draw(rng)
            if tile is not than and tile.pixels.shape[1] >= least[0] and tile.pixels.shape[2] >= least[1]:
                return tile
        return None
