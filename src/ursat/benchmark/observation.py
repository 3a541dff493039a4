"""One observation of the protocol: what the tool is given, and the ground truth it is judged by."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.degrade import add_noise, degrade
from ursat.benchmark.encoding import DN_PER_STEP, EIGHT_BIT, Encoding, encoding_of
from ursat.benchmark.stamps import stamp_of
from ursat.io.exchange import read_array, write_array

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.benchmark.images import Truth

TRACKS = ("noref", "ref", "ref-shift", "ref-cast", "ref-changed", "ref-wrong")
STRANGE = frozenset({"ref-changed", "ref-wrong"})  # tracks whose reference shows ground of another place
DEGRADATIONS = ("bicubic", "sensor")
SCALES = (4, 8, 16, 32, 64, 128)
RATIO = 3.0  # reference pixels along an input pixel: the one of Landsat and Sentinel-2
PAPER_RATIO = 1.5  # the paper's 96 px for 64 px; also where the truth is not finer than 3
LEAST = 8  # input pixels a side
CHANGED_SIDE = 0.5  # of the changed part, as a share of each side: a quarter of the ground
SHIFT = (0.6, -0.4)  # rows, columns of the input by which the reference's content is displaced
GAIN = (0.8, 1.25)
OFFSET_DN = (-200.0, 300.0)  # -0.02..0.03 of reflectance, 10000 DN each
_DTYPE_MAX = 65535


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What is given and what is asked.

    gt: (C, H, W) uint16 DN (eight-bit value x 40, or reflectance x 10000), None where ground truth ends; lr:
    (C, H/scale, W/scale) uint16; ref: (C, ratio H/scale, ratio W/scale) uint16 or None, georeferenced to the same
    ground; gsd_m: of the output. Rows and columns of a shifted reference lie 0.6 input pixels too far down and 0.4 too
    far left. encoding: how all these DN are to be read. other: the id of the image whose ground the reference shows in
    the tracks of `STRANGE`, else empty. stamp: of the files that it was made of, see `stamps`.
    """

    image_id: str
    place: str
    gt: NDArray[np.uint16] | None
    gsd_m: float
    lr: NDArray[np.uint16]
    ref: NDArray[np.uint16] | None
    scale: int
    degradation: str
    track: str
    seed: int
    encoding: Encoding = EIGHT_BIT
    other: str = ""
    stamp: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the output."""
        height, width = self.lr.shape[-2:]
        return height * self.scale, width * self.scale


def fits(image: Truth, scale: int) -> bool:
    """Whether the protocol uses ``image`` at ``scale``: 12 input pixels a side, from x64 on 8; large ones from x32."""
    least = LEAST if scale >= 64 else 12
    return min(image.shape) // scale >= least and (not image.large or scale >= 32)


def _rng(seed: int, *parts: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32("|".join(parts).encode())])


def stored(values: NDArray[Any]) -> NDArray[np.uint16]:
    """Rounded and kept in the range of uint16."""
    return np.asarray(np.clip(np.rint(values), 0, _DTYPE_MAX), dtype=np.uint16)


def box_mean(image: NDArray[Any], scale: int) -> NDArray[np.float64]:
    """Means of blocks of ``scale`` x ``scale`` pixels. (C, H, W) -> (C, H/scale, W/scale)."""
    bands, height, width = image.shape
    blocks = image.reshape(bands, height // scale, scale, width // scale, scale)
    return np.asarray(blocks.mean(axis=(2, 4), dtype=np.float64))


def _truth(pixels: NDArray[Any], height: int, width: int) -> NDArray[np.uint16]:
    """The top-left part in DN; an image that is too small goes on as its mirror image."""
    short = [(0, 0), (0, max(0, height - pixels.shape[-2])), (0, max(0, width - pixels.shape[-1]))]
    whole = np.pad(pixels, short, mode="symmetric") if any(b for _, b in short) else pixels
    step = DN_PER_STEP if pixels.dtype == np.uint8 else 1
    dn: NDArray[np.uint16] = whole[:, :height, :width].astype(np.uint16) * np.uint16(step)
    return dn


def ratio_at(scale: int, ratio: float | None = None) -> float:
    """Reference pixels along an input pixel: as asked for, else 3, or 1.5 where that would be finer than the truth."""
    return ratio or (RATIO if scale >= RATIO else PAPER_RATIO)


def make_observation(
    image: Truth,
    scale: int,
    degradation: str,
    track: str,
    seed: int = 0,
    *,
    other: Truth | None = None,
    ratio: float | None = None,
) -> Observation:
    """Degrade one image for one cell of the protocol; the same arguments give the same observation.

    The ground truth is cropped to whole input pixels. All tracks of an image share the very same input.

    Args:
        image: the ground truth's source.
        scale: input pixel over ground-truth pixel, an integer of at least 2.
        degradation: ``bicubic`` (no noise) or ``sensor`` (MTF 0.25 at Nyquist, noise of 1/100 of the band's mean).
        track: one of `TRACKS`.
        seed: of noise, casts and the place of the change.
        other: an image of another place (`places.other_place`), for the tracks of `STRANGE` only.
        ratio: see `ratio_at`.

    Raises:
        ValueError: unknown track or degradation, a scale below 2, an image too small, a reference finer than the
            truth, or no ``other`` where one is needed.
    """
    ratio = ratio_at(scale, ratio)
    if track not in TRACKS or degradation not in DEGRADATIONS or scale < 2 or not 1 <= ratio <= scale:
        raise ValueError(f"no such cell: x{scale}, {degradation}, {track}")
    pixels = image.pixels
    h, w = (n // scale for n in pixels.shape[-2:])
    if min(h, w) == 0:
        raise ValueError(f"{image.image_id}: smaller than one input pixel at x{scale}")
    gt = _truth(pixels, h * scale, w * scale)
    cell = (image.image_id, str(scale), degradation)
    lr = stored(_sense(gt, (h, w), degradation, _rng(seed, *cell, "input")))
    ref = None
    stranger = other if track in STRANGE else None
    if track in STRANGE and (stranger is None or stranger.place == image.place):
        raise ValueError(f"the track {track} needs an image of another place")
    if track != "noref":
        ground = gt
        if stranger is not None:
            strange = _truth(stranger.pixels, h * scale, w * scale)
            ground = strange if track == "ref-wrong" else _changed(gt, strange, _rng(seed, *cell, "change"))
        shift = (SHIFT[0] * scale, SHIFT[1] * scale) if track == "ref-shift" else (0.0, 0.0)
        shape = (round(ratio * h), round(ratio * w))
        seen = _sense(ground, shape, degradation, _rng(seed, *cell, "reference"), shift)
        ref = stored(_cast(seen, _rng(seed, *cell, "cast")) if track == "ref-cast" else seen)
    return Observation(
        image.image_id,
        image.place,
        gt,
        image.gsd_m,
        lr,
        ref,
        scale,
        degradation,
        track,
        seed,
        encoding=encoding_of(pixels.dtype),
        other=stranger.image_id if stranger else "",
        stamp=stamp_of(image, stranger),
    )


def _changed(ground: NDArray[np.uint16], strange: NDArray[np.uint16], rng: np.random.Generator) -> NDArray[np.uint16]:
    """The ground with a rectangle of half its height and width taken from another place, somewhere inside."""
    height, width = ground.shape[-2:]
    h, w = (max(1, int(CHANGED_SIDE * n)) for n in (height, width))
    row, column = (int(rng.integers(n - m + 1)) for n, m in ((height, h), (width, w)))
    part = (slice(None), slice(row, row + h), slice(column, column + w))
    changed = ground.copy()
    changed[part] = strange[part]
    return changed


def _cast(seen: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A gain and an offset for each band."""
    gain = rng.uniform(*GAIN, size=(len(seen), 1, 1))
    return np.asarray(seen * gain + rng.uniform(*OFFSET_DN, size=(len(seen), 1, 1)))


def _sense(
    ground: NDArray[np.uint16],
    shape: tuple[int, int],
    degradation: str,
    rng: np.random.Generator,
    shift: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.float64]:
    seen = degrade(ground, shape, degradation, shift=shift)
    return add_noise(seen, rng) if degradation == "sensor" else seen


def write_observation(observation: Observation, folder: Path) -> tuple[Path, Path | None]:
    """Write ``lr.tif`` and, where there is one, ``ref.tif`` into ``folder`` (made if missing); return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    gsd = observation.gsd_m * observation.scale
    lr = folder / "lr.tif"
    write_array(lr, observation.lr, gsd)
    if observation.ref is None:
        return lr, None
    ref = folder / "ref.tif"
    write_array(ref, observation.ref, gsd * observation.lr.shape[-1] / observation.ref.shape[-1])
    return lr, ref


def read_result(path: Path) -> NDArray[Any]:
    """The pixels of a tool's output, (C, H, W), as stored."""
    return read_array(path)
