"""DDISR, the paper's drone data set (Landsat-8, Sentinel-2 and drone over the same ground): not public.

Where a copy is at hand it is read from the layout below, which is ours, as none was published; without --root the
embedded set stands in, and says so.
"""

from __future__ import annotations

from dataclasses import replace

from ursat.benchmark.datasets import embedded
from ursat.benchmark.datasets.dataset import Dataset, Layout, Request
from ursat.benchmark.datasets.pairs import triples_in

FOLDERS = ("landsat8", "sentinel2", "drone")
LAYOUT = Layout(
    "ddisr",
    "DDISR triples",
    "landsat8/NAME.tif (30 m), sentinel2/NAME.tif (10 m) and drone/NAME.tif (0.23 m) of the same names and the same "
    "ground (300 triples in the paper)",
    "its authors (arXiv 2412.18996 names no address); without --root the embedded set is used",
    "not published",
)


def load(request: Request) -> Dataset:
    """Triples under --root; without it the embedded set."""
    if request.root is None:
        found = embedded.load(request)
        note = "DDISR is not public: these numbers are of the embedded set, with simulated observations"
        return replace(found, name=LAYOUT.name, notes=(note,))
    root = LAYOUT.root(request)
    triples = triples_in(root, FOLDERS, request, LAYOUT)
    return Dataset(
        LAYOUT.name,
        f"DDISR: {len(triples)} observations by Landsat-8 (30 m), Sentinel-2 (10 m) and drone (0.23 m)",
        LAYOUT.licence,
        LAYOUT.source,
        triples,
        split=f"evaluation: {len(triples)} of the paper's 300",
    )
