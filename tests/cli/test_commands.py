"""The smaller commands: info on the real samples, the others against the values that the library returns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from cli_fakes import install
from rasterio.transform import from_origin

from tiny_network import CONFIG, save_tiny
from ursat.models.shipped import DEFAULT_MODEL
from ursat.run.report import CoregReport

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli_fakes import Outcome

    Cli = Callable[..., Outcome]

SAMPLES = Path(__file__).parents[2] / "sample_data"


def test_info_says_what_and_why(cli: Cli) -> None:
    outcome = cli("info", str(SAMPLES / "landsat8_c2_sr.tif"))
    assert (outcome.code, outcome.err) == (0, "")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    for line in (
        "sensor landsat-8",
        "level L2SP",
        "size 174 x 177 px, 6 bands uint16",
        "GSD 30 m",
        "CRS EPSG:32643 WGS 84 / UTM zone 43N",
        "transform 30, 0, 839190, 0, -30, 978960",
        "nodata 0",
        "value stored number x 2.75e-05, plus -0.2",
    ):
        assert line in lines
    assert any(line.startswith("band 4 nir08 B5 0.865 um") for line in lines)
    assert any(line.startswith("mask band 7") for line in lines)


def test_info_as_json(cli: Cli) -> None:
    found = json.loads(cli("info", str(SAMPLES / "sentinel2.tif"), "--json").out)
    assert found["grid"]["transform"] == [10.0, 0.0, 228780.0, 0.0, -10.0, 3100020.0]
    assert [band["common_name"] for band in found["bands"]] == ["blue", "green", "red"]
    assert found["provenance"] is None


def test_info_selects_bands(cli: Cli) -> None:
    found = json.loads(cli("info", str(SAMPLES / "sentinel2.tif"), "-b", "red", "--json").out)
    assert [band["common_name"] for band in found["bands"]] == ["red"]


def write(path: Path, **profile: Any) -> None:
    data = np.arange(64, dtype="float32").reshape(1, 8, 8)
    made = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "float32", "crs": "EPSG:32649"} | profile
    with rasterio.open(path, "w", transform=from_origin(0, 80, 10, 10), **made) as dataset:
        dataset.write(data)
        dataset.update_tags(ns="URSAT", PROVENANCE='{"model":{"name":"fusion"},"scale":8.0,"noise_dn":[1.5,2.0]}')


def test_info_of_an_output_shows_its_provenance(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "out.tif", nodata=float("nan"))
    text = cli("info", str(tmp_path / "out.tif")).out
    made = text[text.index("made by ursat") :]
    assert [" ".join(line.split()) for line in made.splitlines()[1:]] == [
        "model name=fusion",
        "scale 8",
        "noise_dn 1.5 2",
    ]
    assert "  nodata     nan" in text
    found = json.loads(cli("info", str(tmp_path / "out.tif"), "--json").out)
    assert found["provenance"]["scale"] == 8.0
    assert found["encoding"]["nodata"] == "NaN"


@pytest.mark.parametrize("name", ["missing.tif", "text.tif"])
def test_info_of_what_is_no_raster(cli: Cli, tmp_path: Path, name: str) -> None:
    (tmp_path / "text.tif").write_text("not a raster, though long enough to look at its first bytes")
    outcome = cli("info", str(tmp_path / name))
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith("ursat: error: ")


COREG = CoregReport(
    input="in.tif",
    reference="ref.tif",
    mode="auto",
    dx_m=1.2,
    dy_m=-18.8,
    dcol=0.03,
    drow=0.47,
    reliable=True,
    reliability=0.97,
    residual_px=0.021,
    windows=12,
    inliers=11,
    reason="11 of 12 windows agree",
)


@pytest.mark.parametrize("reliable", [True, False])
def test_coreg(cli: Cli, monkeypatch: pytest.MonkeyPatch, reliable: bool) -> None:
    asked: dict[str, Any] = {}

    def coregister_files(source: str, ref: str, **options: Any) -> CoregReport:
        asked.update(options, source=source, ref=ref)
        return replace(COREG, reliable=reliable, warnings=("different levels",))

    install(monkeypatch, "ursat.run.coreg", coregister_files=coregister_files)
    outcome = cli("coreg", "in.tif", "--ref", "ref.tif", "--max-shift", "45m", "--coreg", "global", "-b", "red,nir")
    assert outcome.code == (0 if reliable else 4)
    assert asked == {
        "source": "in.tif", "ref": "ref.tif", "mode": "global", "max_shift": 45.0, "bands": ("red", "nir"),
        "ref_bands": (), "mask": "auto", "trusted": False, "allow_remote": False,
    }  # fmt: skip
    lines = outcome.out.splitlines()
    assert "  shift        +1.20 m east, -18.80 m north" in lines
    assert "               +0.0300 px right, +0.4700 px down (input pixels)" in lines
    assert f"  reliable     {'yes' if reliable else 'no'}: 11 of 12 windows agree" in lines
    assert "ursat: warning: different levels\n" in outcome.err
    assert ("ursat: error: the shift of ref.tif is not reliable" in outcome.err) is not reliable
    assert json.loads(cli("coreg", "in.tif", "--ref", "ref.tif", "--json").out)["drow"] == 0.47


def test_coreg_needs_a_reference(cli: Cli) -> None:
    assert cli("coreg", "in.tif").code == 2


@dataclass(frozen=True)
class Check:
    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Verified:
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        return {"ok": self.ok, "checks": [vars(check) for check in self.checks]}


@pytest.mark.parametrize("holds", [True, False])
def test_verify(cli: Cli, monkeypatch: pytest.MonkeyPatch, holds: bool) -> None:
    asked: list[tuple[str, str, bool]] = []
    report = Verified((Check("grid", True, "exact"), Check("closure", holds, "max 1 DN")))

    def verify(output: str, source: str, *, allow_remote: bool) -> Verified:
        asked.append((output, source, allow_remote))
        return report

    install(monkeypatch, "ursat.run.verify", verify=verify)
    outcome = cli("verify", "out.tif", "--input", "in.tif")
    assert asked == [("out.tif", "in.tif", False)]
    assert outcome.code == (0 if holds else 4)
    assert outcome.out.splitlines()[1:] == [
        "  grid     ok: exact",
        f"  closure  {'ok' if holds else 'FAILED'}: max 1 DN",
    ]
    assert ("out.tif does not hold: closure" in outcome.err) is not holds
    assert json.loads(cli("verify", "out.tif", "-i", "in.tif", "--json").out) == report.to_json()


def test_verify_of_a_file_of_another_program(cli: Cli) -> None:
    outcome = cli("verify", str(SAMPLES / "landsat8.tif"), "--input", str(SAMPLES / "landsat8.tif"))
    assert outcome.code == 4
    assert "hint: name a file that `ursat upscale` wrote" in outcome.err


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return save_tiny(tmp_path / "mine.safetensors")


def test_models_list(cli: Cli) -> None:
    lines = cli("models", "list").out.splitlines()
    assert any(line.startswith("  fusion ") and "classical, nothing learned" in line for line in lines)
    assert sum("(default)" in line for line in lines) == 1
    found = json.loads(cli("models", "list", "--json").out)
    assert {"name": "fusion", "kind": "classical, nothing learned", "sha256": None}.items() <= found[0].items()
    assert [model["name"] for model in found if model["default"]] == [DEFAULT_MODEL]


def test_models_info(cli: Cli, weights: Path) -> None:
    lines = [" ".join(line.split()) for line in cli("models", "info", str(weights)).out.splitlines()]
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    for line in (
        "core-tiny",
        "kind diffusion",
        "mode realistic unless told otherwise",
        "evaluations 1 faithful, 2 realistic, a level and three bands",
        "trained 7 steps, 2026-01-02",
        "licence CC0-1.0",
        f"data pack: {'0' * 64}",
        "places: none",
        "calibration MTF 0.25, no reference: samples x 0.9, 1.1 on level 1, 2 ...",
        "MTF 0.25, a reference that reaches: samples x 0.8 on level 1, 2 ...",
        "MTF 0.25, after it: samples x 0.7 on level 1, 2 ...",
        "scores x4 noref +0.25 dB over the classical answer",
        f"sha256 {sha256} (not one that ships)",
    ):
        assert line in lines
    found = json.loads(cli("models", "info", str(weights), "--json").out)
    assert (found["sha256"], found["data"]["places"], found["halo"]) == (sha256, "none", CONFIG.halo)
    assert cli("models", "info", "fusion").out.startswith("fusion\n")
    unknown = cli("models", "info", "dreams")
    assert (unknown.code, unknown.out) == (2, "")


def test_models_verify(cli: Cli, weights: Path) -> None:
    outcome = cli("models", "verify")
    assert outcome.code == 0
    assert all(": " in line for line in outcome.out.splitlines())
    assert cli("models", "verify", str(weights)).out.startswith(f"  {weights}  ok: core-tiny, sha256 ")
    broken = weights.with_name("broken.safetensors")
    broken.write_bytes(weights.read_bytes()[:-100])
    outcome = cli("models", "verify", str(weights), str(broken))
    assert outcome.code == 3
    first, second = outcome.out.splitlines()
    assert "ok: " in first
    assert "FAILED: " in second
    assert "truncated" in second
    assert outcome.err.startswith("ursat: error: weights that cannot be used: ")
    verdicts = json.loads(cli("models", "verify", "fusion", str(broken), "--json").out)
    assert [verdict["ok"] for verdict in verdicts] == [True, False]
