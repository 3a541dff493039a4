"""The learned stage: what it starts from, how far it sees, and what its noise is a function of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from stage_inputs import level_inputs as inputs
from stage_inputs import stage_settings as settings
from tiny_network import CONFIG, tiny_net
from ursat.models.core import stage as stage_module
from ursat.models.core.config import BANDS, PRESETS, STATE, CoreConfig
from ursat.models.core.denoiser import INPUTS, Denoiser
from ursat.models.core.stage import BLOCK, CoreStage, band_groups, state_noise
from ursat.models.fusion import FusionStage
from ursat.models.gains import Calibration, Gains
from ursat.models.stage import LevelInputs, Stage
from ursat.models.wavelet import block_mean

NET = tiny_net()


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("ref", [True, False])
@pytest.mark.parametrize("closure", ["auto", "exact", "off"])
def test_without_a_correction_it_is_the_classical_stage(level: int, ref: bool, closure: str) -> None:
    chosen = settings(reference=ref, closure=closure)
    untrained = CoreStage(chosen, Denoiser(CONFIG).eval())
    given = inputs(level, 154, 150, ref=ref)
    assert isinstance(untrained, Stage)
    assert torch.equal(untrained.run(given), FusionStage(chosen).run(given))


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize(("fidelity", "steps"), [(1.0, 2), (0.0, 1), (0.0, 2)])
def test_nothing_beyond_the_halo_is_seen(level: int, fidelity: float, steps: int) -> None:
    stage = CoreStage(settings(closure="auto", fidelity=fidelity, steps=steps), NET)
    halo = stage.halo(level)
    height, width = 2 * halo + 4, 3 * halo + 16
    given, other = inputs(level, height, width), inputs(level, height, width, seed=1)

    def changed(columns: slice) -> LevelInputs:
        fine = slice(2 * columns.start, 2 * columns.stop)
        assert given.ref is not None
        assert given.trust is not None
        assert other.ref is not None
        assert other.trust is not None
        out = replace(given, x=given.x.clone(), ref=given.ref.clone(), trust=given.trust.clone())
        out.x[..., columns] = other.x[..., columns]
        out.ref[..., fine], out.trust[..., columns] = other.ref[..., fine], other.trust[..., columns]
        return out

    here = stage.run(given)
    far, near = stage.run(changed(slice(halo, halo + 8))), stage.run(changed(slice(width - halo - 8, width - halo)))
    inner = slice(2 * halo, 2 * halo + 8)
    beyond = slice(2 * (2 * halo + 8), 2 * (width - halo))  # a halo away from the change, a halo inside the window
    assert torch.equal(here[:, inner, beyond], far[:, inner, beyond])
    assert not torch.equal(here[:, inner, beyond], near[:, inner, beyond])


@pytest.mark.parametrize("config", [*PRESETS.values(), CONFIG], ids=lambda c: c.name)
@pytest.mark.parametrize("closure", ["auto", "exact", "off"])
def test_blocks_halve_evenly(config: CoreConfig, closure: str) -> None:
    with torch.device("meta"):
        net = Denoiser(config)
    for steps in (1, 2, 3):
        stage = CoreStage(settings(closure=closure, fidelity=0.0, steps=steps), net)
        assert all(stage.halo(level) % config.align == 0 for level in (1, 2, 3))
    assert BLOCK % config.align == 0


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 6])
def test_any_number_of_bands(bands: int) -> None:
    for level in (1, 2):
        for fidelity in (0.0, 1.0):
            chosen = settings(bands, fidelity=fidelity)
            given = inputs(level, 152, 154, bands)
            out = CoreStage(chosen, NET).run(given)
            assert out.shape == (bands, 304, 308)
            moved = (out - FusionStage(chosen).run(given)).abs().amax((1, 2))
            assert (moved > 0.1).all()
            if level == 2:
                torch.testing.assert_close(block_mean(out), given.x, rtol=1e-5, atol=0)


@pytest.mark.parametrize("count", range(1, 9))
def test_groups_give_every_band_once(count: int) -> None:
    groups = band_groups(count)
    assert [bands[k] for bands, fresh in groups for k in fresh] == list(range(count))
    assert all(len(bands) == 3 and set(bands) <= set(range(count)) for bands, _ in groups)


def test_groups_share_their_noise() -> None:
    three = inputs(1, 152, 154)
    assert three.ref is not None
    assert three.trust is not None
    twice = replace(
        three,
        x=three.x.repeat(2, 1, 1),
        observed=torch.ones(6, 152, 154, dtype=torch.bool),
        ref=three.ref.repeat(2, 1, 1),
        trust=three.trust.repeat(2, 1, 1),
    )
    out = CoreStage(settings(6, fidelity=0.0), NET).run(twice)
    assert torch.equal(out[:3], out[3:])
    assert torch.equal(out[:3], CoreStage(settings(3, fidelity=0.0), NET).run(three))


def test_noise_is_white_and_a_function_of_the_place() -> None:
    here = state_noise(5, 2, (40, -7), (30, 24), torch.device("cpu"))
    assert here.shape == (1, 12, 30, 24)
    assert abs(float(here.std()) - 1) < 0.03
    there = state_noise(5, 2, (50, -3), (8, 6), torch.device("cpu"))
    assert torch.equal(here[..., 10:18, 4:10], there)
    for other in (
        state_noise(6, 2, (40, -7), (30, 24), here.device),
        state_noise(5, 3, (40, -7), (30, 24), here.device),
    ):
        assert not torch.equal(here, other)


def test_double_precision() -> None:
    given = inputs(1, 152, 154)
    assert given.ref is not None
    assert given.trust is not None
    exact = replace(given, x=given.x.double(), ref=given.ref.double(), trust=given.trust.double())
    stage = CoreStage(settings(closure="auto", fidelity=0.0), NET)
    out = stage.run(exact)
    assert out.dtype == torch.float64
    torch.testing.assert_close(out, stage.run(given).double(), rtol=3e-4, atol=0.05)


@pytest.mark.parametrize("level", [1, 2])
def test_seeds_and_fidelity(level: int) -> None:
    given = inputs(level, 152, 154)

    def run(gain: float = 1.0, **changes: Any) -> torch.Tensor:
        return CoreStage(settings(**changes), NET, Calibration.parse([gain])).run(given)[..., 140:170, 140:170]

    mean, sample = run(), run(fidelity=0.0, seed=1)
    assert torch.equal(run(seed=7, steps=4), mean)
    assert torch.equal(run(fidelity=0.0, seed=1), sample)
    assert (run(fidelity=0.0, seed=2) - sample).abs().mean() > 0.1
    assert (run(fidelity=0.0, seed=1, steps=1) - sample).abs().mean() > 1e-3
    if level == 1:  # on later levels the network is also told what its input is
        half = run(fidelity=0.5, seed=1)
        torch.testing.assert_close(half, (mean + sample) / 2, rtol=1e-5, atol=1e-3)
        torch.testing.assert_close(run(0.0, fidelity=0.0), mean, rtol=1e-5, atol=1e-3)
        # weak departures, which no bound touches, are as strong as the gain
        weak, weaker = run(0.02, fidelity=0.0, seed=1), run(0.01, fidelity=0.0, seed=1)
        torch.testing.assert_close(weak - mean, 2 * (weaker - mean), rtol=1e-3, atol=2e-3)


def test_the_gain_is_that_of_the_level_and_of_what_the_reference_told() -> None:
    given = inputs(2, 152, 154)
    chosen = settings(fidelity=0.0)
    assert chosen.reference is not None

    def run(gains: Gains, level: int) -> torch.Tensor:
        reference = replace(chosen.reference, level=level)
        return CoreStage(replace(chosen, reference=reference), NET, Calibration(((0.5, gains),))).run(given)

    assert torch.equal(run(Gains(reached=(9.0, 0.5), past=(3.0,)), 2), run(Gains(reached=(0.5,)), 2))
    assert torch.equal(run(Gains(reached=(9.0,), past=(3.0, 0.5)), 1), run(Gains(past=(0.5,)), 1))


def test_a_block_s_bits_do_not_depend_on_threads() -> None:
    net = tiny_net(PRESETS["core-xs"])
    stage = CoreStage(settings(closure="auto"), net)
    side = BLOCK + 2 * stage.halo(2)
    given = inputs(2, side, side)
    outs = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        outs.append(stage.run(given))
    torch.set_num_threads(1)
    assert torch.equal(*outs)


@pytest.mark.parametrize("level", [1, 2])
def test_block_means_stay_out_of_the_state_where_they_are_given(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[float] = []

    def ones(net: Denoiser, features: torch.Tensor, _context: object, _t: object, outputs: slice) -> torch.Tensor:
        """Answers 1 everywhere and keeps the largest da that it was shown."""
        if features.shape[1] == INPUTS:
            shown.append(float(features[:, -STATE:][:, :BANDS].abs().max()))
        halo = net.config.halo
        inner = features[:, :1, halo:-halo, halo:-halo]
        return torch.ones_like(inner).expand(-1, outputs.stop - outputs.start, -1, -1).clone()

    monkeypatch.setattr(stage_module, "apply_inside", ones)
    stage = CoreStage(settings(fidelity=0.0, steps=3), NET)
    side = 2 * stage.halo(level) + 8
    stage.run(inputs(level, side, side))
    assert len(shown) == 3
    assert all((largest > 0) is (level == 1) for largest in shown)
