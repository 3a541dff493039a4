"""A plan with the right hash and the wrong numbers is refused before anything is made."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ursat.errors import InputError
from ursat.grid import Window
from ursat.io.scene import open_scene
from ursat.run.shards.plan import Plan, read_plan
from ursat.run.shards.session import open_session
from ursat.run.shards.sound import check_plan
from ursat.types import ReferenceModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Undisturbed

GOOD = ReferenceModel(2, (1.0,), ((1.0, 0.0),) * 2, (0.0, 0.0), (1.0, 0.5), (3.0, 3.0), 0.3, 4.0)


def _target(**new: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, target=replace(plan.target, **new))


def _encoding(**new: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, target=replace(plan.target, encoding=replace(plan.target.encoding, **new)))


def _sensor(**new: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, measured=replace(plan.measured, sensor=replace(plan.measured.sensor, **new)))


def _measured(**new: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, measured=replace(plan.measured, **new))


def _first(**new: Any) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, shards=(replace(plan.shards[0], **new), *plan.shards[1:]))


def _reference(**new: Any) -> Callable[[Plan], Plan]:
    return _measured(reference=replace(GOOD, **new))


@pytest.mark.parametrize("same", [lambda plan: plan, _reference()], ids=["as it is", "with a reference"])
def test_what_a_run_writes_is_sound(undisturbed: Undisturbed, same: Callable[[Plan], Plan]) -> None:
    with open_scene(str(undisturbed.source)) as scene:
        check_plan(same(read_plan(undisturbed.places)), scene)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_target(scale=4.0), "the scale"),
        (_target(width=193), "the output's grid"),
        (_target(crs="EPSG:4326"), "the output's grid"),
        (_encoding(dtype="complex64"), "encoding"),
        (_encoding(dtype="float32"), "encoding"),
        (_encoding(nodata=70000.0), "encoding"),
        (_encoding(scales=(1.0,)), "encoding"),
        (_target(region=Window(0, 0, 25, 24)), "the region"),
        (lambda plan: replace(plan, side=0), "the side of its shards"),
        (lambda plan: replace(plan, shards=plan.shards * 2), "its shards"),
        (_first(row=5), "its shards"),
        (_first(source=Window(0, 0, 8, 9)), "its shards"),
        (_first(window=Window(0, 0, 64, 10**6)), "its shards"),
        (_sensor(taps=(0.5, 0.5, 0.0)), "what was measured"),
        (_sensor(taps=(math.nan, 0.5)), "what was measured"),
        (_sensor(taps=(5.0, 5.0)), "what was measured"),
        (_sensor(noise=(1.0,)), "what was measured"),
        (_measured(noise=(1.0, -1.0)), "what was measured"),
        (_sensor(noise=(1e308, 1.0)), "what was measured"),
        (_measured(ranges=((0.0, 1.0),)), "what was measured"),
        (_reference(level=40), "what was measured"),
        (_reference(trust=(1.0, 2.0)), "what was measured"),
        (_reference(matrix=((1.0,), (1.0, 2.0))), "what was measured"),
        (_reference(ratio=math.inf), "what was measured"),
    ],
)
def test_what_no_run_writes(undisturbed: Undisturbed, change: Callable[[Plan], Plan], named: str) -> None:
    with open_scene(str(undisturbed.source)) as scene, pytest.raises(InputError, match=f"does not fit.*{named}"):
        check_plan(change(read_plan(undisturbed.places)), scene)


@pytest.mark.parametrize("polygon", ["00", "no hex", "01010000"])
def test_a_damaged_area_of_interest(undisturbed: Undisturbed, polygon: str) -> None:
    plan = _target(polygon=polygon)(read_plan(undisturbed.places))
    with ExitStack() as stack, pytest.raises(InputError, match="area of interest is damaged"):
        open_session(undisturbed.places, plan, plan.options, stack)
