"""A run from beginning to end: what it writes, that it goes on where it stopped, and how it stops."""

from __future__ import annotations

import json
import logging
import os
import signal

import pytest
import torch
from made_tiles import TINY, options

from ursat.errors import InputError, OutputExistsError, UrsatError, UsageError
from ursat.models.core.weights import load_weights
from ursat.training import core_recipe, loop
from ursat.training.checkpoint import load_checkpoint, load_network
from ursat.training.journal import read_journal
from ursat.training.trainer import train


@pytest.fixture(autouse=True)
def _no_picture(monkeypatch, request):
    """Drawing takes longer than these runs; one test looks at the curve."""
    if request.function is not test_a_run_writes_all_its_files:
        monkeypatch.setattr(loop, "draw_curve", lambda path, records: None)


def weights(out):
    saved = load_checkpoint(out / "checkpoint.pt")
    return saved.step, saved.net, saved.ema


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_a_run_writes_all_its_files(made, tmp_path):
    states = []
    result = train(options(made, tmp_path, eval_steps=2), states.append)
    assert (result.step, result.stopped, result.rank) == (4, None, 0)
    assert result.weights == tmp_path / "best.safetensors"
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    kinds = [(record["kind"], record["step"]) for record in read_journal(tmp_path / "log.jsonl")]
    assert kinds == [("validation", 2), ("validation", 4), ("step", 4)]
    assert json.loads((tmp_path / "config.json").read_text())["config"]["name"] == "tiny"
    assert not list(tmp_path.glob("*.part"))
    info = load_weights(tmp_path / "last.safetensors")[1]
    assert (info.config, info.steps, info.data["scenes"], info.scores) == (TINY, 4, 6, result.gains)
    assert {"L1/noref", "L1/ref"} <= result.gains.keys()
    assert [state.step for state in states] == [1, 2, 3, 4]
    assert states[-1].done == 1


def test_resumed_equals_straight(made, tmp_path):
    train(options(made, tmp_path / "straight", steps=20))
    halfway = options(made, tmp_path / "halves", steps=20)

    def interrupt(state):
        if state.step == 10:
            os.kill(os.getpid(), signal.SIGINT)

    stopped = train(halfway, interrupt)
    assert (stopped.stopped, stopped.step) == (signal.SIGINT, 10)
    resumed = train(options(made, tmp_path / "halves", steps=20, resume=True))
    assert resumed.step == 20
    one, other = weights(tmp_path / "straight"), weights(tmp_path / "halves")
    assert one[0] == other[0] == 20
    assert same(one[1], other[1])
    assert same(one[2], other[2])
    assert not same(one[1], one[2])


def test_the_seed_decides(made, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(options(made, tmp_path / name, steps=2, seed=seed))
    a, b, c = (weights(tmp_path / name)[1] for name in "abc")
    assert same(a, b)
    assert not same(a, c)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_a_checkpoint(made, tmp_path, number):
    before = signal.getsignal(number)
    result = train(options(made, tmp_path, steps=1000), lambda state: os.kill(os.getpid(), number))
    assert (result.stopped, result.step) == (number, 1)
    assert weights(tmp_path)[0] == 1
    assert signal.getsignal(number) is before


def test_a_loss_that_is_not_finite_keeps_the_last_checkpoint(made, tmp_path, monkeypatch):
    train(options(made, tmp_path, steps=2))
    good = weights(tmp_path)
    real = core_recipe.loss

    def broken(*args, **kwargs):
        found = real(*args, **kwargs)
        return found._replace(total=found.total * float("nan"))

    monkeypatch.setattr(core_recipe, "loss", broken)
    with pytest.raises(UrsatError, match="not finite at step 3"):
        train(options(made, tmp_path, steps=5, resume=True))
    assert same(weights(tmp_path)[1], good[1])


def test_a_budget_ends_a_run(made, tmp_path):
    result = train(options(made, tmp_path, steps=None, budget_s=0.5))
    assert result.step >= 1
    assert result.seconds >= 0.5
    assert train(options(made, tmp_path, steps=None, budget_s=0.5, resume=True)).step == result.step


def test_warm_start(made, tmp_path):
    train(options(made, tmp_path / "first", steps=3))
    for name in ("last.safetensors", "checkpoint.pt"):
        start = tmp_path / "first" / name
        run = options(made, tmp_path / name, steps=1, lr=1e-12, init=start)
        train(run)
        begun, given = weights(tmp_path / name)[1], load_network(start).state_dict()
        assert all(torch.allclose(begun[key], given[key], atol=1e-6) for key in given)


def test_a_teacher_changes_the_result(made, tmp_path):
    train(options(made, tmp_path / "teacher", steps=3, lr=1e-2))
    train(options(made, tmp_path / "alone", steps=3))
    taught = options(made, tmp_path / "taught", steps=3, teacher=tmp_path / "teacher" / "last.safetensors")
    train(taught)
    assert not same(weights(tmp_path / "alone")[1], weights(tmp_path / "taught")[1])


def test_bf16_trains(made, tmp_path):
    train(options(made, tmp_path / "a", steps=2))
    train(options(made, tmp_path / "b", steps=2, precision="bf16"))
    a, b = weights(tmp_path / "a")[1], weights(tmp_path / "b")[1]
    assert {tensor.dtype for tensor in b.values()} == {torch.float32}
    assert not same(a, b)


def test_refusals(made, tmp_path, caplog):
    with pytest.raises(UsageError, match="how long"):
        train(options(made, tmp_path, steps=None))
    with pytest.raises(UsageError, match="no preset"):
        train(options(made, tmp_path, preset="core-xxl"))
    with pytest.raises(UsageError, match="36 cells"):
        train(options(made, tmp_path, side=36))
    with pytest.raises(UsageError, match="no such file"):
        train(options(made, tmp_path, init=tmp_path / "none.pt"))
    with pytest.raises(InputError, match="no such folder"):
        train(options((tmp_path / "nowhere", made[1]), tmp_path))
    train(options(made, tmp_path, steps=1))
    with pytest.raises(OutputExistsError):
        train(options(made, tmp_path, steps=1))
    other = type(TINY)("other", (8, 16), (1, 1), 16)
    with pytest.raises(UsageError, match="are of tiny"):
        train(options(made, tmp_path, steps=2, preset=other, resume=True))
    (tmp_path / "checkpoint.pt").write_bytes(b"damaged")
    with pytest.raises(InputError, match="not a checkpoint"):
        train(options(made, tmp_path, steps=2, resume=True))


def test_without_held_out_scenes_the_last_weights_are_the_result(made, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        result = train(options(made, tmp_path, steps=1, val_scenes=0))
    assert result.weights == tmp_path / "last.safetensors"
    assert result.gains == {}
    assert result.score is None
