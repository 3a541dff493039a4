"""A network applied to a window in patches of one size: its memory is bounded, its shapes are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.functional import pad

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

FACTOR = 2


def in_patches(x: Tensor, side: int, margin: int, enlarge: Callable[[Tensor], Tensor]) -> Tensor:
    """Enlarge a window twice, patch by patch; where patches overlap, each gives what is nearer to its middle.

    Args:
        x: (B, C, h, w).
        side: of every patch, pixels of x; a smaller window is continued by its last pixels.
        margin: pixels of a patch that are computed for its neighbours' sake only, below side / 2.
        enlarge: (B, C, side, side) -> (B, C, 2 side, 2 side).

    Returns:
        (B, C, 2h, 2w).
    """
    height, width = x.shape[-2:]
    grown = pad(x, (0, max(side - width, 0), 0, max(side - height, 0)), mode="replicate")
    rows, cols = (_starts(size, side, margin) for size in grown.shape[-2:])
    out = x.new_empty((*x.shape[:2], FACTOR * grown.shape[-2], FACTOR * grown.shape[-1]))
    for number, row in enumerate(rows):
        top = 0 if number == 0 else margin
        for count, col in enumerate(cols):
            left = 0 if count == 0 else margin
            made = enlarge(grown[..., row : row + side, col : col + side].contiguous())
            out[
                ...,
                FACTOR * (row + top) : FACTOR * (row + side),
                FACTOR * (col + left) : FACTOR * (col + side),
            ] = made[..., FACTOR * top :, FACTOR * left :]
    return out[..., : FACTOR * height, : FACTOR * width]


def _starts(size: int, side: int, margin: int) -> list[int]:
    """Where patches begin along an axis of ``size`` >= ``side`` pixels; the last one ends with it."""
    step = side - 2 * margin
    return [*range(0, size - side, step), size - side]
