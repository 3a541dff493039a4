"""Cross-attention in windows (Eq. 18): queries and tokens of the same square of ground, and of no other.

Every window of `ursat.models.paper.config.WINDOW` cells attends to itself only, so that a result does not depend on the
tile around it. What lies beyond a window's border reaches it through the convolutions between the attentions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

if TYPE_CHECKING:
    from collections.abc import Sequence

_SMALL = 0.02


class Tokens(NamedTuple):
    """The CSP condition tau^lf: (B, d, h / 4, w / 4) features of a level's input and reference."""

    values: Tensor


class WindowAttention(nn.Module):
    """x + W_O Attention(W_Q norm(x), W_K norm(tokens), W_V norm(tokens)), window by window.

    W_O is zero at the start.

    Args:
        width: channels of x, and of the attention.
        source: channels of the tokens.
        heads: divide ``width``.
        sides: cells of a window on x's grid and on the tokens'.
        literal: V inside the softmax, as Eq. 18 is printed.
    """

    def __init__(self, width: int, source: int, heads: int, sides: tuple[int, int], *, literal: bool) -> None:
        super().__init__()
        self.heads, self.sides, self.literal = heads, sides, literal
        self.norms = nn.ModuleList([nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(source, eps=1e-5)])
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(source, width)
        self.value = nn.Linear(source, width)
        self.out = nn.Linear(width, width)
        # Where in its window a cell and a token lie: without it attention would be blind to place
        self.places = nn.ParameterList([_SMALL * torch.randn(side * side, width) for side in sides])
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """(B, width, m, n) and (B, source, p, q) of the same ground, whole windows -> (B, width, m, n)."""
        count, _, height, breadth = x.shape
        mine, theirs = (
            norm(windows(image, side))
            for norm, image, side in zip(self.norms, (x, tokens), self.sides, strict=True)
        )  # fmt: skip
        q = self._split(self.query(mine) + self.places[0])
        k = self._split(self.key(theirs) + self.places[1])
        found = attend(q, k, self._split(self.value(theirs)), literal=self.literal)
        found = self.out(found.transpose(1, 2).flatten(2))
        return x + unwindow(found, self.sides[0], (count, height, breadth))

    def _split(self, values: Tensor) -> Tensor:
        """(W, n, width) -> (W, heads, n, width / heads)."""
        count, cells, width = values.shape
        return values.reshape(count, cells, self.heads, width // self.heads).transpose(1, 2)


def attend(q: Tensor, k: Tensor, v: Tensor, *, literal: bool = False) -> Tensor:
    """Eq. 18 of the paper: (..., n, d), (..., m, d), (..., m, d) -> (..., n, d).

    Args:
        q: queries.
        k: keys.
        v: values.
        literal: softmax(Q K^T V / sqrt(d)), over the last axis, as printed; else softmax(Q K^T / sqrt(d)) V (Vaswani
            et al. 2017, arXiv 1706.03762, Eq. 1).
    """
    if not literal:
        return scaled_dot_product_attention(q, k, v)
    return torch.softmax(q @ (k.transpose(-1, -2) @ v) / math.sqrt(q.shape[-1]), dim=-1)


def windows(x: Tensor, side: int) -> Tensor:
    """(B, c, m side, n side) -> (B m n, side side, c): the cells of every window."""
    count, channels, height, breadth = x.shape
    cut = x.permute(0, 2, 3, 1).reshape(count, height // side, side, breadth // side, side, channels)
    return cut.transpose(2, 3).reshape(-1, side * side, channels)


def unwindow(cells: Tensor, side: int, shape: Sequence[int]) -> Tensor:
    """The inverse of `windows`, for ``shape`` (B, height, width) of the image."""
    count, height, breadth = shape
    whole = cells.reshape(count, height // side, breadth // side, side, side, -1).transpose(2, 3)
    return whole.reshape(count, height, breadth, -1).permute(0, 3, 1, 2)
