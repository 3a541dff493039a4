"""What harmonising looks at: windows where input and reference see the same ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ursat.grid import Window


@dataclass(frozen=True, slots=True)
class PairWindow:
    """One window of the input and the same ground of the reference, in physical units.

    window: the window on the input's own grid (absolute pixels).
    lr: (C, h, w) the input; lr_valid: (C, h, w) bool.
    ref: (Br, h*factor, w*factor) the reference warped to a grid ``factor`` times finer, all its bands, undistorted
    by any matching; ref_valid: (Br, h*factor, w*factor) bool (clouds of its own mask already excluded).
    Values where not valid are finite but meaningless.
    """

    window: Window
    lr: NDArray[np.floating]
    lr_valid: NDArray[np.bool_]
    ref: NDArray[np.floating]
    ref_valid: NDArray[np.bool_]
    factor: int
