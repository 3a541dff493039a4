"""Command lines run in this process against a recorded, fake pipeline; streams captured apart."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING

import pytest
from cli_fakes import FakePipeline, Outcome, install

from ursat.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakePipeline:
    monkeypatch.chdir(tmp_path)
    fake = FakePipeline()
    install(monkeypatch, "ursat.run.pipeline", upscale=fake.upscale, plan=fake.plan)
    return fake


@pytest.fixture(autouse=True)
def _clean_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a command line sets for its process: handlers, signals, captured warnings; no URSAT_ from outside."""
    for name in [n for n in os.environ if n.startswith("URSAT_")]:
        monkeypatch.delenv(name)
    loggers = [logging.getLogger(), logging.getLogger("ursat")]
    before = [(logger, list(logger.handlers), logger.level) for logger in loggers]
    term = signal.getsignal(signal.SIGTERM)
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
    logging.captureWarnings(capture=False)
    signal.signal(signal.SIGTERM, term)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def call(*argv: str) -> Outcome:
        capsys.readouterr()
        code = run(argv)
        out, err = capsys.readouterr()
        return Outcome(code, out, err)

    return call
