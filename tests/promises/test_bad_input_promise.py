"""Promise 9: bad input gets one clear line, its own exit code, and no output."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from scenes import LANDSAT, SAMPLES, SENTINEL, landsat_cut, write

from ursat.cli.app import run as command

HERE = Affine(30, 0, 4e5, 0, -30, 4e6)


def _missing(folder: Path) -> list[str]:
    return [str(folder / "nothing.tif")]


def _text(folder: Path) -> list[str]:
    (folder / "in.tif").write_text("not a raster\n" * 50)
    return [str(folder / "in.tif")]


def _truncated(folder: Path) -> list[str]:
    data = LANDSAT.read_bytes()
    (folder / "in.tif").write_bytes(data[: len(data) // 2])
    return [str(folder / "in.tif")]


def _no_crs(folder: Path) -> list[str]:
    return [str(write(folder / "in.tif", np.ones((1, 20, 20), np.uint16), HERE, crs=None))]  # type: ignore[arg-type]


def _gcp_only(folder: Path) -> list[str]:
    corners = [(0, 0), (0, 19), (19, 0), (19, 19)]
    points = [GroundControlPoint(row=r, col=c, x=110 + c / 1e3, y=38 - r / 1e3) for r, c in corners]
    with rasterio.open(folder / "in.tif", "w", driver="GTiff", count=1, height=20, width=20, dtype="uint16") as out:
        out.write(np.ones((1, 20, 20), np.uint16))
        out.gcps = (points, "EPSG:4326")
    return [str(folder / "in.tif")]


def _no_overlap(folder: Path) -> list[str]:
    return [str(landsat_cut(folder / "in.tif", 20)), "--ref", str(SAMPLES / "landsat8_c2_pan.tif"), "--require-ref"]


def _small_scale(folder: Path) -> list[str]:
    return [str(landsat_cut(folder / "in.tif", 20)), "--scale", "1.5"]


def _existing(folder: Path) -> list[str]:
    (folder / "out.tif").write_text("precious")
    return [str(landsat_cut(folder / "in.tif", 20))]


def _missing_folder(folder: Path) -> list[str]:
    return [str(landsat_cut(folder / "in.tif", 20)), "-o", str(folder / "nowhere" / "out.tif")]


def _band_mismatch(folder: Path) -> list[str]:
    return [str(landsat_cut(folder / "in.tif", 20)), "--bands", "red,nir"]


def _all_nodata(folder: Path) -> list[str]:
    return [str(write(folder / "in.tif", np.zeros((1, 30, 30), np.uint16), HERE, nodata=0))]


def _vrt_in_disguise(folder: Path) -> list[str]:
    (folder / "in.tif").write_text(
        '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        f"<SourceFilename>{LANDSAT}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    return [str(folder / "in.tif")]


def _header_bomb(folder: Path) -> list[str]:
    """A BigTIFF-free header that claims 2,000,000 x 2,000,000 pixels in one sparse tile set."""
    entries = [
        (256, 4, 1, 2_000_000), (257, 4, 1, 2_000_000), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1),
        (277, 3, 1, 1), (322, 4, 1, 16384), (323, 4, 1, 16384), (324, 4, 1, 0), (325, 4, 1, 0),
    ]  # fmt: skip
    body = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    (folder / "in.tif").write_bytes(body + bytes(1000))
    return [str(folder / "in.tif")]


def _itself(folder: Path) -> list[str]:
    return [str(LANDSAT), "--ref", str(LANDSAT)]


def _copy_of_itself(folder: Path) -> list[str]:
    shutil.copy(LANDSAT, folder / "in.tif")
    return [str(folder / "in.tif"), "--ref", str(LANDSAT)]


def _bad_mask(folder: Path) -> list[str]:
    return [str(landsat_cut(folder / "in.tif", 20)), "--ref", str(SENTINEL), "--mask", str(folder / "no.tif")]


def _bad_psf(folder: Path) -> list[str]:
    return [str(landsat_cut(folder / "in.tif", 20)), "--psf", "mtf=7"]


def _too_many_pixels(folder: Path) -> list[str]:
    return [str(LANDSAT), "--scale", "128", "--max-pixels", "1e6"]


def _too_little_memory(folder: Path) -> list[str]:
    return [str(LANDSAT), "--scale", "8", "--max-memory", "64M"]


def _outside_window(folder: Path) -> list[str]:
    return [str(LANDSAT), "--window", "100,100,40,40"]


def _far_bbox(folder: Path) -> list[str]:
    return [str(LANDSAT), "--bbox", "10,10,20,20"]


def _unknown_model(folder: Path) -> list[str]:
    return [str(LANDSAT), "--model", "wonder"]


def _bad_creation_option(folder: Path) -> list[str]:
    return [str(landsat_cut(folder / "in.tif", 20)), "--co", "COMPRESS=MAGIC"]


def _output_is_input(folder: Path) -> list[str]:
    landsat_cut(folder / "out.tif", 20)
    return [str(folder / "out.tif"), "--overwrite"]


CASES = {
    _missing: 3, _text: 3, _truncated: 3, _no_crs: 3, _gcp_only: 3, _no_overlap: 4, _small_scale: 2, _existing: 5,
    _missing_folder: 2, _band_mismatch: 3, _all_nodata: 3, _vrt_in_disguise: 3, _header_bomb: 3, _itself: 3,
    _copy_of_itself: 3, _bad_mask: 3, _bad_psf: 2, _too_many_pixels: 7, _too_little_memory: 7, _outside_window: 2,
    _far_bbox: 3, _unknown_model: 2, _bad_creation_option: 2, _output_is_input: 2,
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.strip("_"))
def test_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str], case: object) -> None:
    arguments = case(tmp_path)  # type: ignore[operator]
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    if "-o" not in arguments:
        arguments += ["-o", str(tmp_path / "out.tif")]
    if "--scale" not in arguments:
        arguments += ["--scale", "4"]
    code = command(["upscale", *arguments])
    said = capfd.readouterr()
    assert code == CASES[case], said.err  # type: ignore[index]
    assert said.out == ""
    lines = [line for line in said.err.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ursat: error: ")]
    assert len(errors) == 1, said.err
    assert len(errors[0]) > len("ursat: error: ") + 15
    assert all(line.startswith(("ursat: ", "  hint: ")) for line in lines), said.err
    assert "Traceback" not in said.err
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = landsat_cut(tmp_path / "in.tif", 20)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert command(["upscale", str(source), "--scale", "4", "-o", str(locked / "out.tif")]) == 1
    assert "locked" in capfd.readouterr().err


def test_a_file_is_no_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = landsat_cut(tmp_path / "in.tif", 20)
    assert command(["upscale", str(source), "--scale", "4", "-o", str(source / "out.tif")]) in {1, 2}
    assert "ursat: error: " in capfd.readouterr().err
