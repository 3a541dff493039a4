"""The classical stage: closure, range, neutrality of a useless reference, and windows that do not matter."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from ursat.fir import decimate2, psf_taps
from ursat.models.registry import get_stage
from ursat.models.sensor import SensorOperator
from ursat.models.stage import LevelInputs, Stage, StageSettings
from ursat.models.wavelet import block_mean, replicate
from ursat.types import ReferenceModel, SensorModel

BANDS = 2
REFERENCE = ReferenceModel(
    level=1, taps=(1.0,), matrix=((1.0, 0.0), (0.0, 1.0)), offsets=(0.0,) * 2, trust=(1.0,) * 2, residual=(30.0,) * 2,
    mtf=0.3, ratio=2.0,
)  # fmt: skip


def make(mtf: float, closure: str, *, noise: float = 20.0, reference: bool = False, **limits: float) -> Stage:
    sensor = SensorModel(f"mtf={mtf}", mtf, psf_taps(mtf), noise=(noise, noise / 2), signal=(400.0, 300.0))
    chosen = REFERENCE if reference else None
    lowest, highest = limits.get("lowest", 0.0), limits.get("limit", 65535.0)
    return get_stage("fusion", StageSettings(sensor, chosen, closure, (lowest,) * BANDS, (highest,) * BANDS))


def scene(h: int, w: int, seed: int = 0) -> torch.Tensor:
    """(2, h, w) smooth ground with steps and texture, about 500 to 4000."""
    rng = np.random.default_rng(seed)
    rough = rng.normal(size=(BANDS, h, w)).cumsum(1).cumsum(2) * 8 + rng.normal(size=(BANDS, h, w)) * 150
    step = np.where(np.add.outer(np.arange(h), 2 * np.arange(w)) // 23 % 2, 900, 0)
    return torch.from_numpy((1800 + rough + step).clip(300, 6000).astype(np.float32))


def level_one(x: torch.Tensor, observed: torch.Tensor | None = None, **more: object) -> LevelInputs:
    seen = torch.ones_like(x, dtype=torch.bool) if observed is None else observed
    fields = {"ref": None, "trust": None, "origin": (0, 0), "gsd_m": 15.0}
    return LevelInputs(level=1, x=x, observed=seen, **{**fields, **more})


def framed(h: int, w: int, halo: int) -> torch.Tensor:
    observed = torch.zeros(BANDS, h, w, dtype=torch.bool)
    observed[:, halo:-halo, halo:-halo] = True
    return observed


def residual(out: torch.Tensor, y: torch.Tensor, observed: torch.Tensor, mtf: float) -> torch.Tensor:
    operator, o = SensorOperator(psf_taps(mtf)), observed.to(y)
    return (y - operator.observe(out, o, operator.mass(o)))[observed].abs()


@pytest.mark.parametrize("mtf", [0.64, 0.35, 0.25])
@pytest.mark.parametrize("holes", [0.0, 0.25])
def test_exact_closure_on_every_observed_pixel(mtf: float, holes: float) -> None:
    observed = framed(60, 66, 8) & (torch.rand(BANDS, 60, 66, generator=torch.Generator().manual_seed(2)) >= holes)
    y = decimate2(scene(120, 132), psf_taps(mtf)).round()
    filled = torch.where(observed, y, y.mean())
    out = make(mtf, "exact", limit=float("inf"), lowest=float("-inf")).run(level_one(filled, observed))
    assert residual(out, y, observed, mtf).max() < 0.1
    rough = torch.where(observed, scene(60, 66), y.mean())  # no scene looks like this through the sensor: all the same
    out = make(mtf, "exact", limit=float("inf"), lowest=float("-inf")).run(level_one(rough, observed))
    assert residual(out, rough, observed, mtf).max() < 0.3


@pytest.mark.parametrize("mtf", [0.64, 0.35])
def test_exact_closure_under_clipping(mtf: float) -> None:
    truth = scene(120, 120).clamp(500, 2400) - 500  # a third of the pixels sit on a limit of 0 .. 1900
    y = decimate2(truth, psf_taps(mtf))
    observed = framed(60, 60, 6)
    stage = make(mtf, "exact", limit=1900.0)
    out = stage.run(level_one(y, observed))
    assert out.min() >= 0
    assert out.max() <= 1900
    assert ((out == 0) | (out == 1900)).float().mean() > 0.02
    left = residual(out, y, observed, mtf)
    if mtf > 0.6:  # the box: whatever is clipped finds room in its own block
        assert left.max() < 0.1
        return
    free = make(mtf, "exact", limit=float("inf"), lowest=float("-inf")).run(level_one(y, observed)).clamp(0, 1900)
    plain = residual(free, y, observed, mtf)
    assert left.square().mean() < 0.5 * plain.square().mean()
    assert (left < 0.5).float().mean() > 0.8


def test_box_with_exact_closure_keeps_block_means() -> None:
    y = scene(20, 20)
    out = make(0.64, "exact").run(level_one(y))
    torch.testing.assert_close(block_mean(out), y, atol=2e-3, rtol=0)


@pytest.mark.parametrize("mtf", [0.64, 0.25])
def test_auto_closes_to_within_the_noise(mtf: float) -> None:
    truth = scene(200, 200, 3)
    clean = decimate2(truth, psf_taps(mtf))
    noise = torch.tensor([20.0, 10.0])[:, None, None]
    y = clean + torch.from_numpy(np.random.default_rng(6).normal(size=clean.shape).astype(np.float32)) * noise
    out = make(mtf, "auto").run(level_one(y))
    left = (y - decimate2(out, psf_taps(mtf)))[:, 8:-8, 8:-8]
    assert (left.square().mean((1, 2)).sqrt() < 1.2 * noise[:, 0, 0]).all()
    assert (out - truth)[:, 16:-16, 16:-16].square().mean() < (replicate(y) - truth)[:, 16:-16, 16:-16].square().mean()


def test_a_perfect_reference_is_kept_and_a_biased_one_corrected() -> None:
    truth = scene(160, 160, 4)
    taps = psf_taps(0.3)
    gauss = torch.from_numpy(np.random.default_rng(7).normal(size=(BANDS, 80, 80)).astype(np.float32))
    y = decimate2(truth, taps) + gauss * torch.tensor([20.0, 10.0])[:, None, None]
    stage = make(0.3, "auto", reference=True)
    trust = torch.ones_like(y)
    inner = (..., slice(32, -32), slice(32, -32))
    kept = stage.run(level_one(y, ref=truth, trust=trust))
    assert (kept - truth)[inner].square().mean().sqrt() < 8
    haze = torch.from_numpy(np.hypot(*np.mgrid[-80:80, -80:80]) < 40).float() * 300
    corrected = stage.run(level_one(y, ref=truth + haze, trust=trust))
    left = (y - decimate2(corrected, taps))[:, 16:-16, 16:-16]
    assert left.square().mean().sqrt() < 1.2 * 16
    assert (corrected - truth)[inner].square().mean() < 0.1 * haze[inner[1:]].square().mean()
    off = make(0.3, "off", reference=True).run(level_one(y, ref=truth + haze, trust=trust))
    torch.testing.assert_close(off[inner], (truth + haze)[inner], atol=1e-3, rtol=0)


@pytest.mark.parametrize("level", [1, 2])
def test_a_reference_without_trust_changes_nothing(level: int) -> None:
    x = scene(30, 30)
    more = {"observed": torch.ones_like(x, dtype=torch.bool)} if level == 1 else {"observed": None}
    stage = make(0.3, "auto", reference=True)
    without = stage.run(LevelInputs(level=level, x=x, ref=None, trust=None, origin=(0, 0), gsd_m=1.0, **more))
    wrong = scene(60, 60, 9)
    useless = LevelInputs(level=level, x=x, ref=wrong, trust=torch.zeros_like(x), origin=(0, 0), gsd_m=1.0, **more)
    assert torch.equal(without, stage.run(useless))


def test_later_levels_keep_block_means_and_take_what_the_reference_adds() -> None:
    fine = scene(80, 80, 5)
    x = block_mean(fine)
    stage = make(0.3, "auto", reference=True)
    trust = torch.full_like(x, 1.0)
    biased = fine * 1.0 + 250.0
    out = stage.run(LevelInputs(2, x, None, biased, trust, (0, 0), 1.0))
    torch.testing.assert_close(block_mean(out), x, atol=2e-3, rtol=0)
    torch.testing.assert_close(out[..., 8:-8, 8:-8], fine[..., 8:-8, 8:-8], atol=5e-3, rtol=0)


@pytest.mark.parametrize("closure", ["exact", "auto", "off"])
def test_values_stay_in_range(closure: str) -> None:
    y = scene(40, 40).clamp(800, 1500)
    stage = make(0.25, closure, limit=1500.0)
    for level, observed in ((1, torch.ones_like(y, dtype=torch.bool)), (2, None)):
        out = stage.run(LevelInputs(level, y, observed, None, None, (0, 0), 1.0))
        assert out.min() >= 0
        assert out.max() <= 1500


@pytest.mark.parametrize("mtf", [0.64, 0.25])
@pytest.mark.parametrize("closure", ["exact", "auto"])
def test_constants_stay_constant(mtf: float, closure: str) -> None:
    y = torch.full((BANDS, 24, 24), 1234.0)
    for level, observed in ((1, torch.ones_like(y, dtype=torch.bool)), (2, None)):
        out = make(mtf, closure).run(LevelInputs(level, y, observed, None, None, (0, 0), 1.0))
        torch.testing.assert_close(out, torch.full_like(out, 1234.0), atol=0.02, rtol=0)


@pytest.mark.parametrize(("closure", "mtf"), [("auto", 0.25), ("exact", 0.64), ("exact", 0.35)])
@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("level", [1, 2])
def test_any_window_gives_the_same_bits(closure: str, mtf: float, reference: bool, level: int) -> None:
    limit = 2600.0  # clipping happens in places
    stage = make(mtf, closure, reference=reference, limit=limit)
    halo = stage.halo(level)
    h, w = 2 * halo + 20, 2 * halo + 17
    rng = np.random.default_rng(12)
    x = scene(h, w, 11).clamp(max=limit)
    observed = torch.from_numpy(rng.random((BANDS, h, w)) > 0.02)
    ref, trust = scene(2 * h, 2 * w, 13), torch.from_numpy(rng.random((BANDS, h, w)).astype(np.float32))

    def run(rows: slice, cols: slice) -> torch.Tensor:
        fine = (..., slice(2 * rows.start, 2 * rows.stop), slice(2 * cols.start, 2 * cols.stop))
        return stage.run(
            LevelInputs(
                level=level,
                x=x[:, rows, cols],
                observed=observed[:, rows, cols] if level == 1 else None,
                ref=ref[fine] if reference else None,
                trust=trust[:, rows, cols] if reference else None,
                origin=(rows.start, cols.start),
                gsd_m=1.0,
            )
        )

    whole = run(slice(0, h), slice(0, w))
    cut = 2 * halo
    for threads, _ in itertools.product((1, 2), range(2)):
        torch.set_num_threads(threads)
        top, left = (int(rng.integers(0, n)) for n in (18, 15))
        bottom, right = int(rng.integers(top + 1, 21)), int(rng.integers(left + 1, 18))
        part = run(slice(top, bottom + 2 * halo), slice(left, right + 2 * halo))
        kept = part[:, cut : part.shape[1] - cut, cut : part.shape[2] - cut]
        assert torch.equal(kept, whole[:, 2 * top + cut : 2 * bottom + cut, 2 * left + cut : 2 * right + cut])
    torch.set_num_threads(1)


def test_halos_stay_small() -> None:
    assert make(0.25, "auto", reference=True).halo(1) <= 48
    assert make(0.25, "exact", reference=True).halo(1) <= 80
    assert make(0.64, "exact").halo(1) <= 8
    assert make(0.25, "exact").halo(2) <= 4
