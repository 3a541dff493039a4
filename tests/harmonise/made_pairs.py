"""Aligned pairs made from one truth: an input pixel is 12, a reference pixel 3 truth pixels wide (ratio 4, level 2)."""

from __future__ import annotations

import numpy as np
from pair_scenes import power_law, see

from ursat.grid import Window
from ursat.harmonise.pair import PairWindow

LR_STEP, REF_STEP, FACTOR = 12, 3, 4


def made_pair(size, mtf=0.25, *, seed=0, noise=0.0, bands=2, wrong=False, gain=1.0, offset=0.0):
    """A window of size x size input pixels, values 1000 with texture of 200; reference = gain R + offset."""
    rng = np.random.default_rng(seed)
    n = size * LR_STEP
    truths = [np.stack([1000 + 200 * power_law((n, n), 1.2, rng) for _ in range(bands)]) for _ in range(2)]
    lr = see(truths[0], LR_STEP, (0.0, 0.0), mtf, (0, 0), (size, size))
    count = (size * FACTOR, size * FACTOR)
    ref = see(truths[1 if wrong else 0], REF_STEP, (0.0, 0.0), mtf, (0, 0), count)
    lr = lr + noise * rng.standard_normal(lr.shape)
    ref = gain * (ref + noise * rng.standard_normal(ref.shape)) + offset
    return PairWindow(
        window=Window(0, 0, size, size),
        lr=lr.astype(np.float32),
        lr_valid=np.ones(lr.shape, dtype=bool),
        ref=ref.astype(np.float32),
        ref_valid=np.ones(ref.shape, dtype=bool),
        factor=FACTOR,
    )
