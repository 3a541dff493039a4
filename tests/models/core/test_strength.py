"""The strength of samples: the same in all bands, and never so strong that levels run away from each other."""

from __future__ import annotations

import pytest
import torch

from ursat import UpscaleOptions, upscale
from ursat.io.exchange import read_array, write_array
from ursat.models.core.config import BANDS
from ursat.models.core.denoiser import shared_strength
from ursat.models.core.state import bounded

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
