"""One observation of the protocol: what the tool is given, and the ground truth it is judged by."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.degrade import add_noise, degrade
from ursat.io.exchange import read_array, write_array

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ursat.benchmark.places import PlaceImage

TRACKS = ("noref", "ref", "ref-shift", "ref-cast", "ref-wrong")
DEGRADATIONS = ("bicubic", "sensor")
SCALES = (4, 8, 16, 32, 64, 128)
RATIO = 3  # reference pixels along an input pixel: the one of Landsat and Sentinel-2
SHIFT = (0.6, -0.4)  # rows, columns of the input by which the reference's content is displaced
GAIN = (0.8, 1.25)
OFFSET_DN = (-200.0, 300.0)  # -0.02..0.03 of reflectance, 10000 DN each
DN_PER_STEP = 40  # of eight-bit imagery
_DTYPE_MAX = 65535


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What is given and what is asked.

    gt: (C, H, W) uint16 DN, eight-bit value x 40; lr: (C, H/scale, W/scale) uint16; ref: (C, 3 H/scale, 3 W/scale)
    uint16 or None, georeferenced to the same ground; gsd_m: of the ground truth. Rows and columns of a shifted
    reference lie 0.6 input pixels too far down and 0.4 too far left.
    """

    image_id: str
    place: str
    gt: NDArray[np.uint16]
    gsd_m: float
    lr: NDArray[np.uint16]
    ref: NDArray[np.uint16] | None
    scale: int
    degradation: str
    track: str
    seed: int


def fits(image: PlaceImage, scale: int) -> bool:
    """Whether the protocol uses ``image`` at ``scale``: 12 input pixels a side, from x64 on 8; large ones from x32."""
    least = 8 if scale >= 64 else 12
    return min(image.pixels.shape[-2:]) // scale >= least and (not image.large or scale >= 32)


def _rng(seed: int, *parts: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32("|".join(parts).encode())])


def _stored(values: NDArray[Any]) -> NDArray[np.uint16]:
    return np.asarray(np.clip(np.rint(values), 0, _DTYPE_MAX), dtype=np.uint16)


def _truth(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint16]:
    """The top-left part in DN; an image that is too small goes on as its mirror image."""
    short = [(0, 0), (0, max(0, height - pixels.shape[-2])), (0, max(0, width - pixels.shape[-1]))]
    whole = np.pad(pixels, short, mode="symmetric") if any(b for _, b in short) else pixels
    dn: NDArray[np.uint16] = whole[:, :height, :width].astype(np.uint16) * np.uint16(DN_PER_STEP)
    return dn


def make_observation(
    image: PlaceImage, scale: int, degradation: str, track: str, seed: int = 0, *, other: PlaceImage | None = None
) -> Observation:
    """Degrade one image for one cell of the protocol; the same arguments give the same observation.

    The ground truth is cropped to whole input pixels. All tracks of an image share the very same input.

    Args:
        image: the ground truth's source, eight bits.
        scale: input pixel over ground-truth pixel, an integer of at least 3.
        degradation: ``bicubic`` (no noise) or ``sensor`` (MTF 0.25 at Nyquist, noise of 1/100 of the band's mean).
        track: ``noref``, ``ref``, ``ref-shift``, ``ref-cast`` or ``ref-wrong``.
        seed: of noise and casts.
        other: an image of another place (`places.other_place`), for ``ref-wrong`` only.

    Raises:
        ValueError: unknown track or degradation, a scale below 3, an image too small, or no ``other`` for ref-wrong.
    """
    if track not in TRACKS or degradation not in DEGRADATIONS or scale < RATIO:
        raise ValueError(f"no such cell: x{scale}, {degradation}, {track}")
    h, w = (n // scale for n in image.pixels.shape[-2:])
    if min(h, w) == 0:
        raise ValueError(f"{image.image_id}: smaller than one input pixel at x{scale}")
    gt = _truth(image.pixels, h * scale, w * scale)
    cell = (image.image_id, str(scale), degradation)
    lr = _sense(gt, (h, w), degradation, _rng(seed, *cell, "input"))
    if track == "noref":
        return Observation(
            image.image_id, image.place, gt, image.gsd_m, _stored(lr), None, scale, degradation, track, seed
        )
    ground = gt
    if track == "ref-wrong":
        if other is None or other.place == image.place:
            raise ValueError("the track ref-wrong needs an image of another place")
        ground = _truth(other.pixels, h * scale, w * scale)
    shift = (SHIFT[0] * scale, SHIFT[1] * scale) if track == "ref-shift" else (0.0, 0.0)
    ref = _sense(ground, (RATIO * h, RATIO * w), degradation, _rng(seed, *cell, "reference"), shift)
    if track == "ref-cast":
        cast = _rng(seed, *cell, "cast")
        gain = cast.uniform(*GAIN, size=(len(ref), 1, 1))
        ref = ref * gain + cast.uniform(*OFFSET_DN, size=(len(ref), 1, 1))
    return Observation(
        image.image_id, image.place, gt, image.gsd_m, _stored(lr), _stored(ref), scale, degradation, track, seed
    )


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
    write_array(ref, observation.ref, gsd / RATIO)
    return lr, ref


def read_result(path: Path) -> NDArray[Any]:
    """The pixels of a tool's output, (C, H, W), as stored."""
    return read_array(path)
