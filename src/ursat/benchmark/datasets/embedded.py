"""The images that come with the package, so that the benchmark says something on a machine without any data."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

from ursat.benchmark.datasets.dataset import Dataset, Request
from ursat.benchmark.facts import EMBEDDED
from ursat.benchmark.images import FileImage

FOLDER = Path(str(files("ursat.benchmark"))) / "embedded"


def load(request: Request) -> Dataset:
    """Orthophotos of 0.1 to 2 m of three validation places, one of them large enough for x128."""
    with (FOLDER / "index.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    images = tuple(
        FileImage(FOLDER / row["file"], Path(row["file"]).stem, row["place"], float(row["gsd_m"]), request.preparation)
        for row in rows
    )
    return Dataset(
        "embedded",
        f"{EMBEDDED}: {len(images)} airborne orthophotos of 0.1 to 2 m (NEON, NAIP) with simulated observations",
        "CC0 and public domain (benchmark/embedded/LICENCES.md)",
        "the ursat package",
        images,
        split="validation places: no model that ships was trained on them",
        embedded=True,
        attribution=tuple(dict.fromkeys(row["attribution"] for row in rows)),
    )
