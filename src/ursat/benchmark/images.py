"""What the protocol needs of a source of ground truth, and such a source in a file that is read when its turn comes.

`places.PlaceImage` holds its pixels in memory; a `FileImage` is a path and how to prepare what is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ursat.benchmark.degrade import apply_weights, bicubic_weights
from ursat.benchmark.stamps import file_stamp
from ursat.io.picture import Header, picture_header, read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HELD = 4  # images decoded at a time: one and its stranger, with room for the next


class Truth(Protocol):
    """An image of ground truth."""

    @property
    def image_id(self) -> str:
        """Unique in its data set."""
        ...

    @property
    def place(self) -> str:
        """The ground it shows."""
        ...

    @property
    def gsd_m(self) -> float:
        """Metres per pixel."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the pixels."""
        ...

    @property
    def stamp(self) -> str:
        """Changes with its files; empty where they never change."""
        ...

    @property
    def pixels(self) -> NDArray[Any]:
        """(3, height, width) uint8, or uint16 reflectance x 10000, red first."""
        ...

    @property
    def large(self) -> bool:
        """Whether it is only for x32 and more."""
        ...


@dataclass(frozen=True, slots=True)
class Preparation:
    """How images of any size become ground truth.

    crop: the central part of at most so many pixels a side, at the image's own resolution. resize: the central square
    reduced to so many pixels a side by antialiased bicubic, as the paper does; images that are smaller are left out.
    """

    crop: int | None = None
    resize: int | None = None

    @property
    def label(self) -> str:
        """'crop512' or 'resize256', for image ids; empty for the whole image."""
        return f"resize{self.resize}" if self.resize else f"crop{self.crop}" if self.crop else ""


@dataclass(frozen=True, slots=True)
class FileImage:
    """A `Truth` in a file. gsd: metres a pixel of the file where it does not say so itself."""

    path: Path
    image_id: str
    place: str
    gsd: float
    preparation: Preparation = Preparation()
    large: bool = False

    @property
    def _header(self) -> Header:
        return _header(self.path)

    @property
    def _box(self) -> tuple[int, int, int, int]:
        """The part of the file that is used: row, column, height, width."""
        height, width = self._header.shape
        wanted = self.preparation
        if wanted.resize:
            side = min(height, width)
            return (height - side) // 2, (width - side) // 2, side, side
        h, w = (min(n, wanted.crop or n) for n in (height, width))
        return (height - h) // 2, (width - w) // 2, h, w

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) after preparation; (0, 0) where the file is smaller than it is to be reduced to."""
        side = self.preparation.resize
        if side:
            return (side, side) if min(self._header.shape) >= side else (0, 0)
        return self._box[2:]

    @property
    def gsd_m(self) -> float:
        """Metres per pixel after preparation."""
        own = self._header.gsd_m or self.gsd
        return own * self._box[2] / self.preparation.resize if self.preparation.resize else own

    @property
    def stamp(self) -> str:
        """Of the file as it is now."""
        return file_stamp(self.path)

    @property
    def pixels(self) -> NDArray[Any]:
        """Read and prepared.

        Raises:
            InputError: the file cannot be used.
        """
        return _pixels(self.path, self.stamp, self._box, self.preparation.resize)


@lru_cache(maxsize=100_000)
def _header(path: Path) -> Header:
    return picture_header(path)


@lru_cache(maxsize=HELD)
def _pixels(
    path: Path,
    stamp: str,  # noqa: ARG001  (pixels of a file that was changed are others)
    box: tuple[int, int, int, int],
    side: int | None,
) -> NDArray[Any]:
    pixels = read_picture(path, box)
    if side is None or side == box[2]:
        return pixels
    weights = bicubic_weights(box[2], side, box[2] / side)
    highest = np.iinfo(pixels.dtype).max
    return np.clip(np.rint(apply_weights(pixels, weights, weights)), 0, highest).astype(pixels.dtype)
