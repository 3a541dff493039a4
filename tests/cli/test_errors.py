"""Every failure is a line, a hint and its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ursat import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli_fakes import FakePipeline, Outcome

    Cli = Callable[..., Outcome]

RUN = ("upscale", "in.tif", "--scale", "32")


def failing(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.InputError, 3),
        (errors.QualityError, 4),
        (errors.VerifyError, 4),
        (errors.OutputExistsError, 5),
        (errors.PartialError, 6),
        (errors.LimitError, 7),
        (errors.OutputError, 1),
    ],
)
def test_library_errors(cli: Cli, pipeline: FakePipeline, kind: type[errors.UrsatError], code: int) -> None:
    pipeline.act = failing(kind("in.tif: broken\nin two", hint="mend it"))
    outcome = cli(*RUN)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err == "ursat: error: in.tif: broken in two\n  hint: mend it\n"


def test_errors_are_shown_even_when_quiet(cli: Cli, pipeline: FakePipeline) -> None:
    pipeline.act = failing(errors.InputError("in.tif: broken"))
    assert cli(*RUN, "-q").err == "ursat: error: in.tif: broken\n"


def test_an_unexpected_exception_is_one_line_and_names_itself(cli: Cli, pipeline: FakePipeline) -> None:
    pipeline.act = failing(ZeroDivisionError("by\nzero"))
    outcome = cli(*RUN)
    assert outcome.code == 1
    first, second = outcome.err.splitlines()
    assert first == "ursat: error: ZeroDivisionError: by zero"
    assert "-vv" in second


@pytest.mark.parametrize("flags", [("-vv",), ("-v", "-v"), ("--verbose", "--verbose")])
def test_twice_verbose_shows_the_traceback(cli: Cli, pipeline: FakePipeline, flags: tuple[str, ...]) -> None:
    pipeline.act = failing(ZeroDivisionError("by zero"))
    assert "Traceback" in cli(*RUN, *flags).err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 7, "--max-memory"),
        (SystemExit(143), 143, "terminated"),
    ],
)
def test_signals_and_memory(cli: Cli, pipeline: FakePipeline, error: BaseException, code: int, said: str) -> None:
    pipeline.act = failing(error)
    outcome = cli(*RUN)
    assert outcome.code == code
    assert said in outcome.err


@pytest.mark.parametrize(("signalled", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_a_signal_that_breaks_a_lock_is_still_a_signal(
    cli: Cli, pipeline: FakePipeline, signalled: BaseException, code: int
) -> None:
    def act(*_: object, **__: object) -> None:
        lock = threading.Lock()
        with lock:
            lock.release()
            raise signalled

    pipeline.act = act
    assert cli(*RUN).code == code


def start(tmp_path: Path, act: str) -> subprocess.Popen[str]:
    """The command line in its own process, its pipeline replaced by ``act`` (with ``output`` in scope)."""
    program = f"""
import signal, sys, types, pathlib, time, tempfile
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests in the background ignores it
def upscale(source, options, *, progress=None, watch=None):
    output = options.output
{act}
fake = types.ModuleType("ursat.run.pipeline")
fake.upscale, fake.plan = upscale, None
sys.modules["ursat.run.pipeline"] = fake
sys.argv = ["ursat", "upscale", "in.tif", "--scale", "2", "-o", "-"]
from ursat.__main__ import main
main()
"""
    env = os.environ | {"TMPDIR": str(tmp_path)}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", program], stdout=pipe, stderr=pipe, text=True, env=env)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_leave_no_temporaries(tmp_path: Path, number: int, code: int) -> None:
    act = "    pathlib.Path(output).write_text('half'); print('ready', file=sys.stderr, flush=True); time.sleep(60)"
    process = start(tmp_path, act)
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    assert list(tmp_path.iterdir())
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    act = (
        "    pathlib.Path(output).write_bytes(bytes(1 << 22)); import ursat.run.report as r\n"
        "    import os; os.environ.pop('X', None)\n"
        "    class R: warnings = (); \n"
        "    R.output = output; return R"
    )
    process = start(tmp_path, act)
    assert process.stdout is not None
    time.sleep(0.1)
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert err == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argv", [(), ("models",)])
def test_without_a_command_the_help_text_is_shown(cli: Cli, argv: tuple[str, ...]) -> None:
    outcome = cli(*argv)
    assert outcome.code == 2
    assert "Usage: ursat" in outcome.out + outcome.err
    assert "ursat: error" not in outcome.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
def test_a_full_disk_behind_stdout() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "ursat", "--version"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 7
    assert done.stderr.splitlines()[0] == "ursat: error: No space left on device"
    assert len(done.stderr.splitlines()) == 2


def test_a_device_without_memory(cli: Cli, pipeline: FakePipeline) -> None:
    class OutOfMemoryError(RuntimeError):
        """As torch's is called."""

    pipeline.act = failing(OutOfMemoryError("CUDA out of memory.\nTried to allocate 3 GiB"))
    outcome = cli(*RUN)
    assert outcome.code == 7
    assert "the device is out of memory" in outcome.err
    assert "Tried" not in outcome.err
