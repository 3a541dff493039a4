"""How ground truth becomes an observation: exact separable weights, for any real reduction factor.

Two sensors of the protocol: `bicubic_weights` (the antialiased Keys kernel with a = -0.5 of the paper, no noise) and
`sensor_weights` (the footprint of a detector, a box of one pixel, blurred by a Gaussian). Both are sparse matrices of
shape (outputs, inputs), one an axis; what lies beyond the border repeats the border pixel.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from scipy.special import erf

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Weights = Any  # scipy.sparse.csr_array has no useful stubs for its element type

SENSOR_SIGMA = 0.435  # pixels of the sensor: exp(-2 pi**2 sigma**2 / 4) * 2/pi = 0.25 at its Nyquist frequency
NOISE_SHARE = 0.01  # standard deviation of the noise as a share of the band's mean
_REACH_SIGMAS = 5.0


def _keys(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic convolution with a = -0.5 (Keys 1981, IEEE TASSP 29(6), Eq. 15), x in samples."""
    d = np.abs(x)
    near = (1.5 * d - 2.5) * d * d + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.asarray(np.where(d < 1, near, np.where(d < 2, far, 0.0)), dtype=np.float64)


def _lanczos(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0), dtype=np.float64)


def _matrix(centres: NDArray[np.float64], reach: float, inputs: int, kernel: Any) -> Weights:
    """Rows of ``kernel(position - centre)`` over the inputs within ``reach``, normalised to sum 1."""
    first = np.floor(centres - reach).astype(np.int64)
    position = first[:, None] + np.arange(int(np.ceil(2 * reach)) + 2)
    weights = kernel(position - centres[:, None])
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(len(centres))[:, None], position.shape)
    columns = np.clip(position, 0, inputs - 1)
    keep = weights != 0
    matrix = csr_array((weights[keep], (rows[keep], columns[keep])), shape=(len(centres), inputs))
    matrix.sum_duplicates()
    return matrix


def _centres(outputs: int, factor: float, shift: float) -> NDArray[np.float64]:
    """Centres of the output pixels in input samples, sample 0 being the centre of the first input pixel."""
    return np.asarray((np.arange(outputs, dtype=np.float64) + 0.5) * factor - 0.5 - shift, dtype=np.float64)


@lru_cache(maxsize=256)
def bicubic_weights(inputs: int, outputs: int, factor: float, shift: float = 0.0) -> Weights:
    """Keys' cubic convolution: interpolation for ``factor`` <= 1, stretched to antialias for ``factor`` > 1.

    Args:
        inputs: samples along the axis.
        outputs: samples wanted.
        factor: input pixels per output pixel, any positive number.
        shift: how far the content moves towards larger indices, in input pixels.

    Returns:
        Sparse (outputs, inputs), rows sum to 1.
    """
    width = max(1.0, factor)
    return _matrix(_centres(outputs, factor, shift), 2 * width, inputs, lambda x: _keys(x / width))


@lru_cache(maxsize=64)
def lanczos_weights(inputs: int, outputs: int, factor: float) -> Weights:
    """Interpolation (``factor`` <= 1) by the Lanczos kernel sinc(x) sinc(x / 3): sparse (outputs, inputs)."""
    return _matrix(_centres(outputs, factor, 0.0), 3.0, inputs, _lanczos)


@lru_cache(maxsize=256)
def sensor_weights(
    inputs: int, outputs: int, factor: float, sigma: float = SENSOR_SIGMA, shift: float = 0.0
) -> Weights:
    """A detector's footprint: a box of ``factor`` input pixels blurred by a Gaussian.

    The weight of an input sample is the integral of the Gaussian around it over the footprint; with ``sigma`` 0 it is
    the overlap of the pixel with the footprint. For ``sigma`` 0.435 the modulation transfer at the output's
    Nyquist frequency is 0.25 whatever the factor, integer or not.

    Args:
        inputs: samples along the axis.
        outputs: samples wanted.
        factor: input pixels per output pixel, any number >= 1.
        sigma: standard deviation of the Gaussian in output pixels.
        shift: how far the content moves towards larger indices, in input pixels.

    Returns:
        Sparse (outputs, inputs), rows sum to 1.
    """
    spread = sigma * factor

    def kernel(x: NDArray[np.float64]) -> NDArray[np.float64]:
        if spread == 0:
            return np.clip(factor / 2 + 0.5 - np.abs(x), 0.0, min(1.0, factor))
        a = np.sqrt(2) * spread
        return np.asarray(erf((x + factor / 2) / a) - erf((x - factor / 2) / a))

    reach = factor / 2 + max(0.5, _REACH_SIGMAS * spread)
    return _matrix(_centres(outputs, factor, shift), reach, inputs, kernel)


def apply_weights(image: NDArray[Any], rows: Weights, columns: Weights) -> NDArray[np.float64]:
    """Separable weights on the last two axes: (C, H, W) -> (C, outputs of rows, outputs of columns), float64."""
    return np.stack([np.asarray(rows @ (columns @ band.T.astype(np.float64)).T) for band in image])


def add_noise(image: NDArray[np.float64], rng: np.random.Generator, share: float = NOISE_SHARE) -> NDArray[np.float64]:
    """White Gaussian noise with a standard deviation of ``share`` of each band's mean. (C, h, w) -> (C, h, w)."""
    sigma = share * image.mean(axis=(1, 2), keepdims=True)
    return np.asarray(image + sigma * rng.standard_normal(image.shape))


def degrade(
    image: NDArray[Any],
    shape: tuple[int, int],
    kind: str,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    sigma: float = SENSOR_SIGMA,
) -> NDArray[np.float64]:
    """The noise-free view of ``image`` by one of the protocol's sensors, on a grid of ``shape`` over the same ground.

    Args:
        image: (C, H, W), any dtype.
        shape: (h, w) of the result; H/h and W/w may be any real numbers.
        kind: ``bicubic`` or ``sensor``.
        shift: (rows, columns), pixels of ``image``, by which the content moves towards larger indices.
        sigma: the sensor's Gaussian in its own pixels; ``bicubic`` has none.

    Returns:
        (C, h, w) float64, not rounded.

    Raises:
        ValueError: ``kind`` is neither.
    """
    axes = []
    for inputs, outputs, moved in zip(image.shape[-2:], shape, shift, strict=True):
        if kind == "bicubic":
            axes.append(bicubic_weights(inputs, outputs, inputs / outputs, moved))
        elif kind == "sensor":
            axes.append(sensor_weights(inputs, outputs, inputs / outputs, sigma, moved))
        else:
            raise ValueError(f"no degradation {kind!r}; there are bicubic and sensor")
    return apply_weights(image, axes[0], axes[1])
