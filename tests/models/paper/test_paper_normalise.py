"""Images in the networks' units: blind to brightness, the same whatever the tile, and back again."""

from __future__ import annotations

import pytest
import torch

from ursat.models.core.context import LEVEL_GAIN
from ursat.models.paper.normalise import REACH, Normaliser, conditions, level_scale
from ursat.models.wavelet import replicate

SCALE = torch.tensor([2.0, 3.0, 4.0])[:, None, None]


def level(seed: int = 0, side: int = 48):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, side, side, generator=generator) * 50, torch.randn(3, 2 * side, 2 * side, generator=generator)


def test_there_and_back():
    x, image = level()
    norm = Normaliser.of(x, SCALE)
    assert torch.allclose(norm.image(*norm.bands(image)), image, atol=1e-4)
    assert torch.allclose(norm.mean(norm.coarse(x)), x, atol=1e-4)


def test_bands_are_those_of_the_fine_image():
    from ursat.models.wavelet import dwt2

    x, image = level()
    norm = Normaliser.of(x, SCALE)
    a, vhd = norm.bands(image)
    found = dwt2(norm.fine(image))
    assert torch.allclose(found.a, a, atol=1e-4)
    assert torch.allclose(torch.cat(found[1:]), vhd, atol=1e-4)


def test_brightness_and_contrast_of_a_scene_do_not_matter():
    x, image = level()
    usual = conditions(Normaliser.of(x, SCALE), x, image, image + 1, torch.ones(3, 48, 48))
    y, brighter = 4 * x + 1000, 4 * image + 1000
    other = conditions(Normaliser.of(y, 4 * SCALE), y, brighter, 4 * (image + 1) + 1000, torch.ones(3, 48, 48))
    for one, two in zip(usual, other, strict=True):
        assert torch.allclose(one, two, atol=2e-3)


def test_a_window_is_a_cut_of_the_whole():
    x, image = level()
    whole = conditions(Normaliser.of(x, SCALE), x, image, None, None)
    part = conditions(Normaliser.of(x[:, 5:40, 3:38], SCALE), x[:, 5:40, 3:38], image[:, 10:80, 6:76], None, None)
    inner = slice(REACH, -REACH)
    assert torch.equal(part.x[:, inner, inner], whole.x[:, 5:40, 3:38][:, inner, inner])
    assert torch.equal(part.tau[:, inner, inner], whole.tau[:, 5:40, 3:38][:, inner, inner])


def test_what_is_not_trusted_is_the_input_itself():
    x, image = level()
    norm = Normaliser.of(x, SCALE)
    trust = torch.zeros(3, 48, 48)
    trust[:, :10] = 1
    seen = conditions(norm, x, image, image, trust).ref
    assert torch.allclose(seen[:, 20:], norm.fine(replicate(x))[:, 20:], atol=1e-5)
    assert torch.allclose(seen[:, :20], norm.fine(image)[:, :20], atol=1e-4)
    assert conditions(norm, x, image, None, None).ref is None


def test_a_progressive_pyramid_shows_its_own_reference_where_none_is_trusted():
    from ursat.models.paper.pyramid import pseudo_reference

    x, image = level()
    norm = Normaliser.of(x, SCALE)
    trust = torch.zeros(3, 48, 48)
    trust[:, :10] = 1
    own = norm.fine(pseudo_reference(x))
    assert not torch.allclose(own, norm.fine(replicate(x)), atol=0.1)
    seen = conditions(norm, x, image, image, trust, 2, progressive=True).ref
    assert torch.allclose(seen[:, 20:], own[:, 20:], atol=1e-5)
    assert torch.allclose(seen[:, :20], norm.fine(image)[:, :20], atol=1e-4)
    assert torch.equal(conditions(norm, x, image, None, None, 2, progressive=True).ref, own)
    assert conditions(norm, x, image, None, None, 1, progressive=True).ref is None


def test_the_scale_follows_the_scenes_detail_and_falls_with_the_level():
    assert level_scale(20.0, 1) == pytest.approx(2 * level_scale(10.0, 1))
    assert level_scale(10.0, 3) == pytest.approx(level_scale(10.0, 1) * LEVEL_GAIN**2)
    assert level_scale(0.0, 1) > 0
