"""What goes where: data on stdout, all else on stderr."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ursat.cli import console
from ursat.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli_fakes import FakePipeline, Outcome

    Cli = Callable[..., Outcome]

RUN = ("upscale", "in.tif", "--scale", "32", "--ref", "ref.tif", "-o", "out.tif")


def test_stdout_is_the_path_and_stderr_the_report(cli: Cli, pipeline: FakePipeline) -> None:
    outcome = cli(*RUN)
    assert (outcome.code, outcome.out) == (0, "out.tif\n")
    for line in (
        "in.tif -> out.tif",
        "  model      fusion: classical, nothing learned",
        "  grid       120 x 110 px at 40 m -> 3840 x 3520 px at 1.25 m (x32, 5 stages), 3 bands uint16",
        "  reference  ref.tif (10 m) used",
        "             moved +1.20 m east, -18.80 m north (+0.030, +0.470 input px), reliability 0.97",
        "             trust 0.80 as a whole, 0.71 on average over the pixels",
        "  noise      3.14, 2.9, 2.71 DN",
        "  closure    auto: RMSE 3.1, 2.8, 2.6 DN, max 12, 11, 9 DN",
        "  detail     20, 10 m reference; 5 m interpolated",
        "  effective  10 m: the finest detail that a sensor saw",
        "  run        16 tiles in 4.0 s, 3.38 Mpx/s, 412 MB peak memory",
    ):
        assert line in outcome.err.splitlines()


def test_quiet_says_nothing_on_stderr(cli: Cli, pipeline: FakePipeline) -> None:
    pipeline.report = replace(pipeline.report, warnings=("the reference is cloudy",))
    pipeline.act = lambda: logging.getLogger("ursat").warning("the reference is cloudy")
    assert cli(*RUN, "-q") == (outcome := cli(*RUN, "--quiet"))
    assert (outcome.code, outcome.out, outcome.err) == (0, "out.tif\n", "")


def test_json_is_the_whole_report_and_nothing_else(cli: Cli, pipeline: FakePipeline) -> None:
    pipeline.report = replace(pipeline.report, noise_dn=(float("nan"), 1.0, 2.0))
    report = json.loads(cli(*RUN, "--json").out)
    assert report["output"] == "out.tif"
    assert report["noise_dn"] == [None, 1.0, 2.0]
    assert report["octaves"][2] == {"gsd_m": 5.0, "origin": "interpolated"}
    assert report["reference"]["status"] == "used"
    assert report["mpx_per_s"] == pytest.approx(3.3792)


def test_a_dropped_reference_shows_no_shift(cli: Cli, pipeline: FakePipeline) -> None:
    reference = replace(pipeline.report.reference, status="dropped", why="no overlap")
    pipeline.report = replace(pipeline.report, reference=reference)
    err = cli(*RUN).err
    assert "ref.tif (10 m) dropped: no overlap" in err
    assert "moved" not in err


def test_warnings_are_one_line_each_once(cli: Cli, pipeline: FakePipeline) -> None:
    text = "b4\x1b[31m is\nnegative"
    pipeline.report = replace(pipeline.report, warnings=(text, "cloud in 30 % of the reference"))
    pipeline.act = lambda: logging.getLogger("ursat").warning(text)
    lines = [line for line in cli(*RUN).err.splitlines() if "warning" in line]
    expected = ["ursat: warning: b4\\x1b[31m is negative", "ursat: warning: cloud in 30 % of the reference"]
    assert lines == expected


def test_verbosity(cli: Cli, pipeline: FakePipeline) -> None:
    def act() -> None:
        logging.getLogger("ursat").info("reading by QA_PIXEL")
        logging.getLogger("ursat.io").debug("window 3")
        logging.getLogger("rasterio").warning("GDAL said so")

    pipeline.act = act
    shown = [cli(*RUN, *flags).err for flags in ((), ("-v",), ("-vv",))]
    found = [[text in err for text in ("QA_PIXEL", "window 3", "GDAL said so")] for err in shown]
    assert found == [[False, False, False], [True, False, False], [True, True, True]]


def test_output_to_stdout_is_the_file_s_bytes(
    pipeline: FakePipeline, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run(["upscale", "-", "--scale", "4", "-o", "-"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == b"II*\0pixels"
    assert b"- -> -" in err
    assert not Path(str(pipeline.options.output)).exists()


def test_a_geotiff_is_not_written_to_a_terminal(
    cli: Cli, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    outcome = cli("upscale", "in.tif", "--scale", "4", "-o", "-")
    assert (outcome.code, pipeline.calls) == (2, [])
    assert "terminal" in outcome.err


def test_json_and_the_file_cannot_share_stdout(cli: Cli, pipeline: FakePipeline) -> None:
    assert cli("upscale", "in.tif", "--scale", "4", "-o", "-", "--json").code == 2


def test_plan_and_dry_run_are_the_same(cli: Cli, pipeline: FakePipeline) -> None:
    planned, dry = cli("plan", *RUN[1:]), cli(*RUN, "--dry-run")
    assert planned == dry
    assert [call[0] for call in pipeline.calls] == ["plan", "plan"]
    assert pipeline.calls[0] == pipeline.calls[1]
    for line in (
        "in.tif -> out.tif",
        "  output     3840 x 3520 px at 1.25 m, x32",
        "  GSD        40 -> 20 -> 10 -> 5 -> 2.5 -> 1.25 m (5 stages)",
        "  tiles      16 of 1024 px, halo 6 input px",
        "  networks   0 evaluations",
        "  memory     600 MB, limit 4.29 GB",
        "  disk       160 MB of 5 GB free; 81.1 MB of pixels uncompressed",
        "  refused    no",
    ):
        assert line in planned.out.splitlines()


def test_a_refused_plan_is_printed_and_exits_7(cli: Cli, pipeline: FakePipeline) -> None:
    pipeline.plan_report = replace(pipeline.plan_report, refused="5e9 pixels, the limit is 4e9")
    outcome = cli("plan", *RUN[1:], "--json")
    assert outcome.code == 7
    assert json.loads(outcome.out)["refused"] == "5e9 pixels, the limit is 4e9"
    assert "ursat: error: the run would be refused: 5e9 pixels" in outcome.err
    assert "--aoi" in outcome.err


def test_version(cli: Cli) -> None:
    from ursat import __version__

    assert cli("--version").out == f"ursat {__version__}\n"


def test_no_colour_off_a_terminal(cli: Cli, pipeline: FakePipeline) -> None:
    assert "\x1b" not in cli(*RUN).err


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {}])
def test_no_color_is_honoured_on_a_terminal(setting: dict[str, str]) -> None:
    code = (
        "import sys; sys.stderr.isatty = lambda: True\nfrom ursat.cli.console import say; say('warning', 'x', 'yellow')"
    )
    env = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR"}} | {"TERM": "xterm"} | setting
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ("\x1b[33m" in done.stderr) is not bool(setting)


def test_one_line_keeps_words_and_unicode() -> None:
    assert console.one_line("Löß\t 地图\r\n x\x07") == "Löß 地图 x\\x07"
