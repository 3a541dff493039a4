"""`ursat train`: what reaches the trainer, what comes back, and how it ends."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
from cli_fakes import install

from ursat.cli.train import line
from ursat.machine import usable_cores
from ursat.training.options import TrainOptions, TrainResult, TrainState


@pytest.fixture
def asked(monkeypatch):
    """Options that the trainer was called with; ``stopped`` may be set to a signal."""
    calls = {"stopped": None}

    def train(options, progress=None):
        calls["options"] = options
        if progress is not None:
            progress(TrainState("training", 0.5, 30.0, 7, 2.0, 0.4, {"L1/ref": 1.25}))
        return TrainResult(
            options.out, options.out / "best.safetensors", 9, 4.0, {"L1/ref": 1.25}, 1.25, calls["stopped"]
        )

    install(monkeypatch, "ursat.training.trainer", train=train)
    return calls


def test_the_path_of_the_weights_is_all_of_stdout(cli, asked):
    done = cli("train", "--data", "tiles", "--steps", "100")
    assert (done.code, done.out) == (0, "train-core-xs/best.safetensors\n")
    assert "step 7, 2/s, loss 0.400, L1/ref +1.25" in done.err
    assert "0:00:30 left" in done.err


def test_what_is_not_said_is_as_in_the_library(cli, asked):
    cli("train", "--data", "tiles", "--steps", "100")
    cores = usable_cores()
    assert asked["options"] == TrainOptions(Path("tiles"), Path("train-core-xs"), steps=100, jobs=cores)


def test_formulas_as_printed_arrive(cli, asked):
    done = cli(
        "train", "--data", "d", "--preset", "paper-mini", "--steps", "9", "--paper-literal", "softmax,ssim", "-q"
    )
    assert done.code == 0
    literal = asked["options"].config.literal
    assert literal.names == ("softmax", "ssim")


def test_every_option_arrives(cli, asked):
    done = cli(
        "train", "--data", "d", "--preset", "core-s", "--out", "o", "--budget", "2h", "--resume", "--init", "i.pt",
        "--teacher", "t.pt", "--expert", "dat-light", "--device", "cuda:1", "--processes", "3", "--scenes", "40",
        "--pack", "p", "--batch", "16", "--lr", "3e-4", "--seed", "5", "--precision", "bf16", "--eval-every", "250",
        "-j", "2", "-q", "--json",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["score"] == 1.25
    o = asked["options"]
    assert (o.preset, o.out, o.budget_s, o.resume) == ("core-s", Path("o"), 7200.0, True)
    assert (o.init, o.teacher, o.expert, o.pack) == (Path("i.pt"), Path("t.pt"), "dat-light", Path("p"))
    assert (o.device, o.processes, o.scenes, o.batch, o.lr, o.seed) == ("cuda:1", 3, 40, 16, 3e-4, 5)
    assert (o.precision, o.eval_steps, o.jobs) == ("bf16", 250, 2)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_says_how_to_go_on(cli, asked, monkeypatch, number, code):
    monkeypatch.setattr(sys, "argv", ["ursat", "train", "--data", "my tiles", "--budget", "2h"])
    asked["stopped"] = int(number)
    done = cli("train", "--data", "my tiles", "--budget", "2h")
    assert done.code == code
    assert "to go on: ursat train --data 'my tiles' --budget 2h --resume" in done.err


def test_contradictions_are_usage_errors(cli, tmp_path):
    assert cli("train", "--data", str(tmp_path)).code == 2
    assert cli("train", "--data", str(tmp_path), "--steps", "1", "--budget", "1h").code == 2
    nowhere = cli("train", "--data", str(tmp_path / "none"), "--steps", "1")
    assert nowhere.code == 3
    assert "no such folder" in nowhere.err


def test_a_line_says_only_what_is_known():
    assert line(TrainState("scenes", 0.1)) == "scenes"
    assert line(TrainState("training", 0.1, 60.0, 3, 0.5)) == "training  step 3, 0.5/s  0:01:00 left"
