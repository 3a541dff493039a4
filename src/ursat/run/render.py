"""Tile by tile: compute, encode, write, measure. Torch is loaded by what is called here, not before."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from ursat.run.budget import BLOCK_BYTES
from ursat.run.closure import ClosureMeter
from ursat.run.sampling import AUTO_STEPS, sample_steps
from ursat.run.tile import Tile, joined
from ursat.tiling.lattice import Lattice, blocks_under
from ursat.tiling.levels import total_reach, work_window

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ursat.grid import Window
    from ursat.io.writer import CogWriter
    from ursat.models.stage import Stage, StageSettings
    from ursat.run.cascade import Cascade
    from ursat.run.closure import ClosureResult
    from ursat.run.job import Job
    from ursat.run.prepare import Prepared
    from ursat.run.spread import SpreadMeter
    from ursat.types import Progress, ReferenceModel, SensorModel

_TYPICAL_MTF = 0.25


@dataclass(frozen=True, slots=True)
class Made:
    """What was measured on the way. trust: mean local trust in the reference, None without one."""

    closure: ClosureResult
    trust: float | None


def render(
    job: Job,
    prepared: Prepared,
    out: CogWriter,
    aside: CogWriter | None,
    progress: Progress | None,
    beat: Callable[[], None] | None = None,
) -> Made:
    """Compute, encode, measure and write tile by tile; rows of tiles in order.

    Args:
        job: what to make.
        prepared: what was measured over the scene.
        out: takes the pixels.
        aside: takes the spread of the samples, or None.
        progress: called with (tiles done, tiles in all).
        beat: called after every block and tile, from any thread.
    """
    from ursat.run.relief import Relief  # noqa: PLC0415
    from ursat.run.workers import in_order  # noqa: PLC0415

    keep = None if job.region.whole else _one_at_a_time(job.region.keep)
    cascade = _cascade(job, prepared, keep, beat)
    spread = None if aside is None else _spread(job, cascade)
    meter = ClosureMeter(
        job.scene,
        keep,
        job.region.window,
        scale=job.scale,
        taps=prepared.sensor.taps,
        encoding=job.encoding,
        tolerance_dn=tuple(job.encoding.closure_dn(p) for p in prepared.p99_dn),
    )
    tile = job.budget.tile
    tiles = list(job.window.blocks(tile, tile))
    trust_sum, trust_count = 0.0, 0

    def stop() -> None:
        for drawn in (cascade, *(spread.cascades if spread is not None else ())):
            drawn.stop()

    workers = job.budget.workers if cascade.device.type == "cpu" else 1
    relief = Relief(workers, min(tile, max(job.window.shape)))
    made = in_order(
        lambda window: relief.make(
            window,
            lambda piece: _tile(job, cascade, spread, piece),
            lambda whole, pieces: joined(whole, pieces, job.encoding),
        ),
        tiles,
        workers=workers,
        cores=job.budget.threads,
        stop=stop,
    )
    with closing(made):
        for number, (window, done) in enumerate(zip(tiles, made, strict=True)):
            local = replace(window, row=window.row - job.window.row, col=window.col - job.window.col)
            if done is not None:
                out.write(local, done.dn)
                meter.add(window, done.stored, done.valid)
                trust_sum, trust_count = trust_sum + done.trust_sum, trust_count + done.trust_count
                if aside is not None and done.spread is not None:
                    aside.write(local, done.spread)
            last_of_row = number + 1 == len(tiles) or tiles[number + 1].row != window.row
            if last_of_row:
                meter.row_done(window.row_stop)
            if progress is not None:
                progress(number + 1, len(tiles))
            if beat is not None:
                beat()
    believed = trust_sum / trust_count if trust_count and prepared.reference is not None else None
    return Made(meter.result(), believed)


def _tile(job: Job, cascade: Cascade, spread: SpreadMeter | None, window: Window) -> Tile | None:
    """None where nothing is valid."""
    from ursat.models.encode import to_dn, to_stored  # noqa: PLC0415
    from ursat.run.finite import check_finite  # noqa: PLC0415

    done = cascade.render(window)
    if done is None:
        return None
    check_finite(done.values, done.valid, window)
    stored = to_stored(done.values, job.encoding)
    dn = to_dn(stored, done.valid, job.encoding)
    deviation = None
    if spread is not None:
        measured = spread.measure(window, done if job.sampling.fidelity == 0 else None)
        deviation = measured.float().cpu().numpy()
    valid = done.valid.cpu().numpy()
    return Tile(stored.cpu().numpy(), dn, valid, deviation, done.trust_sum, done.trust_count)


def _one_at_a_time(keep: Callable[[Window], NDArray[np.bool_]]) -> Callable[[Window], NDArray[np.bool_]]:
    """The same for several threads: a prepared polygon bears only one."""
    lock = Lock()

    def guarded(window: Window) -> NDArray[np.bool_]:
        with lock:
            return keep(window)

    return guarded


def expected_work(job: Job) -> tuple[int, int]:
    """(halo in input pixels, evaluations of the network over blocks), before the scene's own sensor is known."""
    settings = typical_settings(job)
    stage = stage_of(job, settings)
    halo = total_reach(job.depth, stage.halo)
    if stage.block is None:
        return halo, 0
    extra = job.sampling.samples - (job.sampling.fidelity == 0) if job.sampling.samples else 0
    passes = _passes(job, stage, stage.block, job.sampling.evaluations)
    if extra:
        drawn = stage_of(job, replace(settings, fidelity=0.0))
        passes += extra * _passes(job, drawn, stage.block, 1 + sample_steps(job.options, job.model))
    return halo, passes * -(-len(job.encoding.scales) // 3)


def _passes(job: Job, stage: Stage, block: int, evaluations: int) -> int:
    """Evaluations over the blocks of all levels that the output needs, each block counted once."""
    from ursat.run.systems import evaluations_on  # noqa: PLC0415

    def lattice(level: int) -> Lattice:
        grid = job.scene.grid.finer(2 ** (level - 1))
        return Lattice(grid.height, grid.width, block)

    needed = blocks_under(work_window(job.window, job.scale), job.depth, stage.halo, lattice)
    return sum(blocks * evaluations_on(stage, level, evaluations) for level, blocks in needed.items())


def typical_settings(job: Job) -> StageSettings:
    """Of a sensor like any other, without a reference."""
    from ursat.fir import psf_taps  # noqa: PLC0415
    from ursat.types import SensorModel  # noqa: PLC0415

    bands = len(job.encoding.scales)
    sensor = SensorModel("typical", _TYPICAL_MTF, psf_taps(_TYPICAL_MTF), (1.0,) * bands, (10.0,) * bands)
    return settings_of(job, sensor, None)


def settings_of(
    job: Job,
    sensor: SensorModel,
    reference: ReferenceModel | None,
    ranges: tuple[tuple[float, float], ...] | None = None,
) -> StageSettings:
    """What the run fixes for its stage."""
    from ursat.models.encode import physical_range  # noqa: PLC0415
    from ursat.models.stage import StageSettings  # noqa: PLC0415

    lowest, highest = physical_range(job.encoding)
    return StageSettings(
        sensor=sensor,
        reference=reference,
        closure=job.options.closure,
        lowest=lowest,
        highest=highest,
        seed=job.options.seed,
        fidelity=job.sampling.fidelity,
        steps=job.sampling.steps or AUTO_STEPS,
        ranges=((0.0, 1.0),) * len(lowest) if ranges is None else ranges,
    )


def stage_of(job: Job, settings: StageSettings) -> Stage:
    """The run's model, on the run's device."""
    from ursat.models.registry import get_stage  # noqa: PLC0415
    from ursat.run.device import pick_device  # noqa: PLC0415

    return get_stage(job.options.model, settings, device=pick_device(job.options.device), choices=job.choices)


def _cascade(
    job: Job,
    prepared: Prepared,
    keep: Callable[[Window], NDArray[np.bool_]] | None,
    beat: Callable[[], None] | None,
) -> Cascade:
    import torch  # noqa: PLC0415

    from ursat.run.cascade import Cascade  # noqa: PLC0415
    from ursat.run.device import pick_device  # noqa: PLC0415
    from ursat.run.heard import Heard  # noqa: PLC0415

    settings = settings_of(job, prepared.sensor, prepared.reference, prepared.ranges)
    stage = stage_of(job, settings)
    return Cascade(
        stage if beat is None else Heard(stage, beat),
        settings,
        scale=job.scale,
        source=job.scene,
        reference=prepared.warped,
        device=pick_device(job.options.device),
        dtype=torch.float64 if job.encoding.work_dtype == "float64" else torch.float32,
        gsd_m=job.scene.info.gsd_m,
        keep=keep,
        block_budget=BLOCK_BYTES // (1 + job.sampling.samples),
        reference_budget=job.budget.reference_bytes,
    )


def _spread(job: Job, cascade: Cascade) -> SpreadMeter:
    """Siblings of the run's cascade that draw one sample each, of seeds seed, seed + 1 ..."""
    from ursat.run.spread import SpreadMeter  # noqa: PLC0415

    siblings = []
    for k in range(job.sampling.samples):
        settings = replace(
            cascade.settings, fidelity=0.0, steps=sample_steps(job.options, job.model), seed=job.options.seed + k
        )
        budget = BLOCK_BYTES // (1 + job.sampling.samples)
        siblings.append(cascade.sibling(stage_of(job, settings), settings, block_budget=budget))
    return SpreadMeter(siblings)
