import numpy as np
import pytest
from made_places import place_image

import ursat
from ursat.benchmark import __main__ as program
from ursat.benchmark.observation import make_observation
from ursat.benchmark.tool import Ursat, parse_options
from ursat.errors import UrsatError, UsageError

IMAGES = (place_image(0, (64, 64)), place_image(1, (64, 64), place="harbour"))


@pytest.fixture(autouse=True)
def places(monkeypatch):
    monkeypatch.setattr(program, "load_places", lambda _data, limit: IMAGES[:limit])


def test_table_on_stdout_and_nothing_else(capsys, tmp_path):
    arguments = ["--scales", "4", "--tracks", "noref,ref", "--degradations", "bicubic", "--methods", "bicubic,hpf"]
    assert program.main([*arguments, "--cache", str(tmp_path / "s.jsonl")]) == 0
    out, err = capsys.readouterr()
    assert [line.split(" | ")[:3] for line in out.splitlines()[2:]] == [
        ["| x4", "bicubic", "noref"],
        ["| x4", "bicubic", "ref"],
    ]
    assert "2/2" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scales", "5"], "--scales: no such thing as 5"),
        (["--methods", "magic"], "--methods: no such thing as magic"),
        (["--ursat-options", "sharpness=9"], "'sharpness=9' is no NAME=VALUE"),
    ],
)
def test_bad_words_end_with_2_and_one_line(capsys, arguments, said):
    assert program.main(arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 2  # the error and its hint


def test_options_become_a_label_and_typed_values(monkeypatch):
    got = {}

    def upscale(source, options):
        got.update(source=source, options=options)
        raise UrsatError("seen")

    monkeypatch.setattr(ursat, "upscale", upscale, raising=False)
    tool = Ursat(parse_options(["psf=mtf=0.25", "require-ref=true", "tile=256", "max_shift=30"]))
    assert tool.label == "ursat[psf=mtf=0.25 require_ref=true tile=256 max_shift=30]"
    with pytest.raises(UrsatError, match="seen"):
        tool(make_observation(IMAGES[0], 4, "bicubic", "ref"))
    options = got["options"]
    assert (options.psf, options.require_ref, options.tile, options.max_shift) == ("mtf=0.25", True, 256, 30.0)
    assert (options.scale, options.overwrite) == (4, True)
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
    assert result.shape == o.gt.shape
    assert result.dtype == np.uint16
    assert abs(result.mean() - o.gt.mean()) < 50


def test_a_failing_command_becomes_an_error():
    o = make_observation(IMAGES[0], 4, "sensor", "noref")
    with pytest.raises(UrsatError, match="ursat upscale ended with 2"):
        Ursat((("psf", "nonsense"),), command_line=True)(o)
