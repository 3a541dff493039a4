"""Physical values to stored numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ursat.models.encode import physical_range, stored_range, to_dn, to_stored
from ursat.types import Encoding


def _encoding(dtype: str, nodata: float | None, scale: float = 1.0, offset: float = 0.0) -> Encoding:
    return Encoding(dtype, nodata, (scale,), (offset,), (None,), (None,), ("gray",))


@pytest.mark.parametrize(
    ("dtype", "nodata", "expected"),
    [
        ("uint16", 0, (1, 65535)),
        ("uint16", 65535, (0, 65534)),
        ("uint8", None, (0, 255)),
        ("int16", -9999, (-32768, 32767)),
        ("int16", -32768, (-32767, 32767)),
    ],
)
def test_stored_range(dtype: str, nodata: float | None, expected: tuple[float, float]) -> None:
    assert stored_range(_encoding(dtype, nodata)) == expected


def test_physical_range_with_a_negative_scale() -> None:
    assert physical_range(_encoding("uint8", None, -2.0, 10.0)) == ((-500.0,), (10.0,))


def test_round_trip_of_landsat_numbers() -> None:
    dn = torch.arange(1, 65536, dtype=torch.float32).reshape(1, 1, -1)
    encoding = _encoding("uint16", 0, 2.75e-5, -0.2)
    physical = dn * 2.75e-5 + -0.2
    assert torch.equal(to_stored(physical, encoding), dn)


def test_never_the_nodata_value() -> None:
    encoding = _encoding("int16", -9999)
    values = torch.tensor([[[-9999.4, -9998.6, -9999.0, 12.2]]])
    assert to_stored(values, encoding).flatten().tolist() == [-10000.0, -9998.0, -9998.0, 12.0]
    floating = to_stored(torch.tensor([[[-9999.0]]]), _encoding("float32", -9999))
    assert floating.item() != -9999
    assert math.isclose(floating.item(), -9999, rel_tol=1e-6)


def test_out_of_range_is_clipped_and_invalid_becomes_nodata() -> None:
    encoding = _encoding("uint8", 255)
    stored = to_stored(torch.tensor([[[-3.0, 300.0, 7.5]]]), encoding)
    assert stored.flatten().tolist() == [0.0, 254.0, 8.0]
    dn = to_dn(stored, torch.tensor([[[True, False, True]]]), encoding)
    assert dn.dtype == np.uint8
    assert dn.flatten().tolist() == [0, 255, 8]
