"""What a stage is made with and given, of random numbers."""

from __future__ import annotations

from typing import Any

import torch

from ursat.fir import psf_taps
from ursat.models.stage import LevelInputs, StageSettings
from ursat.types import ReferenceModel, SensorModel


def stage_settings(bands: int = 3, *, reference: bool = True, closure: str = "off", **changes: Any) -> StageSettings:
    """A sensor of MTF 0.3, and a reference four times finer than the input that needs no matching."""
    sensor = SensorModel("mtf=0.3", 0.3, psf_taps(0.3), (2.0,) * bands, (20.0,) * bands)
    identity = tuple(tuple(float(i == j) for j in range(bands)) for i in range(bands))
    model = ReferenceModel(2, (1.0,), identity, (0.0,) * bands, (1.0,) * bands, (3.0,) * bands, 0.3, 4.0)
    limits = (-1e6,) * bands, (1e6,) * bands
    return StageSettings(sensor, model if reference else None, closure, *limits, **changes)


def level_inputs(
    level: int, h: int, w: int, bands: int = 3, *, ref: bool = True, seed: int = 0, origin: tuple[int, int] = (3, -5)
) -> LevelInputs:
    """White noise of standard deviation 40 about 500, in the image and the reference; any trust."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(bands, h, w, generator=generator) * 40 + 500
    fine = torch.randn(bands, 2 * h, 2 * w, generator=generator) * 40 + 500
    trust = torch.rand(bands, h, w, generator=generator)
    seen = torch.ones(bands, h, w, dtype=torch.bool) if level == 1 else None
    return LevelInputs(level, x, seen, fine if ref else None, trust if ref else None, origin, 10.0)
