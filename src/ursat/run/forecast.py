"""How long a run will take: what it repeats is timed once, here and now, on noise; the rest goes by a stated rate."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from ursat.grid import Window
from ursat.models.stage import LevelInputs
from ursat.run.cascade import Cascade
from ursat.run.device import pick_device
from ursat.run.render import stage_of, typical_settings
from ursat.run.systems import evaluations_on
from ursat.types import Block

if TYPE_CHECKING:
    from collections.abc import Callable

    from ursat.grid import Grid
    from ursat.models.stage import Stage, StageSettings
    from ursat.run.job import Job

# One core's seconds a million samples (pixels times bands): reading, encoding, closure, compressing and the file's
# second pass; and what a reference adds. And to start and to measure the scene, without and with a reference. Measured
# on the sample scene (docs/decisions.md 18).
_FILE_SECONDS, _REFERENCE_SECONDS = 0.08, 0.08
_START_SECONDS, _PAIR_SECONDS = 3.0, 2.0
_TRIAL_PX = 512
_QUICK_SECONDS = 0.5  # a first time that short says more of starting than of the work


def expected_seconds(job: Job, evaluations: int) -> float:
    """Of the whole run on this machine, with as many workers as it has.

    Args:
        job: not refused.
        evaluations: of the network, over blocks and groups of three bands; 0 for a classical model.
    """
    device, settings = pick_device(job.options.device), typical_settings(job)
    stage = stage_of(job, settings)
    workers = job.budget.workers if device.type == "cpu" else 1
    before = torch.get_num_threads()
    torch.set_num_threads(max(job.budget.threads // workers, 1))
    try:
        if stage.block is None:
            side = min(_TRIAL_PX, job.budget.tile, *job.window.shape)
            cascade = _on_noise(job, stage, settings, device)
            work = job.budget.pixels / side**2 * _timed(lambda: cascade.render(Window(0, 0, side, side)), device)
        else:
            inputs = _block(job, stage.block + 2 * stage.halo(job.depth), device)
            once = _timed(lambda: stage.run(inputs), device)
            work = evaluations / _evaluations(job, stage) * once
    finally:
        torch.set_num_threads(before)
    samples = job.budget.pixels * len(job.encoding.scales) / 1e6
    guided = job.options.ref is not None
    rest = samples * (_FILE_SECONDS + guided * _REFERENCE_SECONDS) / job.budget.threads
    return _START_SECONDS + guided * _PAIR_SECONDS + work / workers + rest


def _evaluations(job: Job, stage: Stage) -> int:
    """Of the network, in one block of the last level."""
    return max(evaluations_on(stage, job.depth, job.sampling.evaluations), 1) * -(-len(job.encoding.scales) // 3)


def _timed(work: Callable[[], object], device: torch.device) -> float:
    seconds = 0.0
    for _ in range(2):
        began = time.monotonic()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.monotonic() - began
        if seconds > _QUICK_SECONDS:
            break
    return seconds


def _block(job: Job, side: int, device: torch.device) -> LevelInputs:
    """A window of the last level, no reference: few go so far."""
    values = torch.from_numpy(_noise(len(job.encoding.scales), side, side)).to(device)
    observed = torch.ones_like(values, dtype=torch.bool) if job.depth == 1 else None
    gsd_m = job.scene.info.gsd_m / 2**job.depth
    return LevelInputs(job.depth, values, observed, None, None, (0, 0), gsd_m)


def _noise(bands: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.1, 0.2, (bands, height, width)).astype(np.float32)


class _Noise:
    """A scene without a file."""

    def __init__(self, grid: Grid, bands: int) -> None:
        self.grid, self._bands = grid, bands

    def read(self, window: Window) -> Block:
        values = _noise(self._bands, *window.shape)
        return Block(values, np.ones(values.shape, bool))


def _on_noise(job: Job, stage: Stage, settings: StageSettings, device: torch.device) -> Cascade:
    return Cascade(
        stage,
        settings,
        scale=job.scale,
        source=_Noise(job.scene.grid, len(job.encoding.scales)),
        reference=None,
        device=device,
        dtype=torch.float64 if job.encoding.work_dtype == "float64" else torch.float32,
        gsd_m=job.scene.info.gsd_m,
    )
