"""From a command line to `UpscaleOptions`, through every spelling; and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ursat.run.options import UpscaleOptions
from ursat.run.shards.options import ShardOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli_fakes import FakePipeline, Outcome

    Cli = Callable[..., Outcome]

RUN = ("upscale", "in.tif", "--scale", "32", "-q")


def test_defaults_are_the_library_s_but_for_the_end_of_a_hanging_process(cli: Cli, pipeline: FakePipeline) -> None:
    assert cli(*RUN).code == 0
    wanted = UpscaleOptions(scale=32.0, shards=ShardOptions(timeout=1800.0))
    assert pipeline.calls == [("upscale", "in.tif", wanted)]


@pytest.mark.parametrize(
    ("argv", "field", "value"),
    [
        ("--ref s2.tif", "ref", "s2.tif"),
        ("--reference s2.tif", "ref", "s2.tif"),
        ("--ref r --ref-bands B4,B3", "ref_bands", ("B4", "B3")),
        ("--ref r --ref-psf box", "reference_psf", "box"),
        ("--ref r --require-ref", "require_ref", True),
        ("--coreg off", "coreg", "off"),
        ("--max-shift 45m", "max_shift", 45.0),
        ("-b red,green -b blue", "bands", ("red", "green", "blue")),
        ("--bidx 3,2,1", "bands", ("3", "2", "1")),
        ("--bbox -10,5,-9,6", "bbox", (-10.0, 5.0, -9.0, 6.0)),
        ("--bbox=-10,5,-9,6", "bbox", (-10.0, 5.0, -9.0, 6.0)),
        ("--bounds -10,5,-9,6", "bbox", (-10.0, 5.0, -9.0, 6.0)),
        ("--bbox 1,2,3,4 --bounds-crs EPSG:4326", "bbox_crs", "EPSG:4326"),
        ("--aoi area.json", "aoi", "area.json"),
        ("--aoi -", "aoi", "-"),
        ("--window 3,4,10,20", "window", (3, 4, 10, 20)),
        ("--mask clouds.tif", "mask", "clouds.tif"),
        ("--trusted", "trusted", True),
        ("-o x.tif", "output", "x.tif"),
        ("--output x.tif", "output", "x.tif"),
        ("x.tif", "output", "x.tif"),
        ("--overwrite", "overwrite", True),
        ("-t float32", "dtype", "float32"),
        ("--nodata -9999", "nodata", "-9999"),
        ("--nodata NaN", "nodata", "nan"),
        ("--co COMPRESS=Deflate,LEVEL=9 --creation-option A=b", "creation_options",
         (("COMPRESS", "Deflate"), ("LEVEL", "9"), ("A", "b"))),
        ("--psf mtf=0.25", "psf", "mtf=0.25"),
        ("--closure exact", "closure", "exact"),
        ("--model a/b.safetensors", "model", "a/b.safetensors"),
        ("--mode faithful", "mode", "faithful"),
        ("--fidelity 0.5", "fidelity", 0.5),
        ("--steps 3", "steps", 3),
        ("--steps auto", "steps", None),
        ("--samples 4", "samples", 4),
        ("--seed 7", "seed", 7),
        ("--sr nets/x2.onnx", "sr", "nets/x2.onnx"),
        ("--one-step", "one_step", True),
        ("--sampler dpm++", "sampler", "dpm++"),
        ("--start 0.25", "start", 0.25),
        ("--csp progressive", "csp", "progressive"),
        ("--paper-literal projection,loop", "paper_literal", ("projection", "loop")),
        ("--device cuda:1", "device", "cuda:1"),
        ("-j 3", "jobs", 3),
        ("--num-threads ALL_CPUS", "jobs", 0),
        ("--tile 512", "tile", 512),
        ("--max-memory 2G", "max_memory", 2 << 30),
        ("--max-pixels 1e8", "max_pixels", 1e8),
    ],
)  # fmt: skip
def test_every_option_reaches_the_library(cli: Cli, pipeline: FakePipeline, argv: str, field: str, value: Any) -> None:
    outcome = cli(*RUN, *argv.split())
    assert outcome.code == 0, outcome.err
    assert getattr(pipeline.options, field) == value


def test_gsd_instead_of_scale(cli: Cli, pipeline: FakePipeline) -> None:
    assert cli("upscale", "in.tif", "--gsd", "0.9375m", "-q").code == 0
    assert (pipeline.options.scale, pipeline.options.gsd) == (None, 0.9375)


@pytest.mark.parametrize("name", ["URSAT_TILE", "URSAT_UPSCALE_TILE"])
def test_environment(cli: Cli, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "512")
    cli(*RUN)
    assert pipeline.options.tile == 512
    cli(*RUN, "--tile", "64")
    assert pipeline.options.tile == 64


def test_environment_of_one_command_wins(cli: Cli, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URSAT_TILE", "512")
    monkeypatch.setenv("URSAT_UPSCALE_TILE", "256")
    monkeypatch.setenv("URSAT_PLAN_TILE", "128")
    monkeypatch.setenv("URSAT_MAX_MEMORY", "1G")
    monkeypatch.setenv("URSAT_CO", "COMPRESS=LZW BLOCKSIZE=256")
    monkeypatch.setenv("URSAT_OVERWRITE", "1")
    cli(*RUN)
    found = pipeline.options
    assert (found.tile, found.max_memory, found.overwrite) == (256, 1 << 30, True)
    assert found.creation_options == (("COMPRESS", "LZW"), ("BLOCKSIZE", "256"))
    cli("plan", *RUN[1:])
    assert pipeline.options.tile == 128


def test_command_line_overrules_the_environment_s_other_option(
    cli: Cli, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URSAT_SCALE", "32")
    monkeypatch.setenv("URSAT_BBOX", "1,2,3,4")
    monkeypatch.setenv("URSAT_FIDELITY", "0.5")
    assert cli("upscale", "in.tif", "--gsd", "3", "--window", "0,0,2,2", "--mode", "faithful").code == 0
    assert (pipeline.options.scale, pipeline.options.bbox, pipeline.options.fidelity) == (None, None, None)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("in.tif", "neither --scale nor --gsd"),
        ("in.tif --scale 2 --gsd 3", "--scale and --gsd"),
        ("in.tif --scale 1.5", "at least 2"),
        ("in.tif --scale 2 x.tif -o y.tif", "two outputs"),
        ("in.tif --scale 2 --bbox 1,2,3,4 --window 0,0,1,1", "--bbox and --window"),
        ("in.tif --scale 2 --bbox-crs EPSG:4326", "without --bbox"),
        ("- --scale 2 --aoi -", "stdin"),
        ("in.tif --scale 2 --require-ref", "without --ref"),
        ("in.tif --scale 2 --closure sometimes", "--closure"),
        ("in.tif --scale 2 --tile 63", "--tile"),
        ("in.tif --scale 2 --co COMPRESS", "creation option"),
        ("", "INPUT"),
        *[
            (f"in.tif --scale 2 {option}", option.split()[0])
            for option in (
                "--mode pretty", "--fidelity 1.1", "--fidelity nan", "--samples 1", "--steps 0", "--steps few",
                "--samples 2 -o -", "--sampler euler", "--csp both", "--start 0", "--start 1.5", "--executor spark",
            )
        ],
    ],
)  # fmt: skip
def test_usage_errors(cli: Cli, pipeline: FakePipeline, argv: str, said: str) -> None:
    outcome = cli("upscale", *argv.split())
    assert (outcome.code, outcome.out, pipeline.calls) == (2, "", [])
    first, second = outcome.err.splitlines()
    assert first.startswith("ursat: error: ")
    assert said in first
    assert second.startswith("  hint: ")
