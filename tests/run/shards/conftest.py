"""What many tests compare with: the scene, its one COG, and the run in shards that nobody disturbed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import made
import pytest

from ursat.run.shards.places import Places

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Undisturbed:
    source: Path
    one: Path
    places: Places
    files: dict[str, str]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    source = made.scene(folder / "in.tif")
    one = made.one_file(source, folder / "one.tif")
    made.run(source, folder / "out.tif")
    places = Places(folder / "out.shards")
    return Undisturbed(source, one, places, made.files(places))
