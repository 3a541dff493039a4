"""From a sharp tile to what two sensors would have delivered of it: an input and, sometimes, a reference.

Ranges follow `docs/decisions.md` (the entry on training data): random blur, noise, sampling ratio, misregistration,
radiometric cast, change and cloud, so that one set of weights meets at training time what it will meet in the field.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.degrade import bicubic_weights, sensor_weights
from ursat.fir import BOX_MTF, gaussian_sigma

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEAK_DN = 10_000.0  # what the brightest part of a tile is stored as
_RATIOS = (3.0, 3.0, 3.0, 2.0, 4.0, 6.0, 1.5)  # input pixel over reference pixel; Landsat on Sentinel-2 is 3


@dataclass(frozen=True, slots=True)
class Kernel:
    """``kind`` cubic (antialiased Keys) or sensor (box and Gaussian, ``mtf`` at Nyquist)."""

    kind: str
    mtf: float

    def apply(
        self, image: NDArray[Any], shape: tuple[int, int], shift: tuple[float, float] = (0.0, 0.0)
    ) -> NDArray[np.float32]:
        """(C, H, W) -> (C, *shape); ``shift`` moves the content down and right, in image pixels."""
        out = image.astype(np.float32)
        for axis, (inputs, outputs) in enumerate(zip(image.shape[1:], shape, strict=True)):
            factor = inputs / outputs
            if self.kind == "cubic":
                weights = bicubic_weights(inputs, outputs, factor, shift[axis])
            else:
                weights = sensor_weights(inputs, outputs, factor, gaussian_sigma(self.mtf), shift[axis])
            weights = weights.astype(np.float32)
            out = np.stack([weights @ band if axis == 0 else band @ weights.T for band in out])
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """truth (C, H, W) float32 DN; lr (C, H/K, W/K) uint16; ref uint16 or None; kernel: of the input.

    ratio: input pixel over reference pixel, 0 without a reference.
    """

    truth: NDArray[np.float32]
    lr: NDArray[np.uint16]
    ref: NDArray[np.uint16] | None
    ratio: float
    kernel: Kernel


def simulate(
    tile: NDArray[Any],
    scale: int,
    rng: np.random.Generator,
    *,
    with_reference: bool,
    other: NDArray[Any] | None = None,
    later: NDArray[Any] | None = None,
) -> Simulated:
    """Observe a tile.

    Args:
        tile: (C, H, W) of any range, H and W multiples of ``scale``.
        scale: input pixel over the tile's pixel.
        rng: everything random comes from here.
        with_reference: make one.
        other: another tile, at least as large, for changed ground in the reference; None: no change.
        later: (C, H / k, W / k) of the tile's ground and radiometry at another time: what the reference sees, in place
            of ``other``, where its pixels are not finer than these.
    """
    top = float(np.percentile(tile, 99.9)) or 1.0
    gain = PEAK_DN * float(rng.uniform(0.5, 1.0)) / top
    truth = np.clip(tile.astype(np.float32) * gain, 0, 1.5 * PEAK_DN)
    kernel = _kernel(rng)
    share = _noise_share(kernel, rng)
    h, w = (n // scale for n in truth.shape[1:])
    lr = _stored(_noisy(kernel.apply(truth, (h, w)), share, rng), rng)
    if not with_reference:
        return Simulated(truth, lr, None, 0.0, kernel)
    # A reference cannot be finer than the ground truth it is made from
    ratio = min(float(rng.choice(_RATIOS)), float(scale))
    shape = round(h * ratio), round(w * ratio)
    if later is not None and shape[0] <= later.shape[1] and shape[1] <= later.shape[2]:
        ground = np.clip(later.astype(np.float32) * gain, 0, 1.5 * PEAK_DN)
    else:
        ground = truth if other is None else _changed(truth, other, rng)
    own = kernel if rng.random() < 0.7 else _kernel(rng)
    shift = rng.normal(0, 0.4, 2) * scale if rng.random() < 0.5 else np.zeros(2)
    shift = shift * (ground.shape[1] / truth.shape[1])  # in pixels of the ground that is seen
    ref: NDArray[Any] = own.apply(ground, shape, (float(shift[0]), float(shift[1])))
    ref = _noisy(ref, share if rng.random() < 0.7 else _noise_share(own, rng), rng)
    if rng.random() < 0.4:
        ref = ref * rng.uniform(0.8, 1.25, (len(ref), 1, 1)) + rng.uniform(-200, 300, (len(ref), 1, 1))
    if rng.random() < 0.1:
        ref = _cloudy(ref, rng)
    return Simulated(truth, lr, _stored(ref, rng), shape[0] / h, kernel)


def _kernel(rng: np.random.Generator) -> Kernel:
    kind = rng.random()
    if kind < 0.35:
        return Kernel("cubic", 0.5)
    if kind < 0.65:
        return Kernel("sensor", float(np.clip(rng.normal(0.26, 0.03), 0.15, 0.4)))
    return Kernel("sensor", float(rng.uniform(0.12, BOX_MTF)))


def _noise_share(kernel: Kernel, rng: np.random.Generator) -> float:
    """Standard deviation of the noise as a share of the band's mean."""
    kind = rng.random()
    if kernel.kind == "cubic":
        return 0.0 if kind < 0.8 else float(math.exp(rng.uniform(math.log(0.002), math.log(0.02))))
    if kind < 0.5:
        return float(rng.uniform(0.008, 0.012))
    return 0.0 if kind < 0.6 else float(math.exp(rng.uniform(math.log(0.001), math.log(0.04))))


def _noisy(image: NDArray[np.float32], share: float, rng: np.random.Generator) -> NDArray[np.float32]:
    if share == 0:
        return image
    sigma = share * image.mean(axis=(1, 2), keepdims=True)
    out: NDArray[np.float32] = image + sigma * rng.standard_normal(image.shape, dtype=np.float32)
    return out


def _stored(image: NDArray[Any], rng: np.random.Generator) -> NDArray[np.uint16]:
    step = 40.0 if rng.random() < 0.05 else 1.0  # now and then an eight-bit product
    return np.asarray(np.clip(np.rint(image / step) * step, 0, 65535), dtype=np.uint16)


def _blob(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth mask in 0..1 that covers a few per cent to a third of the image."""
    rows, cols = (
        np.linspace(-1, 1, n)[(slice(None), None) if k == 0 else (None, slice(None))] for k, n in enumerate(shape)
    )
    cy, cx = rng.uniform(-0.8, 0.8, 2)
    ry, rx = rng.uniform(0.15, 0.6, 2)
    wobble = 0.3 * np.sin(5 * np.arctan2(rows - cy, cols - cx) + rng.uniform(0, 6))
    distance = np.sqrt(((rows - cy) / ry) ** 2 + ((cols - cx) / rx) ** 2) + wobble
    return np.asarray(np.clip((1 - distance) * rng.uniform(2, 20) + 0.5, 0, 1), dtype=np.float32)


def _changed(truth: NDArray[np.float32], other: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    """Ground of another place in a part of the image, brought to this one's mean and contrast."""
    h, w = truth.shape[1:]
    top, left = (int(rng.integers(0, n - m + 1)) for n, m in zip(other.shape[1:], (h, w), strict=True))
    piece = other[:, top : top + h, left : left + w].astype(np.float32)
    mean, std = piece.mean((1, 2), keepdims=True), piece.std((1, 2), keepdims=True) + 1e-3
    piece = (piece - mean) * (truth.std((1, 2), keepdims=True) / std) + truth.mean((1, 2), keepdims=True)
    mask = _blob((h, w), rng)[None]
    return np.asarray(truth + mask * (piece - truth), dtype=np.float32)


def _cloudy(ref: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    mask = _blob(ref.shape[1:], rng)[None]
    if rng.random() < 0.4:
        return np.asarray(ref * (1 - 0.6 * mask), dtype=np.float32)  # its shadow
    return np.asarray(ref + mask * (float(ref.max()) * 0.9 - ref), dtype=np.float32)
