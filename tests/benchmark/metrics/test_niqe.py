from pathlib import Path

import numpy as np
import pytest
from made_places import place_image
from scipy.ndimage import gaussian_filter

from ursat.benchmark.metrics import niqe
from ursat.benchmark.metrics.niqe import PristineModel, block_features, earth_model, luma, photograph_model

SHARP = place_image(3, (384, 400)).pixels.astype(float) * 40


def score(image):
    return earth_model().distance(block_features(luma(image))[0])


def test_luma_is_that_of_the_eight_bit_picture():
    image = np.zeros((3, 1, 2))
    image[:, 0, 0] = [100 * 40 + 19, 200 * 40, 50 * 40]
    image[:, 0, 1] = 99999
    np.testing.assert_array_equal(luma(image), [[round(0.299 * 100 + 0.587 * 200 + 0.114 * 50), 255]])


def test_a_gaussian_field_is_recognised():
    """White noise with its local mean and deviation taken out is near a Gaussian (shape 2), symmetric, unrelated."""
    noise = np.clip(128 + 30 * np.random.default_rng(1).standard_normal((192, 192)), 0, 255)
    features, sharpness = block_features(noise)
    assert features.shape == (4, 36)
    np.testing.assert_allclose(sharpness, 28, rtol=0.1)
    shape, left_minus_right = features[:, 0], features[:, 4] - features[:, 5]
    assert np.all((shape > 1.9) & (shape < 3.5))
    assert np.all(np.abs(left_minus_right) < 0.2)


def test_rows_and_columns_beyond_whole_blocks_do_not_count():
    grey = luma(SHARP)
    np.testing.assert_allclose(block_features(grey)[0], block_features(grey[:, :384])[0])


def test_blur_and_noise_are_worse_and_more_of_them_worse_still():
    rng = np.random.default_rng(2)
    blurred = [score(gaussian_filter(SHARP, (0, s, s))) for s in (0, 1.5, 3)]
    noisy = [score(SHARP + s * rng.standard_normal(SHARP.shape)) for s in (0, 600, 2000)]
    assert blurred == sorted(blurred)
    assert noisy == sorted(noisy)


def test_distance_is_mahalanobis_with_the_mean_of_both_covariances():
    rng = np.random.default_rng(3)
    features = rng.standard_normal((400, 36))
    features -= features.mean(axis=0)
    unit = np.cov(features, rowvar=False)
    model = PristineModel(np.full(36, 0.5), unit)
    assert model.distance(features) == pytest.approx(np.sqrt(0.25 * np.linalg.inv(unit).sum()))


def test_flat_blocks_are_left_out():
    patched = SHARP.copy()
    patched[:, :104, :104] = 4000  # the window reaches three pixels beyond a block
    features, _ = block_features(luma(patched))
    assert np.isnan(features[0]).any()
    assert not np.isnan(features[5]).any()
    assert np.isfinite(score(patched))
    assert np.isnan(score(np.full((3, 192, 192), 4000.0)))


def test_the_authors_parameters_come_with_their_notice():
    model = photograph_model()
    assert (model.mean.shape, model.covariance.shape) == ((36,), (36, 36))
    np.testing.assert_allclose(model.covariance, model.covariance.T)
    # the shape of the middle normalised pixel and of its products with the neighbours, as a natural image has them
    assert model.mean[0] == pytest.approx(2.6, abs=0.2)
    notice = Path(niqe.__file__).with_name("niqe_photographs.LICENCE.txt").read_text()
    assert "Copyright (c) 2011 The University of Texas at Austin" in notice
    assert "NOTICE ENDS WITH THIS LINE" in notice


def test_niqe_as_other_software_computes_it():
    """Recorded: `basicsr.metrics.niqe` (which gives what the authors' MATLAB code gives) of the same luma."""
    found = photograph_model().distance(block_features(luma(SHARP))[0])
    assert found == pytest.approx(5.0229, rel=0.005)
