"""What --mode, --fidelity, --steps and --samples come to, and what they cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch

from tiny_network import CONFIG, save_tiny
from ursat.errors import UsageError
from ursat.grid import Window
from ursat.models.registry import find_model
from ursat.run.budget import network_cost
from ursat.run.cascade import Rendered
from ursat.run.options import UpscaleOptions
from ursat.run.provenance import detail_origin
from ursat.run.sampling import sample_steps, sampling_of
from ursat.run.spread import SpreadMeter

if TYPE_CHECKING:
    from pathlib import Path

    from ursat.models.registry import ModelInfo


@pytest.fixture
def core(tmp_path: Path) -> ModelInfo:
    return find_model(str(save_tiny(tmp_path / "a.safetensors")))


@pytest.mark.parametrize(
    ("given", "mode", "fidelity", "evaluations", "origin"),
    [
        ({}, "realistic", 0.0, 2, "generated"),
        ({"mode": "realistic", "steps": 3}, "realistic", 0.0, 4, "generated"),
        ({"mode": "faithful", "steps": 4}, "faithful", 1.0, 1, "predicted"),
        ({"mode": "faithful", "fidelity": 0.25}, "between", 0.25, 2, "generated"),
        ({"fidelity": 1.0}, "faithful", 1.0, 1, "predicted"),
        ({"mode": "faithful", "fidelity": 0.0}, "realistic", 0.0, 2, "generated"),
    ],
)
def test_learned(
    core: ModelInfo, given: dict[str, Any], mode: str, fidelity: float, evaluations: int, origin: str
) -> None:
    found = sampling_of(UpscaleOptions(seed=5, **given), core)
    assert (found.mode, found.fidelity, found.evaluations, found.seed) == (mode, fidelity, evaluations, 5)
    assert found.steps == evaluations - 1
    assert detail_origin(found, 1, 2) == detail_origin(found, 2, 2) == origin
    assert mode in found.line


def test_classical_draws_nothing() -> None:
    fusion = find_model("fusion")
    for mode in (None, "faithful"):
        found = sampling_of(UpscaleOptions(mode=mode), fusion)
        assert (found.mode, found.steps, found.evaluations, found.samples) == ("faithful", 0, 0, 0)
        assert detail_origin(found, 1, 1) == "interpolated"
    for given in ({"mode": "realistic"}, {"fidelity": 1.0}, {"steps": 2}, {"samples": 2}):
        with pytest.raises(UsageError, match="fusion draws no samples") as caught:
            sampling_of(UpscaleOptions(**given), fusion)
        assert "--model" in caught.value.hint


@pytest.mark.parametrize(
    "given", [{"mode": "pretty"}, {"fidelity": 1.5}, {"fidelity": math.nan}, {"steps": 0}, {"samples": 1}]
)
def test_nonsense(core: ModelInfo, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(given))}"):
        sampling_of(UpscaleOptions(**given), core)


def test_memory_grows_with_what_is_seen_at_once(core: ModelInfo) -> None:
    def cost(**given: Any) -> tuple[int, int, int]:
        options = UpscaleOptions(**given)
        made = network_cost(CONFIG, sampling_of(options, core), sample_steps(options, core))
        return made.active, made.around, made.tile_copies

    mean, sample, spread = cost(mode="faithful"), cost(mode="realistic"), cost(mode="faithful", samples=3)
    assert mean[0] < sample[0]
    assert mean[1] < sample[1]
    assert spread[:2] == sample[:2]
    assert spread[2] > sample[2] == 0


class Fixed:
    """A cascade that has drawn already."""

    def __init__(self, values: torch.Tensor, valid: torch.Tensor) -> None:
        self.values, self.valid, self.calls = values, valid, 0

    def render(self, window: Window) -> Rendered:
        self.calls += 1
        return Rendered(self.values, self.valid, 0.0, 0)


def test_the_spread_is_the_sample_standard_deviation() -> None:
    draws = torch.randn(4, 2, 6, 7, generator=torch.Generator().manual_seed(1)) * 3 + 100
    valid = torch.ones(2, 6, 7, dtype=torch.bool)
    valid[1, 2:4] = False
    cascades = [Fixed(draw, valid) for draw in draws]
    window = Window(0, 0, 6, 7)
    first = cascades[0].render(window)
    found = SpreadMeter(cascades).measure(window, first)
    torch.testing.assert_close(found[valid], draws.std(dim=0)[valid], rtol=1e-4, atol=1e-4)
    assert found[~valid].isnan().all()
    assert [cascade.calls for cascade in cascades] == [1, 1, 1, 1]
    assert torch.equal(SpreadMeter(cascades).measure(window).nan_to_num(), found.nan_to_num())
