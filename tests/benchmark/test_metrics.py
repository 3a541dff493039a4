import numpy as np
import pytest

from ursat.benchmark.metrics import as_stored, average_gradient, psnr


def test_known_error():
    truth = np.full((3, 8, 8), 5000, dtype=np.uint16)
    assert psnr(truth, truth + 102.0) == pytest.approx(40.0)  # 20 log10(10200 / 102)
    assert psnr(truth, truth) == np.inf


def test_measured_as_a_file_would_hold_it():
    np.testing.assert_array_equal(as_stored(np.array([-3.0, 0.4, 0.6, 99999.0])), [0, 0, 1, 10200])
    truth = np.zeros((1, 2, 2), dtype=np.uint16)
    assert psnr(truth, np.full((1, 2, 2), -50.0)) == np.inf


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="shapes differ"):
        psnr(np.zeros((1, 4, 4)), np.zeros((1, 4, 5)))


def test_average_gradient_of_a_ramp_is_its_slope():
    rows, columns = np.mgrid[:9, :11]
    ramp = 40 * np.stack([3.0 * columns, 3.0 * columns + 4.0 * rows, 0.0 * rows])
    expected = [3 / np.sqrt(2), 5 / np.sqrt(2), 0]  # sqrt((dx^2 + dy^2) / 2), in steps of 40 DN
    assert average_gradient(ramp) == pytest.approx(np.mean(expected))
