"""The paper's systems in the whole: tiles that do not exist, closure, provenance, plans, and what is refused."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from test_learned import MODEL, SENSOR, SIZE, ground, render

from paper_network import CONFIG, paper_net, save_paper_tiny
from ursat import UpscaleOptions, plan, upscale
from ursat.errors import UsageError
from ursat.grid import Window
from ursat.io.provenance import read_provenance
from ursat.models.paper.chain import Chain
from ursat.models.paper.one_step import OneStep
from ursat.models.paper.stage import CSPWaveDiffURStage, WaveDiffURStage
from ursat.models.paper.weights import save_paper
from ursat.models.registry import find_model
from ursat.models.sr.bicubic import Bicubic
from ursat.models.stage import StageSettings
from ursat.run.cascade import Cascade
from ursat.run.job import decide
from ursat.run.provenance import detail_origin
from ursat.run.render import stage_of, typical_settings
from ursat.run.sampling import sample_steps, sampling_of
from ursat.run.systems import choices_of, cost_of, evaluations_on
from ursat.run.verify import verify

SAMPLE = Path(__file__).parents[2] / "sample_data" / "landsat8.tif"
BLOCK = 32
SYSTEMS = ["wavediffur", "csp-wavediffur", "progressive", "one step"]


ONCE = {"sr": "fusion", "one_step": True, "sampler": "dpm++"}


def stage(system: str, settings: StageSettings, chain: Chain) -> Any:
    net = paper_net()
    if system == "wavediffur":
        made: Any = WaveDiffURStage(settings, net, Bicubic(), chain)
    else:
        made = CSPWaveDiffURStage(settings, net, chain, "progressive" if system == "progressive" else None)
    made.block = BLOCK
    return OneStep(made, 2) if system == "one step" else made


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("closure", ["auto", "off"])
def test_tiles_and_windows_are_invisible(system: str, closure: str) -> None:
    source, reference = ground()
    settings = StageSettings(SENSOR, MODEL, closure, (0.0,) * 2, (65535.0,) * 2, seed=3, fidelity=0.0, steps=2)

    def cascade() -> Cascade:
        return Cascade(
            stage(system, settings, Chain("ddpm", 2)), settings, scale=4, source=source, reference=reference,
            device=torch.device("cpu"), dtype=torch.float32, gsd_m=30.0,
        )  # fmt: skip

    window = source.grid.finer(4).window
    whole = render(cascade(), window, 1024)
    assert np.isnan(whole[:, 32:52, 56:80]).all()
    part = Window(40, 20, 12, 50)
    np.testing.assert_array_equal(render(cascade(), part, 16), whole[(..., *part.within(window))])


@pytest.fixture(scope="module")
def crop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corner of the sample scene, a hole in it, and weights beside it."""
    path = tmp_path_factory.mktemp("systems") / "in.tif"
    with rasterio.open(SAMPLE) as scene:
        window = rasterio.windows.Window(20, 30, SIZE, SIZE)
        pixels = scene.read(window=window)
        pixels[:, 5:8, 6:12] = 0
        profile = scene.profile | {"height": SIZE, "width": SIZE, "transform": scene.window_transform(window)}
        profile = {k: v for k, v in profile.items() if k not in {"blockxsize", "blockysize", "tiled", "interleave"}}
    with rasterio.open(path, "w", **(profile | {"nodata": 0, "driver": "GTiff"})) as made:
        made.write(pixels)
    save_paper_tiny(path.with_name("tiny.safetensors"))
    return path


def options(crop: Path, **given: Any) -> UpscaleOptions:
    out = str(crop.with_name("out.tif"))
    chosen = {"scale": 4, "psf": "mtf=0.3", "model": str(crop.with_name("tiny.safetensors")), "steps": 2} | given
    return UpscaleOptions(output=out, overwrite=True, **chosen)


@pytest.mark.parametrize("given", [{}, {"csp": "progressive"}, {"sr": "bicubic"}, ONCE])
def test_exact_closure_holds_in_the_file(crop: Path, given: dict[str, Any]) -> None:
    report = upscale(str(crop), options(crop, closure="exact", **given))
    assert verify(report.output, str(crop)).ok
    assert max(report.closure.max_dn) <= 1
    facts = read_provenance(Path(report.output))
    system = facts["system"]
    assert facts["model"]["name"] == report.model.name == ("wavediffur" if "sr" in given else "csp-wavediffur")
    assert system["sampler"] == given.get("sampler", "ddim")
    assert system["one_step"] is given.get("one_step", False)
    assert (system["sr"] or {}).get("name") == given.get("sr")
    assert system["csp"] == (None if "sr" in given else given.get("csp", "reuse"))
    once = given.get("one_step", False)
    assert facts["sampling"]["evaluations"] == (1 if once else 3)
    assert ("on the last level" if once else "on the first level") in report.sampling.line


@pytest.mark.parametrize(
    ("given", "where", "counts"),
    [
        ({}, "4 evaluations on the first level, 1 on the others", (4, 1, 1)),
        ({"mode": "faithful"}, "1 evaluation a level", (1, 1, 1)),
        ({"closure": "off"}, "4 evaluations a level", (4, 4, 4)),
        ({"one_step": True}, "faithful: the mean, 1 evaluation on the last level, none before it", (0, 0, 1)),
        ({"one_step": True, "closure": "off"}, "4 evaluations on the last level, none before it", (0, 0, 4)),
        ({"paper_literal": ("loop",)}, "4 evaluations on the first level, none on the others", (4, 0, 0)),
    ],
)
def test_reports_count_what_stages_evaluate(
    crop: Path, given: dict[str, Any], where: str, counts: tuple[int, ...]
) -> None:
    chosen = options(crop, **({"steps": 3, "scale": 8} | given))
    with ExitStack() as stack:
        job = decide(str(crop), chosen, stack)
        made = stage_of(job, typical_settings(job))
    assert job.sampling.line.endswith(where)
    levels = range(1, job.depth + 1)
    assert tuple(job.sampling.on(level, job.depth) for level in levels) == counts
    assert tuple(evaluations_on(made, level, 0) for level in levels) == counts
    origins = [detail_origin(job.sampling, level, job.depth) for level in levels]
    drawn = "predicted" if job.sampling.mode == "faithful" else "generated"
    assert origins == [drawn if count else "interpolated" for count in counts]


def test_one_step_draws_nothing_where_a_is_given(crop: Path) -> None:
    def pixels(**given: Any) -> np.ndarray:
        with rasterio.open(upscale(str(crop), options(crop, one_step=True, **given)).output) as made:
            return made.read()

    assert np.array_equal(pixels(seed=1), pixels(seed=2, mode="faithful"))
    assert not np.array_equal(pixels(seed=1, closure="off"), pixels(seed=2, closure="off"))
    with pytest.raises(UsageError, match="draws nothing"):
        plan(str(crop), options(crop, one_step=True, samples=2))


def test_formulas_as_printed_are_in_the_file_and_in_the_picture(crop: Path) -> None:
    def made(*names: str) -> np.ndarray:
        report = upscale(str(crop), options(crop, paper_literal=names))
        assert read_provenance(Path(report.output))["system"]["literal"] == [*names]
        with rasterio.open(report.output) as file:
            return file.read().astype(float)

    usual, projected, looped = made(), made("projection"), made("loop")
    assert (projected != usual).mean() > 0.1
    np.testing.assert_array_equal(looped[:, ::2, ::2], looped[:, 1::2, 1::2])
    assert not np.array_equal(usual[:, ::2, ::2], usual[:, 1::2, 1::2])


def test_formulas_that_a_run_cannot_change(crop: Path) -> None:
    for given, match in (
        ({"paper_literal": ("softmax",)}, "decided when a network is trained"),
        ({"paper_literal": ("eq9",)}, "none of softmax"),
        ({"paper_literal": ("loop",), "one_step": True}, "--one-step has no loop"),
    ):
        with pytest.raises(UsageError, match=match):
            plan(str(crop), options(crop, **given))


def test_plans_count_the_chain_where_it_runs(crop: Path) -> None:
    def count(**given: Any) -> int:
        return plan(str(crop), options(crop, **given)).evaluations

    assert count(mode="faithful") == 2
    assert count(steps=5) == (1 + 5) + 1
    assert count(steps=5, closure="off") == 2 * (1 + 5)
    assert count(steps=5, one_step=True) == 1
    assert count(steps=5, sr="bicubic", start=0.003) == (1 + 3) + 1


def test_a_reference_without_use_is_said_to_be(crop: Path) -> None:
    reference = str(SAMPLE.with_name("sentinel2.tif"))
    with pytest.raises(UsageError, match="takes no detail from a reference"):
        plan(str(crop), options(crop, sr="bicubic", ref=reference, require_ref=True))
    report = upscale(str(crop), options(crop, sr="bicubic", ref=reference, scale=2, psf="auto"))
    assert report.reference is not None
    assert report.reference.status == "dropped"
    assert any("takes no detail" in text for text in report.warnings)
    assert [octave.origin for octave in report.octaves] == ["observed", "generated"]


@pytest.mark.parametrize(
    "given",
    [
        {"one_step": True}, {"sampler": "ddim"}, {"start": 0.5}, {"sr": "bicubic"}, {"csp": "reuse"},
        {"paper_literal": ("loop",)},
    ],
)  # fmt: skip
def test_other_models_are_told_apart(given: dict[str, Any]) -> None:
    name = "--" + next(iter(given)).replace("_", "-")
    with pytest.raises(UsageError, match=name) as caught:
        plan(str(SAMPLE), UpscaleOptions(scale=4, model="fusion", **given))
    assert "wavediffur" in caught.value.hint


@pytest.mark.parametrize(
    "given", [{"sampler": "euler"}, {"start": 0.0}, {"start": 2.0}, {"steps": 1001}, {"csp": "some"}]
)
def test_nonsense(crop: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(given))}"):
        plan(str(crop), options(crop, **given))


def test_a_csp_needs_an_encoder(crop: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--csp: Algorithm 1 has no CSP"):
        plan(str(crop), options(crop, sr="bicubic", csp="reuse"))
    bare = replace(CONFIG, csp=False)
    weights = tmp_path / "bare.safetensors"
    save_paper(weights, paper_net(bare).state_dict(), {"config": bare.to_json()})
    with pytest.raises(UsageError, match="trained without a CSP"):
        plan(str(crop), options(crop, model=str(weights), csp="progressive"))
    assert plan(str(crop), options(crop, model=str(weights), csp="none")).evaluations == 4


def test_the_kinds_of_csp_make_different_files(crop: Path) -> None:
    def pixels(**given: Any) -> np.ndarray:
        with rasterio.open(upscale(str(crop), options(crop, mode="faithful", **given)).output) as made:
            return made.read().astype(float)

    usual, reuse, progressive = pixels(), pixels(csp="reuse"), pixels(csp="progressive")
    np.testing.assert_array_equal(usual, reuse)
    assert (progressive != reuse).mean() > 0.01


def test_choices_and_costs(crop: Path) -> None:
    chosen = options(crop, one_step=True, start=0.7, sampler="ddpm", steps=None, mode="realistic", samples=2)
    model = find_model(chosen.model)
    choices = choices_of(chosen, model, 3)
    assert (choices.one_step, choices.start, choices.sampler, choices.sr) == (3, 0.7, "ddpm", None)
    assert sample_steps(chosen, model) == model.steps == 20
    sampling = sampling_of(chosen, model)
    assert sampling.evaluations == 21
    alone, plugged = cost_of(model, sampling, 20), cost_of(find_model(chosen.model, "bicubic"), sampling, 20)
    assert alone is not None
    assert plugged is not None
    assert plugged.active > alone.active
    assert alone.tile_copies > 0 == cost_of(model, replace(sampling, samples=0), 20).tile_copies  # type: ignore[union-attr]
    assert cost_of(find_model("fusion"), sampling, 1) is None
