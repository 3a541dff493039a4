"""The data sets by name: a new one is a file beside this one and a line in `DATASETS`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ursat.benchmark.datasets import aid, ddisr, dior, dota, embedded, folder, imagenet, pairs, places
from ursat.benchmark.places import deal
from ursat.errors import UsageError

if TYPE_CHECKING:
    from ursat.benchmark.datasets.dataset import Dataset, Loader, Request

DATASETS: dict[str, Loader] = {
    "ddisr": ddisr.load,
    "imagenet": imagenet.load,
    "aid": aid.load,
    "dota": dota.load,
    "dior": dior.load,
    "folder": folder.load,
    "pairs": pairs.load,
    "places": places.load,
    "places-large": places.load_large,
    "embedded": embedded.load,
}
PAPER_SIDE = {"imagenet": 128, "aid": 256, "dota": 256, "dior": 256}  # pixels of the paper's ground truth
HAS_REAL = ("ddisr", "pairs")


def load_dataset(name: str, request: Request, limit: int | None = None) -> Dataset:
    """A data set by name, at most ``limit`` of its images, spread over its places.

    Raises:
        UsageError: no such data set, or its folder was not named.
        InputError: the folder does not hold it; the message says what was expected, from where, under which licence.
    """
    if name not in DATASETS:
        raise UsageError(f"--dataset: there is no data set '{name}'", hint="choose from " + ", ".join(DATASETS))
    found = DATASETS[name](request)
    if limit is None or limit >= len(found.images):
        return found
    chosen = deal(found.images, limit)
    part = f"{len(chosen)} of {len(found.images)} images, spread over the places"
    return replace(found, images=chosen, split=f"{found.split}; {part}" if found.split else part)
