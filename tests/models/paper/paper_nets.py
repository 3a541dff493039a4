"""Small networks of the paper's kind with seeded weights, none of them zero: nothing is trained, everything runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from ursat.models.paper.config import PaperConfig
from ursat.models.paper.network import PaperNetwork

SMALL = PaperConfig("paper-small", (8, 8, 16), 1, 1, 16, 16, 1, 8, 4)


def small_net(seed: int = 0, **changes: Any) -> PaperNetwork:
    """In evaluation mode, no parameter zero."""
    net = PaperNetwork(replace(SMALL, **changes))
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        inputs = parameter[0].numel() if parameter.ndim > 1 else 16
        parameter.data = torch.randn(parameter.shape, generator=generator) / inputs**0.5
    return net.eval().requires_grad_(requires_grad=False)


def images(height: int, width: int, batch: int = 1, seed: int = 1) -> dict[str, torch.Tensor]:
    """x, ref, base, a_t, tau, context of a level of that size."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(channels: int, factor: int = 1) -> torch.Tensor:
        return torch.randn(batch, channels, height * factor, width * factor, generator=generator)

    context = torch.tensor([[3.0, 1.0, 1.0]]).expand(batch, 3)
    return {"x": drawn(3), "ref": drawn(3, 2), "base": drawn(9), "a_t": drawn(3), "tau": drawn(3), "context": context}
