"""Exponential moving average of the weights: what is evaluated and shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn


class Ema:
    """Averages parameters with a decay that grows to its limit, so that early weights are forgotten quickly."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.count = 0
        self.values: dict[str, Tensor] = {k: v.detach().clone() for k, v in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """After every optimiser step."""
        self.count += 1
        decay = min(self.decay, (1 + self.count) / (10 + self.count))
        for key, value in net.state_dict().items():
            self.values[key].lerp_(value, 1 - decay)
