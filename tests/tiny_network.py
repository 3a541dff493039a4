"""A small network of random but seeded weights, none of them zero: nothing about it is trained, everything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ursat.models.core.config import CoreConfig
from ursat.models.core.denoiser import Denoiser
from ursat.models.core.weights import save_weights

CONFIG = CoreConfig("core-tiny", (8, 12), (1, 1), 16)
META = {
    "config": CONFIG.to_json(),
    "data": {"places": "none", "pack": "0" * 64},
    "licence": "CC0-1.0",
    "steps": 7,
    "date": "2026-01-02",
    "calibration": [{"mtf": 0.25, "none": [0.9, 1.1], "reached": [0.8], "past": [0.7]}],
    "val": {"x4 noref": 0.25},
}


def tiny_net(config: CoreConfig = CONFIG, seed: int = 0) -> Denoiser:
    """Ready to run."""
    net = Denoiser(config)
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        inputs = parameter[0].numel() if parameter.ndim > 1 else 100
        parameter.data = torch.randn(parameter.shape, generator=generator) / inputs**0.5
    return net.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def save_tiny(path: Path, **meta: Any) -> Path:
    """Its weights as a file."""
    save_weights(path, tiny_net().state_dict(), {**META, **meta})
    return path
