"""The strength of samples: the same in all bands, and never so strong that levels run away from each other."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import max_pool2d

from ursat import UpscaleOptions, upscale
from ursat.io.exchange import read_array, write_array
from ursat.models.core.config import BANDS
from ursat.models.core.denoiser import shared_strength
from ursat.models.core.state import bounded, from_state, local_range, within

SIDE = 40
LIMIT = 0.5
INNER = (..., slice(8, -8), slice(8, -8))


def fields(strength: float, activity: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(spread, activity, share), constant over space."""
    shape = (1, 4 * BANDS, SIDE, SIDE)
    return torch.full(shape, strength), torch.full(shape, activity), torch.ones(BANDS, 1, 1)


def test_every_band_of_a_component_gets_their_root_mean_square() -> None:
    spread = torch.rand(2, 4 * BANDS, 5, 6)
    found = shared_strength(spread)
    for part in range(4):
        rows = slice(BANDS * part, BANDS * (part + 1))
        expected = spread[:, rows].square().mean(1, keepdim=True).sqrt().expand(-1, BANDS, -1, -1)
        torch.testing.assert_close(found[:, rows], expected)


def test_what_is_within_the_limit_stays_bit_for_bit() -> None:
    spread, activity, share = fields(0.4, 1.0)
    assert torch.equal(bounded(spread, activity, share, LIMIT)[INNER], spread[INNER])


def test_a_neighbourhood_is_brought_down_to_the_limit() -> None:
    spread, activity, share = fields(3.0, 1.0)
    torch.testing.assert_close(bounded(spread, activity, share, LIMIT)[INNER], (LIMIT * activity)[INNER])


def test_a_single_strong_cell_may_stand_out_a_little() -> None:
    spread, activity, share = fields(0.01, 1.0)
    spread[..., 20, 20] = 50.0
    found = bounded(spread, activity, share, LIMIT)
    assert LIMIT < float(found[0, -1, 20, 20]) <= 1.4 * LIMIT + 1e-6


def test_where_a_reference_has_told_most_the_state_s_units_are_smaller() -> None:
    spread, activity, share = fields(1.0, 1.0)
    assert torch.equal(bounded(spread, activity, 0.4 * share, LIMIT)[INNER], spread[INNER])
    told = bounded(2 * spread, activity, torch.full((BANDS, SIDE, SIDE), 0.4), LIMIT)
    torch.testing.assert_close(told[INNER], (LIMIT / 0.4 * activity)[INNER])


def test_the_range_is_that_of_five_by_five_cells() -> None:
    x = torch.zeros(2, 12, 12)
    x[1, 5, 5] = 7.0
    found = local_range(x)
    assert not found[0].any()
    expected = torch.zeros(12, 12)
    expected[3:8, 3:8] = 7.0
    assert torch.equal(found[1], expected)


def test_no_pixel_departs_further_than_it_may_and_small_departures_stay() -> None:
    departure = torch.randn(1, 4 * BANDS, 20, 20, generator=torch.Generator().manual_seed(0))
    departure[:, :BANDS] = 0
    most = torch.rand(1, BANDS, 20, 20, generator=torch.Generator().manual_seed(1)) * 4
    found = within(departure, most)
    flat = torch.zeros(1, BANDS, 40, 40)
    pixels = from_state(found[0], flat[0], torch.ones(BANDS, 20, 20), mean_known=True).abs()
    largest = max_pool2d(pixels[None], 2)
    assert bool((largest <= most * (1 + 1e-5)).all())
    before = from_state(departure[0], flat[0], torch.ones(BANDS, 20, 20), mean_known=True).abs()
    free = (max_pool2d(before[None], 2) < most).repeat(1, 4, 1, 1)
    assert free.any()
    assert not free.all()
    assert torch.equal(found[free], departure[free])
    assert bool((found[:, BANDS:] * departure[:, BANDS:] >= 0).all())


@pytest.mark.parametrize("side", [1, 3])
def test_a_bright_roof_on_dark_water_does_not_fill_the_range(tmp_path, side) -> None:
    generator = torch.Generator().manual_seed(2)
    image = torch.tensor([700.0, 650.0, 480.0])[:, None, None] + torch.randn(3, 40, 40, generator=generator) * 8
    image[:, 20 : 20 + side, 20 : 20 + side] += 4000
    write_array(tmp_path / "roof.tif", image.round().numpy().astype("uint16"), 32.0)
    out = tmp_path / "out.tif"
    upscale(str(tmp_path / "roof.tif"), UpscaleOptions(scale=16, output=str(out), mode="realistic"))
    assert read_array(out).max() < 22_000  # without `within`: 46 074 and 25 479


@pytest.mark.parametrize("hidden", [0.0, 8.0])
def test_samples_of_flat_noisy_ground_stay_near_it(tmp_path, hidden) -> None:
    """Water, dunes: noise with next to no signal beneath it, on an input too small to tell how little."""
    generator = torch.Generator().manual_seed(1)
    mean = torch.tensor([7000.0, 6500.0, 4800.0])[:, None, None]
    shared = torch.randn(1, 16, 12, generator=generator) * torch.tensor([1.0, 5.0, 7.0])[:, None, None] * hidden
    image = mean + torch.randn(3, 16, 12, generator=generator) * 70 + shared
    write_array(tmp_path / "flat.tif", image.round().numpy().astype("uint16"), 32.0)
    out = tmp_path / "out.tif"
    upscale(str(tmp_path / "flat.tif"), UpscaleOptions(scale=16, output=str(out), mode="realistic"))
    off = torch.from_numpy(read_array(out).astype("float32")) - mean
    assert float(off.std()) < 4 * 70
    assert float(off.abs().max()) < 3500  # without bounds: the dtype's whole range
