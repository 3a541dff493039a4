import numpy as np
import pytest
import torch
from made_places import place_image

from ursat.benchmark import efficiency as module
from ursat.benchmark.baselines import BASELINES, bicubic
from ursat.benchmark.efficiency import FIGURES, cost, efficiency
from ursat.benchmark.observation import make_observation
from ursat.benchmark.scores import Cell
from ursat.benchmark.tables import figure_table
from ursat.errors import InputError

O = make_observation(place_image(0, (64, 64)), 4, "bicubic", "noref")


def convolve(o):
    torch.nn.functional.conv2d(torch.ones(1, 3, 16, 16), torch.ones(8, 3, 3, 3), padding=1)
    return bicubic(o)


def test_operations_are_those_of_the_convolution():
    found = cost(convolve, O)
    assert found["gflop_mpx"] == pytest.approx(2 * 8 * 3 * 9 * 16 * 16 / 1e9 / (64 * 64 / 1e6))
    assert found["seconds_mpx"] == pytest.approx(found["seconds"] / (64 * 64 / 1e6))
    assert found["peak_mb"] > 10
    assert "parameters_m" not in found


def test_parameters_are_those_of_the_modules_that_were_called_each_once():
    called, idle = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(100, 100)
    nested = torch.nn.Sequential(called, torch.nn.ReLU(), torch.nn.Conv2d(4, 3, 1))

    def network(o):
        assert idle.in_features
        nested(nested(torch.zeros(1, 3, 16, 16)))
        return bicubic(o)

    assert cost(network, O)["parameters_m"] == pytest.approx((4 * 3 * 9 + 4 + 3 * 4 + 3) / 1e6)


def test_the_largest_image_that_fits_is_run_once_a_method_in_a_process_of_its_own():
    images = [place_image(0, (64, 64)), place_image(1, (96, 96)), place_image(2, (24, 24))]
    cells = [Cell(4, "bicubic", "noref"), Cell(8, "bicubic", "noref")]
    seen = []
    table = efficiency(
        {"ibp": BASELINES["ibp"], "hpf": BASELINES["hpf"]}, cells, images, progress=lambda *n: seen.append(n)
    )
    assert [(s.image_id, s.method, s.cell.scale) for s in table.scores] == [
        ("meadow/1", "ibp", 4),
        ("meadow/1", "ibp", 8),
    ]
    assert seen == [(1, 2), (2, 2)]
    head = figure_table(table, tuple(FIGURES)).head
    assert head[5:] == ("s / Mpx", "CPU s / Mpx", "peak MB")


def test_a_failure_is_noted_and_ctrl_c_keeps_what_was_done(monkeypatch):
    def score(name, method, o, cell):
        if name == "slow":
            raise KeyboardInterrupt
        return real(name, method, o, cell)

    real = module._score
    monkeypatch.setattr(module, "_score", score)
    cell = Cell(4, "bicubic", "noref")
    table = efficiency({"broken": fail, "slow": bicubic}, [cell], [place_image(0, (64, 64))])
    assert not table.complete
    assert [s.note for s in table.failures] == ["InputError: nothing there"]
    assert np.isnan(table.mean(cell, "slow", "seconds_mpx"))


def fail(_o):
    raise InputError("nothing there")
