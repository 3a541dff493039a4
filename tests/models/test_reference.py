"""Applying a reference model: radiometry, holes, and the promise that windows do not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ursat.models.reference import ReferenceApplier
from ursat.types import ReferenceModel

TAPS = (0.02, -0.05, -0.12, 1.3, -0.12, -0.05, 0.02)


def model(taps=TAPS, matrix=((0.5, 0.0), (0.3, 0.8)), offsets=(10.0, -3.0), level=2):
    c = len(matrix)
    return ReferenceModel(
        level=level,
        taps=taps,
        matrix=matrix,
        offsets=offsets,
        trust=(1.0,) * c,
        residual=(1.0,) * c,
        mtf=0.3,
        ratio=4.0,
    )


def scene(seed=0, h=60, w=52):
    rng = np.random.default_rng(seed)
    values = torch.from_numpy(rng.normal(1000, 100, (2, h, w)).astype(np.float32))
    valid = torch.ones(2, h, w, dtype=torch.bool)
    valid[:, 20:26, 10:30] = False
    valid[1, 40:44, 40:44] = False
    return values, valid


def test_constants_pass_through_the_radiometry():
    values = torch.full((2, 30, 30), 100.0)
    out, ok = ReferenceApplier(model()).apply(values, torch.ones(2, 30, 30, dtype=torch.bool))
    assert ok.all()
    np.testing.assert_allclose(out[0].numpy(), 60, rtol=1e-5)
    np.testing.assert_allclose(out[1].numpy(), 107, rtol=1e-5)


def test_it_sharpens():
    values = torch.zeros(2, 31, 31)
    values[0, 15, 15] = 1
    out, _ = ReferenceApplier(model(matrix=((1.0, 0.0),), offsets=(0.0,))).apply(values, values[:, :] > -1)
    assert out[0, 15, 15] == pytest.approx(1.69, rel=1e-5)
    assert out[0, 15, 16] < 0


@given(st.floats(-1e4, 1e4))
@settings(max_examples=20, deadline=None)
def test_what_lies_under_a_hole_does_not_matter(junk):
    values, valid = scene()
    applier = ReferenceApplier(model())
    first, ok = applier.apply(values, valid)
    second, ok2 = applier.apply(torch.where(valid, values, torch.tensor(junk)), valid)
    assert torch.equal(first, second)
    assert torch.equal(ok, ok2)


def test_validity_of_bands_used():
    values, valid = scene()
    applier = ReferenceApplier(model())
    _, ok = applier.apply(values, valid)
    assert not ok[0, 22, 20]
    assert ok[0, 42, 42]  # band 0 does not look at reference band 1
    assert not ok[1, 42, 42]
    assert torch.equal(ok[0], valid[0])  # pixels beside a hole are not given up
    assert torch.equal(ok[1], valid[0] & valid[1])


def test_a_band_without_gains_is_never_valid():
    values, valid = scene()
    out, ok = ReferenceApplier(model(matrix=((0.0, 0.0), (1.0, 0.0)))).apply(values, valid)
    assert not ok[0].any()
    assert (out[0] == 10).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 14), st.integers(0, 12), st.integers(1, 20), st.integers(1, 16), st.integers(0, 3))
def test_windows_do_not_matter_bitwise(row, col, height, width, seed):
    values, valid = scene(seed)
    applier = ReferenceApplier(model())
    halo = applier.halo
    whole, whole_ok = applier.apply(values, valid)
    top, left = halo + row, halo + col
    cut = (..., slice(top - halo, top + height + halo), slice(left - halo, left + width + halo))
    part, part_ok = applier.apply(values[cut].contiguous(), valid[cut].contiguous())
    h, w = part.shape[-2] - 2 * halo, part.shape[-1] - 2 * halo
    inner = (..., slice(halo, halo + h), slice(halo, halo + w))
    kept = (..., slice(top, top + h), slice(left, left + w))
    if top + height + halo <= values.shape[-2] and left + width + halo <= values.shape[-1]:
        assert torch.equal(part[inner], whole[kept])
        assert torch.equal(part_ok[inner], whole_ok[kept])
