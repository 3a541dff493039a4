"""Which stored numbers are measurements at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 1e15  # what is beyond cannot be squared and summed in float32: lost nodata values, such as -3.4e38, or damage


def measured(stored: NDArray[Any]) -> NDArray[np.bool_]:
    """True where a stored number may be a measurement; NaN, infinities and what exceeds `LARGEST` are not.

    Args:
        stored: any shape; integers always are.
    """
    if stored.dtype.kind != "f":
        return np.ones(stored.shape, dtype=bool)
    return np.asarray(np.abs(stored) < LARGEST)
