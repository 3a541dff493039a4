"""Short separable filters by shifted additions, for numpy arrays and torch tensors alike.

Each multiplication and addition is a separate, correctly rounded operation, so a pixel's result depends neither on
the shape of the array around it nor on the device (DESIGN promise "tiles do not exist"). Borders are replicated; the
callers bring a halo, so what happens there never reaches a result.

The half grid is the grid of twice the input's resolution. F, the first-stage sensor filter, reads the half grid and
gives the input's pixels; its taps have even length, the two middle ones being the two halves of the pixel.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = TypeVar("Array", bound=Any)  # numpy.ndarray or torch.Tensor; both slice, add and multiply the same way

BOX_MTF = 2 / math.pi  # a pixel-wide box at its own Nyquist frequency: sinc(1/2)
BOX_TAPS = (0.5, 0.5)
MAX_PSF_TAPS = 12
# Eight averages of neighbours (1, 1)/2 in a row: for `filter_same`, sum 1, standard deviation sqrt(2) pixels, never
# negative, and 0 at the Nyquist frequency. Every tap is a dyadic fraction, exact in float32.
BINOMIAL9 = tuple(c / 256 for c in (1.0, 8.0, 28.0, 56.0, 70.0, 56.0, 28.0, 8.0, 1.0))


def gaussian_sigma(mtf: float) -> float:
    """Standard deviation (input pixels) of the Gaussian that, with the pixel box, gives ``mtf`` at Nyquist.

    0 for an ``mtf`` at or above the box's own 2/pi. From exp(-pi**2 sigma**2 / 2) = mtf / (2/pi).
    """
    if not 0 < mtf <= 1:
        raise ValueError(f"an MTF lies in (0, 1], got {mtf}")
    return 0.0 if mtf >= BOX_MTF else math.sqrt(-2 * math.log(mtf / BOX_MTF)) / math.pi


def psf_taps(mtf: float) -> tuple[float, ...]:
    """Taps of F on the half grid for a pixel box blurred to a total ``mtf`` at the input's Nyquist frequency.

    The continuous PSF box_1 * Gauss factors into box_1/2 (the half grid's own pixel) and a comb with the frequency
    response cos(w/2) exp(-s**2 w**2 / 2), s in half pixels; the taps are that response's Fourier coefficients,
    cut to 12 and normalised to sum 1.
    """
    sigma = 2 * gaussian_sigma(mtf)
    if sigma == 0:
        return BOX_TAPS
    omega = (np.arange(4096) + 0.5) * (math.pi / 4096)
    response = np.cos(omega / 2) * np.exp(-0.5 * (sigma * omega) ** 2)
    half = [float(np.mean(response * np.cos((j + 0.5) * omega))) for j in range(MAX_PSF_TAPS // 2)]
    while len(half) > 1 and abs(half[-1]) < 1e-4:
        half.pop()
    total = 2 * sum(half)
    right = [tap / total for tap in half]
    return tuple(right[::-1] + right)


def is_torch(x: Any) -> bool:
    """True for a torch tensor, without importing torch."""
    return type(x).__module__.startswith("torch")


def pad_edge(x: Array, rows: int, cols: int) -> Array:
    """(..., h, w) -> (..., h + 2 rows, w + 2 cols), borders replicated."""
    if rows == 0 and cols == 0:
        return x
    if is_torch(x):
        from torch.nn.functional import pad  # noqa: PLC0415  (only reached where torch is loaded already)

        lead = x.shape[:-2]
        padded = pad(x.reshape(1, -1, *x.shape[-2:]), (cols, cols, rows, rows), mode="replicate")
        return cast("Array", padded.reshape(*lead, *padded.shape[-2:]))
    return cast("Array", np.pad(x, [(0, 0)] * (x.ndim - 2) + [(rows, rows), (cols, cols)], mode="edge"))


def _symmetric(x: Array, taps: Sequence[float], axis: int, step: int, count: int) -> Array:
    """sum_k taps[k] * x[k + step*i] along ``axis`` (-1 or -2) for i < count, pairing equal taps."""

    def shifted(k: int) -> Array:
        stop = k + step * (count - 1) + 1
        return cast("Array", x[..., k:stop:step] if axis == -1 else x[..., k:stop:step, :])

    n = len(taps)
    total: Array | None = None
    for k in range(n // 2):
        term = (shifted(k) + shifted(n - 1 - k)) * taps[k]
        if total is None:
            total = term
        else:
            total += term  # in place: what these filters cost is memory traffic
    if n % 2:
        middle = shifted(n // 2) * taps[n // 2]
        if total is None:
            total = middle
        else:
            total += middle
    assert total is not None  # noqa: S101  (taps are never empty)
    return total


def filter_same(x: Array, taps: Sequence[float]) -> Array:
    """Symmetric odd-length separable filter on the last two axes, same shape."""
    r = len(taps) // 2
    h, w = x.shape[-2:]
    if r == 0:
        return x if taps[0] == 1 else cast("Array", x * (taps[0] * taps[0]))
    y = _symmetric(pad_edge(x, r, 0), taps, -2, 1, h)
    return _symmetric(pad_edge(y, 0, r), taps, -1, 1, w)


def decimate2(x: Array, taps: Sequence[float]) -> Array:
    """F: the half grid seen by the sensor. (..., 2h, 2w) -> (..., h, w), symmetric even-length taps."""
    r = len(taps) // 2 - 1
    h, w = x.shape[-2] // 2, x.shape[-1] // 2
    y = _symmetric(pad_edge(x, r, 0), taps, -2, 2, h)
    return _symmetric(pad_edge(y, 0, r), taps, -1, 2, w)


def _expand_axis(x: Array, taps: Sequence[Any], axis: int) -> Array:
    """Both phases of the transpose along one axis: n -> 2n."""
    n = len(taps) // 2
    # Input i + m weights child 2i (the left half of pixel i) by taps[n - 1 - 2m]; child 2i + 1 is its mirror image. So
    # the children are sum and difference of an even part (of x[i + m] + x[i - m]) and an odd one.
    reach = n // 2
    padded = pad_edge(x, reach, 0) if axis == -2 else pad_edge(x, 0, reach)
    size = x.shape[axis]

    def shifted(m: int) -> Array:
        lo = reach + m
        return cast("Array", padded[..., lo : lo + size] if axis == -1 else padded[..., lo : lo + size, :])

    def weight(m: int) -> Any:
        return taps[n - 1 - 2 * m] if 0 <= n - 1 - 2 * m < len(taps) else 0.0

    even: Any = shifted(0) * weight(0)
    odd: Any = None
    for m in range(1, reach + 1):
        ahead, behind = weight(m), weight(-m)
        after, before = shifted(m), shifted(-m)
        even += (after + before) * ((ahead + behind) * 0.5)
        term = (after - before) * ((ahead - behind) * 0.5)
        if odd is None:
            odd = term
        else:
            odd += term
    left, right = (even, even) if odd is None else (even + odd, even - odd)
    shape = list(x.shape)
    shape[axis] = 2 * size
    out = x.new_empty(shape) if is_torch(x) else np.empty(shape, dtype=x.dtype)
    if axis == -1:
        out[..., 0::2], out[..., 1::2] = left, right
    else:
        out[..., 0::2, :], out[..., 1::2, :] = left, right
    return cast("Array", out)


def expand2(x: Array, taps: Sequence[Any]) -> Array:
    """The transpose of `decimate2` away from the borders: (..., h, w) -> (..., 2h, 2w).

    A tap is a number, or an array that broadcasts against x (one number a band).
    """
    return _expand_axis(_expand_axis(x, taps, -2), taps, -1)
