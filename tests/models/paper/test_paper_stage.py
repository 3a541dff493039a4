"""Algorithms 1 and 2 as stages: what is given, what is drawn, what is seen, and what an oracle makes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from paper_network import CONFIG, paper_net
from stage_inputs import level_inputs, stage_settings
from ursat.fir import decimate2
from ursat.models.paper.chain import Chain
from ursat.models.paper.config import CSP_KINDS, WINDOW, CSPKind, PaperConfig, PaperLiteral
from ursat.models.paper.network import PaperNetwork
from ursat.models.paper.one_step import OneStep
from ursat.models.paper.printed_loop import PrintedLoop
from ursat.models.paper.samplers import SAMPLERS, Sampler
from ursat.models.paper.schedule import linear_schedule
from ursat.models.paper.stage import CSPWaveDiffURStage, PaperStage, WaveDiffURStage
from ursat.models.sr.bicubic import Bicubic, bicubic2
from ursat.models.stage import LevelInputs, Stage, StageSettings
from ursat.models.wavelet import block_mean, dwt2

NET = paper_net()
SIZE = 64
SCHEDULE = linear_schedule()


def settings(bands: int = 3, **changes: Any) -> StageSettings:
    return stage_settings(bands, **{"steps": 2, **changes})


def inputs(level: int, bands: int = 3, *, ref: bool = True, origin: tuple[int, int] = (0, 0)) -> LevelInputs:
    return level_inputs(level, SIZE, SIZE, bands, ref=ref, seed=level, origin=origin)


def stages(chosen: StageSettings, chain: Chain | None = None) -> tuple[PaperStage, PaperStage]:
    chain = chain or Chain(steps=chosen.steps)
    return WaveDiffURStage(chosen, NET, Bicubic(), chain), CSPWaveDiffURStage(chosen, NET, chain)


class Oracle(PaperNetwork):
    """Knows A, in units of the window at hand."""

    def __init__(self, truth: torch.Tensor) -> None:
        super().__init__(CONFIG)
        self.truth = truth
        self.asked: list[int] = []

    def noise(self, a_t: torch.Tensor, tau: torch.Tensor, t: torch.Tensor, tokens: Any, context: torch.Tensor) -> Any:
        self.asked.append(int(t))
        assert torch.isfinite(a_t).all()
        return SCHEDULE.noise(a_t, self.truth, int(t))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_oracle_gets_the_truth(sampler: Sampler) -> None:
    chosen = settings(fidelity=0.0, steps=5)
    truth = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(9))
    oracle = Oracle(truth)
    stage = WaveDiffURStage(chosen, oracle, Bicubic(), Chain(sampler, 5, 0.6))
    given = inputs(1)
    made = dwt2(stage.run(given))
    plain = dwt2(bicubic2(given.x))
    low = block_mean(bicubic2(given.x)) - made.a
    assert float(low.abs().max()) > 10
    # The oracle's truth in physical units, by another stage that only ever sees tau = truth
    norm = dwt2(WaveDiffURStage(chosen, Oracle(truth * 0), Bicubic(), Chain(sampler, 5, 0.6)).run(given)).a
    scale = (made.a - norm) / truth[0]
    torch.testing.assert_close(scale, scale.mean((1, 2), keepdim=True).expand_as(scale), rtol=2e-2, atol=0.0)
    for mine, theirs in zip(made[1:], plain[1:], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-3)
    assert oracle.asked == [599, 479, 359, 239, 119]


@pytest.mark.parametrize("closure", ["auto", "exact"])
def test_later_levels_keep_their_input(closure: str) -> None:
    """B is the identity there: the chain could change nothing, and is not run."""
    given = inputs(2)
    for stage in stages(settings(closure=closure, fidelity=0.0)):
        assert not stage.low.diffuses(2)
        assert stage.evaluations(2) == 1
        torch.testing.assert_close(block_mean(stage.run(given)), given.x, rtol=1e-6, atol=1e-3)
    for stage in stages(settings(closure="off", fidelity=0.0)):
        assert stage.evaluations(2) == 3
        assert float((block_mean(stage.run(given)) - given.x).abs().max()) > 1


def test_the_first_level_closes() -> None:
    given = inputs(1)
    for stage in stages(settings(closure="exact", fidelity=0.0)):
        left = (decimate2(stage.run(given), stage.classic.operator.taps) - given.x)[..., 12:-12, 12:-12]
        assert float(left.abs().max()) < 0.05


def test_algorithm_1_takes_its_bands_from_the_module() -> None:
    given = inputs(2)
    stage = stages(settings(closure="auto", fidelity=1.0))[0]
    made, module = dwt2(stage.run(given)), dwt2(bicubic2(given.x))
    for mine, theirs in zip(made[1:], module[1:], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-4)


def test_algorithm_2_restores_with_and_without_a_reference() -> None:
    chosen = settings(closure="auto", fidelity=1.0)
    stage = stages(chosen)[1]
    made = stage.run(inputs(2))
    classic = stage.classic.start(inputs(2))
    assert float((made - classic).abs().mean()) > 1
    assert not torch.equal(made, stage.run(inputs(2, ref=False)))
    untouched = CSPWaveDiffURStage(chosen, paper_net(replace(CONFIG, cshr=False)))
    torch.testing.assert_close(dwt2(untouched.run(inputs(2))).d, dwt2(classic).d, rtol=1e-5, atol=1e-4)


def test_reuse_and_progressive_differ_where_no_reference_is_trusted() -> None:
    chosen = settings(closure="auto", fidelity=1.0)

    def run(csp: CSPKind, given: LevelInputs) -> torch.Tensor:
        return CSPWaveDiffURStage(chosen, NET, csp=csp).run(given)

    guided, alone = inputs(2), inputs(2, ref=False)
    sure = replace(guided, trust=torch.ones(3, SIZE, SIZE))
    assert float((run("progressive", alone) - run("reuse", alone)).abs().mean()) > 0.05
    assert float((run("progressive", guided) - run("reuse", guided)).abs().mean()) > 0.02
    torch.testing.assert_close(run("progressive", sure), run("reuse", sure), rtol=1e-5, atol=1e-2)
    first = inputs(1, ref=False)
    assert torch.equal(run("progressive", first), run("reuse", first))


@pytest.mark.parametrize(
    ("config", "csp"),
    [(CONFIG, "reuse"), (replace(CONFIG, progressive=True), "progressive"), (replace(CONFIG, csp=False), "none")],
)
def test_networks_run_with_the_csp_that_they_were_trained_for(config: PaperConfig, csp: CSPKind) -> None:
    chosen = settings(closure="off", fidelity=0.0)
    net = paper_net(config)
    given = inputs(2, ref=False)
    usual = CSPWaveDiffURStage(chosen, net)
    assert usual.csp == csp
    made = {kind: CSPWaveDiffURStage(chosen, net, csp=kind).run(given) for kind in CSP_KINDS}
    assert torch.equal(usual.run(given), made[csp])


def test_without_a_csp_the_diffusion_is_that_of_algorithm_1() -> None:
    """The encoder's tokens are left out, whatever the reference; the CSHR is not touched."""
    chosen, given = settings(closure="off", fidelity=0.0), inputs(1)
    alone, usual = (CSPWaveDiffURStage(chosen, NET, csp=csp) for csp in ("none", "reuse"))
    made, other = dwt2(alone.run(given)), dwt2(usual.run(given))
    assert float((made.a - other.a).abs().mean()) > 0.01
    for mine, theirs in zip(made[1:], other[1:], strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("level", [1, 2])
def test_seeds_and_fidelity(level: int) -> None:
    given = inputs(level)

    def run(which: int, **changes: Any) -> torch.Tensor:
        return stages(settings(**changes))[which].run(given)

    for which in (0, 1):
        mean, one = run(which, fidelity=1.0), run(which, fidelity=0.0, seed=1)
        assert torch.equal(run(which, fidelity=1.0, seed=7, steps=5), mean)
        assert torch.equal(run(which, fidelity=0.0, seed=1), one)
        assert float((run(which, fidelity=0.0, seed=2) - one).abs().mean()) > 0.05
        half = run(which, fidelity=0.5, seed=1)
        torch.testing.assert_close(half, (mean + one) / 2, rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("bands", [1, 2, 4])
def test_any_number_of_bands(bands: int) -> None:
    given = inputs(1, bands)
    for stage in stages(settings(bands, closure="auto", fidelity=0.0)):
        assert isinstance(stage, Stage)
        out = stage.run(given)
        assert out.shape == (bands, 2 * SIZE, 2 * SIZE)
        assert bool(out.isfinite().all())


def test_double_precision() -> None:
    given = inputs(1)
    assert given.ref is not None
    assert given.trust is not None
    exact = replace(given, x=given.x.double(), ref=given.ref.double(), trust=given.trust.double())
    for stage in stages(settings(closure="auto", fidelity=0.0)):
        out = stage.run(exact)
        assert out.dtype == torch.float64
        torch.testing.assert_close(out, stage.run(given).double(), rtol=1e-4, atol=0.05)


@pytest.mark.parametrize("closure", ["auto", "exact", "off"])
@pytest.mark.parametrize("fidelity", [0.0, 1.0])
def test_halos(closure: str, fidelity: float) -> None:
    """Where attention runs, blocks begin at whole windows; elsewhere the module's reach is enough."""
    one, two = stages(settings(closure=closure, fidelity=fidelity))
    assert all(two.halo(level) % WINDOW == 0 for level in (1, 2, 3))
    assert two.halo(2) == WINDOW
    assert one.halo(2) == (WINDOW if closure == "off" and fidelity < 1 else 8)
    for stage in (one, two):
        assert stage.block is not None
        assert stage.block % WINDOW == 0
        assert stage.halo(1) >= stage.halo(2)


@pytest.mark.parametrize("shift", [(0, 0), (-8, 24), (40, -16)])
@pytest.mark.parametrize("csp", ["reuse", "progressive"])
def test_windows_are_absolute(shift: tuple[int, int], csp: CSPKind) -> None:
    """The attention's squares lie where the ground says, whatever the first pixel of the window."""
    stage = CSPWaveDiffURStage(settings(reference=False, fidelity=1.0), NET, csp=csp)
    wide = inputs(2, ref=False)
    whole = replace(wide, x=wide.x.repeat(1, 3, 3), origin=(-2 * WINDOW, -2 * WINDOW))
    full = stage.run(whole)
    rows, cols = (2 * WINDOW + s for s in shift)
    part = replace(whole, x=whole.x[:, rows - WINDOW :, cols - WINDOW :], origin=(shift[0] - WINDOW, shift[1] - WINDOW))
    made = stage.run(part)
    inner = (..., slice(4 * WINDOW, 4 * WINDOW + 40), slice(4 * WINDOW, 4 * WINDOW + 40))
    outer = (..., *(slice(2 * (place + WINDOW), 2 * (place + WINDOW) + 40) for place in (rows, cols)))
    torch.testing.assert_close(made[inner], full[outer], rtol=1e-5, atol=1e-2)


def test_literal_projection_binds_the_low_pass_to_tau() -> None:
    literal = replace(CONFIG, literal=PaperLiteral(projection=True))
    stage = WaveDiffURStage(settings(fidelity=0.0), paper_net(literal), Bicubic(), Chain(steps=3))
    given = inputs(1)
    made, tau = block_mean(stage.run(given)), block_mean(bicubic2(given.x))
    torch.testing.assert_close(block_mean(made), block_mean(tau), rtol=1e-5, atol=1e-2)
    assert float((made - tau).abs().mean()) > 0.05


def test_the_loop_as_printed_ends_with_the_first_image() -> None:
    """Nothing in its body reads what the pass before has made: x2, whatever the number of passes."""
    for stage in stages(settings(fidelity=0.0)):
        printed = PrintedLoop(stage)
        assert isinstance(printed, Stage)
        assert torch.equal(printed.run(inputs(1)), stage.run(inputs(1)))
        assert (printed.halo(1), printed.evaluations(1)) == (stage.halo(1), stage.evaluations(1))
        for level in (2, 3):
            given = inputs(level)
            made = printed.run(given)
            assert torch.equal(made[..., ::2, ::2], given.x)
            assert torch.equal(made[..., 1::2, 1::2], given.x)
            assert printed.evaluations(level) == 0


def test_one_step_is_classical_up_to_the_last_doubling() -> None:
    chosen = settings(closure="auto", fidelity=0.0)
    stage = stages(chosen)[1]
    once = OneStep(stage, 3)
    assert isinstance(once, Stage)
    for level in (1, 2):
        assert torch.equal(once.run(inputs(level)), stage.classic.run(inputs(level)))
        assert once.halo(level) == stage.classic.halo(level)
        assert once.evaluations(level) == 0
    assert torch.equal(once.run(inputs(3)), stage.run(inputs(3)))
    assert (once.halo(3), once.evaluations(3)) == (stage.halo(3), stage.evaluations(3))
