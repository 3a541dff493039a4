"""One pack of scenes for all tests of the trainer."""

from __future__ import annotations

import pytest
import torch
from made_tiles import make_folder, make_pack


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """(data, pack): a folder of GeoTIFFs, and six scenes of it with two for validation."""
    folder = tmp_path_factory.mktemp("training")
    data = make_folder(folder / "data")
    return data, make_pack(data, folder / "pack", 6, 2)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
