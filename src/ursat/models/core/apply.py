"""The denoiser applied to one window: the same answer as `Denoiser.forward`, for a third less work.

Convolutions are not padded, so a window shrinks on its way instead of being computed to its very border and cut off
there; and gain and bias of the embedding, one for all of the window, go into the kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu_

from ursat.models.core.denoiser import KNOWN, SLOPE, Block, has_spread

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.models.core.denoiser import Denoiser


@torch.no_grad()
def apply_inside(net: Denoiser, features: Tensor, context: Tensor, t: Tensor, outputs: slice) -> Tensor:
    """What ``net`` answers farther than its halo from the borders of a window.

    Args:
        net: on the features' device.
        features: (1, INPUTS, h, w), or without those at their end that are 0 everywhere (the spread wants the first
            KNOWN); h and w multiples of ``config.align``, above twice the halo.
        context: (1, CONTEXT).
        t: (1,) noise level.
        outputs: which of the network's outputs to compute.

    Returns:
        (1, outputs, h - 2 halo, w - 2 halo).
    """
    embedding = net.embedding(context, t)
    x = conv2d(features, net.stem.weight[:, : features.shape[1]], net.stem.bias)
    lost = 1  # cells at the top, and at the left, of the grid at hand
    skips = []
    for level, blocks in enumerate(net.down_blocks):
        x, lost = _through(blocks, x, embedding, lost)
        if level < len(net.downs):
            odd = lost % 2
            x, lost = _cut(x, odd, (x.shape[-2] - odd) // 2 * 2, (x.shape[-1] - odd) // 2 * 2), lost + odd
            skips.append((x, lost))
            x, lost = net.downs[level](x), lost // 2
    for level in reversed(range(len(net.ups))):
        x, lost = _doubled(net.ups[level], x), 2 * lost
        skip, before = skips[level]
        x = x.add_(_cut(skip, lost - before, *x.shape[-2:]))
        x, lost = _through(net.up_blocks[level], x, embedding, lost)
    halo = net.config.halo
    height, width = features.shape[-2] - 2 * halo, features.shape[-1] - 2 * halo
    around = _cut(x, halo - lost - 1, height + 2, width + 2)
    answers = [conv2d(around, weight, bias) for weight, bias in net.heads(outputs)]
    if has_spread(outputs):
        known = _cut(features[:, :KNOWN], halo - 2, height + 4, width + 4)
        answers.insert(1, net.spread(_cut(x, halo - lost - 2, height + 4, width + 4), known, embedding, padding=0))
    return torch.cat(answers, dim=1)


def _through(blocks: torch.nn.Module, x: Tensor, embedding: Tensor, lost: int) -> tuple[Tensor, int]:
    """The blocks of one grid, each of which takes two cells from every side."""
    for block in blocks.children():
        assert isinstance(block, Block)  # noqa: S101
        gain, bias = block.film(embedding)[0].chunk(2)
        first, second = block.first, block.second
        shift = bias if first.bias is None else first.bias * (1 + gain) + bias
        y = leaky_relu_(conv2d(x, first.weight * (1 + gain)[:, None, None, None], shift), SLOPE)
        x = conv2d(y, second.weight, second.bias).add_(x[..., 2:-2, 2:-2])
        lost += 2
    return x, lost


def _doubled(up: torch.nn.Module, x: Tensor) -> Tensor:
    """A 1 x 1 convolution and the shuffle of its channels into 2 x 2 pixels, at once, as a transposed convolution.

    The sums are the same; half the time, and no kernel of torch's own, which 1 x 1 gets where one thread computes.
    """
    assert isinstance(up, torch.nn.Conv2d)  # noqa: S101
    assert up.bias is not None  # noqa: S101
    coarse, fine = up.in_channels, up.out_channels // 4
    kernel = up.weight.view(fine, 2, 2, coarse).permute(3, 0, 1, 2).contiguous(memory_format=torch.channels_last)
    out = conv_transpose2d(x, kernel, stride=2)
    bias = up.bias.view(fine, 2, 2).repeat(1, 1, x.shape[-1]).permute(1, 2, 0).contiguous()  # of two whole rows
    out.permute(0, 2, 3, 1).view(len(x), -1, 2, out.shape[-1], fine).add_(bias)
    return out


def _cut(x: Tensor, begin: int, height: int, width: int) -> Tensor:
    return x[..., begin : begin + height, begin : begin + width]
