"""Outputs in shards from the command line: the commands on their folder, exit codes, progress and JSON logs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
from affine import Affine

from ursat.cli.progress import LineProgress
from ursat.cli.shard_progress import ShardLines, TileJson, watch_beside
from ursat.run.shards.tally import Standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli_fakes import FakePipeline, Outcome

    Cli = Callable[..., Outcome]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of a run in three shards, one of them empty."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(800, 1200, (1, 8, 24)).astype(np.uint16)
    pixels[:, :, 8:16] = 0
    with rasterio.open(
        "in.tif", "w", driver="GTiff", count=1, height=8, width=24, dtype="uint16", nodata=0, crs="EPSG:32649",
        transform=Affine(30, 0, 500000, 0, -30, 4000000),
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
    return ["in.tif", "--scale", "8", "--model", "fusion", "--shard-size", "64", "-j", "1"]


def test_from_plan_to_one_file(cli: Cli, scene: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "out.shards"
    planned = cli("upscale", *scene, "-o", "out.tif", "--plan-only")
    assert (planned.code, planned.out, planned.err) == (0, f"{folder / 'plan.json'}\n", "")
    unfinished = cli("status", "out.shards")
    assert (unfinished.code, "0 of 2 done (1 more hold nothing)" in unfinished.out) == (6, True)
    assert cli("merge", "out.shards", "-o", "one.tif").code == 6

    first = cli("run-shard", "out.shards/plan.json", "--shard", "1/2", "-j", "1")
    assert (first.code, first.out) == (0, "")
    assert [line.split("%")[1].split(",")[0].strip() for line in first.err.splitlines()] == [
        "0 of 1 shard", "1 of 1 shard",
    ]  # fmt: skip
    last = cli("run-shard", "out.shards", "--shard", "0/2", "-j", "1", "-q")
    assert (last.code, last.out, last.err) == (0, f"{folder / 'out.vrt'}\n", "")

    status = json.loads(cli("status", "out.shards", "--json").out)
    assert (status["done"], status["left"], status["total"], len(status["workers"])) == (2, 0, 2, 2)
    merged = cli("merge", "out.shards", "-o", "one.tif", "-q")
    assert (merged.code, merged.out) == (0, "one.tif\n")
    assert cli("merge", "out.shards", "-o", "one.tif").code == 5
    assert cli("verify", "one.tif", "--input", "in.tif").code == 0


def test_json_logs_are_objects_to_the_last_line(cli: Cli, scene: list[str]) -> None:
    done = cli("upscale", *scene, "-o", "out/", "--log-format", "json")
    assert done.code == 0
    assert done.out.endswith("out/out.vrt\n")
    events = [json.loads(line) for line in done.err.splitlines()]
    progress = [event for event in events if event["event"] == "progress"]
    assert [(e["shards_done"], e["shards_left"], e["shards_failed"]) for e in progress] == [
        (0, 2, 0),
        (1, 1, 0),
        (2, 0, 0),
    ]
    assert (progress[0]["seconds_left"], progress[-1]["seconds_left"]) == (None, 0)
    assert progress[-1]["mpx_per_s"] > 0

    refused = cli("upscale", *scene, "-o", "out/", "--log-format", "json", "--seed", "3")
    events = [json.loads(line) for line in refused.err.splitlines()]
    assert (refused.code, [event["event"] for event in events]) == (2, ["error", "hint"])
    assert "--seed was 0, now it is 3" in events[0]["message"]
    # and the next command speaks as people do again
    assert cli("status", "nowhere").err.startswith("ursat: error: ")


def test_the_plan_counts_shards(cli: Cli, scene: list[str]) -> None:
    found = json.loads(cli("plan", *scene, "-o", "out/", "--json").out)
    assert (found["shards"], found["output"]) == (3, "out/out.vrt")
    whole = json.loads(cli("plan", *scene, "--shard-size", "0", "--json").out)
    assert (whole["shards"], whole["output"]) == (0, "in_x8.tif")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--plan-only", "--shard-size", "0"], "needs no plan"),
        (["--plan-only", "--executor", "dask"], "--plan-only computes nothing"),
        (["--workers", "2"], "are for --executor dask"),
        (["--shard-size", "8"], "--shard-size 8 is too small"),
        (["--shard-timeout", "soon"], "is not a duration"),
        (["-o", "nowhere/out.tif"], "does not exist"),
    ],
)
def test_usage_errors(cli: Cli, scene: list[str], arguments: list[str], said: str) -> None:
    outcome = cli("upscale", *scene, *arguments)
    assert outcome.code == 2
    assert said in " ".join(outcome.err.split())


@pytest.mark.parametrize("part", ["3", "2/2", "-1/2", "a/b", "1/"])
def test_parts_that_make_no_sense(cli: Cli, tmp_path: Path, part: str) -> None:
    outcome = cli("run-shard", str(tmp_path), f"--shard={part}")
    assert (outcome.code, "is not a part such as 0/16" in outcome.err) == (2, True)


def test_options_reach_the_library(cli: Cli, pipeline: FakePipeline) -> None:
    cli(
        "upscale", "in.tif", "--scale", "8", "--shard-size", "512", "--executor", "dask", "--scheduler", "tcp://h:1",
        "--workers", "3", "--shard-timeout", "2m", "--no-resume",
    )  # fmt: skip
    shards = pipeline.options.shards
    assert (shards.size, shards.executor, shards.scheduler, shards.workers) == (512, "dask", "tcp://h:1", 3)
    assert (shards.timeout, shards.resume) == (120.0, False)


def test_a_process_may_be_silent_for_half_an_hour(cli: Cli, pipeline: FakePipeline) -> None:
    cli("upscale", "in.tif", "--scale", "8")
    assert pipeline.options.shards.timeout == 1800.0


def test_the_plan_tells_the_time(cli: Cli, pipeline: FakePipeline) -> None:
    arguments = ("plan", "in.tif", "--scale", "8")
    assert "time" not in cli(*arguments).out
    pipeline.plan_report = replace(pipeline.plan_report, seconds=3723.0)
    assert "about 1:02:03 here" in cli(*arguments).out
    assert json.loads(cli(*arguments, "--json").out)["seconds"] == 3723.0


def test_a_file_for_stdout_is_never_cut(cli: Cli, pipeline: FakePipeline) -> None:
    cli("upscale", "in.tif", "--scale", "8", "--shard-size", "512", "-o", "-")
    assert pipeline.options.shards.size == 0


def test_one_line_a_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    show = ShardLines()
    for done in range(41):
        show(Standing(done - done // 40, done // 40, 40, 2e6, 60.0 * (40 - done)))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "ursat:   0 %  0 of 40 shards, 2 Mpx/s, 0:40:00 left"
    assert lines[-1] == "ursat: 100 %  39 of 40 shards, 1 failed, 2 Mpx/s"


def test_tiles_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    show = TileJson()
    for done in range(1, 31):
        show(done, 30)
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["tiles_done"] for event in events] == [1, *range(3, 31, 3)]


def test_nothing_is_shown_where_nothing_shall_be() -> None:
    assert watch_beside(None) is None
    assert isinstance(watch_beside(LineProgress()), ShardLines)
