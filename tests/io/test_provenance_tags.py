"""Provenance is canonical, and its absence or damage is an input error."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from ursat.errors import InputError
from ursat.io.provenance import provenance_json, provenance_tags, read_provenance

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def tiff(path, **tags):
    with rasterio.open(path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8") as dataset:
        dataset.write(np.ones((1, 2, 2), "uint8"))
        if tags:
            dataset.update_tags(ns="URSAT", **tags)
    return path


@given(st.dictionaries(st.text(), VALUES))
def test_the_order_of_keys_does_not_matter(data):
    assert provenance_json(data) == provenance_json(dict(reversed(data.items())))


def test_any_text_survives_the_tiff(tmp_path):
    data = {"name": "Gr\u00f6\u00dfe <&\"'> \u5c71\n\t\x01", "n": [1, 0.1, None, True], "scale": 7.5}
    assert read_provenance(tiff(tmp_path / "a.tif", **provenance_tags(data))) == data


def test_not_a_number_is_refused():
    with pytest.raises(ValueError):
        provenance_json({"noise_dn": [math.nan]})


def test_a_file_without_provenance(tmp_path):
    with pytest.raises(InputError, match="no ursat provenance"):
        read_provenance(tiff(tmp_path / "a.tif"))


@pytest.mark.parametrize("text", ["{", "[1]", ""])
def test_a_damaged_provenance(tmp_path, text):
    with pytest.raises(InputError, match="provenance"):
        read_provenance(tiff(tmp_path / "a.tif", PROVENANCE=text))


def test_a_file_that_is_no_tiff(tmp_path):
    (tmp_path / "a.tif").write_text("hello")
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_provenance(tmp_path / "a.tif")
    assert "\n" not in caught.value.message
