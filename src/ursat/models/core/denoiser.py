"""The denoiser: a U-Net without any operation over space but convolutions, so that a cell sees its halo and no more.

No normalisation (GroupNorm and its kin look at the whole tile), residual blocks with a small second convolution
instead, additive skips, and a head that is zero at the start: an untrained network returns the classical answer.
Kernels begin as He et al. (2015, arXiv 1502.01852) have it for leaky rectifiers; conditioning by a per-channel gain
and bias is FiLM (Perez et al. 2018, arXiv 1709.07871).

It answers three questions about the state: its posterior mean and its posterior standard deviation (both asked with
nothing of the state shown, t = 1), and the velocity of the flow (`ursat.models.core.flow`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, leaky_relu

from ursat.models.core.config import BANDS, CONTEXT, STATE
from ursat.models.core.state import STILL

if TYPE_CHECKING:
    from ursat.models.core.config import CoreConfig

INPUTS = BANDS + STATE + STATE + 1 + STATE  # high-pass x, classical start, reference, trust, noisy state
KNOWN = INPUTS - STATE
OUTPUTS = 3 * STATE  # mean, logarithm of the spread, velocity
MEAN, POSTERIOR, VELOCITY = slice(0, STATE), slice(0, 2 * STATE), slice(2 * STATE, OUTPUTS)
ALL = slice(0, OUTPUTS)
SLOPE = 0.1
_LEAST, _MOST = -4.0, 0.5  # logarithm of the posterior standard deviation over the activity
_SPREAD_WIDTH = 32
_RESIDUAL = 0.5  # gain of a fresh block's second convolution: without norms, depth must not multiply the variance


class Block(nn.Module):
    """x + conv(act(gain * conv(x) + bias)), gain and bias from the embedding."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * width)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """(B, width, h, w) and (B, embedding) -> (B, width, h, w)."""
        gain, bias = self.film(embedding)[:, :, None, None].chunk(2, dim=1)
        out: Tensor = x + self.second(leaky_relu(self.first(x) * (1 + gain) + bias, SLOPE))
        return out


class SpreadHead(nn.Module):
    """Logarithm of the posterior standard deviation over the activity around, from the U-Net's features and |known|.

    The logarithms of what is known stand beside the features: strengths range over orders of magnitude. No gradient
    flows back into the U-Net, whose mean shall not be traded for a likelier spread.
    """

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width + KNOWN, _SPREAD_WIDTH, 3)
        self.second = nn.Conv2d(_SPREAD_WIDTH, STATE, 3)
        self.film = nn.Linear(embedding, _SPREAD_WIDTH + STATE)

    def forward(self, x: Tensor, known: Tensor, embedding: Tensor, padding: int = 1) -> Tensor:
        """(B, width, h, w), (B, KNOWN, h, w) and (B, embedding) -> (B, STATE, h, w), or less where not padded."""
        film = self.film(embedding.detach())[:, :, None, None]
        gain, bias = film[:, :_SPREAD_WIDTH], film[:, _SPREAD_WIDTH:]
        strength = torch.log(known.abs() + STILL)
        both = torch.cat([x.detach(), strength], dim=1)
        hidden = conv2d(both, self.first.weight, self.first.bias, padding=padding) * (1 + gain)
        out = conv2d(leaky_relu(hidden, SLOPE), self.second.weight, self.second.bias, padding=padding) + bias
        bounded: Tensor = out.clamp(_LEAST, _MOST)
        return bounded


class Denoiser(nn.Module):
    """(B, INPUTS, h, w) features and (B, CONTEXT) numbers -> (B, OUTPUTS, h, w), or what is asked of them.

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
        self.head = nn.Conv2d(widths[0], 2 * STATE, 3, padding=1)
        self.spread = SpreadHead(widths[0], e)
        with torch.no_grad():
            _initialise(self)
            _zero(self.head.weight, self.head.bias, self.spread.second.weight)

    def embedding(self, context: Tensor, t: Tensor) -> Tensor:
        """(B, CONTEXT) and (B,) -> (B, config.embedding): what all blocks are told."""
        angles = t[:, None] * (torch.pi * 2.0 ** torch.arange(4, dtype=t.dtype, device=t.device))
        out: Tensor = self.embed(torch.cat([context, angles.sin(), angles.cos()], dim=1))
        return out

    def forward(self, features: Tensor, context: Tensor, t: Tensor, outputs: slice = ALL) -> Tensor:
        """What is asked for; t: (B,) noise level in 0..1 of the state among the features.

        Args:
            features: known ones, then the noisy state.
            context: of the level.
            t: 1 with a state of zeros, for mean and spread.
            outputs: `MEAN`, `POSTERIOR`, `VELOCITY` or `ALL`; only that is computed.
        """
        embedding = self.embedding(context, t)
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
        answers = [conv2d(x, weight, bias, padding=1) for weight, bias in self.heads(outputs)]
        if has_spread(outputs):
            answers.insert(1, self.spread(x, features[:, :KNOWN], embedding))
        return torch.cat(answers, dim=1)

    def heads(self, outputs: slice) -> list[tuple[Tensor, Tensor]]:
        """Kernel and bias of the last convolution, for the mean and the velocity where they are asked for."""
        rows = ((MEAN, slice(0, STATE)), (VELOCITY, slice(STATE, 2 * STATE)))
        asked = [part for output, part in rows if outputs.start <= output.start < outputs.stop]
        return [(self.head.weight[part], self.head.bias[part]) for part in asked]  # type: ignore[index]


def has_spread(outputs: slice) -> bool:
    """Whether the spread is among what is asked for."""
    return bool(outputs.start <= STATE < outputs.stop)


def posterior(outputs: Tensor, activity: Tensor) -> tuple[Tensor, Tensor]:
    """The outputs `POSTERIOR` and `ursat.models.core.state.activity` -> (mean, standard deviation), state units."""
    return outputs[:, MEAN], outputs[:, STATE : 2 * STATE].exp() * activity


def shared_strength(spread: Tensor) -> Tensor:
    """The standard deviation of a sample, the same in all bands: (B, 4 BANDS, h, w) -> the same shape.

    Told band by band it errs band by band, and what should be texture turns into specks of colour
    (docs/decisions.md, 19). Equal in units of each band's own detail: a band that varies more still does.
    """
    bands = spread.reshape(len(spread), -1, BANDS, *spread.shape[-2:])
    pooled = (bands * bands).mean(2, keepdim=True).sqrt()
    return pooled.expand_as(bands).reshape(spread.shape)


def _initialise(net: nn.Module) -> None:
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            _zero(layer.bias)
        if isinstance(layer, (Block, SpreadHead)):
            layer.second.weight.mul_(_RESIDUAL)
            _zero(layer.film.weight, layer.film.bias)


def _zero(*tensors: Tensor | None) -> None:
    for tensor in tensors:
        if tensor is not None:
            tensor.zero_()
