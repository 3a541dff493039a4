"""Every phase that is timed is there under its name, and seconds go to the innermost one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import phase_times


def test_phases_are_functions_of_the_program() -> None:
    for path, name, _, _ in phase_times.PHASES:
        assert callable(getattr(phase_times.owner_of(path), name))


def test_seconds_go_to_the_innermost_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 3.0, 10.0, 11.0, 12.0])
    monkeypatch.setattr(phase_times.time, "process_time", lambda: next(clock))
    watch = phase_times.Stopwatch()
    codec = watch.timed(lambda: None, ("COG", phase_times.CODEC))
    watch.timed(codec, ("index", "manifest"))()
    watch.turn()
    other, index, cog = ("everything else", "sharding"), ("index", "manifest"), ("COG", phase_times.CODEC)
    assert watch.seconds == {other: 2.0, index: 3.0, cog: 7.0}
    assert watch.overhead() == pytest.approx(5 / 12)
