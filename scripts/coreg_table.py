"""Print how accurately co-registration finds known shifts, and how it takes pairs that do not belong together.

    python scripts/coreg_table.py [--trials 7] [--wrong 200] [--sizes 64,128,256]

Truth: 5 m fields (synthetic power-law spectra, or the sample scene's Sentinel-2 pixels taken as 5 m), seen by a 30 m
sensor (box * Gauss, MTF 0.25 at Nyquist) and a 10 m one (MTF 0.3), SNR 40 dB unless said otherwise; shifts from 0.1
to 40 m. Errors are in input pixels (30 m) and over the answers that were called reliable.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio

from ursat.harmonise.coregister import coregister

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "harmonise"))

from pair_scenes import cut_truth, make_pair, synthetic_truth  # noqa: E402

CONDITIONS = {
    "clear, 40 dB": {},
    "clear, 30 dB": {"snr_db": 30.0, "ref_snr_db": 30.0},
    "cast": {"cast": True},
    "20 % changed": {"changed": 0.2},
    "30 % cloud": {"cloud": 0.3},
    "cloud+changed+cast, 30 dB": {"cloud": 0.3, "changed": 0.15, "cast": True, "snr_db": 30.0, "ref_snr_db": 30.0},
}
SHIFTS_M = (0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 40.0)
MAX_SHIFT_PX = 2.0  # 60 m


def truth_of(texture, scene, size, rng):
    return synthetic_truth(size, 3, rng) if texture == "power law" else cut_truth(scene, size, rng)


def accuracy(scene, sizes, trials):
    print("| texture | input px | condition | trials | reliable | median error | largest error | > 0.1 px | s a pair |")
    print("|---|---|---|---|---|---|---|---|---|")
    for texture in ("power law", "sentinel2.tif"):
        for size in sizes:
            if texture == "sentinel2.tif" and size > 128:
                continue
            for name, condition in CONDITIONS.items():
                errors, reliable, spent = [], [], 0.0
                for trial in range(trials):
                    rng = np.random.default_rng([trial, size, len(name)])
                    length, angle = SHIFTS_M[trial % len(SHIFTS_M)], rng.uniform(0, 2 * np.pi)
                    shift_m = (length * np.cos(angle), length * np.sin(angle))
                    pair = make_pair(truth_of(texture, scene, size, rng), size, shift_m, rng, **condition)
                    begin = time.process_time()
                    found = coregister(pair.read, (0, 1, 2), mode="auto", max_shift_px=MAX_SHIFT_PX)
                    spent += time.process_time() - begin
                    errors.append(np.hypot(found.drow - pair.shift_px[0], found.dcol - pair.shift_px[1]))
                    reliable.append(found.reliable)
                good = np.array(errors)[np.array(reliable)]
                median, worst = (f"{np.median(good):.4f}", f"{good.max():.4f}") if good.size else ("-", "-")
                print(
                    f"| {texture} | {size} | {name} | {trials} | {np.mean(reliable):.0%} | {median} | {worst} "
                    f"| {(good > 0.1).sum()} | {spent / trials:.2f} |",
                    flush=True,
                )


def wrong_places(scene, trials):
    """Pairs of unrelated ground, with and without clouds; none may be called reliable."""
    print("\n| unrelated pairs, input px | trials | called reliable | significance: median, largest |")
    print("|---|---|---|---|")
    for size in (12, 16, 24, 64):
        count = trials // 4
        seen = []
        for trial in range(count):
            rng = np.random.default_rng([trial, size, 7])
            here = (
                synthetic_truth(size, 3, rng, slope=rng.uniform(0.9, 1.4)) if trial % 2 else cut_truth(scene, size, rng)
            )
            there = scene[:, ::-1].swapaxes(1, 2)
            other = (
                synthetic_truth(size, 3, rng, slope=rng.uniform(0.9, 1.4)) if trial % 3 else cut_truth(there, size, rng)
            )
            first = make_pair(here, size, (0.0, 0.0), rng)
            second = make_pair(other, size, (0.0, 0.0), rng, cloud=0.0 if trial % 4 else 0.3)
            pair = replace(second, lr=first.lr)
            seen.append(coregister(pair.read, (0, 1, 2), mode="auto", max_shift_px=MAX_SHIFT_PX))
        heights = [found.significance for found in seen]
        wrong = sum(found.reliable for found in seen)
        print(f"| {size} | {count} | {wrong} | {np.median(heights):.1f}, {max(heights):.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=7)
    parser.add_argument("--wrong", type=int, default=200)
    parser.add_argument("--sizes", default="64,128,256")
    arguments = parser.parse_args()
    with rasterio.open(ROOT / "sample_data" / "sentinel2.tif") as source:
        scene = source.read().astype(np.float64) / 1e4
    accuracy(scene, [int(size) for size in arguments.sizes.split(",")], arguments.trials)
    wrong_places(scene, arguments.wrong)


if __name__ == "__main__":
    main()
