"""Files of weights: the same bytes for the same content, and one clear line for every way a file can be wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import save

from tiny_network import CONFIG, META, save_tiny, tiny_net
from ursat.errors import InputError
from ursat.models.core.weights import load_weights, read_info, save_weights
from ursat.models.gains import Calibration

if TYPE_CHECKING:
    from pathlib import Path


def tensors() -> dict[str, torch.Tensor]:
    return {name: value.half().contiguous() for name, value in tiny_net().state_dict().items()}


def header(**changes: Any) -> dict[str, str]:
    return {"ursat": json.dumps({"format": 2, **META, **changes})}


def test_there_and_back(tmp_path: Path) -> None:
    path = save_tiny(tmp_path / "a.safetensors")
    net, info = load_weights(path)
    assert read_info(path) == info
    assert (info.config, info.calibration, info.scores) == (
        CONFIG,
        Calibration.parse(META["calibration"]),
        {"x4 noref": 0.25},
    )
    assert (info.steps, info.licence, info.size) == (7, "CC0-1.0", path.stat().st_size)
    assert info.parameters == sum(p.numel() for p in net.parameters())
    expected = tiny_net().state_dict()
    for name, value in net.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, expected[name].half().float())
    assert save_weights(tmp_path / "b.safetensors", net.state_dict(), info.to_meta()) == info.sha256
    assert not net.training
    assert not any(p.requires_grad for p in net.parameters())
    assert net.stem.weight.is_contiguous(memory_format=torch.channels_last)


def test_same_content_same_bytes(tmp_path: Path) -> None:
    state = tiny_net().state_dict()
    first = save_weights(tmp_path / "a.safetensors", state, META)
    shuffled = dict(reversed(state.items())), dict(reversed(META.items()))
    assert save_weights(tmp_path / "b.safetensors", *shuffled) == first
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_only_what_fits_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    state = tiny_net().state_dict()
    huge = {**state, "stem.bias": state["stem.bias"] + 1e6}
    for wrong, meta in (
        (huge, META),
        ({k: v for k, v in state.items() if k != "stem.bias"}, META),
        (state, {**META, "config": {**CONFIG.to_json(), "widths": [8, 16]}}),
        (state, {"licence": "no configuration"}),
    ):
        with pytest.raises(ValueError):
            save_weights(path, wrong, meta)
    assert not path.exists()


def damaged(kind: str) -> bytes:
    good = save(tensors(), header())
    state = tensors()
    names = {
        "empty": b"",
        "text": b"these are certainly no weights, however long the text goes on",
        "header only": good[:400],
        "truncated": good[:-10],
        "more": good + b"more",
        "foreign": save(state),
        "no JSON": save(state, {"ursat": "{"}),
        "other format": save(state, header(format=1)),
        "told otherwise": save(tensors(), header(config={k: v for k, v in CONFIG.to_json().items() if k != "context"})),
        "no configuration": save(state, {"ursat": '{"format": 2}'}),
        "odd calibration": save(state, header(calibration=[float("nan")])),
        "one too few": save({k: v for k, v in state.items() if k != "stem.bias"}, header()),
        "one too many": save({**state, "extra": torch.zeros(3).half()}, header()),
        "another shape": save({**state, "stem.bias": torch.zeros(3).half()}, header()),
        "another dtype": save({**state, "stem.bias": state["stem.bias"].float()}, header()),
        "not finite": save({**state, "stem.bias": state["stem.bias"] * float("inf")}, header()),
    }
    return names[kind]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("empty", "not a safetensors file"),
        ("text", "not a safetensors file"),
        ("header only", "not a safetensors file"),
        ("truncated", "truncated: 10 bytes"),
        ("more", "damaged"),
        ("foreign", "not of ursat"),
        ("no JSON", "cannot be understood"),
        ("other format", "format version 1"),
        ("no configuration", "not a configuration"),
        ("told otherwise", "version 1 of the levels' description, not 2"),
        ("odd calibration", "calibration"),
        ("one too few", "there is no stem.bias"),
        ("one too many", "extra has no place"),
        ("another shape", r"stem.bias is \(3,\), not \(8,\)"),
        ("another dtype", "stem.bias is F32, not F16"),
        ("not finite", "stem.bias holds numbers that are not finite"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(damaged(kind))
    with pytest.raises(InputError, match=said) as caught:
        load_weights(path)
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_missing_and_not_the_published_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no weights at"):
        read_info(tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="is not a file"):
        read_info(tmp_path)
    path = save_tiny(tmp_path / "a.safetensors")
    found = read_info(path).sha256
    assert load_weights(path, sha256=found)[1].sha256 == found
    with pytest.raises(InputError, match="not the file that was published"):
        load_weights(path, sha256="0" * 64)
