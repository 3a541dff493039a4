"""Three minutes of training on made-up ground beat the classical answer on scenes held out."""

from __future__ import annotations

import pytest
from made_tiles import make_folder, make_pack, options

from ursat.models.core.config import CoreConfig
from ursat.training.trainer import train

SMALL = CoreConfig("small", (24, 32), (1, 1), 32)


@pytest.mark.slow
def test_a_short_training_beats_the_classical_start(tmp_path):
    data = make_folder(tmp_path / "data")
    made = (data, make_pack(data, tmp_path / "pack", 16, 6))
    asked = options(made, tmp_path / "out", preset=SMALL, steps=1000, lr=3e-3, batch=8, scenes=16, val_scenes=6)
    result = train(asked)
    assert result.score is not None
    assert result.score > 0
