"""Fit the pristine model of NIQE-EO on sharp training tiles and write src/ursat/benchmark/metrics/niqe_eo.npz.

    python scripts/fit_niqe.py DATA

Training places only: tiles of the pack `train` at 0.3 m or finer and at least 384 px a side, in natural colour. From
every tile the blocks that reach three quarters of its sharpest block (the paper's rule); every place weighs the same,
at most 300 blocks of it, evenly spread.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from ursat.benchmark.metrics.niqe import LEAST_SIDE, SHARP, block_features, luma
from ursat.benchmark.observation import DN_PER_STEP
from ursat.benchmark.places import load_places

TARGET = Path(__file__).parents[1] / "src" / "ursat" / "benchmark" / "metrics" / "niqe_eo.npz"
COARSEST_M = 0.3
FALSE_COLOUR = {"seneca_US-nirfc"}
BLOCKS_OF_A_PLACE = 300


def main(data: str) -> None:
    places: dict[str, list[np.ndarray]] = {}
    for image in load_places(data, split="train"):
        small = min(image.pixels.shape[-2:]) < LEAST_SIDE
        if small or image.gsd_m > COARSEST_M or image.place in FALSE_COLOUR or not image.image_id.startswith("train/"):
            continue
        features, sharpness = block_features(luma(image.pixels.astype(float) * DN_PER_STEP))
        keep = (sharpness > SHARP * sharpness.max()) & ~np.isnan(features).any(axis=1)
        places.setdefault(image.place, []).append(features[keep])
    chosen, weights = [], []
    for place, found in sorted(places.items()):
        blocks = np.concatenate(found)
        picked = blocks[np.linspace(0, len(blocks) - 1, min(len(blocks), BLOCKS_OF_A_PLACE)).astype(int)]
        chosen.append(picked)
        weights.append(np.full(len(picked), 1 / len(picked)))
        print(f"{place}: {len(picked)} of {len(blocks)} sharp blocks")
    features, weight = np.concatenate(chosen), np.concatenate(weights)
    mean = np.average(features, axis=0, weights=weight)
    np.savez(TARGET, mean=mean, covariance=np.cov(features, rowvar=False, aweights=weight))


if __name__ == "__main__":
    main(sys.argv[1])
