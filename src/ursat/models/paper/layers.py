"""Building blocks that the paper's three networks share. None looks at statistics over space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.functional import leaky_relu

if TYPE_CHECKING:
    from collections.abc import Sequence

SLOPE = 0.1
DILATIONS = (1, 2, 3, 2, 1)  # the progressive dilation of Figures 4 and 5: the first and last look at their neighbours
_RESIDUAL = 0.5  # gain of a fresh block's last convolution: without norms, depth must not multiply the variance


def act(x: Tensor) -> Tensor:
    """The activation everywhere: cheap, and the same bits whatever the shape."""
    return leaky_relu(x, SLOPE)


class Separable(nn.Sequential):
    """Depth-wise 3 x 3, then 1 x 1 convolution (Chollet 2017, arXiv 1610.02357)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, inputs, 3, stride=stride, padding=1, groups=inputs), nn.Conv2d(inputs, outputs, 1)
        )


class Film(nn.Module):
    """Gain and bias of every channel from a vector (Perez et al. 2018, arXiv 1709.07871); 1 and 0 at the start."""

    def __init__(self, embedding: int, width: int) -> None:
        super().__init__()
        self.line = nn.Linear(embedding, 2 * width)
        nn.init.zeros_(self.line.weight)
        nn.init.zeros_(self.line.bias)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B, width, h, w) and (B, embedding) -> (B, width, h, w)."""
        gain, bias = self.line(vector)[:, :, None, None].chunk(2, dim=1)
        out: Tensor = x * (1 + gain) + bias
        return out


class DilatedBlock(nn.Module):
    """The progressive-dilation ResBlock: x + five 3 x 3 convolutions, told of the level."""

    def __init__(self, width: int, embedding: int, dilations: Sequence[int] = DILATIONS) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=each, dilation=each) for each in dilations)
        self.film = Film(embedding, width)

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """(B, width, h, w) and (B, embedding) -> (B, width, h, w)."""
        first, *others = self.convs
        y: Tensor = self.film(first(x), vector)
        for conv in others:
            y = conv(act(y))
        return x + y


def initialise(net: nn.Module) -> None:
    """Kernels as He et al. (2015, arXiv 1502.01852) have it for leaky rectifiers; dilated blocks change little."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for layer in net.modules():
        if isinstance(layer, DilatedBlock):
            shrink(layer.convs[-1])


def shrink(layer: nn.Module, gain: float = _RESIDUAL) -> None:
    """Scale the kernels of a residual branch's last convolution."""
    if isinstance(layer, nn.Conv2d):
        layer.weight.data.mul_(gain)
