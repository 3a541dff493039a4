"""The denoiser: a U-Net without any operation over space but convolutions, so that a cell sees its halo and no more.

No normalisation (GroupNorm and its kin look at the whole tile), residual blocks with a small second convolution
instead, additive skips, and a head that is zero at the start: an untrained network returns the classical answer.
The size and the norm-free, local design follow the measurements of the design page; conditioning by a per-channel
gain and bias is FiLM (Perez et al. 2018, arXiv 1709.07871).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ursat.models.core.config import BANDS, CONTEXT, STATE

if TYPE_CHECKING:
    from ursat.models.core.config import CoreConfig

INPUTS = BANDS + STATE + STATE + 1 + STATE  # high-pass x, classical start, reference, trust, noisy state
_SLOPE = 0.1
_RESIDUAL = 0.5  # gain of a fresh block's second convolution: without norms, depth must not multiply the variance


class Block(nn.Module):
    """x + conv(act(gain * conv(x) + bias)), gain and bias from the embedding."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * width)
        with torch.no_grad():
            self.second.weight.mul_(_RESIDUAL)
            _zero(self.second.bias, self.film.weight, self.film.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(B, width, h, w) and (B, embedding) -> (B, width, h, w)."""
        gain, bias = self.film(embedding)[:, :, None, None].chunk(2, dim=1)
        out: Tensor = x + self.second(leaky_relu(self.first(x) * (1 + gain) + bias, _SLOPE))
        return out


class Denoiser(nn.Module):
    """(B, INPUTS, h, w) features and (B, CONTEXT) numbers -> (B, STATE, h, w): the clean state.

    h and w must be multiples of ``config.align``. Borders are padded with zeros: whoever cuts tiles brings a halo.
    """

    def __init__(self, config: CoreConfig) -> None:
        super().__init__()
        self.config = config
        widths, e = config.widths, config.embedding
        self.embed = nn.Sequential(nn.Linear(CONTEXT + 8, e), nn.SiLU(), nn.Linear(e, e), nn.SiLU())
        self.stem = nn.Conv2d(INPUTS, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            nn.ModuleList(Block(w, e) for _ in range(n)) for w, n in zip(widths, config.blocks, strict=True)
        )
        self.up_blocks = nn.ModuleList(
            nn.ModuleList(Block(w, e) for _ in range(n)) for w, n in zip(widths[:-1], config.blocks[:-1], strict=True)
        )
        pairs = list(pairwise(widths))
        self.downs = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairs)
        self.ups = nn.ModuleList(nn.Conv2d(coarse, 4 * fine, 1) for fine, coarse in pairs)
        self.head = nn.Conv2d(widths[0], STATE, 3, padding=1)
        with torch.no_grad():
            _zero(self.head.weight, self.head.bias)

    def forward(self, features: Tensor, context: Tensor, t: Tensor) -> Tensor:
        """t: (B,) noise level in 0..1 of the state among the features."""
        angles = t[:, None] * (torch.pi * 2.0 ** torch.arange(4, dtype=t.dtype, device=t.device))
        embedding = self.embed(torch.cat([context, angles.sin(), angles.cos()], dim=1))
        x = self.stem(features)
        skips = []
        for level, blocks in enumerate(self.down_blocks):
            for block in blocks.children():
                x = block(x, embedding)
            if level < len(self.downs):
                skips.append(x)
                x = self.downs[level](x)
        for level in reversed(range(len(self.ups))):
            x = nn.functional.pixel_shuffle(self.ups[level](x), 2) + skips[level]
            for block in self.up_blocks[level].children():
                x = block(x, embedding)
        out: Tensor = self.head(x)
        return out


def _zero(*tensors: Tensor | None) -> None:
    for tensor in tensors:
        if tensor is not None:
            tensor.zero_()
