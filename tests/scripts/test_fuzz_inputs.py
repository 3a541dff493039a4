"""A seeded part of the fuzzing: nothing crashes, hangs, or leaves an output that was refused."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import fuzz_inputs
from fuzz_kinds import KINDS


def test_damaged_inputs_are_refused_or_read():
    codes, wrong = fuzz_inputs.fuzz(60, list(KINDS), seed=5)
    assert wrong == []
    assert sum(codes.values()) == 60
    assert any(key.endswith(" 3") for key in codes)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_damages_its_input_the_same_way_each_time(tmp_path, name):
    kind, seen = KINDS[name], []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        kind.make(folder)
        sound = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        more = kind.mutate(folder, Random("x"))
        damaged = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        assert more or damaged != sound
        seen.append(more or {path: data for path, data in damaged.items() if data != sound.get(path)})
    # Random weights, an archive's clock, a run's place and its workers' names differ from the start
    if name not in {"weights", "zip", "plan", "manifest", "merge"}:
        assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("answer", "left", "expected"),
    [
        ({"died": "it hangs"}, [], "hangs"),
        ({"code": 1, "err": "ursat: error: KeyError"}, [], "exit code 1"),
        ({"code": -11, "err": ""}, [], "exit code -11"),
        ({"code": 3, "err": "ursat: error: a\nTraceback"}, [], "not one line"),
        ({"code": 3, "err": ""}, [], "not one line"),
        ({"code": 3, "err": "ursat: error: a"}, ["o.tif"], "but left"),
        ({"code": 6, "err": "ursat: error: a"}, ["o.tif"], None),
        ({"code": 3, "err": "ursat: error: a\n  hint: b"}, [], None),
        ({"code": 0, "err": "anything"}, ["o.tif"], None),
    ],
)
def test_the_judge(answer, left, expected):
    found = fuzz_inputs.judge(answer, left)
    assert (found is None) if expected is None else (expected in found)
