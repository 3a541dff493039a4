"""The denoiser on a window, without its border: the same numbers as the module that is trained."""

from __future__ import annotations

import pytest
import torch

from tiny_network import CONFIG, tiny_net
from ursat.models.core.apply import apply_inside
from ursat.models.core.config import CONTEXT, PRESETS, STATE, CoreConfig
from ursat.models.core.denoiser import ALL, INPUTS, KNOWN, MEAN, POSTERIOR, VELOCITY
from ursat.models.core.flow import as_level

THREE = CoreConfig("three", (8, 12, 12), (1, 2, 1), 16)


@pytest.mark.parametrize("config", [CONFIG, THREE, PRESETS["core-xs"]], ids=lambda c: c.name)
@pytest.mark.parametrize("outputs", [MEAN, POSTERIOR, VELOCITY, ALL], ids=str)
def test_it_is_the_network_inside_its_halo(config: CoreConfig, outputs: slice) -> None:
    net = tiny_net(config)
    halo = config.halo
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(1, INPUTS, 2 * halo + 12, 2 * halo + 20, generator=generator)
    context = torch.randn(1, CONTEXT, generator=generator)
    whole = net(features, context, as_level(0.4, features), outputs)[..., halo:-halo, halo:-halo]
    inside = apply_inside(net, features, context, as_level(0.4, features), outputs)
    torch.testing.assert_close(inside, whole, rtol=1e-4, atol=1e-4)


def test_no_state_is_a_state_of_zeros() -> None:
    net, halo = tiny_net(), CONFIG.halo
    generator = torch.Generator().manual_seed(2)
    known = torch.randn(1, KNOWN, 2 * halo + 8, 2 * halo + 8, generator=generator)
    context, t = torch.randn(1, CONTEXT, generator=generator), torch.ones(1)
    empty = torch.cat([known, torch.zeros(1, STATE, *known.shape[2:])], 1)
    short = apply_inside(net, known, context, t, POSTERIOR)
    torch.testing.assert_close(short, apply_inside(net, empty, context, t, POSTERIOR), rtol=1e-5, atol=1e-5)
