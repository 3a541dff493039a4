"""Networks in ncnn's files: made here, since a network of two layers is a few lines of text and some numbers."""

import sys

import numpy as np
import pytest
from made_places import place_image

from ursat.benchmark.baselines import BASELINES
from ursat.benchmark.efficiency import cost
from ursat.benchmark.methods import make_methods
from ursat.benchmark.ncnn_files import load_ncnn
from ursat.benchmark.observation import make_observation
from ursat.benchmark.tool import Ursat
from ursat.errors import InputError, UsageError

# A 1 x 1 convolution that keeps the bands, then each pixel twice along both axes.
DOUBLE = """7767517
3 3
Input data 0 1 data
Convolution keep 1 1 data kept 0=3 1=1 5=0 6=9
Interp double 1 1 kept output 0=1 1={factor} 2={factor}
"""


@pytest.fixture
def double(tmp_path):
    pytest.importorskip("ncnn", reason="pip install ncnn")
    return written(tmp_path / "double.param", DOUBLE.format(factor=2))


def written(path, text):
    path.write_text(text)
    weights = np.eye(3, dtype="<f4").tobytes()
    path.with_suffix(".bin").write_bytes(bytes(4) + weights)  # the zero says: 32-bit numbers follow
    return path


def test_a_network_is_run_as_often_as_the_scale_needs(double):
    (method,) = make_methods([f"ncnn:{double}"], Ursat()).values()
    before = method.label
    assert before == f"ncnn:double.param@{method.sha256[:8]}"
    assert [method.applies(scale, "noref") for scale in (2, 4, 8)] == [True, True, False]
    for scale in (2, 4):
        o = make_observation(place_image(0, (64, 64)), scale, "bicubic", "noref")
        np.testing.assert_allclose(method(o), BASELINES["nearest"](o), atol=0.5)
    double.with_suffix(".bin").write_bytes(bytes(4) + bytes(36))
    assert method.label != before


def test_its_operations_are_not_counted_as_none(double):
    (method,) = make_methods([f"ncnn:{double}"], Ursat()).values()
    found = cost(method, make_observation(place_image(0, (64, 64)), 2, "bicubic", "noref"))
    assert "gflop_mpx" not in found
    assert found["seconds_mpx"] > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7767517\n1 1\nNothing a 0 1 data\n", "no network that ncnn can load"),
        (DOUBLE.format(factor=1), "makes"),
        (
            DOUBLE.replace("Input data 0 1 data", "Input data 0 1 data\nInput more 0 1 other").replace("3 3", "4 4"),
            "2 in",
        ),
    ],
)
def test_files_that_hold_no_such_network(double, text, said):
    path = written(double.with_name("other.param"), text.format(factor=2))
    with pytest.raises(InputError, match=said) as caught:
        load_ncnn(path)
    assert "NAME.bin" in caught.value.hint


def test_without_its_weights_or_the_package_one_line_says_so(tmp_path, monkeypatch):
    path = written(tmp_path / "double.param", DOUBLE)
    monkeypatch.setitem(sys.modules, "ncnn", None)
    with pytest.raises(UsageError, match="ncnn cannot be loaded"):
        load_ncnn(path)
    path.with_suffix(".bin").unlink()
    with pytest.raises(UsageError, match="names no file"):
        make_methods([f"ncnn:{path}"], Ursat())
