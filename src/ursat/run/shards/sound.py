"""Whether a plan can be true of its input: a hash says that it is as it was written, not that it makes sense."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ursat.errors import InputError, UsageError
from ursat.run.encoding import DTYPES, holds
from ursat.run.job import output_window
from ursat.run.prepare import scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ursat.io.scene import Scene
    from ursat.run.shards.lattice import Shard
    from ursat.run.shards.plan import Measured, Plan

_DEEPEST = 10  # doublings
_LARGEST = 1e30  # whose square is still a number


def check_plan(plan: Plan, scene: Scene) -> None:
    """Refuse a plan that no run over this input could have written.

    Raises:
        InputError: it is such a plan; the message names what is wrong first.
    """
    wrong = next((name for name, sound in _checks(plan, scene) if not sound), None)
    if wrong is not None:
        raise InputError(
            f"the plan does not fit its input {scene.info.path}: {wrong}",
            hint="begin anew with ursat upscale --overwrite, or in another folder",
        )


def _checks(plan: Plan, scene: Scene) -> Iterator[tuple[str, bool]]:
    target, options, source = plan.target, plan.options, scene.info.encoding
    yield "the scale", target.scale == scale_of(scene.grid, options)
    full = scene.grid.finer(target.scale)
    size = (target.height, target.width) == full.shape
    yield "the output's grid", size and target.transform == tuple(full.transform)[:6] and target.crs == full.crs
    found = target.encoding
    known = found.dtype in DTYPES and (options.dtype is not None or found.dtype == source.dtype)
    alike = known and replace(source, dtype=found.dtype, nodata=None) == replace(found, nodata=None)  # NaN is not NaN
    yield "the output's encoding", alike and (found.nodata is None or holds(found.dtype, found.nodata))
    yield "the region", not target.region.empty and scene.grid.window.contains(target.region)
    yield "the side of its shards", plan.side > 0
    yield "its shards", len(set(plan.shards)) == len(plan.shards) and all(_fits(s, plan, scene) for s in plan.shards)
    yield "what was measured", _sound(plan.measured, len(source.scales))


def _fits(shard: Shard, plan: Plan, scene: Scene) -> bool:
    """Whether a shard lies where its row and column say."""
    source, side = shard.source, plan.side
    if source.empty or (source.row // side, source.col // side) != (shard.row, shard.col):
        return False
    lattice = replace(source, row=shard.row * side, col=shard.col * side, height=side, width=side)
    try:
        return source == lattice.intersect(plan.target.region) and shard.window == output_window(
            source, scene.grid, plan.target.scale
        )
    except UsageError:
        return False


def _sound(measured: Measured, bands: int) -> bool:
    """Numbers where numbers belong, one a band, and none that a formula would choke on."""
    sensor, reference = measured.sensor, measured.reference
    rows = (sensor.noise, sensor.signal, measured.noise, measured.p99_dn, tuple(low for low, _ in measured.ranges))
    numbers = [*sensor.taps, *(number for row in rows for number in row), *(high for _, high in measured.ranges)]
    numbers += [sensor.mtf, measured.shift.dx, measured.shift.dy]
    even = len(sensor.taps) % 2 == 0 and bool(sensor.taps) and math.isclose(sum(sensor.taps), 1, abs_tol=1e-3)
    sound = even and all(len(row) == bands for row in rows) and min(*sensor.noise, *sensor.signal, *measured.noise) >= 0
    if reference is not None:
        each = (reference.offsets, reference.trust, reference.residual, reference.matrix)
        sound = sound and all(len(row) == bands for row in each) and len({len(row) for row in reference.matrix}) == 1
        sound = sound and len(reference.taps) % 2 == 1 and 0 < reference.level <= _DEEPEST and reference.ratio > 0
        sound = sound and all(0 <= trust <= 1 for trust in reference.trust) and min(reference.residual) >= 0
        numbers += [*reference.taps, *reference.offsets, *reference.trust, *reference.residual, reference.mtf]
        numbers += [reference.ratio, *(weight for row in reference.matrix for weight in row)]
    return sound and all(abs(number) < _LARGEST for number in numbers)
