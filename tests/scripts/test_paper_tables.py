"""The rows of Tables 5 and 6, and that a row runs from its file to its line."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
import paper_tables as tables
from made_tiles import exact_scene

from ursat.models.paper.config import PRESETS, PaperConfig
from ursat.training.pack import save_scene
from ursat.training.paper.objective import runner

TINY = PaperConfig("paper-tiny", (8, 8), 1, 0, 8, 8, 1, 8, 2)
ONCE = runner(one_step=True, progressive=False)


def test_rows_are_those_of_the_paper():
    five = [row.config("paper") for row in tables.rows_of("5")]
    assert [(c.csp, c.cshr) for c in five] == [
        (False, False), (True, False), (False, True), (True, True), (True, True),
    ]  # fmt: skip
    plans = [row.plan_of(row.config("paper")) for row in tables.rows_of("5")]
    assert [plan.one_step for plan in plans] == [True, True, True, True, False]
    assert all(sum(share for _, _, share in plan.chains) == pytest.approx(1) for plan in plans)
    six = [row.config("paper") for row in tables.rows_of("6")]
    assert [(c.progressive, c.heads) for c in six] == [(p, h) for p in (False, True) for h in (8, 12, 16)]
    assert all(c == replace(PRESETS["paper"], heads=c.heads, progressive=c.progressive) for c in six)


def test_intervals_hold_their_mean_and_shrink():
    few, many = np.array([1.0, 2.0, 3.0]), np.tile([1.0, 2.0, 3.0], 100)

    def limits(values):
        mean, rest = tables.interval(values).split(" [")
        low, high = rest.rstrip("]").split(", ")
        return float(mean), float(low), float(high)

    for values in (few, many):
        mean, low, high = limits(values)
        assert low <= mean == 2 <= high
    assert limits(many)[2] - limits(many)[1] < 0.2 < limits(few)[2] - limits(few)[1]
    assert tables.interval(np.zeros(0)) == "-"


def test_an_untrained_network_gains_nothing():
    torch.manual_seed(0)
    net = tables.PaperNetwork(TINY).eval()
    scenes = [exact_scene(3), exact_scene(3, guided=False)]
    for once in (False, True):
        found = tables.scores(net, tables.patches(scenes, 32, guided=False), runner(one_step=once, progressive=False))
        assert found.shape == (2 * tables.PATCHES, 2)
        assert np.abs(found[:, 0]).max() < 0.01
        assert (found[:, 1] > 0).all()
    assert len(tables.patches(scenes, 32, guided=True)) == 1


def test_a_table_from_its_files(tmp_path, monkeypatch, capsys):
    pack = tmp_path / "pack"
    (pack / "val").mkdir(parents=True)
    for k, where in enumerate((pack, pack / "val")):
        save_scene(where / f"scene-{k:06d}.npz", exact_scene(3))
    monkeypatch.setattr("ursat.training.loop.draw_curve", lambda path, records: None)
    monkeypatch.setitem(PRESETS, "paper-mini", TINY)
    monkeypatch.setattr(
        tables,
        "rows_of",
        lambda name: [tables.Row("a", "one", {"csp": False}, {"chains": [[1, 3, 1]], "one_step": True})],
    )
    tables.main(["--pack", str(pack), "--tables", "5", "--steps", "1", "--side", "32"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Table 5"
    assert lines[4].startswith("| one | 0.0")
    assert lines[4].count("[") == 4


def test_parts_of_one_network_are_left_out(tmp_path):
    torch.manual_seed(0)
    net = tables.PaperNetwork(TINY).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)
    batches = tables.patches([exact_scene(3)], 32, guided=True)

    def gains(**changes):
        return tables.scores(tables.Parts(net, replace(TINY, **changes)), batches, ONCE)[:, 0]

    both, others = gains(), [gains(csp=False), gains(cshr=False), gains(csp=False, cshr=False)]
    assert np.array_equal(both, tables.scores(net, batches, ONCE)[:, 0])
    assert all(np.abs(both - other).max() > 1e-3 for other in others)


def test_table_6_shows_a_progressive_row_its_pseudo_reference(monkeypatch):
    """The very same network, reported by a Reuse and by a Progressive row, scores differently."""
    torch.manual_seed(0)
    net = tables.PaperNetwork(replace(TINY, progressive=True)).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.1)
    held = [exact_scene(3), exact_scene(3, guided=False)]
    monkeypatch.setattr(tables, "load_pack", lambda folder, count: held)
    monkeypatch.setattr(tables, "train_row", lambda row, asked, scenes: (net, 1))
    monkeypatch.setitem(PRESETS, "paper-mini", TINY)
    rows = [replace(row, network=row.network | {"heads": 2}) for row in tables.rows_of("6")[2:4]]
    asked = SimpleNamespace(weights=None, pack=Path(), scenes=1, side=32, preset="paper-mini")
    lines = [line.split("|")[4:] for line in tables.table(rows, asked).splitlines()[2:]]
    assert [row.network["progressive"] for row in rows] == [False, True]
    assert lines[0] != lines[1]


def test_a_row_begins_with_what_it_shares_with_given_weights():
    torch.manual_seed(0)
    given, fresh = tables.PaperNetwork(TINY), tables.PaperNetwork(replace(TINY, csp=False, progressive=True))
    before = fresh.cshr.level.levels.weight.clone()
    learner = SimpleNamespace(net=fresh, recipe=SimpleNamespace(plan=SimpleNamespace(ema=0.9)), ema=None)
    tables.begin_with(learner, given)
    assert torch.equal(fresh.unet.stem.weight, given.unet.stem.weight)
    assert torch.equal(fresh.cshr.level.levels.weight, before)
    assert torch.equal(learner.ema.values["unet.stem.weight"], given.unet.stem.weight)
