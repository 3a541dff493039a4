"""The conditional U-Net s_theta that estimates the noise in A_t (paper, Eq. 8 and 18, Figure 3).

Residual blocks, one more a grid on the way up (Ho et al. 2020, arXiv 2006.11239), skips by concatenation (Ronneberger
et al. 2015, arXiv 1505.04597), time and level by a gain
and bias a channel, cross-attention to the CSP tokens on the two coarsest grids.

What it is asked for is the noise. What its layers work out is a correction: with A = tau + sigma e, e standard normal,
the noise that A_t = sqrt(abar) A + sqrt(1 - abar) eps most likely holds is linear in A_t - sqrt(abar) tau, and the
output zero of a fresh network leaves it at that. The layers see A_t and tau as this residual, in units of what it
scatters by, and tau. (`PaperLiteral.epsilon`: plain A_t and tau in, the noise out.)
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle

from ursat.models.core.config import BANDS
from ursat.models.paper.attention import WindowAttention
from ursat.models.paper.config import WINDOW
from ursat.models.paper.context import LevelEmbedding
from ursat.models.paper.csp import TOKEN
from ursat.models.paper.layers import Film, act, initialise, shrink
from ursat.models.paper.schedule import STEPS, linear_schedule

if TYPE_CHECKING:
    from ursat.models.paper.attention import Tokens
    from ursat.models.paper.config import PaperConfig

OFF = 0.25  # standard deviation of A - tau where tau is the classical enlargement's, normalised; on training scenes
_FREQUENCIES = 16


class UNet(nn.Module):
    """See the module's text."""

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        widths, e = config.widths, config.embedding
        self.literal = config.literal.epsilon
        self.schedule = linear_schedule()
        self.level = LevelEmbedding(e, progressive=config.progressive)
        self.time = nn.Sequential(nn.Linear(2 * _FREQUENCIES, e), nn.SiLU(), nn.Linear(e, e))
        self.stem = nn.Conv2d(2 * BANDS, widths[0], 3, padding=1)
        grids = range(len(widths))
        self.down_blocks = nn.ModuleList(
            nn.ModuleList(Block(widths[g], widths[g], e) for _ in range(config.blocks)) for g in grids
        )
        self.middle = nn.ModuleList(Block(widths[-1], widths[-1], e) for _ in range(config.middle))
        self.up_blocks = nn.ModuleList(
            nn.ModuleList(
                Block(2 * widths[g] if first else widths[g], widths[g], e) for first in _first(config.blocks + 1)
            )
            for g in grids[:-1]
        )
        self.downs = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths))
        self.ups = nn.ModuleList(nn.Conv2d(coarse, 4 * fine, 1) for fine, coarse in pairwise(widths))
        self.attentions = nn.ModuleDict()
        if config.csp:
            for name, grid in (("down", grids[-2]), ("middle", grids[-1]), ("up", grids[-2])):
                sides = (WINDOW >> grid, WINDOW // TOKEN)
                self.attentions[name] = WindowAttention(
                    widths[grid], config.tokens, config.heads, sides, literal=config.literal.softmax
                )
        self.head = nn.Conv2d(widths[0], BANDS, 3, padding=1)
        initialise(self)
        for layer in self.modules():
            if isinstance(layer, Block):
                shrink(layer.second)
        nn.init.zeros_(self.head.weight)

    def forward(self, a_t: Tensor, tau: Tensor, t: Tensor, tokens: Tokens | None, context: Tensor) -> Tensor:
        """Noise (B, C, h, w) in A_t (the same), given tau (the same) and t (B,); h, w multiples of `WINDOW`."""
        vector = self.time(_waves(t)) + self.level(context)
        if self.literal:
            return self._layers(torch.cat([a_t, tau], dim=1), tokens, vector)
        signal, sigma = self.schedule.levels(t.long())
        residual = a_t - signal * tau
        off = signal * OFF
        deviation = (off * off + sigma * sigma).sqrt()
        layers = self._layers(torch.cat([residual / deviation, tau], dim=1), tokens, vector)
        return (residual * (sigma / deviation) + off * layers) / deviation

    def _layers(self, x: Tensor, tokens: Tokens | None, vector: Tensor) -> Tensor:
        y = self.stem(x)
        skips = []
        for grid, down in enumerate(self.downs):
            y = _through(self.down_blocks[grid], y, vector)
            if grid == len(self.downs) - 1:
                y = self._attend("down", y, tokens)
            skips.append(y)
            y = down(y)
        y = self._attend("middle", _through(self.down_blocks[-1], y, vector), tokens)
        y = _through(self.middle, y, vector)
        for grid in reversed(range(len(self.ups))):
            y = torch.cat([pixel_shuffle(self.ups[grid](y), 2), skips[grid]], dim=1)
            y = _through(self.up_blocks[grid], y, vector)
            if grid == len(self.ups) - 1:
                y = self._attend("up", y, tokens)
        out: Tensor = self.head(act(y))
        return out

    def _attend(self, where: str, y: Tensor, tokens: Tokens | None) -> Tensor:
        if tokens is None or where not in self.attentions:
            return y
        out: Tensor = self.attentions[where](y, tokens.values)
        return out


class Block(nn.Module):
    """skip(x) + conv(act(gain conv(act(x)) + bias))."""

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.film = Film(embedding, outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B, inputs, h, w) and (B, embedding) -> (B, outputs, h, w)."""
        y = self.film(self.first(act(x)), vector)
        out: Tensor = self.skip(x) + self.second(act(y))
        return out


def _first(blocks: int) -> list[bool]:
    return [k == 0 for k in range(blocks)]


def _through(blocks: nn.Module, x: Tensor, vector: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, vector)
    return x


def _waves(t: Tensor) -> Tensor:
    """(B,) steps -> (B, 2 `_FREQUENCIES`): sines and cosines from one turn in all of T to one in a few steps."""
    turns = torch.logspace(0, math.log10(STEPS / 4), _FREQUENCIES, device=t.device)
    angles = t.float()[:, None] * (2 * math.pi / STEPS) * turns
    return torch.cat([angles.sin(), angles.cos()], dim=1)
