"""Simulated inputs of known blur, as `ursat.training.psf_weights` learns from them.

Training tiles, some of them first reduced by exact box means, are seen by the protocol's two kinds of sensor with a
random MTF, reduction, size, noise and quantisation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.benchmark.degrade import add_noise, degrade
from ursat.fir import BOX_MTF, gaussian_sigma
from ursat.harmonise.noise import estimate_noise_windows
from ursat.harmonise.psf_features import noise_share, psf_features
from ursat.harmonise.psf_posterior import LOWEST_MTF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.benchmark.places import PlaceImage

    Floats = NDArray[np.floating[Any]]

CUBIC_SHARE = 0.3
LARGEST_REDUCTION = 16.0
LEAST_SIDE = 12
FEW_SIDE, FEW_REDUCTION = (8, 32), 64.0  # of the examples with few pixels
NOISE = (1e-3, 1 / 30)  # of the band's mean
NOISE_FREE_SHARE = 0.35
DN_PER_STEP = 40.0  # of eight-bit imagery, as in the protocol
STEPS = (1.0, DN_PER_STEP, 0.0)
STEP_SHARES = (0.7, 0.2, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """features (n, F); mtf (n,), NaN for cubic; share (n,) of noise in the differences; side (n,) px; place (n,)."""

    features: Floats
    mtf: Floats
    share: Floats
    side: Floats
    place: NDArray[np.str_]

    def take(self, rows: NDArray[np.bool_]) -> Examples:
        """Those where ``rows``, (n,), is True."""
        return Examples(*(getattr(self, field.name)[rows] for field in fields(self)))

    def join(self, other: Examples) -> Examples:
        """These and those of ``other``."""
        return Examples(*(np.concatenate([getattr(e, field.name) for e in (self, other)]) for field in fields(self)))


def draw_input(
    pixels: NDArray[np.uint8], mtf: float, rng: np.random.Generator, *, few: bool = False
) -> tuple[NDArray[np.float32], float]:
    """One simulated input of a tile: (C, h, w) in DN, and its quantisation step (0: none).

    Args:
        pixels: (3, H, W).
        mtf: of the sensor at Nyquist; NaN for the cubic kernel.
        rng: of everything else.
        few: 8 to 32 pixels a side, the whole view of a part of the tile; else 12 or more, whole or a part of a view.
    """
    bands = rng.permutation(3)[: rng.choice([1, 2, 3], p=[0.3, 0.1, 0.6])]
    scene: Floats = pixels[bands].astype(np.float64) * DN_PER_STEP
    seen = _view_of_part(scene, mtf, rng) if few else _part_of_view(scene, mtf, rng)
    if rng.random() >= NOISE_FREE_SHARE:
        seen = add_noise(seen, rng, math.exp(rng.uniform(*np.log(NOISE))))
    step = float(rng.choice(STEPS, p=STEP_SHARES))
    stored = seen if step == 0 else np.clip(np.rint(seen / step), 0, None) * step
    return stored.astype(np.float32), step


def _part_of_view(scene: Floats, mtf: float, rng: np.random.Generator) -> NDArray[np.float64]:
    for _ in range(rng.choice([0, 1, 2], p=[0.5, 0.3, 0.2])):
        if min(scene.shape[-2:]) >= 8 * LEAST_SIDE:
            scene = _halved(scene)
    most = min(LARGEST_REDUCTION, min(scene.shape[-2:]) / LEAST_SIDE)
    factor = math.exp(rng.uniform(math.log(2.0), math.log(most)))
    factor = float(int(factor)) if rng.random() < 0.5 else factor
    h, w = (int(n / factor) for n in scene.shape[-2:])
    seen = _view(scene[:, : int(h * factor), : int(w * factor)], (h, w), mtf)
    if rng.random() < 0.5:
        side = math.exp(rng.uniform(math.log(LEAST_SIDE), math.log(max(h, w))))
        rows, cols = min(h, int(side)), min(w, int(side))
        top, left = rng.integers(h - rows + 1), rng.integers(w - cols + 1)
        seen = seen[:, top : top + rows, left : left + cols]
    return seen


def _view_of_part(scene: Floats, mtf: float, rng: np.random.Generator) -> NDArray[np.float64]:
    least, most = FEW_SIDE
    h, w = (int(math.exp(rng.uniform(math.log(least), math.log(min(most, n / 2) + 1)))) for n in scene.shape[-2:])
    largest = min(FEW_REDUCTION, scene.shape[-2] / h, scene.shape[-1] / w)
    factor = math.exp(rng.uniform(math.log(2.0), math.log(largest)))
    factor = float(int(factor)) if rng.random() < 0.5 else factor
    height, width = int(h * factor), int(w * factor)
    top, left = rng.integers(scene.shape[-2] - height + 1), rng.integers(scene.shape[-1] - width + 1)
    return _view(scene[:, top : top + height, left : left + width], (h, w), mtf)


def _view(ground: Floats, shape: tuple[int, int], mtf: float) -> NDArray[np.float64]:
    kind, sigma = ("bicubic", 0.0) if math.isnan(mtf) else ("sensor", gaussian_sigma(mtf))
    return degrade(ground, shape, kind, sigma=sigma)


def _halved(scene: Floats) -> Floats:
    h, w = (n // 2 for n in scene.shape[-2:])
    blocks = scene[:, : 2 * h, : 2 * w].reshape(len(scene), h, 2, w, 2)
    return np.asarray(blocks.mean(axis=(2, 4)))


def draw_examples(images: Sequence[PlaceImage], count: int, seed: int, *, few: bool = False) -> Examples:
    """``count`` examples of places drawn by chance, each with all that `harmonise` would know of it.

    Args:
        images: of training places.
        count: how many examples.
        seed: of everything.
        few: see `draw_input`.
    """
    rng = np.random.default_rng(seed)
    by_place: dict[str, list[PlaceImage]] = {}
    for image in images:
        if min(image.pixels.shape[-2:]) < 2 * LEAST_SIDE:
            continue
        by_place.setdefault(image.place, []).append(image)
    # a place of one tile is not worth as much as one of two hundred
    weights = np.array([math.sqrt(len(group)) for group in by_place.values()])
    places = list(by_place)
    rows: list[tuple[Floats, float, float, float, str]] = []
    while len(rows) < count:
        place = places[int(rng.choice(len(places), p=weights / weights.sum()))]
        image = by_place[place][int(rng.integers(len(by_place[place])))]
        cubic = rng.random() < CUBIC_SHARE
        mtf = math.exp(rng.uniform(math.log(LOWEST_MTF), math.log(BOX_MTF)))
        values, step = draw_input(image.pixels, math.nan if cubic else mtf, rng, few=few)
        windows = [(values, np.ones(values.shape, dtype=bool))]
        noise = estimate_noise_windows(windows, step=step)
        features = psf_features(windows, noise)
        if features is not None:
            share = noise_share(windows, noise)
            rows.append((features, math.nan if cubic else mtf, share, math.sqrt(values[0].size), place))
    features_, mtf_, share_, side_, place_ = zip(*rows, strict=True)
    return Examples(np.array(features_), np.array(mtf_), np.array(share_), np.array(side_), np.array(place_))
