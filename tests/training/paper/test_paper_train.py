"""The paper's networks through the same loop as the core family."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from made_tiles import options

from ursat.errors import UsageError
from ursat.models.paper.config import PaperConfig
from ursat.models.paper.weights import load_paper
from ursat.training import loop
from ursat.training.checkpoint import load_checkpoint
from ursat.training.journal import read_journal
from ursat.training.trainer import train

TINY = PaperConfig("paper-tiny", (8, 8), 1, 0, 8, 8, 1, 8, 2)


@pytest.fixture(autouse=True)
def _no_picture(monkeypatch):
    monkeypatch.setattr(loop, "draw_curve", lambda path, records: None)


def test_a_run_stops_goes_on_and_is_fine_tuned(made, tmp_path):
    def asked(name, **changes):
        return options(made, tmp_path / name, preset=TINY, steps=6, **changes)

    straight = train(asked("straight"))
    assert straight.step == 6

    def interrupt(state):
        if state.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    assert train(asked("halves"), interrupt).step == 3
    train(asked("halves", resume=True))
    one, other = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("straight", "halves"))
    assert all(torch.equal(one.net[key], other.net[key]) for key in one.net)
    assert all(torch.equal(one.ema[key], other.ema[key]) for key in one.ema)
    steps = [record for record in read_journal(tmp_path / "straight" / "log.jsonl") if record["kind"] == "step"]
    assert {"diff", "real", "consistent", "loss"} <= steps[-1].keys()
    net, info = load_paper(tmp_path / "straight" / "last.safetensors")
    assert (info.config, info.steps, info.data["scenes"]) == (TINY, 6, 6)
    for start in ("last.safetensors", "checkpoint.pt"):
        path = tmp_path / "straight" / start
        train(asked(start, stage="finetune", init=path, lr=1e-12))
        tuned = load_checkpoint(tmp_path / start / "checkpoint.pt")
        assert all(torch.allclose(tuned.net[key], value, atol=1e-3) for key, value in net.state_dict().items())
        assert {last for _, last, _ in tuned.plan["chains"]} == {1, 2, 3}
        assert all(first < last or last == 1 for first, last, _ in tuned.plan["chains"])


def test_weights_know_what_they_were_trained_with_as_printed(made, tmp_path):
    def asked(name, *literal, **changes):
        return options(made, tmp_path / name, preset=TINY, paper_literal=literal, **changes)

    train(asked("printed", "softmax", "loop", steps=1))
    weights = tmp_path / "printed" / "last.safetensors"
    assert load_paper(weights)[1].config.literal.names == ("softmax", "loop")
    for literal in ((), ("softmax",)):
        with pytest.raises(UsageError, match="as printed: softmax,loop") as caught:
            train(asked("tuned", *literal, steps=1, init=weights))
        assert caught.value.hint == "--paper-literal softmax,loop"
    assert train(asked("tuned", "softmax", "loop", steps=1, init=weights)).step == 1


def test_refusals(made, tmp_path):
    for wrong, match in (
        ({"preset": TINY, "paper_literal": ("eq18",)}, "--paper-literal 'eq18'"),
        ({"paper_literal": ("softmax",)}, "no network of the paper"),
        ({"preset": TINY, "expert": "dat-light"}, "truth alone"),
        ({"preset": TINY, "side": 40}, "40 cells"),
        ({"stage": "finetune"}, "not trained in stages"),
    ):
        with pytest.raises(UsageError, match=match):
            train(options(made, tmp_path, **({"side": None} | wrong)))
    train(options(made, tmp_path / "core", steps=1))
    with pytest.raises(UsageError, match="are of tiny"):
        train(options(made, tmp_path / "core", preset=TINY, steps=2, resume=True))
