"""The harmonised reference goes on a little beyond its edges: the cascade's filters read there."""

from __future__ import annotations

import numpy as np
import torch
from test_cascade import ArrayReader

from ursat.grid import Window
from ursat.io.cache import BlockCache
from ursat.run.harmonised import HarmonisedReference
from ursat.types import ReferenceModel

MODEL = ReferenceModel(
    level=1, taps=(-0.1, 0.0, 1.2, 0.0, -0.1), matrix=((2.0, 0.0), (0.0, 1.0)), offsets=(1.0, 0.0), trust=(1.0, 1.0),
    residual=(1.0, 1.0), mtf=0.3, ratio=2.0,
)  # fmt: skip


def _reader() -> HarmonisedReference:
    values = np.full((2, 40, 40), 5.0, np.float32)
    source = ArrayReader(values, np.ones_like(values, bool))
    return HarmonisedReference(source, MODEL, device=torch.device("cpu"), dtype=torch.float32)


def test_values_continue_beyond_the_grid_but_are_not_valid_there() -> None:
    block = BlockCache(_reader(), budget=1 << 24).read(Window(-2, -2, 10, 10))
    # At the edge itself the filter reads two pixels of continuation; one pixel out, all but its last tap.
    np.testing.assert_allclose(block.values[0, 2:, 2:], 11.0, rtol=1e-5)
    np.testing.assert_allclose(block.values[1, 2:, 2:], 5.0, rtol=1e-5)
    assert (block.values[1, 1, 2:] > 4.5).all()
    assert not block.valid[:, :2].any()
    assert block.valid[:, 4:, 4:].all()


def test_far_outside_nothing_is_computed() -> None:
    block = _reader().read(Window(500, 500, 8, 8))
    assert not block.valid.any()
    assert not block.values.any()
