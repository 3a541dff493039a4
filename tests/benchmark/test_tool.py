from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pytest
from made_places import place_image

import ursat
from ursat.benchmark import tool as tool_module
from ursat.benchmark.observation import make_observation
from ursat.benchmark.tool import Ursat, parse_options
from ursat.errors import UrsatError, UsageError

IMAGES = (place_image(0, (64, 64)), place_image(1, (64, 64), place="harbour"))


def test_options_become_a_label_and_typed_values(monkeypatch):
    got = {}

    def upscale(source, options):
        got.update(source=source, options=options)
        raise UrsatError("seen")

    monkeypatch.setattr(ursat, "upscale", upscale, raising=False)
    tool = Ursat(parse_options(["psf=mtf=0.25", "require-ref=true", "tile=256", "max_shift=30"]))
    assert tool.label == "ursat,psf=mtf=0.25,require_ref=true,tile=256,max_shift=30"
    with pytest.raises(UrsatError, match="seen"):
        tool(make_observation(IMAGES[0], 4, "bicubic", "ref"))
    options = got["options"]
    assert (options.psf, options.require_ref, options.tile, options.max_shift) == ("mtf=0.25", True, 256, 30.0)
    assert (options.scale, options.overwrite, options.jobs) == (4, True, 0)
    with pytest.raises(UrsatError, match="seen"):
        replace(tool, threads=3)(make_observation(IMAGES[0], 4, "bicubic", "ref"))
    assert got["options"] == replace(options, jobs=3, ref=got["options"].ref, output=got["options"].output)
    assert replace(tool, threads=3).label == tool.label
    assert str(options.ref).endswith("ref.tif")


def test_only_options_of_upscale_are_taken():
    with pytest.raises(UsageError, match="no NAME=VALUE"):
        parse_options(["scale=4"])
    with pytest.raises(UsageError, match="no NAME=VALUE"):
        parse_options(["psf"])


@pytest.mark.parametrize("command_line", [False, True])
def test_ursat_answers_through_files(command_line):
    o = make_observation(place_image(0, (48, 48)), 4, "sensor", "ref")
    result = Ursat(parse_options(["psf=mtf=0.25"]), command_line)(o)
    assert result.pixels.shape == o.gt.shape
    assert result.pixels.dtype == np.uint16
    assert abs(result.pixels.mean() - o.gt.mean()) < 50
    assert 0 < result.figures["closure_rms"] < result.figures["closure_max"] < 200
    assert result.figures["evaluations"] >= 2  # two doublings


def test_evaluations_are_counted_level_by_level():
    """A chain of three on the first of two doublings, and one for what holds no noise on each."""
    o = make_observation(place_image(0, (48, 48)), 4, "bicubic", "noref")
    result = Ursat(parse_options(["model=wavediffur", "sr=bicubic", "steps=3"]))(o)
    assert result.figures["evaluations"] == (1 + 3) + 1


def test_weights_in_a_file_are_named_by_their_content(tmp_path):
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"epoch 1")
    tool = Ursat((("model", str(path)),))
    first = tool.label
    path.write_bytes(b"epoch 2")
    assert first.startswith("best.safetensors@")
    assert tool.label != first


@dataclass(frozen=True)
class Options:
    """Kinds of options that the tool has or may get."""

    output: str | None = None
    fidelity: float | None = None
    steps: int | str = "auto"
    mode: Literal["faithful", "realistic"] = "realistic"
    window: tuple[int, int, int, int] | None = None
    bands: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("fidelity=0.5", 0.5),
        ("steps=4", 4),
        ("steps=auto", "auto"),
        ("mode=faithful", "faithful"),
        ("window=1,2,3,4", (1, 2, 3, 4)),
        ("bands=red,nir", ("red", "nir")),
    ],
)
def test_every_kind_of_option_is_read(monkeypatch, word, value):
    monkeypatch.setattr(tool_module.ursat, "UpscaleOptions", Options)
    pairs = parse_options([word])
    assert list(tool_module.typed_options(pairs).values()) == [value]


@pytest.mark.parametrize("word", ["fidelity=much", "mode=magic", "window=1,b,3,4"])
def test_what_an_option_cannot_be_is_refused(monkeypatch, word):
    monkeypatch.setattr(tool_module.ursat, "UpscaleOptions", Options)
    with pytest.raises(UsageError, match="cannot be"):
        parse_options([word])


def test_a_failing_command_becomes_an_error():
    o = make_observation(IMAGES[0], 4, "sensor", "noref")
    with pytest.raises(UrsatError, match="ursat upscale ended with 2"):
        Ursat((("psf", "nonsense"),), command_line=True)(o)


def test_a_run_draws_with_the_observations_seed_unless_told_otherwise(monkeypatch):
    seeds = []

    def upscale(_source, options):
        seeds.append(options.seed)
        raise UrsatError("seen")

    monkeypatch.setattr(ursat, "upscale", upscale, raising=False)
    o = make_observation(IMAGES[0], 4, "bicubic", "noref", seed=7)
    for tool in (Ursat(), Ursat((("seed", "3"),))):
        with pytest.raises(UrsatError, match="seen"):
            tool(o)
    assert seeds == [7, 3]


def test_the_label_is_what_the_command_line_takes():
    assert Ursat((("model", "core-xs"), ("mode", "realistic"), ("steps", "4"))).label == "core-xs:realistic,steps=4"
    assert len(Ursat().sha256) == 64
    assert Ursat((("model", "fusion"),)).sha256 == ""
    assert Ursat().parameters > 100_000
