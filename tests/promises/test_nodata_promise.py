"""Promise 6: nodata does not leak, in either direction; promise 10: the file says what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scenes import SENTINEL, landsat_cut, read, run

from ursat.io.provenance import read_provenance

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("scale", [4, 8])
@pytest.mark.parametrize("closure", ["auto", "exact"])
def test_nodata_is_the_input_s_and_hides_nothing(tmp_path: Path, scale: int, closure: str) -> None:
    source = landsat_cut(tmp_path / "in.tif", 40, holes=True, dtype="int16")
    run(source, tmp_path / "a.tif", scale, ref=SENTINEL, closure=closure)
    out, pixels = read(tmp_path / "a.tif"), read(source)
    expected = (pixels == -9999).repeat(scale, 1).repeat(scale, 2)
    np.testing.assert_array_equal(out == -9999, expected)
    # The land is never darker than 389 DN; a trace of -9999 would be far below zero.
    assert out[~expected].min() > 0


def test_provenance(tmp_path: Path) -> None:
    source = landsat_cut(tmp_path / "in.tif", 40)
    report = run(source, tmp_path / "out.tif", 8, ref=SENTINEL, seed=11)
    facts = read_provenance(tmp_path / "out.tif")
    assert facts == report.provenance
    assert facts["model"] == {"name": "fusion", "kind": "classical", "sha256": None}
    assert facts["seed"] == 11
    assert facts["scale"] == 8
    assert facts["octaves"][0] == {"gsd_m": 40.0, "origin": "observed"}
    assert facts["octaves"][-1] == {"gsd_m": 5.0, "origin": "interpolated"}
    assert len(facts["sensor"]["taps"]) % 2 == 0
    assert sum(facts["sensor"]["taps"]) == pytest.approx(1)
    text = (tmp_path / "out.tif").read_bytes()
    for secret in (str(tmp_path), str(source.name), "sentinel2"):
        assert secret.encode() not in text
