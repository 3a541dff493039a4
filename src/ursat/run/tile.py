"""One finished tile on its way from the model to the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.grid import Window
    from ursat.types import Encoding


@dataclass(frozen=True, slots=True)
class Tile:
    """Stored numbers as floats and as the file's own, where they are valid, the spread of samples; all (C, h, w).

    trust_sum, trust_count: see `ursat.run.cascade.Rendered`.
    """

    stored: NDArray[Any]
    dn: NDArray[Any]
    valid: NDArray[np.bool_]
    spread: NDArray[np.float32] | None
    trust_sum: float
    trust_count: int


def joined(window: Window, pieces: list[tuple[Window, Tile | None]], encoding: Encoding) -> Tile | None:
    """The tile of a window from those of its pieces, of which None stands for one without a valid pixel."""
    made = [(piece, tile) for piece, tile in pieces if tile is not None]
    if not made:
        return None
    first = made[0][1]
    shape = (len(first.stored), *window.shape)
    whole = Tile(
        stored=np.zeros(shape, first.stored.dtype),
        dn=np.full(shape, 0 if encoding.nodata is None else encoding.nodata, first.dn.dtype),
        valid=np.zeros(shape, bool),
        spread=None if first.spread is None else np.full(shape, np.nan, np.float32),
        trust_sum=sum(tile.trust_sum for _, tile in made),
        trust_count=sum(tile.trust_count for _, tile in made),
    )
    for piece, tile in made:
        here = (..., *piece.within(window))
        whole.stored[here], whole.dn[here], whole.valid[here] = tile.stored, tile.dn, tile.valid
        if whole.spread is not None and tile.spread is not None:
            whole.spread[here] = tile.spread
    return whole
