"""Models by name and by path; what is pinned, what is loaded once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from paper_network import CONFIG as PAPER
from paper_network import paper_net
from tiny_network import CONFIG, META, save_tiny, tiny_net
from ursat.errors import InputError, UsageError
from ursat.fir import psf_taps
from ursat.models import registry, shipped
from ursat.models.core.stage import CoreStage
from ursat.models.core.weights import save_weights
from ursat.models.fusion import FusionStage
from ursat.models.gains import Calibration
from ursat.models.paper.one_step import OneStep
from ursat.models.paper.stage import CSPWaveDiffURStage, WaveDiffURStage
from ursat.models.paper.weights import save_paper
from ursat.models.sr.bicubic import Bicubic
from ursat.models.sr.own import OwnModule
from ursat.models.stage import Stage, StageSettings
from ursat.types import SensorModel

SETTINGS = StageSettings(SensorModel("mtf=0.3", 0.3, psf_taps(0.3), (2.0,), (20.0,)), None, "auto", (0.0,), (65535.0,))


@pytest.fixture
def ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that ships the tiny network."""
    path = save_tiny(tmp_path / "core-tiny.safetensors")
    monkeypatch.setattr(registry, "WEIGHTS", tmp_path)
    monkeypatch.setitem(shipped.SHA256, "core-tiny", registry.read_info(path).sha256)
    return path


def test_fusion() -> None:
    stage = registry.get_stage("fusion", SETTINGS)
    assert isinstance(stage, FusionStage)
    assert isinstance(stage, Stage)
    info = registry.find_model("fusion")
    assert (info.kind, info.sha256, info.mode, info.weights) == ("classical", "", "faithful", None)


def test_a_shipped_model(ships: Path) -> None:
    assert registry.model_names()[0] == "fusion"
    assert "core-tiny" in registry.model_names()
    info = registry.find_model("core-tiny")
    assert (info.name, info.kind, info.mode, info.pinned) == ("core-tiny", "diffusion", "realistic", True)
    stage = registry.get_stage("core-tiny", SETTINGS)
    assert isinstance(stage, CoreStage)
    assert (stage.net.config, stage.calibration) == (CONFIG, Calibration.parse(META["calibration"]))


def test_a_path(tmp_path: Path) -> None:
    path = save_tiny(tmp_path / "mine.safetensors")
    info = registry.find_model(str(path))
    assert (info.name, info.pinned, info.path) == ("core-tiny", False, path)
    first = registry.get_stage(str(path), SETTINGS)
    assert isinstance(first, CoreStage)
    again = registry.get_stage(str(path), SETTINGS)
    assert isinstance(again, CoreStage)
    assert first.net is again.net
    save_weights(path, tiny_net(seed=1).state_dict(), {**META, "steps": 12345})
    trained_on = registry.get_stage(str(path), SETTINGS)
    assert isinstance(trained_on, CoreStage)
    assert not torch.equal(trained_on.net.stem.weight, first.net.stem.weight)


@pytest.fixture
def ships_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that ships a tiny network of the paper's as its `paper-mini`."""
    config = replace(PAPER, name=registry.PAPER_WEIGHTS)
    path = tmp_path / f"{registry.PAPER_WEIGHTS}.safetensors"
    save_paper(path, paper_net(config).state_dict(), {"config": config.to_json()})
    monkeypatch.setattr(registry, "WEIGHTS", tmp_path)
    monkeypatch.setitem(shipped.SHA256, registry.PAPER_WEIGHTS, registry.read_paper(path).sha256)
    return path


def test_the_paper_s_systems_by_name(ships_paper: Path) -> None:
    assert {"csp-wavediffur", "wavediffur"} <= set(registry.model_names())
    assert registry.PAPER_WEIGHTS not in registry.model_names()
    for name in ("csp-wavediffur", registry.PAPER_WEIGHTS, str(ships_paper)):
        info = registry.find_model(name)
        assert (info.name, info.sr, info.guided, info.pinned, info.of_paper) == (
            "csp-wavediffur",
            None,
            True,
            True,
            True,
        )
        assert isinstance(registry.get_stage(name, SETTINGS), CSPWaveDiffURStage)
    for name in ("wavediffur", registry.PAPER_WEIGHTS, str(ships_paper)):
        info = registry.find_model(name, "bicubic")
        assert (info.name, info.guided) == ("wavediffur", False)
        assert info.sr is not None
        stage = registry.get_stage(name, SETTINGS, choices=registry.Choices("bicubic", sampler="dpm++", start=0.3))
        assert isinstance(stage, WaveDiffURStage)
        assert isinstance(stage.module, Bicubic)
    once = registry.get_stage("csp-wavediffur", SETTINGS, choices=registry.Choices(one_step=3))
    assert isinstance(once, OneStep)
    assert once.depth == 3


def test_our_own_models_are_sr_modules(ships_paper: Path, tmp_path: Path) -> None:
    mine = str(save_tiny(tmp_path / "mine.safetensors"))
    for sr, guided in (("fusion", True), (mine, True)):
        info = registry.find_model("wavediffur", sr)
        assert info.guided is guided
        stage = registry.get_stage("wavediffur", SETTINGS, choices=registry.Choices(sr))
        assert isinstance(stage, WaveDiffURStage)
        assert isinstance(stage.module, OwnModule)
    assert registry.find_model("wavediffur").sr == registry.find_sr(shipped.DEFAULT_MODEL, (shipped.DEFAULT_MODEL,))


def test_systems_without_weights_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "WEIGHTS", tmp_path)
    monkeypatch.delitem(shipped.SHA256, registry.PAPER_WEIGHTS, raising=False)
    assert "wavediffur" not in registry.model_names()
    with pytest.raises(InputError, match="there are no weights"):
        registry.find_model("csp-wavediffur")


def test_shipped_weights_must_be_the_published_ones(ships: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ships.open("ab") as file:
        file.write(b"\0")
    for use in (registry.find_model, lambda name: registry.get_stage(name, SETTINGS)):
        with pytest.raises(InputError, match="not the file that was published"):
            use("core-tiny")
    ships.unlink()
    with pytest.raises(InputError, match="there are no weights"):
        registry.find_model("core-tiny")


@pytest.mark.parametrize("name", ["fusoin", "", "weights.pt", "folder/core-xs"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(UsageError, match="there is no model") as caught:
        registry.get_stage(name, SETTINGS)
    assert "fusion" in caught.value.hint


def test_what_ships_is_what_is_pinned() -> None:
    there = {path.stem for path in registry.WEIGHTS.glob("*.safetensors")}
    assert there == set(shipped.SHA256)
    assert shipped.DEFAULT_MODEL in registry.model_names()
    for name in shipped.SHA256:
        assert registry.find_model(name).weights is not None


def test_pins_are_written_as_they_are_read() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
    from pin_weights import pinned

    text = Path(shipped.__file__).read_text("utf-8")
    sums = {"core-s": "1" * 64, "core-xs": "0" * 64}
    for _ in range(2):  # also over pins that are there
        text = pinned(text, sums)
        names: dict[str, object] = {}
        exec(text, names)
        assert names["SHA256"] == sums
        assert names["DEFAULT_MODEL"] == shipped.DEFAULT_MODEL


def test_looking_at_models_does_not_load_torch(tmp_path: Path) -> None:
    path = save_tiny(tmp_path / "mine.safetensors")
    code = "import sys, ursat.models.registry as r; r.find_model(sys.argv[1]); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
