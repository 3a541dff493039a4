"""What the paper's networks are told of a level besides its images: three numbers, and the vector made of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import leaky_relu

if TYPE_CHECKING:
    from torch import Tensor

NUMBERS = 3
NONE = 99.0  # in rho's place where there is no reference
_COARSEST, _FINEST = 64.0, 0.03  # metres
_LEVELS = 8
_FACTS = 4
_SLOPE = 0.1
_RHO = (-3.0, 6.0)


def context_numbers(level: int, gsd_m: float, rho: float | None) -> tuple[float, float, float]:
    """One row of the networks' ``context``.

    Args:
        level: 1 for the first doubling.
        gsd_m: of the level's output grid, metres.
        rho: log2(reference GSD / output GSD), or None without a reference.
    """
    octave = math.log2(min(max(gsd_m, _FINEST), _COARSEST))
    return octave, NONE if rho is None else min(max(rho, _RHO[0]), _RHO[1]), float(level)


class LevelEmbedding(nn.Module):
    """(B, 3) `context_numbers` -> (B, width): GSD, reference (with a learned vector for none) and, asked to, the level.

    Args:
        width: of the vector.
        progressive: tell the level (Table 6, *Progressive*).
    """

    def __init__(self, width: int, *, progressive: bool) -> None:
        super().__init__()
        self.facts = nn.Linear(_FACTS, width)
        self.without = nn.Parameter(torch.zeros(width))
        self.levels = nn.Embedding(_LEVELS, width) if progressive else None
        if self.levels is not None:  # a fresh one says nothing, so that training can go on from weights without it
            nn.init.zeros_(self.levels.weight)
        self.mix = nn.Linear(width, width)

    def forward(self, context: Tensor) -> Tensor:
        """(B, 3) -> (B, width)."""
        octave, rho = context[:, 0], context[:, 1]
        none = (rho == NONE).to(context.dtype)
        turn = octave * (math.pi / 4)
        facts = torch.stack([octave / 4, turn.sin(), turn.cos(), rho * (1 - none) / 4], dim=1)
        out = self.facts(facts) + none[:, None] * self.without
        if self.levels is not None:
            out = out + self.levels(context[:, 2].long().clamp(0, _LEVELS - 1))
        mixed: Tensor = self.mix(leaky_relu(out, _SLOPE))
        return mixed
