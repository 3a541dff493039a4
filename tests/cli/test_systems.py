"""The paper's systems on the command line: what `ursat models` says of them, and how `--sr` fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rasterio

from paper_network import CONFIG, save_paper_tiny
from ursat.io.provenance import read_provenance

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli_fakes import Outcome

    Cli = Callable[..., Outcome]

SCENE = str(Path(__file__).parents[2] / "sample_data" / "landsat8.tif")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return save_paper_tiny(tmp_path / "tiny.safetensors", licence="CC0-1.0", steps=7)


def test_models_know_the_paper_s_weights(cli: Cli, weights: Path) -> None:
    found = json.loads(cli("models", "info", str(weights), "--json").out)
    assert (found["name"], found["kind"], found["mode"]) == ("csp-wavediffur", "diffusion", "realistic")
    assert (found["config"]["name"], found["halo"], found["licence"]) == ("paper-tiny", CONFIG.halo, "CC0-1.0")
    assert found["evaluations"] == {"faithful": 1, "realistic": 21}
    assert "Algorithm 2" in cli("models", "info", str(weights)).out
    verdict = cli("models", "verify", str(weights))
    assert (verdict.code, "ok: paper-tiny" in verdict.out) == (0, True)
    weights.write_bytes(weights.read_bytes()[:-100])
    verdict = cli("models", "verify", str(weights))
    assert (verdict.code, "truncated" in verdict.out) == (3, True)


@pytest.mark.parametrize(
    ("sr", "code", "said", "hint"),
    [
        ("lanczos", 2, "there is no SR module 'lanczos'", "bicubic"),
        ("gone.pth", 3, "cannot read gone.pth", "check the path"),
        ("gone.onnx", 3, "cannot read gone.onnx", "check the path"),
        ("text.safetensors", 3, "text.safetensors is not a safetensors file", "again"),
        ("tiny.safetensors", 2, "holds networks of the paper", "enlarges by itself"),
    ],
)
def test_modules_that_do_not_exist(
    cli: Cli, weights: Path, monkeypatch: pytest.MonkeyPatch, sr: str, code: int, said: str, hint: str
) -> None:
    monkeypatch.chdir(weights.parent)
    Path("text.safetensors").write_text("hello")
    outcome = cli("upscale", SCENE, "--scale", "2", "--model", str(weights), "--sr", sr, "-q")
    assert (outcome.code, outcome.out) == (code, "")
    first, second = outcome.err.splitlines()
    assert said in first
    assert hint in second
    assert not list(weights.parent.glob("*.tif"))


def test_modules_that_cannot_be_run(cli: Cli, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there but no network is found out before anything is written."""
    pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    monkeypatch.chdir(weights.parent)
    Path("text.onnx").write_text("hello")
    outcome = cli("upscale", SCENE, "--scale", "2", "--model", str(weights), "--sr", "text.onnx", "-q")
    assert (outcome.code, outcome.out) == (3, "")
    assert "no ONNX network" in outcome.err
    assert not list(weights.parent.glob("*.tif"))


@pytest.mark.parametrize("given", ["--csp reuse", "--csp progressive", "--sr bicubic", "--sr fusion --one-step"])
def test_tiles_and_threads_change_no_byte(cli: Cli, weights: Path, given: str) -> None:
    """x8 of a corner of the sample pair, a sample of the diffusion."""
    ref = SCENE.replace("landsat8", "sentinel2")
    common = ["--model", str(weights), "--ref", ref, "--scale", "8", "--window", "30,40,24,20", "--steps", "2", "-q"]
    made = []
    for name, cut in (("a.tif", ["--tile", "512", "-j", "1"]), ("b.tif", ["--tile", "64", "-j", "2"])):
        path = weights.with_name(name)
        assert cli("upscale", SCENE, *common, *given.split(), *cut, "-o", str(path)).code == 0
        made.append(path.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize("given", ["--model csp-wavediffur --ref REF", "--model wavediffur --sr bicubic"])
def test_tiles_change_no_byte_of_what_ships(cli: Cli, tmp_path: Path, given: str) -> None:
    """The weights in the package, the diffusion of four steps, a window that no block of 64 or attention's 32 fits."""
    words = given.replace("REF", SCENE.replace("landsat8", "sentinel2")).split()
    common = ["--scale", "4", "--window", "21,35,50,41", "--steps", "4", "-q"]
    made = []
    for tile in ("512", "64"):
        path = tmp_path / f"{tile}.tif"
        assert cli("upscale", SCENE, *words, *common, "--tile", tile, "-o", str(path)).code == 0
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_the_csp_is_in_the_file_and_in_the_picture(cli: Cli, weights: Path) -> None:
    pictures = {}
    for kind in ("reuse", "progressive"):
        path = weights.with_name(f"{kind}.tif")
        window = ["--window", "30,40,24,20", "--mode", "faithful", "--csp", kind]
        assert cli("upscale", SCENE, "--model", str(weights), "--scale", "4", *window, "-q", "-o", str(path)).code == 0
        assert read_provenance(path)["system"]["csp"] == kind
        with rasterio.open(path) as picture:
            pictures[kind] = picture.read()
    assert (pictures["reuse"] != pictures["progressive"]).mean() > 0.01


@pytest.mark.parametrize("model", ["fusion", "csp-wavediffur"])
def test_models_without_a_module(cli: Cli, model: str) -> None:
    outcome = cli("upscale", SCENE, "--scale", "2", "--model", model, "--sr", "bicubic", "-q")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"--sr: the model {model} has no SR module" in outcome.err
    assert "--model wavediffur" in outcome.err
