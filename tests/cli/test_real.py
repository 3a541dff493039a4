"""The command line with nothing faked: every way in and out gives the same file, and bad input leaves none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from ursat.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli_fakes import Outcome

    Cli = Callable[..., Outcome]

NORTH_UP = from_origin(-10, 50, 0.001, 0.001)


def write(path: Path, data: Any = None, **changes: Any) -> Path:
    """A small degree grid west of Greenwich, of noise unless ``data`` (bands, rows, columns) is given."""
    if data is None:
        data = np.random.default_rng(5).integers(500, 900, (1, 20, 24)).astype("uint16")
    bands, height, width = data.shape
    profile = {"driver": "GTiff", "count": bands, "height": height, "width": width, "dtype": data.dtype}
    with rasterio.open(path, "w", **(profile | {"crs": "EPSG:4326", "transform": NORTH_UP} | changes)) as dataset:
        dataset.write(data)
    return path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("scene") / "in.tif")


@pytest.fixture(scope="module")
def whole(scene: Path) -> Path:
    """The scene x2, by the plainest command line."""
    output = scene.with_name("whole.tif")
    assert run(["upscale", str(scene), "--scale", "2", "-o", str(output), "-q"]) == 0
    return output


def test_two_paths_are_the_same_as_o(cli: Cli, scene: Path, whole: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    outcome = cli("upscale", str(scene), str(output), "--scale", "2", "-q")
    assert outcome == type(outcome)(0, f"{output}\n", "")
    assert output.read_bytes() == whole.read_bytes()


def test_the_default_name_is_in_the_current_folder(
    cli: Cli, scene: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("upscale", str(scene), "--scale", "2", "-q").out == "in_x2.tif\n"
    assert (tmp_path / "in_x2.tif").read_bytes() == whole.read_bytes()


def test_from_stdin_to_stdout(scene: Path, whole: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ursat", "upscale", "-", "--scale", "2", "-o", "-", "-q"]
    with scene.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, cwd=tmp_path, check=True, timeout=120)
    assert done.stderr == b""
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out.tif").write_bytes(done.stdout)
    with rasterio.open(tmp_path / "out.tif") as ours, rasterio.open(whole) as theirs:
        assert ours.transform == theirs.transform
        assert np.array_equal(ours.read(), theirs.read())


def test_a_box_with_negative_numbers_is_a_piece_of_the_whole(
    cli: Cli, scene: Path, whole: Path, tmp_path: Path
) -> None:
    area = {"type": "Polygon", "coordinates": [[[-9.99, 49.985], [-9.98, 49.985], [-9.98, 49.99], [-9.99, 49.99]]]}
    area["coordinates"][0].append(area["coordinates"][0][0])  # type: ignore[index,attr-defined]
    (tmp_path / "area.json").write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": area}))
    with rasterio.open(whole) as dataset:
        expected = dataset.read()[:, 20:30, 20:40]
    regions = [
        ["--bbox", "-9.99,49.985,-9.98,49.99"],
        ["--bbox=-9.99,49.985,-9.98,49.99", "--bbox-crs", "EPSG:4326"],
        ["--window", "10,10,10,5"],
        ["--aoi", str(tmp_path / "area.json")],
    ]
    for region in regions:
        output = tmp_path / "part.tif"
        outcome = cli("upscale", str(scene), "-o", str(output), "--scale", "2", "--overwrite", *region)
        assert outcome.code == 0, outcome.err
        with rasterio.open(output) as dataset:
            assert np.array_equal(dataset.read(), expected), region


def test_json_report_of_a_run(cli: Cli, scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    argv = ("upscale", str(scene), "-o", str(output), "--scale", "2", "--json", "--model", "fusion")
    report = json.loads(cli(*argv).out)
    assert report["output"] == str(output)
    assert report["output_size"] == [48, 40]
    assert report["model"] == {"name": "fusion", "kind": report["model"]["kind"], "sha256": None}
    assert "classical" in report["model"]["kind"]
    assert [octave["origin"] for octave in report["octaves"]] == ["observed", "interpolated"]


def make_text(folder: Path) -> Path:
    (folder / "bad.tif").write_text("this is not a raster, however long the text goes on " * 20)
    return folder / "bad.tif"


def make_truncated(folder: Path) -> Path:
    path = write(folder / "bad.tif", np.random.default_rng(1).integers(1, 60000, (3, 300, 300)).astype("uint16"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def make_bomb(folder: Path) -> Path:
    shape = {"height": 2_000_000, "width": 2_000_000}
    path = folder / "bad.tif"
    options = {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "sparse_ok": True, "bigtiff": "yes"}
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "crs": "EPSG:32649"}
    with rasterio.open(path, "w", **profile, **shape, **options, transform=from_origin(0, 0, 1, 1)):
        pass
    return path


def make_vrt(folder: Path) -> Path:
    write(folder / "source.tif")
    text = '<VRTDataset rasterXSize="24" rasterYSize="20"><VRTRasterBand dataType="UInt16" band="1"/></VRTDataset>'
    (folder / "bad.tif").write_text(text)
    return folder / "bad.tif"


def make_without_crs(folder: Path) -> Path:
    return write(folder / "bad.tif", crs=None)


def make_without_transform(folder: Path) -> Path:
    corners = ((0, 0, 1, 2), (0, 24, 2, 2), (20, 0, 1, 1))
    points = [rasterio.control.GroundControlPoint(row=r, col=c, x=x, y=y) for r, c, x, y in corners]
    path = write(folder / "bad.tif", crs=None, transform=rasterio.Affine.identity())
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (points, rasterio.crs.CRS.from_epsg(4326))
    return path


def make_all_nodata(folder: Path) -> Path:
    return write(folder / "bad.tif", np.zeros((1, 20, 24), "uint16"), nodata=0)


def make_nothing(folder: Path) -> Path:
    return folder / "bad.tif"


@pytest.mark.parametrize(
    "make",
    [
        make_nothing, make_text, make_truncated, make_bomb, make_vrt, make_without_crs, make_without_transform,
        make_all_nodata,
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_no_output(cli: Cli, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    source = make(tmp_path)
    before = set(tmp_path.iterdir())
    outcome = cli("upscale", str(source), "-o", str(tmp_path / "out.tif"), "--scale", "2")
    assert (outcome.code, outcome.out) == (3, "")
    errors = [line for line in outcome.err.splitlines() if line.startswith("ursat: error: ")]
    assert len(errors) == 1
    assert "bad.tif" in errors[0]
    assert outcome.err.splitlines()[-1].startswith("  hint: ")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["--scale", "1"], 2, "at least 2"),
        (["--scale", "2", "-o", "{here}/absent/out.tif"], 2, "absent"),
        (["--scale", "2", "-o", "{here}/there.tif"], 5, "--overwrite"),
        (["--scale", "2", "-o", "{input}", "--overwrite"], 2, "in.tif"),
        (["--scale", "2", "--bands", "red,nir"], 3, "nir"),
        (["--scale", "2", "--model", "dreams"], 2, "fusion"),
        (["--scale", "2", "--model", "{here}/absent.safetensors"], 3, "absent.safetensors"),
        (["--scale", "2", "--model", "fusion", "--mode", "realistic"], 2, "--mode realistic"),
        (["--scale", "2", "--model", "fusion", "--samples", "4"], 2, "--samples"),
        (["--scale", "2", "--co", "NO_SUCH_OPTION=1"], 2, "NO_SUCH_OPTION"),
        (["--scale", "2", "--window", "20,0,10,10"], 2, "--window"),
        (["--scale", "2", "--bbox", "10,50,11,51"], 3, ""),
        (["--scale", "2", "--max-pixels", "100"], 7, "--max-pixels"),
        (["--scale", "2", "--max-memory", "1M"], 7, "--max-memory"),
        (["--scale", "2", "--dtype", "uint8", "--nodata", "-1"], 2, "nodata"),
        (["--scale", "2", "--ref", "{elsewhere}", "--require-ref"], 4, "elsewhere.tif"),
        (["--scale", "2", "--ref", "{here}/absent.tif"], 3, "absent.tif"),
        (["--scale", "2", "--ref", "{input}"], 3, "the input itself"),
    ],
)
def test_refusals(cli: Cli, scene: Path, tmp_path: Path, argv: list[str], code: int, said: str) -> None:
    (tmp_path / "there.tif").write_bytes(b"precious")
    elsewhere = write(tmp_path / "elsewhere.tif", transform=from_origin(80, -20, 0.0003, 0.0003))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    original = scene.read_bytes()
    places = {"here": tmp_path, "input": scene, "elsewhere": elsewhere}
    named = [] if "-o" in argv else ["-o", str(tmp_path / "out.tif")]
    outcome = cli("upscale", str(scene), *named, *(arg.format(**places) for arg in argv))
    assert (outcome.code, outcome.out) == (code, ""), outcome.err
    assert sum(line.startswith("ursat: error: ") for line in outcome.err.splitlines()) == 1
    assert said in outcome.err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert scene.read_bytes() == original


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(cli: Cli, scene: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    outcome = cli("upscale", str(scene), "-o", str(tmp_path / "out.tif"), "--scale", "2")
    tmp_path.chmod(0o700)
    assert outcome.code == 1
    assert list(tmp_path.iterdir()) == []
