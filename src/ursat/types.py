"""Small values that the parts of ursat hand to each other: encodings, bands, blocks of pixels, scenes.

io, harmonise, tiling and models do not import one another; they meet here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.grid import Grid, Window


@dataclass(frozen=True, slots=True)
class Encoding:
    """How physical values are stored in a file: value = dn * scale + offset, band by band.

    ``nodata`` is the stored number that means "no observation" (None: none declared; may be NaN).
    All tuples have one entry a band.
    """

    dtype: str
    nodata: float | None
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    units: tuple[str | None, ...]
    descriptions: tuple[str | None, ...]
    colorinterp: tuple[str, ...]

    @property
    def work_dtype(self) -> str:
        """Floating type in which every stored number is exact: float64 for 32-bit integers and doubles."""
        return (
            "float64" if np.dtype(self.dtype).name in {"int32", "uint32", "int64", "uint64", "float64"} else "float32"
        )

    def closure_dn(self, p99: float) -> float:
        """What one DN means to the closure promise: 1 for integers, for floats 1e-4 of the band's 99th percentile."""
        return 1.0 if np.dtype(self.dtype).kind in "iu" else max(abs(p99) * 1e-4, float(np.finfo(np.float32).tiny))


@dataclass(frozen=True, slots=True)
class Band:
    """One band as ursat understood it.

    ``common_name`` follows STAC eo (blue, green, red, nir, nir08, swir16, swir22, coastal, pan ...), or None.
    ``wavelength_um`` is the centre wavelength where the sensor is known.
    ``rule`` says in words how the name was found ("description 'B4' of Landsat-8", "--bands", "position").
    """

    index: int
    common_name: str | None
    native_name: str | None
    wavelength_um: float | None
    rule: str


@dataclass(frozen=True, slots=True)
class SceneInfo:
    """What ursat understood of an input, and by which rules; everything ``ursat info`` prints.

    ``sensor``: landsat-8, landsat-9, sentinel-2a/b/c, sentinel-2 or unknown; ``level``: L1TP, L2SP, L1C, L2A ...
    ``rules`` are human-readable (topic, rule) pairs: scale/offset, nodata, masks, bands.
    """

    path: str
    driver: str
    sensor: str
    level: str
    grid: Grid
    gsd_m: float
    encoding: Encoding
    bands: tuple[Band, ...]
    acquired: str | None
    rules: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        out = asdict(self)
        out["grid"] = {
            "height": self.grid.height,
            "width": self.grid.width,
            "transform": list(self.grid.transform)[:6],
            "crs": self.grid.crs,
        }
        return out


@dataclass(frozen=True, slots=True)
class Block:
    """Pixels of a window in physical units.

    values: (bands, height, width), the encoding's work dtype; undefined where not valid (finite all the same).
    valid: (bands, height, width) bool; False outside the raster, on nodata, NaN and masked pixels.
    """

    values: NDArray[Any]
    valid: NDArray[np.bool_]


class Reader(Protocol):
    """Windows of one grid, whoever provides them: a file on its own grid, or a scene warped to another."""

    @property
    def grid(self) -> Grid:
        """The grid whose windows are read."""
        ...

    def read(self, window: Window) -> Block:
        """Pixels of ``window``; what lies outside the grid comes back as not valid."""
        ...


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the reference's content lies relative to the input's, in map units of the input CRS.

    The content seen at world point p in the reference is seen at ``p + (dx, dy)`` in the input; so moving the
    reference by (dx, dy) aligns the two.
    """

    dx: float = 0.0
    dy: float = 0.0


class Progress(Protocol):
    """Called by long work with (done, total) units; the command line draws it, the library stays silent."""

    def __call__(self, done: int, total: int) -> None:
        """Report progress."""
        ...


@dataclass(frozen=True, slots=True)
class SensorModel:
    """The sensor operator H of a run and what is known of the input's noise.

    H(out) = F(box(out)): the image is first averaged to half the input's pixel (a box of K/2 output pixels), then
    the separable stride-2 filter F with ``taps`` (even length, symmetric, sum 1) gives the input's pixels. A pure
    pixel box is ``taps == (0.5, 0.5)``.

    name: "box", "mtf=0.25", "estimated" ... ; mtf: total modulation transfer at the input's Nyquist frequency.
    noise: standard deviation per input band, physical units.
    signal: per band, the standard deviation (physical units) of the error that the best linear estimate of the half
    grid would have if the sensor were a noise-free pixel box and there were no reference: the scene's spectrum
    A f^-2.4, with A from the input's own neighbour differences (noise subtracted, blur undone). Never 0 where the
    noise is not. noise**2 / signal**2 is what a Wiener filter for the half grid needs.
    """

    name: str
    mtf: float
    taps: tuple[float, ...]
    noise: tuple[float, ...]
    signal: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ReferenceModel:
    """How the reference is turned into the input's radiometry and sharpness; fitted once, at plan time.

    The warped reference (Br bands, on the grid of cascade level ``level``, 2**level times finer than the input) is
    filtered with the symmetric odd-length ``taps`` (undoing its own MTF), then band c of the result is
    ``sum_b matrix[c][b] * ref[b] + offsets[c]``.

    trust: per input band, 0..1: how far the reference is believed as a whole (0 drops it).
    residual: per input band, the standard deviation (physical units, at the input's GSD, never below the input's
    noise) of input minus F(box(harmonised reference)) where both see the same ground and the ground is flat: clouds and
    changes do not count, and a share of the local detail's variance (`ursat.agreement.TEXTURE_SHARE`) is left out.
    residual**2 - noise**2 is thus the variance of the reference's own error as an input pixel sees it; local trust
    is measured against residual**2 and that share.
    mtf: the reference's total MTF at its own Nyquist frequency that ``taps`` undo (0.5 also for a cubic resampling).
    ratio: input GSD over reference GSD.
    """

    level: int
    taps: tuple[float, ...]
    matrix: tuple[tuple[float, ...], ...]
    offsets: tuple[float, ...]
    trust: tuple[float, ...]
    residual: tuple[float, ...]
    mtf: float
    ratio: float
