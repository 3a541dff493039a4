"""Seams: is there more gradient across the borders of blocks than elsewhere?"""

from __future__ import annotations

import numpy as np

from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene

TILE = 256  # cells that a model of the core family computes at once


def seam_index(image: Image, block: int) -> float:
    """Mean absolute difference of neighbours across borders of blocks over the same elsewhere; 1 without seams.

    Args:
        image: (C, H, W).
        block: pixels a side; blocks start at the top-left corner.

    Returns:
        At least 0; infinite where the blocks are flat inside and differ; NaN without any border, without anything
        else, or in a flat image.
    """
    across, elsewhere = [], []
    for axis in (-1, -2):
        steps = np.abs(np.diff(image, axis=axis))
        at = (np.arange(steps.shape[axis]) + 1) % block == 0
        across.append(np.compress(at, steps, axis=axis).ravel())
        elsewhere.append(np.compress(~at, steps, axis=axis).ravel())
    borders, inside = np.concatenate(across), np.concatenate(elsewhere)
    if not borders.size or not inside.size or not (borders.any() or inside.any()):
        return float("nan")
    return float(borders.mean() / inside.mean()) if inside.any() else float("inf")


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    found = {"seam": seam_index(estimate, scene.scale), "seam_tile": seam_index(estimate, TILE)}
    return {name: value for name, value in found.items() if not np.isnan(value)}


METRIC = Metric(
    figures={"seam": Figure("seams of input pixels"), "seam_tile": Figure(f"seams of {TILE} px")},
    definition="mean |difference of neighbours| across the borders of blocks over the same elsewhere, 1 without "
    f"seams: for blocks of one input pixel (a mosaic), and of {TILE} px (a tile of the network).",
    measure=_measure,
    needs=frozenset(),
)
