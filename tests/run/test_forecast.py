"""The time that a plan foretells: it follows the work and the workers, and there is none where a run is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ursat import UpscaleOptions
from ursat.run import forecast
from ursat.run.pipeline import plan

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = "sample_data/landsat8.tif"


@pytest.fixture(autouse=True)
def timed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whatever is timed takes one second, and is run all the same."""
    done: list[int] = []

    def one(work: object, _device: object) -> float:
        done.append(work() is not None)
        return 1.0

    monkeypatch.setattr(forecast, "_timed", one)
    return done


def seconds(tmp_path: Path, **options: object) -> float | None:
    return plan(SAMPLE, UpscaleOptions(output=str(tmp_path / "o.tif"), **{"jobs": 1, "scale": 16, **options})).seconds


@pytest.mark.parametrize("model", ["fusion", "core-xs"])
def test_time_follows_the_work(tmp_path: Path, timed: list[int], model: str) -> None:
    whole = seconds(tmp_path, model=model)
    assert seconds(tmp_path, model=model, jobs=2) < 0.7 * whole
    assert seconds(tmp_path, model=model, window=(0, 0, 60, 120)) == pytest.approx(whole / 2, rel=0.35)
    assert seconds(tmp_path, model=model, ref="sample_data/sentinel2.tif") > whole
    assert timed == [True] * 4


def test_evaluations_count(tmp_path: Path) -> None:
    """A sample takes one evaluation for the mean and more for the draw; blocks are timed with all of theirs."""
    run = plan(SAMPLE, UpscaleOptions(output=str(tmp_path / "o.tif"), jobs=1, scale=4, mode="faithful"))
    assert run.seconds > run.evaluations  # a second each, and the rest
    assert run.seconds < run.evaluations + 20


def test_a_refused_run_has_no_time(tmp_path: Path, timed: list[int]) -> None:
    assert seconds(tmp_path, max_pixels=100) is None
    assert timed == []


def test_what_is_timed_is_done_twice_where_it_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    import torch

    from ursat.run.forecast import _timed

    done: list[int] = []
    assert _timed(lambda: done.append(1), torch.device("cpu")) >= 0
    assert len(done) == 2
