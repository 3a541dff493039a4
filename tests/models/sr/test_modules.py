"""SR modules: bicubic, foreign networks in patches, their scaling and their factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from ursat.errors import InputError
from ursat.fir import psf_taps
from ursat.models.fusion import FusionStage
from ursat.models.sr.bicubic import Bicubic, bicubic2
from ursat.models.sr.network import NetworkModule
from ursat.models.sr.own import OwnModule
from ursat.models.sr.patches import in_patches
from ursat.models.stage import LevelInputs, StageSettings
from ursat.models.wavelet import replicate
from ursat.types import SensorModel

if TYPE_CHECKING:
    from collections.abc import Callable

    Network = Callable[[torch.Tensor], torch.Tensor]

RANGES = ((100.0, 900.0), (200.0, 600.0), (0.0, 50.0), (-1.0, 1.0))


def image(bands: int = 3, height: int = 40, width: int = 30) -> torch.Tensor:
    unit = torch.rand(bands, height, width, generator=torch.Generator().manual_seed(bands))
    low = torch.tensor([low for low, _ in RANGES[:bands]])[:, None, None]
    high = torch.tensor([high for _, high in RANGES[:bands]])[:, None, None]
    return low + unit * (high - low)


def inputs(x: torch.Tensor) -> LevelInputs:
    return LevelInputs(2, x, None, None, None, (0, 0), 10.0)


def module(network: Network, factor: int = 2, channels: int = 3, bands: int = 3, side: int = 16) -> NetworkModule:
    return NetworkModule("net", network, factor=factor, channels=channels, ranges=RANGES[:bands], side=side)


def test_bicubic_is_pillow_s() -> None:
    x = image(1)[0]
    expected = Image.fromarray(x.numpy()).resize((60, 80), Image.Resampling.BICUBIC)
    torch.testing.assert_close(bicubic2(x)[4:-4, 4:-4], torch.from_numpy(np.array(expected))[4:-4, 4:-4])


def test_bicubic_sees_two_pixels() -> None:
    x = image()
    part = bicubic2(x[..., 3:, 5:])
    assert torch.equal(part[..., 4:, 4:], bicubic2(x)[..., 10:, 14:])
    assert torch.equal(Bicubic().enlarge(inputs(x)), bicubic2(x))
    assert Bicubic().halo(1) == 2


def test_patches_cover_every_pixel_once() -> None:
    for height, width in ((16, 16), (17, 40), (5, 33), (64, 16)):
        x = torch.arange(float(height * width)).reshape(1, 1, height, width)
        shapes = set()

        def enlarge(patch: torch.Tensor, shapes: set[Any] = shapes) -> torch.Tensor:
            shapes.add(tuple(patch.shape))
            return replicate(patch)

        assert torch.equal(in_patches(x, 16, 4, enlarge), replicate(x))
        assert shapes == {(1, 1, 16, 16)}


def test_a_network_that_sees_no_farther_than_the_margin_leaves_no_seam() -> None:
    taps = torch.randn(1, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    x = torch.rand(1, 1, 50, 61, generator=torch.Generator().manual_seed(1))

    def enlarge(patch: torch.Tensor) -> torch.Tensor:
        return replicate(torch.nn.functional.conv2d(patch, taps, padding=2))

    patched, whole = in_patches(x, 20, 2, enlarge), enlarge(x)
    torch.testing.assert_close(patched, whole)


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_any_factor_becomes_two(factor: int) -> None:
    """Pixels repeated three, four or five times are, reduced by area, pixels repeated twice."""
    x = image()
    made = module(lambda patch: replicate(patch, factor), factor).enlarge(inputs(x))
    torch.testing.assert_close(made, replicate(x), rtol=1e-5, atol=1e-3)


def test_networks_are_given_the_scene_s_range_not_the_tile_s() -> None:
    seen: list[torch.Tensor] = []

    def network(patch: torch.Tensor) -> torch.Tensor:
        seen.append(patch)
        return replicate(patch)

    low, high = (torch.tensor([ends[k] for ends in RANGES[:3]])[:, None, None].expand(3, 16, 16) for k in (0, 1))
    for x, value in ((low, 0.1), (high, 0.9), ((low + high) / 2, 0.5), (high + (high - low), 1.0)):
        made = module(network).enlarge(inputs(x))
        torch.testing.assert_close(seen.pop(), torch.full((1, 3, 16, 16), value))
        torch.testing.assert_close(made, replicate(x))


def test_what_is_cut_off_for_the_network_is_enlarged_all_the_same() -> None:
    x = image()
    x[:, 10:14, 10:14] *= 6
    made = module(replicate).enlarge(inputs(x))
    assert float((made - replicate(x))[..., :12, :].abs().max()) < 1e-2
    assert float(made[0, 22:26, 22:26].mean()) > 2 * float(x[0].median())


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_number_of_bands(bands: int, channels: int) -> None:
    shapes = set()

    def network(patch: torch.Tensor) -> torch.Tensor:
        shapes.add(patch.shape[1])
        return replicate(patch)

    x = image(bands)
    made = module(network, channels=channels, bands=bands).enlarge(inputs(x))
    torch.testing.assert_close(made, replicate(x), rtol=1e-5, atol=1e-3)
    assert shapes == {channels}
    assert made.dtype == x.dtype
    doubled = module(network, channels=channels, bands=bands).enlarge(inputs(x.double()))
    assert doubled.dtype == torch.float64


def test_a_band_without_contrast() -> None:
    flat = NetworkModule("net", replicate, factor=2, channels=1, ranges=((7.0, 7.0),), side=16)
    x = torch.full((1, 16, 16), 7.0)
    torch.testing.assert_close(flat.enlarge(inputs(x)), replicate(x))


@pytest.mark.parametrize(("factor", "channels"), [(1, 3), (0, 3), (2, 4), (2, 2)])
def test_networks_that_cannot_be_modules(factor: int, channels: int) -> None:
    with pytest.raises(InputError, match=r"--sr net: a network of"):
        module(replicate, factor, channels)


def test_a_network_that_lies_about_its_factor() -> None:
    with pytest.raises(InputError, match="answered"):
        module(lambda patch: patch).enlarge(inputs(image()))


def test_our_own_stages_are_modules() -> None:
    sensor = SensorModel("mtf=0.3", 0.3, psf_taps(0.3), (2.0,) * 3, (20.0,) * 3)
    stage = FusionStage(StageSettings(sensor, None, "off", (-1e6,) * 3, (1e6,) * 3))
    own = OwnModule(stage)
    assert torch.equal(own.enlarge(inputs(image())), stage.run(inputs(image())))
    assert (own.name, own.halo(1), own.halo(2)) == ("fusion", stage.halo(1), stage.halo(2))
