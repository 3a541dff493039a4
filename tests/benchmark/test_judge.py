import numpy as np
import pytest
from made_places import place_image

from ursat.benchmark.judge import METRICS, Answer, Judge
from ursat.benchmark.observation import make_observation
from ursat.errors import InputError

SMALL = make_observation(place_image(0, (64, 64)), 4, "bicubic", "noref").gt


def test_figures_of_the_method_itself_are_added():
    figures = Judge(SMALL, 4).figures(Answer(SMALL, {"closure_rms": 0.5}))
    assert (figures["psnr"], figures["closure_rms"]) == (np.inf, 0.5)


def test_blur_lowers_the_gradient_and_costs_spectrum():
    mean = np.repeat(np.repeat(SMALL.reshape(3, 16, 4, 16, 4).mean(axis=(2, 4)), 4, axis=1), 4, axis=2)
    figures = Judge(SMALL, 4).figures(Answer(mean))
    assert figures["ag_ratio"] < 0.9
    assert figures["spectrum_db"] > 1


def test_large_images_have_niqe_with_the_truths_beside_it():
    truth = make_observation(place_image(1, (384, 384)), 4, "bicubic", "noref").gt
    figures = Judge(truth, 4).figures(Answer(truth))
    for name in ("niqe", "niqe_eo"):
        assert figures[name] == figures[f"{name}_truth"] > 0
    assert figures["niqe"] != figures["niqe_eo"]


def test_without_texture_what_is_undefined_is_missing():
    flat = np.full((3, 384, 384), 4000, dtype=np.uint16)
    figures = Judge(flat, 4, lr=flat[:, ::4, ::4]).figures(Answer(flat))
    assert {"ag_ratio", "niqe_eo", "shift", "seam", "improvement"}.isdisjoint(figures)
    assert not any(np.isnan(value) for value in figures.values())


def test_every_figure_belongs_to_a_metric():
    scene = make_observation(place_image(1, (384, 384)), 4, "bicubic", "noref")
    known = {name for names in METRICS.values() for name in names}
    assert set(Judge(scene.gt, 4, lr=scene.lr).figures(Answer(scene.gt))) <= known


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="shapes differ"):
        Judge(SMALL, 4).figures(Answer(SMALL[:, :60]))


def test_what_is_no_number_is_refused_or_left_out():
    pixels = SMALL.astype(float)
    pixels[1, 2, 3] = np.nan
    with pytest.raises(InputError, match="1 of its values"):
        Judge(SMALL, 4).figures(Answer(pixels))
    assert "own" not in Judge(SMALL, 4).figures(Answer(SMALL, {"own": float("nan")}))
