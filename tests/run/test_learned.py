"""A learned model in the whole: tiles that do not exist, side-cars, and a file that says how it was drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from test_cascade import ArrayReader

from tiny_network import save_tiny, tiny_net
from ursat import UpscaleOptions, plan, upscale
from ursat.fir import psf_taps
from ursat.grid import Grid, Window
from ursat.io.provenance import read_provenance
from ursat.models.core.stage import CoreStage
from ursat.models.stage import StageSettings
from ursat.run.cascade import Cascade
from ursat.types import ReferenceModel, SensorModel

SIZE, BLOCK = 24, 16  # small blocks, so that a small scene has several
SENSOR = SensorModel("mtf=0.3", 0.3, psf_taps(0.3), (2.0, 2.0), (20.0, 20.0))
MODEL = ReferenceModel(
    2, (1.0,), ((1.0, 0.0), (0.0, 1.0)), (0.0, 0.0), (1.0, 1.0), (4.0, 4.0), mtf=0.3, ratio=4.0
)  # fmt: skip


class FineReader(ArrayReader):
    """The same on a grid four times finer."""

    @property
    def grid(self) -> Grid:
        return Grid(*self.values.shape[-2:], Affine(7.5, 0, 0, 0, -7.5, 0), "EPSG:32649")


def ground() -> tuple[ArrayReader, FineReader]:
    """An input with a hole, and a reference that shows only its left half, and is wrong in a corner of that."""
    rng = np.random.default_rng(8)
    fine = rng.normal(0, 1, (2, 4 * SIZE, 4 * SIZE)).cumsum(1).cumsum(2)
    fine = (500 + 40 * fine / fine.std() + rng.normal(0, 12, fine.shape)).astype(np.float32)
    coarse = fine.reshape(2, SIZE, 4, SIZE, 4).mean(axis=(2, 4)) + rng.normal(0, 2, (2, SIZE, SIZE)).astype(np.float32)
    seen = np.ones_like(coarse, bool)
    seen[:, 8:13, 14:20] = False
    shown = np.ones_like(fine, bool)
    shown[:, :, 2 * SIZE :] = False
    fine[:, :20, :20] = 900
    return ArrayReader(np.where(seen, coarse, -9999), seen), FineReader(fine, shown)


def render(cascade: Cascade, window: Window, tile: int) -> np.ndarray:
    values = np.full((2, *window.shape), np.nan, np.float32)
    for part in window.blocks(tile, tile):
        done = cascade.render(part)
        if done is not None:
            values[(..., *part.within(window))] = torch.where(done.valid, done.values, torch.nan).numpy()
    return values


@pytest.mark.parametrize("fidelity", [1.0, 0.0])
def test_tiles_and_windows_are_invisible(fidelity: float) -> None:
    source, reference = ground()
    settings = StageSettings(SENSOR, MODEL, "auto", (0.0,) * 2, (65535.0,) * 2, seed=3, fidelity=fidelity, steps=1)

    def cascade(**changes: Any) -> Cascade:
        chosen = replace(settings, **changes)
        stage = CoreStage(chosen, tiny_net())
        stage.block = BLOCK
        return Cascade(
            stage, chosen, scale=4, source=source, reference=reference,
            device=torch.device("cpu"), dtype=torch.float32, gsd_m=30.0,
        )  # fmt: skip

    window = source.grid.finer(4).window
    whole = render(cascade(), window, 1024)
    assert np.isnan(whole[:, 32:52, 56:80]).all()
    for part, tile in ((window, 64), (Window(40, 20, 12, 50), 256)):
        np.testing.assert_array_equal(render(cascade(), part, tile), whole[(..., *part.within(window))])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("learned") / "in.tif"
    y, _ = ground()
    pixels = y.values.clip(1).astype("uint16")
    profile = {"driver": "GTiff", "count": 2, "height": SIZE, "width": SIZE, "dtype": "uint16", "crs": "EPSG:32649"}
    with rasterio.open(path, "w", **profile, nodata=0, transform=Affine(30, 0, 5e5, 0, -30, 4e6)) as dataset:
        pixels[:, 3:6, 4:9] = 0
        dataset.write(pixels)
        dataset.scales, dataset.offsets = (2.75e-5,) * 2, (-0.2,) * 2
    save_tiny(path.with_name("tiny.safetensors"))
    return path


def run(scene: Path, name: str, **options: Any) -> tuple[Any, np.ndarray]:
    out = scene.with_name(name)
    chosen = {"scale": 2, "psf": "mtf=0.3", "model": str(scene.with_name("tiny.safetensors")), "steps": 1} | options
    report = upscale(str(scene), UpscaleOptions(output=str(out), overwrite=True, **chosen))
    with rasterio.open(out) as dataset:
        return report, dataset.read()


def test_the_spread_beside_an_output_that_is_as_without(scene: Path) -> None:
    alone, _ = run(scene, "alone.tif", mode="faithful", seed=5)
    assert [octave.origin for octave in alone.octaves] == ["observed", "predicted"]
    report, pixels = run(scene, "out.tif", mode="faithful", samples=2, seed=5)
    assert scene.with_name("out.tif").read_bytes() == scene.with_name("alone.tif").read_bytes()
    side = scene.with_name("out_spread.tif")
    assert report.spread == str(side)
    with rasterio.open(side) as found, rasterio.open(scene.with_name("out.tif")) as out:
        assert (found.transform, found.crs, found.shape, found.count) == (out.transform, out.crs, out.shape, out.count)
        assert (set(found.dtypes), found.scales, found.offsets) == ({"float32"}, (1.0, 1.0), (0.0, 0.0))
        spread = found.read()
    np.testing.assert_array_equal(np.isnan(spread), pixels == 0)
    samples = np.stack([run(scene, f"{seed}.tif", mode="realistic", seed=seed)[1] for seed in (5, 6)]).astype(float)
    expected = np.where(pixels == 0, np.nan, samples.std(axis=0, ddof=1) * 2.75e-5)
    np.testing.assert_allclose(spread, expected, atol=2.75e-5)
    facts = read_provenance(side)
    assert facts["spread"] == {"statistic": "standard deviation (N - 1)", "units": "physical", "seeds": [5, 6]}
    assert facts["sampling"]["mode"] == "realistic"
    assert "closure" not in facts


@pytest.mark.parametrize("model", ["tiny", "fusion"])
def test_workers_change_no_byte(scene: Path, model: str) -> None:
    drawn = {"mode": "faithful", "samples": 2} if model == "tiny" else {"model": model, "steps": None}
    made = []
    for jobs in (1, 3):
        _, pixels = run(scene, f"{model}{jobs}.tif", scale=8, tile=64, jobs=jobs, **drawn)
        assert pixels.shape == (2, 8 * SIZE, 8 * SIZE)
        made.append([path.read_bytes() for path in sorted(scene.parent.glob(f"{model}{jobs}*.tif"))])
    assert made[0] == made[1]
    assert len(made[0]) == (2 if model == "tiny" else 1)


def test_a_file_says_how_it_was_drawn(scene: Path) -> None:
    report, _ = run(scene, "between.tif", fidelity=0.25, seed=9)
    facts = read_provenance(Path(report.output))
    assert facts["sampling"] == {"mode": "between", "fidelity": 0.25, "steps": 1, "evaluations": 2}
    assert (facts["seed"], facts["model"]["name"], facts["model"]["kind"]) == (9, "core-tiny", "diffusion")
    assert facts["model"]["sha256"] == report.model.sha256
    assert [octave["origin"] for octave in facts["octaves"]] == ["observed", "generated"]
    assert str(scene.parent) not in str(facts)


def test_a_plan_counts_evaluations(scene: Path) -> None:
    def count(**options: Any) -> int:
        chosen = {"scale": 4, "model": str(scene.with_name("tiny.safetensors"))} | options
        return plan(str(scene), UpscaleOptions(**chosen)).evaluations

    assert count(model="fusion") == 0
    # one block holds the input, one its half pixels
    assert count(mode="faithful") == 2
    assert count(mode="realistic", steps=3) == 2 * 4
    assert count(mode="realistic", samples=5) == 5 * 2 * 2
    assert count(mode="faithful", samples=5) == 2 + 5 * 2 * 2
