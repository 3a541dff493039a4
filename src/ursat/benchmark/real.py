"""The protocol `real`: an input that a sensor saw, a reference that another saw, and a truth that a third saw, if any.

Nothing is degraded, and no truth is invented: at scales finer than the finest image there are only figures that need
none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.degrade import apply_weights, sensor_weights
from ursat.benchmark.encoding import DN_PER_STEP, EIGHT_BIT, Encoding, encoding_of
from ursat.benchmark.observation import LEAST, Observation, box_mean, stored
from ursat.benchmark.stamps import file_stamp
from ursat.errors import InputError, UsageError
from ursat.io.picture import picture_header, read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.benchmark.images import FileImage

TRACKS = ("noref", "ref")
_SAME_SIZE = 1.001  # pixels of the truth over those asked for: rounding of 30 m / 0.23 m is no lack of truth


@dataclass(frozen=True, slots=True)
class Triple:
    """Files of the same ground: an input, a finer reference, a truth; and the truth as an image for simulations.

    gsd: metres of the input where its file does not say. crop: at most so many output pixels a side.
    """

    image_id: str
    lr: Path
    ref: Path | None
    hr: Path | None
    gsd: float
    crop: int | None
    truth: FileImage | None
    large: bool = False

    @property
    def place(self) -> str:
        """Each shows a place of its own."""
        return self.image_id

    @property
    def shape(self) -> tuple[int, int]:
        """Of the truth as the simulated protocols use it; (0, 0) without one."""
        return self.truth.shape if self.truth else (0, 0)

    @property
    def gsd_m(self) -> float:
        """Of the truth, metres."""
        if self.truth is None:
            return self.gsd
        own = picture_header(self.truth.path).gsd_m
        return self.truth.gsd_m if own else self.gsd * picture_header(self.lr).shape[0] / self.truth.shape[0]

    @property
    def stamp(self) -> str:
        """Of its files as they are now."""
        return file_stamp(self.lr, self.ref, self.hr)

    @property
    def pixels(self) -> NDArray[Any]:
        """The truth's, for simulations.

        Raises:
            UsageError: there is none.
        """
        if self.truth is None:
            raise UsageError(f"{self.image_id}: has no finer image to degrade", hint="use --protocol real")
        return self.truth.pixels


def real_tracks(triple: Triple) -> tuple[str, ...]:
    """``noref``, and ``ref`` where there is a reference."""
    return TRACKS if triple.ref else TRACKS[:1]


def real_fits(triple: Triple, track: str) -> bool:
    """Whether a track can be played: the input is large enough, and a reference is there where it is asked for."""
    return track in real_tracks(triple) and min(picture_header(triple.lr).shape) >= LEAST


def real_observation(triple: Triple, scale: int, track: str, seed: int = 0) -> Observation:
    """The files as they are, cut to the middle where `Triple.crop` says so.

    The truth is averaged over the output's pixels, and its bands are fitted to the input's by one gain and one offset
    each (least squares over input pixels): two sensors do not share a radiometry. A reference whose pixels do not
    divide the input's is averaged to the next ratio that does.

    Raises:
        InputError: a file cannot be used, or the files do not show the same ground.
    """
    header = picture_header(triple.lr)
    height, width = header.shape
    rows, columns = (_middle(n, triple.crop, scale) for n in (height, width))
    pixels, encoding = _read(triple.lr)
    lr = stored(pixels)[:, rows, columns]
    ref = None
    if track == "ref" and triple.ref is not None:
        _same_ground(triple.lr, triple.ref)
        r_height, r_width = picture_header(triple.ref).shape
        ratio = min(r_height // height, r_width // width)
        if ratio < 1:
            raise InputError(f"{triple.ref}: coarser than {triple.lr}", hint="a reference has to be finer")
        ref = stored(_seen(triple.ref, (height, width), ratio, rows, columns))
    gt = None
    if triple.hr is not None and _truth_reaches(triple.hr, (height, width), scale):
        _same_ground(triple.lr, triple.hr)
        gt = stored(_like(_seen(triple.hr, (height, width), scale, rows, columns), lr, scale))
    gsd = (header.gsd_m or triple.gsd) / scale
    return Observation(
        triple.image_id,
        triple.place,
        gt,
        gsd,
        lr,
        ref,
        scale,
        "real",
        track,
        seed,
        encoding=encoding,
        stamp=triple.stamp,
    )


def _middle(count: int, crop: int | None, scale: int) -> slice:
    kept = count if crop is None else min(count, max(LEAST, crop // scale))
    start = (count - kept) // 2
    return slice(start, start + kept)


def _truth_reaches(path: Path, shape: tuple[int, int], scale: int) -> bool:
    return all(have * _SAME_SIZE >= n * scale for have, n in zip(picture_header(path).shape, shape, strict=True))


@lru_cache(maxsize=6)
def _read(path: Path) -> tuple[NDArray[Any], Encoding]:
    """The pixels in DN, and how they are to be read."""
    pixels = read_picture(path)
    encoding = encoding_of(pixels.dtype)
    return (pixels.astype(np.uint16) * np.uint16(DN_PER_STEP) if encoding is EIGHT_BIT else pixels), encoding


def _seen(path: Path, shape: tuple[int, int], finer: int, rows: slice, columns: slice) -> NDArray[np.float64]:
    """The mean of an image over the pixels of a grid ``finer`` times the input's, only inside ``rows``, ``columns``."""
    pixels, _ = _read(path)
    weights = []
    for have, n, part in zip(pixels.shape[-2:], shape, (rows, columns), strict=True):
        whole = sensor_weights(have, n * finer, have / (n * finer), 0.0)
        weights.append(whole[part.start * finer : part.stop * finer])
    return apply_weights(pixels, weights[0], weights[1])


def _like(truth: NDArray[np.float64], lr: NDArray[np.uint16], scale: int) -> NDArray[np.float64]:
    """Bands of ``truth`` with the gain and offset that bring their means over input pixels closest to the input."""
    fitted = []
    for band, coarse, target in zip(truth, box_mean(truth, scale), lr.astype(np.float64), strict=True):
        spread = coarse.var()
        gain = float(np.mean((coarse - coarse.mean()) * target) / spread) if spread > 0 else 1.0
        gain = gain if gain > 0 else 1.0  # unrelated images: only the brightness is moved
        fitted.append(gain * (band - coarse.mean()) + target.mean())
    return np.stack(fitted)


def _same_ground(one: Path, other: Path) -> None:
    """Refuse two georeferenced files whose extents differ by more than a pixel of the coarser."""
    a, b = picture_header(one), picture_header(other)
    if a.bounds is None or b.bounds is None:
        return
    pixel = (a.bounds[2] - a.bounds[0]) / a.shape[1]
    if a.crs != b.crs or any(abs(x - y) > pixel for x, y in zip(a.bounds, b.bounds, strict=True)):
        raise InputError(
            f"{other}: does not show the same ground as {one}",
            hint="cut both to the same box in one CRS: gdalwarp -t_srs CRS -te LEFT BOTTOM RIGHT TOP",
        )
