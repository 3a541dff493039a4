"""Makes `harmonise/psf_weights.npz`: what `ursat.harmonise.psf_posterior` knows of blur, and what a wrong guess costs.

Examples are training tiles, some of them first reduced by exact box means, seen by the protocol's two kinds of sensor
with a random MTF, reduction, size, noise and quantisation. A small network learns the posterior over the blurs; its
confidence is then calibrated on places it was not fitted on. The cost of a wrong guess comes from the design of the
estimation filters themselves, not from examples.

``python -m ursat.training.psf_weights --data FOLDER``; the same seed and data give the same weights on one machine.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ursat.benchmark.degrade import add_noise, degrade
from ursat.benchmark.places import PlaceImage, load_places
from ursat.fir import BOX_MTF, gaussian_sigma
from ursat.harmonise.noise import estimate_noise_windows
from ursat.harmonise.psf_features import noise_share, psf_features
from ursat.harmonise.psf_posterior import BELIEFS, FARTHEST, LOWEST_MTF, TRUTHS, WEIGHTS, PsfPosterior
from ursat.training.psf_cost import cost_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

CUBIC_SHARE = 0.3
LARGEST_REDUCTION = 16.0
LEAST_SIDE = 12
NOISE = (1e-3, 1 / 30)  # of the band's mean
NOISE_FREE_SHARE = 0.35
DN_PER_STEP = 40.0  # of eight-bit imagery, as in the protocol
STEPS = (1.0, DN_PER_STEP, 0.0)
STEP_SHARES = (0.7, 0.2, 0.1)
SHARES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9)
WIDTH, EPOCHS, BATCH, RATE, DECAY, JITTER = 48, 60, 256, 3e-3, 1e-2, 0.1
FOLDS = 4
TEMPERATURES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)


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


def draw_input(pixels: NDArray[np.uint8], mtf: float, rng: np.random.Generator) -> tuple[NDArray[np.float32], float]:
    """One simulated input of a tile: (C, h, w) in DN, and its quantisation step (0: none).

    Args:
        pixels: (3, H, W).
        mtf: of the sensor at Nyquist; NaN for the cubic kernel.
        rng: of everything else.
    """
    bands = rng.permutation(3)[: rng.choice([1, 2, 3], p=[0.3, 0.1, 0.6])]
    scene: Floats = pixels[bands].astype(np.float64) * DN_PER_STEP
    for _ in range(rng.choice([0, 1, 2], p=[0.5, 0.3, 0.2])):
        if min(scene.shape[-2:]) >= 8 * LEAST_SIDE:
            scene = _halved(scene)
    most = min(LARGEST_REDUCTION, min(scene.shape[-2:]) / LEAST_SIDE)
    factor = math.exp(rng.uniform(math.log(2.0), math.log(most)))
    factor = float(int(factor)) if rng.random() < 0.5 else factor
    h, w = (int(n / factor) for n in scene.shape[-2:])
    scene = scene[:, : int(h * factor), : int(w * factor)]
    kind, sigma = ("bicubic", 0.0) if math.isnan(mtf) else ("sensor", gaussian_sigma(mtf))
    seen = degrade(scene, (h, w), kind, sigma=sigma)
    if rng.random() < 0.5:
        side = math.exp(rng.uniform(math.log(LEAST_SIDE), math.log(max(h, w))))
        rows, cols = min(h, int(side)), min(w, int(side))
        top, left = rng.integers(h - rows + 1), rng.integers(w - cols + 1)
        seen = seen[:, top : top + rows, left : left + cols]
    if rng.random() >= NOISE_FREE_SHARE:
        seen = add_noise(seen, rng, math.exp(rng.uniform(*np.log(NOISE))))
    step = float(rng.choice(STEPS, p=STEP_SHARES))
    stored = seen if step == 0 else np.clip(np.rint(seen / step), 0, None) * step
    return stored.astype(np.float32), step


def _halved(scene: Floats) -> Floats:
    h, w = (n // 2 for n in scene.shape[-2:])
    blocks = scene[:, : 2 * h, : 2 * w].reshape(len(scene), h, 2, w, 2)
    return np.asarray(blocks.mean(axis=(2, 4)))


def draw_examples(images: Sequence[PlaceImage], count: int, seed: int) -> Examples:
    """``count`` examples, the places in turn, each with all that `harmonise` would know of it."""
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
        values, step = draw_input(image.pixels, math.nan if cubic else mtf, rng)
        windows = [(values, np.ones(values.shape, dtype=bool))]
        noise = estimate_noise_windows(windows, step=step)
        features = psf_features(windows, noise)
        if features is not None:
            share = noise_share(windows, noise)
            rows.append((features, math.nan if cubic else mtf, share, math.sqrt(values[0].size), place))
    features_, mtf_, share_, side_, place_ = zip(*rows, strict=True)
    return Examples(np.array(features_), np.array(mtf_), np.array(share_), np.array(side_), np.array(place_))


def soft_labels(mtf: Floats) -> NDArray[np.float32]:
    """(n,) -> (n, B) over `TRUTHS`: an MTF is shared between its two neighbours on the logarithmic grid."""
    grid = np.log([truth.mtf for truth in TRUTHS[:-1]])
    labels = np.zeros((len(mtf), len(TRUTHS)), dtype=np.float32)
    cubic = np.isnan(mtf)
    labels[cubic, -1] = 1
    place = (np.log(mtf[~cubic]) - grid[0]) / (grid[1] - grid[0])
    low = np.clip(place.astype(int), 0, len(grid) - 2)
    rows = np.flatnonzero(~cubic)
    labels[rows, low] = low + 1 - place
    labels[rows, low + 1] = place - low
    return labels


def fit(examples: Examples, seed: int) -> PsfPosterior:
    """The network's weights, by cross entropy; its confidence is not calibrated yet."""
    torch.manual_seed(seed)
    centre, spread = examples.features.mean(axis=0), examples.features.std(axis=0) + 1e-6
    x = torch.from_numpy(np.clip((examples.features - centre) / spread, -FARTHEST, FARTHEST)).float()
    labels = torch.from_numpy(soft_labels(examples.mtf))
    net = torch.nn.Sequential(
        torch.nn.Linear(x.shape[1], WIDTH),
        torch.nn.SiLU(),
        torch.nn.Linear(WIDTH, WIDTH),
        torch.nn.SiLU(),
        torch.nn.Linear(WIDTH, len(TRUTHS)),
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x))[: len(x) // BATCH * BATCH].reshape(-1, BATCH):
            seen = x[rows] + JITTER * torch.randn(BATCH, x.shape[1])
            loss = torch.nn.functional.cross_entropy(net(seen), labels[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    layers = tuple(
        (layer.weight.detach().double().numpy().T, layer.bias.detach().double().numpy())
        for layer in net
        if isinstance(layer, torch.nn.Linear)
    )
    table = cost_table(BELIEFS, TRUTHS, SHARES)
    return PsfPosterior(centre, spread, layers, labels.mean(dim=0).double().numpy(), np.array(SHARES), table)


def calibrate(examples: Examples, seed: int) -> float:
    """The temperature that makes odds on unseen places honest, by folds over places."""
    places = np.unique(examples.place)
    fold = dict(zip(places, np.random.default_rng(seed).permutation(len(places)) % FOLDS, strict=True))
    folds = np.array([fold[place] for place in examples.place])
    scores = np.zeros(len(TEMPERATURES))
    for held in range(FOLDS):
        odds = fit(examples.take(folds != held), seed).odds(examples.features[folds == held])
        labels = soft_labels(examples.mtf[folds == held])
        for index, temperature in enumerate(TEMPERATURES):
            softened = np.log(odds + 1e-12) / temperature
            softened -= np.log(np.exp(softened).sum(axis=1, keepdims=True))
            scores[index] -= float((labels * softened).sum())
    return TEMPERATURES[int(np.argmin(scores))]


def save(posterior: PsfPosterior, path: Path) -> None:
    """As `psf_posterior.load_posterior` reads it; half precision is finer than what a few thousand examples fix."""
    held: dict[str, Floats] = {}
    for index, (weights, biases) in enumerate(posterior.layers):
        held |= {f"weights{index}": weights.astype(np.float16), f"biases{index}": biases.astype(np.float16)}
    for name in ("centre", "spread", "prior", "shares", "cost"):
        held[name] = getattr(posterior, name).astype(np.float32)
    np.savez(path, **held)  # type: ignore[arg-type]


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, fit, calibrate and write."""
    parser = argparse.ArgumentParser(prog="python -m ursat.training.psf_weights", description=__doc__)
    parser.add_argument("--data", help="the data pack's folder (default: URSAT_DATA)")
    parser.add_argument("--examples", type=int, default=20_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=2, help="the shipped weights' by default")
    parser.add_argument("--out", type=Path, default=Path(str(files("ursat.harmonise").joinpath(WEIGHTS))))
    asked = parser.parse_args(arguments)
    examples = draw_examples(load_places(asked.data, split="train"), asked.examples, asked.seed)
    temperature = calibrate(examples, asked.seed)
    found = fit(examples, asked.seed)
    weights, biases = found.layers[-1]
    save(replace(found, layers=(*found.layers[:-1], (weights / temperature, biases / temperature))), asked.out)
    sys.stdout.write(f"{asked.out}: {asked.examples} examples, temperature {temperature}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
