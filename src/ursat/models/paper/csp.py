"""The cross-scale pyramid encoder T_theta (paper, 3.2.1, Eq. 12, 13 and 18, Figure 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ursat.models.core.config import BANDS
from ursat.models.paper.attention import WindowAttention
from ursat.models.paper.config import WINDOW
from ursat.models.paper.context import LevelEmbedding
from ursat.models.paper.layers import DilatedBlock, Separable, act, initialise
from ursat.models.wavelet import dwt2

if TYPE_CHECKING:
    from ursat.models.paper.config import PaperConfig

TOKEN = 4  # cells of the level's input grid a side of one token
_SIDE = WINDOW // TOKEN


class CSPEncoder(nn.Module):
    """Depth-wise separable stems of input and reference; then cross-attention and a dilated block, some times.

    The queries come from the input, keys and values from the reference. The reference enters by its Haar bands, so both
    stems work on the level's input grid.
    """

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        d, e = config.tokens, config.embedding
        self.level = LevelEmbedding(e, progressive=config.progressive)
        self.stem_x = _Stem(BANDS, d)
        self.stem_ref = _Stem(4 * BANDS, d)
        literal = config.literal.softmax
        self.attentions = nn.ModuleList(
            WindowAttention(d, d, config.heads, (_SIDE, _SIDE), literal=literal) for _ in range(config.csp_blocks)
        )
        self.blocks = nn.ModuleList(DilatedBlock(d, e) for _ in range(config.csp_blocks))
        initialise(self)

    def forward(self, x: Tensor, ref: Tensor, context: Tensor) -> Tensor:
        """Tokens (B, d, h / 4, w / 4) of x (B, C, h, w), ref (B, C, 2h, 2w); h, w multiples of `WINDOW`."""
        vector = self.level(context)
        reference = self.stem_ref(torch.cat(dwt2(ref), dim=1))
        y: Tensor = self.stem_x(x)
        for attention, block in zip(self.attentions, self.blocks, strict=True):
            y = block(attention(y, reference), vector)
        return y


class _Stem(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [Separable(inputs, width // 4), Separable(width // 4, width // 2, 2), Separable(width // 2, width, 2)]
        )

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.layers
        y: Tensor = first(x)
        for layer in others:
            y = layer(act(y))
        return y
