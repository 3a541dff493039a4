import numpy as np
import pytest
from made_places import place_image

from ursat.benchmark import foreign
from ursat.benchmark.baselines import BASELINES
from ursat.benchmark.ensemble import MeanOfSamples
from ursat.benchmark.methods import make_methods, split_methods
from ursat.benchmark.observation import make_observation
from ursat.benchmark.tool import Ursat
from ursat.errors import UsageError


def test_options_belong_to_the_method_before_them():
    assert split_methods(["bicubic,core-xs:realistic,steps=4,seed=2", "hpf"]) == [
        ["bicubic"], ["core-xs:realistic", "steps=4", "seed=2"], ["hpf"],
    ]  # fmt: skip


def test_every_kind_of_method_by_its_words():
    made = make_methods(["hpf", "fusion", "ursat:faithful,psf=mtf=0.25", "core-xs:realistic,steps=4,mean=3"], Ursat())
    assert list(made) == ["hpf", "fusion", "ursat:faithful,psf=mtf=0.25", "core-xs:realistic,steps=4,mean=3"]
    assert made["hpf"] is BASELINES["hpf"]
    assert made["ursat:faithful,psf=mtf=0.25"].options == (("mode", "faithful"), ("psf", "mtf=0.25"))
    assert isinstance(made["core-xs:realistic,steps=4,mean=3"], MeanOfSamples)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("magic", "no method 'magic'"),
        ("bicubic,sharp=1", "bicubic takes no options"),
        ("steps=4", "an option without a method"),
        ("ursat,sharpness=9", "'sharpness=9' is no NAME=VALUE"),
        ("ursat,tile=wide", "tile cannot be 'wide'"),
        ("ursat,mean=1", "at least 2"),
        ("spandrel:nowhere.pth", "names no file"),
        ("ncnn:nowhere.param", "names no file"),
        ("", "names nothing"),
    ],
)
def test_what_means_nothing_is_refused_with_the_choice(words, said):
    with pytest.raises(UsageError, match=said) as caught:
        make_methods([words], Ursat())
    assert caught.value.hint


@pytest.mark.parametrize(("factor", "scale", "asked"), [(4, 4, True), (4, 8, True), (2, 4, True), (2, 8, False)])
def test_a_public_network_makes_at_most_two_passes(monkeypatch, tmp_path, factor, scale, asked):
    path = tmp_path / "net.pth"
    path.write_bytes(b"weights")
    passes = []

    def network(x):
        passes.append(x.shape[-1])
        return x.repeat(factor, axis=-1).repeat(factor, axis=-2)

    monkeypatch.setitem(foreign.LOADERS, "spandrel", lambda _path: (network, factor, 3))
    (method,) = make_methods([f"spandrel:{path}"], Ursat()).values()
    assert method.label.startswith("spandrel:net.pth@")
    assert method.applies(scale, "noref") is asked
    assert not method.applies(scale, "ref")
    if asked:
        o = make_observation(place_image(0, (64, 64)), scale, "bicubic", "noref")
        np.testing.assert_allclose(method(o), BASELINES["nearest"](o), atol=0.01)
        assert passes[0] == 64 // scale
