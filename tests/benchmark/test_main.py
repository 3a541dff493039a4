from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pytest
from made_places import place_image

import ursat
from ursat.benchmark import __main__ as program
from ursat.benchmark import tool as tool_module
from ursat.benchmark.baselines import bicubic
from ursat.benchmark.judge import Answer
from ursat.benchmark.observation import make_observation
from ursat.benchmark.scores import Table
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


def test_more_metrics_are_a_second_table_and_gains_a_third(capsys, monkeypatch):
    monkeypatch.setattr(Ursat, "__call__", lambda _self, o: Answer(bicubic(o) + 40, {"closure_rms": 0.5}))
    arguments = ["--scales", "4", "--tracks", "noref", "--degradations", "bicubic", "--methods", "ursat,bicubic"]
    assert program.main([*arguments, "--metrics", "psnr,spectrum,closure"]) == 0
    first, second, third = capsys.readouterr().out.split("\n\n")
    assert first.startswith("| scale | degradation | track | images | ursat | bicubic |")
    assert "| method | PSNR dB | spectrum error dB | closure rms DN | closure max DN |" in second
    assert [line.split(" | ")[3] for line in second.splitlines()[2:]] == ["ursat", "bicubic"]
    assert "| 0.50 | - |" in second.splitlines()[2]
    assert third.splitlines()[2].startswith("| x4 bicubic noref | -0.")


def test_an_ensemble_takes_the_place_of_the_tool(capsys, monkeypatch):
    def call(_self, o):
        return Answer(bicubic(o))

    monkeypatch.setattr(Ursat, "__call__", call)
    arguments = ["--scales", "4", "--tracks", "noref", "--degradations", "bicubic", "--methods", "ursat"]
    assert program.main([*arguments, "--ensemble", "2", "--ursat-options", "psf=box"]) == 0
    head, _, one, mean = capsys.readouterr().out.split("\n\n")[-1].splitlines()
    assert "| PSNR less ursat[psf=box mode=faithful] |" in head
    assert one.endswith("| ursat[psf=box mode=realistic] | +0.00 [+0.00, +0.00] | - |")
    assert mean.endswith("| mean of 2 ursat[psf=box mode=realistic] | +0.00 [+0.00, +0.00] | 0.00 |")


def test_variants_are_compared_with_the_first_and_scales_with_each_other(capsys, monkeypatch):
    def call(self, o):
        return Answer(bicubic(o) + (40 if dict(self.options)["mode"] == "realistic" else 0))

    monkeypatch.setattr(Ursat, "__call__", call)
    monkeypatch.setattr(
        program, "load_places", lambda _data, limit: (IMAGES[0], place_image(2), place_image(3))[:limit]
    )
    arguments = ["--scales", "4,8", "--tracks", "noref", "--degradations", "bicubic", "--methods", "ursat"]
    modes = [word for mode in ("faithful", "realistic") for word in ("--ursat-options", f"mode={mode}")]
    assert program.main([*arguments, *modes, "--metrics", "psnr,ag,spectrum"]) == 0
    _, _, beside, trend = capsys.readouterr().out.split("\n\n")
    assert "| PSNR less ursat[mode=faithful] | spectrum error over its |" in beside
    assert [line.split(" | ")[3] for line in beside.splitlines()[2:]] == ["ursat[mode=realistic]"] * 2
    assert "| AG, x4 to x8 |" in trend
    assert trend.count("(2 images)") == 2


@pytest.mark.parametrize(("jobs", "threads"), [("1", 6), ("4", 1), ("3", 2)])
def test_processes_share_the_cores(monkeypatch, jobs, threads):
    given = {}
    monkeypatch.setattr(program.os, "sched_getaffinity", lambda _pid: set(range(6)))
    monkeypatch.setattr(
        program, "run", lambda methods, cells, *_, **rest: given.update(methods, **rest) or Table((), tuple(cells), ())
    )
    assert program.main(["--methods", "ursat", "--ursat-options", "psf=box", "--jobs", jobs]) == 0
    tool = given["ursat[psf=box]"]
    assert (tool.threads, given["jobs"]) == (threads, int(jobs))


def test_large_images_alone_are_used_at_every_scale(capsys, monkeypatch):
    both = (*IMAGES, place_image(5, (96, 96), place="moor", large=True))
    monkeypatch.setattr(program, "load_places", lambda _data, limit: both[:limit])
    arguments = ["--scales", "4,8", "--tracks", "noref", "--degradations", "bicubic", "--methods", "bicubic"]
    assert program.main([*arguments, "--large"]) == 0
    assert [line.split(" | ")[3] for line in capsys.readouterr().out.splitlines()[2:]] == ["1", "1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scales", "5"], "--scales: no such thing as 5"),
        (["--methods", "magic"], "--methods: no such thing as magic"),
        (["--metrics", "beauty"], "--metrics: no such thing as beauty"),
        (["--ensemble", "1"], "--ensemble: at least 2"),
        (["--ursat-options", "tile=wide"], "tile cannot be 'wide'"),
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


def test_weights_in_a_file_are_named_by_their_content(tmp_path):
    path = tmp_path / "best.safetensors"
    path.write_bytes(b"epoch 1")
    tool = Ursat((("model", str(path)),))
    first = tool.label
    path.write_bytes(b"epoch 2")
    assert first.startswith("ursat[model=best.safetensors@")
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
