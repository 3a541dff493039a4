"""Scenes on a server: the pixels of local ones, for the region's bytes and a fixed number more; or one clear line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from scenes import SENTINEL, landsat_cut, read, write

from range_server import Served, serve
from ursat.cli.app import run as command
from ursat.io.scene import open_scene
from ursat.run import prepare, samples
from ursat.run.options import UpscaleOptions
from ursat.run.samples import measured_windows, overlap_window

CHEAP = ["--scale", "2", "--model", "fusion", "--psf", "box"]


@pytest.fixture
def server(tmp_path: Path):
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder) as served:
        yield served


def grainy(path: Path, size: int, gsd: float, bands: int = 2) -> Path:
    pixels = np.random.default_rng(0).integers(1, 4000, (bands, size, size)).astype(np.uint16)
    transform = Affine(gsd, 0, 4e5, 0, -gsd, 4e6)
    return write(path, pixels, transform, tiled=True, blockxsize=128, blockysize=128, nodata=0, compress="deflate")


def test_the_same_pixels_as_from_the_disk(tmp_path: Path, server: Served) -> None:
    source, ref = landsat_cut(tmp_path / "served" / "in.tif", 60), tmp_path / "served" / "ref.tif"
    shutil.copy(SENTINEL, ref)
    near, far = tmp_path / "near.tif", tmp_path / "far.tif"
    assert command(["upscale", str(source), "--ref", str(ref), *CHEAP, "-o", str(near)]) == 0
    there = [f"{server.address}/in.tif", "--ref", f"{server.address}/ref.tif", "--allow-remote"]
    assert command(["upscale", *there, *CHEAP, "-o", str(far)]) == 0
    np.testing.assert_array_equal(read(near), read(far))


def test_the_address_and_a_copy_both_verify(tmp_path: Path, server: Served, capfd: pytest.CaptureFixture[str]) -> None:
    """What a server's file is known by can be found again in a copy of it, and in no other file."""
    address, out = f"{server.address}/in.tif", str(tmp_path / "o.tif")
    source = landsat_cut(tmp_path / "served" / "in.tif", 60)
    assert command(["upscale", address, "--allow-remote", *CHEAP, "-o", out]) == 0
    copy, other = Path(shutil.copy(source, tmp_path / "copy.tif")), landsat_cut(tmp_path / "other.tif", 50)
    assert command(["verify", out, "--input", address, "--allow-remote"]) == 0
    assert command(["verify", out, "--input", str(copy)]) == 0
    assert command(["verify", out, "--input", str(other)]) == 4
    capfd.readouterr()
    assert command(["verify", address, "--input", str(copy)]) == 3
    assert "checked on this machine's disks" in capfd.readouterr().err


def test_measuring_a_pair_costs_a_fixed_number_of_bytes(
    tmp_path: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of the real allowance, so that the files can be small."""
    allowed, pairs = 1 << 20, 2 << 20
    monkeypatch.setattr(prepare, "STREAMED_BYTES", allowed)
    monkeypatch.setattr(samples, "STREAMED_BYTES", allowed)
    monkeypatch.setattr(samples, "_STREAMED_PAIR_BYTES", pairs)
    whole = grainy(tmp_path / "served" / "in.tif", 1200, 30).stat().st_size
    whole += grainy(tmp_path / "served" / "ref.tif", 2400, 15).stat().st_size
    with (
        open_scene(f"{server.address}/in.tif", allow_remote=True) as scene,
        open_scene(f"{server.address}/ref.tif", allow_remote=True) as reference,
    ):
        opened = server.sent
        assert opened < 600_000
        assert len(prepare.usable_samples(scene)) >= 4
        assert 0 < server.sent - opened <= allowed
        area, before = overlap_window(scene.grid, reference.grid), server.sent
        windows = measured_windows(area, 2, scene, reference, margin_m=60)
        assert 1 <= len(windows) < 16
        for _ in range(3):
            prepare.held(scene, reference, windows, UpscaleOptions(scale=2))
        assert 0 < server.sent - before <= pairs
    assert server.sent < whole / 2


@pytest.mark.parametrize("window", ["0,0,40,40", "700,500,40,40"])
def test_a_region_costs_its_own_bytes(
    tmp_path: Path, server: Served, monkeypatch: pytest.MonkeyPatch, window: str
) -> None:
    allowed = 600_000
    monkeypatch.setattr(prepare, "STREAMED_BYTES", allowed)
    monkeypatch.setattr(samples, "STREAMED_BYTES", allowed)
    source = grainy(tmp_path / "served" / "in.tif", 1200, 30)
    arguments = [f"{server.address}/in.tif", "--allow-remote", *CHEAP, "--window", window]
    assert command(["upscale", *arguments, "-o", str(tmp_path / "o.tif")]) == 0
    headers, region = 300_000, 4 * 128 * 128 * 2 * 2
    assert server.sent <= headers + allowed + 2 * region < source.stat().st_size


def test_the_option_is_named_where_it_is_missing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = command(["upscale", "https://me:secret@localhost/a.tif?sign=secret", *CHEAP, "-o", str(tmp_path / "o.tif")])
    said = capfd.readouterr()
    assert (code, said.out) == (3, "")
    assert "--allow-remote" in said.err
    assert "secret" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_fails_in_the_middle(
    tmp_path: Path, server: Served, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grainy(tmp_path / "served" / "in.tif", 1200, 30)
    measure = prepare.estimate_noise_windows

    def then_fail(*arguments: object, **options: object) -> object:
        server.fail()
        return measure(*arguments, **options)

    monkeypatch.setattr(prepare, "estimate_noise_windows", then_fail)
    out = tmp_path / "out"
    out.mkdir()
    arguments = [f"{server.address}/in.tif?sign=secret", "--allow-remote", *CHEAP, "--window", "900,1000,200,90"]
    assert command(["upscale", *arguments, "-o", str(out / "o.tif")]) == 3
    said = capfd.readouterr().err
    errors = [line for line in said.splitlines() if line.startswith("ursat: error: ")]
    assert len(errors) == 1
    assert "reading over the network failed" in errors[0]
    assert "secret" not in said
    assert list(out.iterdir()) == []
