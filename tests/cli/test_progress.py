"""Progress: sparse lines off a terminal, a bar on one, nothing when quiet."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ursat.cli.progress import LineProgress, clock_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli_fakes import FakePipeline, Outcome

    Cli = Callable[..., Outcome]


def percents(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"^ursat: +(\d+) %", text, re.MULTILINE)]


def test_a_line_per_tenth_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    now = [100.0]
    show = LineProgress(clock=lambda: now[0])
    for done in range(1, 1001):
        now[0] += 0.5
        show(done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "ursat:  10 %  0:07:30 left"
    assert lines[-1] == "ursat: 100 %  writing the file"


@pytest.mark.parametrize("total", [1, 3, 7, 64])
def test_progress_ends_at_100(capsys: pytest.CaptureFixture[str], total: int) -> None:
    show = LineProgress()
    for done in range(1, total + 1):
        show(done, total)
    shown = percents(capsys.readouterr().err)
    assert shown[-1] == 100
    assert shown == sorted(set(shown))
    assert len(shown) <= min(total, 10)


@given(st.floats(0, 1e6))
def test_clock(seconds: float) -> None:
    hours, minutes, rest = clock_text(seconds).replace(" days, ", ":").replace(" day, ", ":").split(":")[-3:]
    assert int(hours) * 3600 + int(minutes) * 60 + int(rest) == round(seconds) % 86400


def test_the_command_shows_lines_off_a_terminal_and_none_when_quiet(cli: Cli, pipeline: FakePipeline) -> None:
    pipeline.tiles = 200
    run = ("upscale", "in.tif", "--scale", "2", "-o", "out.tif")
    assert percents(cli(*run).err) == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert percents(cli(*run, "-q").err) == []


def test_a_bar_on_a_terminal() -> None:
    program = (
        "from ursat.cli.progress import progress\n"
        "with progress(quiet=False) as show:\n"
        "    show(1, 2)\n"
        "    import time; time.sleep(0.3)\n"
    )
    ours, theirs = pty.openpty()
    env = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    subprocess.run([sys.executable, "-c", program], stderr=theirs, env=env, check=True, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "upscaling" in shown
    assert "50%" in shown
