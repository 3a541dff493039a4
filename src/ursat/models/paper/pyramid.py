"""The cross-scale pyramid's own reference: what stands in a reference's place on a level for which there is none.

The paper has two kinds of CSP (Table 6) and defines neither. What it says is that the condition is "dynamically
updated" by "compressing information from adjacent UR sub-processes" (section 1), that theta "evolves progressively with
the increasing magnification rate" (section 3.2), and that the same network serves every level without further
parameters (section 4.6). Read here as: *Reuse* has the reference that was given, on the levels for which it has detail,
and nothing after them. *Progressive* goes on with a pseudo-reference that the two outputs before make, in the place
that the reference has in the network, and tells the network its level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.models.predict import refine
from ursat.models.wavelet import HaarBands, dwt2, idwt2, replicate

if TYPE_CHECKING:
    from torch import Tensor


def pseudo_reference(x: Tensor) -> Tensor:
    """An image of a level's output grid, of the two outputs before: SR_{i-1} and what it added to SR_{i-2}.

    A is SR_{i-1}. V, H and D are those by which SR_{i-1} differs from SR_{i-2}, carried on to the grid twice as fine so
    that the four children of a coefficient have it as their mean: across scales, wavelet coefficients of one place tend
    to keep their sign and strength (Crouse, Nowak and Baraniuk 1998, IEEE Trans. Signal Processing 46(4)).

    Args:
        x: (..., h, w) SR_{i-1}, physical units; h and w even, its 2 x 2 blocks being the cells of SR_{i-2}. From the
            third level on their means are SR_{i-2}, as A of every level is its input; on the second they are what
            SR_1 says of the input.

    Returns:
        (..., 2h, 2w).

    Raises:
        ValueError: a side is odd.
    """
    _, v, h, d = dwt2(x)
    return idwt2(HaarBands(x, refine(v), refine(h), refine(d)))


def stand_in(x: Tensor, level: int, *, progressive: bool) -> Tensor:
    """(..., h, w) -> (..., 2h, 2w): what the networks see where no reference is given or trusted.

    Args:
        x: the level's input.
        level: 1 for the first doubling, before which there is no output.
        progressive: `pseudo_reference`, else the input's own pixels.
    """
    return pseudo_reference(x) if progressive and level > 1 else replicate(x)
