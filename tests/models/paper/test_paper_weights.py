"""Files of the paper's weights: there and back, and never taken for those of another family."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from paper_nets import SMALL, small_net

from tiny_network import META as CORE_META
from tiny_network import save_tiny
from ursat.errors import InputError
from ursat.models.core.weights import load_weights, read_info
from ursat.models.paper.weights import is_paper, load_paper, read_paper, save_paper

if TYPE_CHECKING:
    from pathlib import Path

META = {**CORE_META, "config": SMALL.to_json(), "steps": 3, "val": {"L1/noref": 0.5}}


def test_there_and_back(tmp_path: Path) -> None:
    path, state = tmp_path / "a.safetensors", small_net().state_dict()
    sha256 = save_paper(path, state, META)
    net, info = load_paper(path, sha256=sha256)
    assert read_paper(path) == info
    assert (info.config, info.steps, info.scores, info.sha256) == (SMALL, 3, {"L1/noref": 0.5}, sha256)
    assert net.config == SMALL
    assert info.parameters == sum(p.numel() for p in net.parameters())
    assert all(torch.equal(value, state[name].half().float()) for name, value in net.state_dict().items())
    assert not any(p.requires_grad for p in net.parameters())
    assert save_paper(tmp_path / "b.safetensors", net.state_dict(), info.to_meta()) == sha256


def test_families_are_not_mixed_up(tmp_path: Path) -> None:
    paper, core = tmp_path / "a.safetensors", save_tiny(tmp_path / "b.safetensors")
    save_paper(paper, small_net().state_dict(), META)
    assert is_paper(paper)
    assert not is_paper(core)
    for wrong in (load_weights, read_info):
        with pytest.raises(InputError, match="family csp-wavediffur, not core"):
            wrong(paper)
    with pytest.raises(InputError, match="family core, not csp-wavediffur"):
        load_paper(core)
    (tmp_path / "c.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="not a safetensors file"):
        is_paper(tmp_path / "c.safetensors")


def test_only_what_fits_is_written(tmp_path: Path) -> None:
    state = small_net(csp=False).state_dict()
    with pytest.raises(ValueError, match="there is no csp"):
        save_paper(tmp_path / "a.safetensors", state, META)
