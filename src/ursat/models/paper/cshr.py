"""The cross-scale high-frequency restoration M (paper, 3.2.2, Eq. 14-17, Figure 5).

Every band has its own head, V and H attend into D, and every band ends in a progressive-dilation block, a shuffle
that doubles the grid and a depth-wise separable tail. All but the tails runs on the grid of the input's own bands,
h/2 x w/2; what lives on h x w is folded onto it.

The output is the classical enlargement's band times a learned gain, 1 at the start, plus a correction, 0 at the start:
an untrained CSHR returns the classical answer. (Figure 5 has no such skip; without it, thousands of iterations go into
discovering that the answer is nearly there.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from ursat.models.core.config import BANDS
from ursat.models.paper.attention import WindowAttention
from ursat.models.paper.config import WINDOW
from ursat.models.paper.context import LevelEmbedding
from ursat.models.paper.layers import DilatedBlock, Film, Separable, act, initialise
from ursat.models.wavelet import dwt2

if TYPE_CHECKING:
    from ursat.models.paper.config import PaperConfig

_SIDE = WINDOW // 4  # cells of h/2 x w/2 a side of one attention window
_HEAD = (
    10 * BANDS
)  # of the input and the reference on h/2 x w/2; of reference and classical enlargement on h x w, folded


class CSHR(nn.Module):
    """VHD_SR from VHD_LR, VHD_ref and the classical enlargement's bands."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        w, e = config.restore, config.embedding
        self.level = LevelEmbedding(e, progressive=config.progressive)
        self.heads = nn.ModuleList(Separable(_HEAD, w) for _ in range(3))
        self.films = nn.ModuleList(Film(e, w) for _ in range(3))
        literal = config.literal.softmax
        self.into_d = nn.ModuleList(
            WindowAttention(w, w, config.heads, (_SIDE, _SIDE), literal=literal) for _ in range(2)
        )
        self.join = nn.Conv2d(2 * w, w, 3, padding=1)
        self.blocks = nn.ModuleList(DilatedBlock(w, e) for _ in range(3))
        self.spread = nn.ModuleList(nn.Conv2d(w, w, 3, padding=1) for _ in range(3))
        self.tails = nn.ModuleList(Separable(w // 4, BANDS) for _ in range(3))
        self.gain = nn.Parameter(torch.ones(3))
        initialise(self)
        for tail in self.tails.children():
            for weight in list(tail.parameters())[-2:]:
                nn.init.zeros_(weight)

    def forward(self, x: Tensor, base: Tensor, ref: Tensor, context: Tensor) -> Tensor:
        """Bands (B, 3 C, h, w) of x (B, C, h, w), base (the same as the bands), ref (B, C, 2h, 2w), whole windows."""
        vector = self.level(context)
        low, fine = dwt2(x), dwt2(ref)
        coarse = dwt2(fine.a)
        bases = base.chunk(3, dim=1)
        known = [
            torch.cat([low[k + 1], coarse[k + 1], pixel_unshuffle(fine[k + 1], 2), pixel_unshuffle(bases[k], 2)], dim=1)
            for k in range(3)
        ]
        v, h, d = (
            act(film(head(part), vector)) for head, film, part in zip(self.heads, self.films, known, strict=True)
        )
        d = self.join(torch.cat([attention(part, d) for attention, part in zip(self.into_d, (v, h), strict=True)], 1))
        corrections, gains = [], self.gain.unbind()
        for k, part in enumerate((v, h, d)):
            y = self.spread[k](act(self.blocks[k](part, vector)))
            corrections.append(bases[k] * gains[k] + self.tails[k](act(pixel_shuffle(y, 2))))
        return torch.cat(corrections, dim=1)
