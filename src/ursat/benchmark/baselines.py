"""The classical answers every method is measured against: arrays in, arrays out, no tuning to the place.

Each takes an `Observation` and returns (C, H, W) float64 DN on the ground truth's grid, not rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark import injection
from ursat.benchmark.degrade import apply_weights, bicubic_weights, lanczos_weights
from ursat.benchmark.observation import box_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ursat.benchmark.observation import Observation

BACK_PROJECTIONS = 10
CORRECTIONS = 3


def enlarge(image: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Keys' bicubic interpolation (a = -0.5) at pixel centres, borders repeated. (C, h, w) -> (C, *shape)."""
    rows, columns = (bicubic_weights(n, m, n / m) for n, m in zip(image.shape[-2:], shape, strict=True))
    return apply_weights(image, rows, columns)


def _corrected(x: NDArray[np.float64], o: Observation, times: int) -> NDArray[np.float64]:
    """Add the enlarged difference between the input and the box mean of ``x``, ``times`` times."""
    for _ in range(times):
        x = x + enlarge(o.lr - box_mean(x, o.scale), x.shape[-2:])
    return x


def nearest(o: Observation) -> NDArray[np.float64]:
    """Each input pixel repeated."""
    return np.repeat(np.repeat(o.lr.astype(np.float64), o.scale, axis=-2), o.scale, axis=-1)


def bicubic(o: Observation) -> NDArray[np.float64]:
    """The input enlarged."""
    return enlarge(o.lr, o.shape)


def lanczos(o: Observation) -> NDArray[np.float64]:
    """The input enlarged by the three-lobed Lanczos kernel."""
    rows, columns = (lanczos_weights(n, m, n / m) for n, m in zip(o.lr.shape[-2:], o.shape, strict=True))
    return apply_weights(o.lr, rows, columns)


def ibp(o: Observation) -> NDArray[np.float64]:
    """Iterated back-projection (Irani and Peleg 1991): bicubic, then 10 corrections with a box as the sensor.

    The residual is carried back by the bicubic kernel: repeating it instead leaves blocks.
    """
    return _corrected(bicubic(o), o, BACK_PROJECTIONS)


def _reference(o: Observation) -> NDArray[np.uint16]:
    if o.ref is None:
        raise ValueError(f"{o.image_id}: the track {o.track} has no reference")
    return o.ref


def reference_bicubic(o: Observation) -> NDArray[np.float64]:
    """The reference enlarged; the input is not looked at."""
    return enlarge(_reference(o), o.shape)


def hpf(o: Observation) -> NDArray[np.float64]:
    """High-pass fusion: the enlarged reference, its low frequencies corrected three times to the input's."""
    return _corrected(reference_bicubic(o), o, CORRECTIONS)


def gram_schmidt(o: Observation) -> NDArray[np.float64]:
    """`injection.gram_schmidt` of the enlarged reference into the enlarged input."""
    return injection.gram_schmidt(bicubic(o), reference_bicubic(o))


def brovey(o: Observation) -> NDArray[np.float64]:
    """`injection.brovey`, likewise."""
    return injection.brovey(bicubic(o), reference_bicubic(o))


BASELINES: dict[str, Callable[[Observation], NDArray[np.float64]]] = {
    "nearest": nearest,
    "bicubic": bicubic,
    "lanczos": lanczos,
    "ibp": ibp,
    "reference-bicubic": reference_bicubic,
    "hpf": hpf,
    "gram-schmidt": gram_schmidt,
    "brovey": brovey,
}
NEEDS_REFERENCE = frozenset({"reference-bicubic", "hpf", "gram-schmidt", "brovey"})
