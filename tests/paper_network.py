"""A small network of the paper's kind, of random but seeded weights, none of them zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ursat.models.paper.config import PaperConfig
from ursat.models.paper.network import PaperNetwork
from ursat.models.paper.weights import save_paper

CONFIG = PaperConfig("paper-tiny", (8, 12), 1, 0, 8, 8, 1, 8, 2)


def paper_net(config: PaperConfig = CONFIG, seed: int = 0) -> PaperNetwork:
    """Ready to run."""
    net = PaperNetwork(config)
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        inputs = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.data = 0.5 * torch.randn(parameter.shape, generator=generator) / inputs**0.5
    return net.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def save_paper_tiny(path: Path, **meta: Any) -> Path:
    """Its weights as a file."""
    save_paper(path, paper_net().state_dict(), {"config": CONFIG.to_json(), **meta})
    return path
