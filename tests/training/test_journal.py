"""The log and its picture."""

from __future__ import annotations

import builtins
import logging

from ursat.training.curve import draw_curve
from ursat.training.journal import Journal, read_journal


def test_records_are_lines_and_a_cut_one_is_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    journal = Journal(path, 0)
    for step in (1, 2, 3):
        journal.write("step", step, loss=1 / step)
    with path.open("a") as file:
        file.write('{"kind": "st')
    assert read_journal(path) == [{"kind": "step", "step": k, "loss": 1 / k} for k in (1, 2, 3)]


def test_what_never_reached_a_checkpoint_goes(tmp_path):
    path = tmp_path / "log.jsonl"
    journal = Journal(path, 0)
    for step in (5, 10, 15):
        journal.write("step", step, loss=1.0)
    resumed = Journal(path, 10)
    resumed.write("step", 12, loss=0.5)
    assert [record["step"] for record in read_journal(path)] == [5, 10, 12]
    Journal(path, 0)
    assert read_journal(path) == []


def test_without_matplotlib_the_curve_is_left_out(tmp_path, monkeypatch, caplog):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with caplog.at_level(logging.WARNING):
        draw_curve(tmp_path / "curve.png", [])
    assert "ursat[train]" in caplog.text
    assert not (tmp_path / "curve.png").exists()
