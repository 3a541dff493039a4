"""Makes `harmonise/psf_weights.npz`: what `ursat.harmonise.psf_posterior` knows of blur, and what a wrong guess costs.

A small network learns the posterior over the blurs from examples (`ursat.training.psf_examples`). Its confidence is
then calibrated on places it was not fitted on, and so is, size by size, how far it is to be believed against the prior
where there are few pixels. The cost of a wrong guess comes from the design of the estimation filters themselves, not
from examples.

``python -m ursat.training.psf_weights --data FOLDER``; the same seed and data give the same weights on one machine.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import log_softmax

from ursat.benchmark.places import load_places
from ursat.harmonise.psf_posterior import BELIEFS, FARTHEST, TRUTHS, WEIGHTS, PsfPosterior
from ursat.training.psf_cost import cost_table
from ursat.training.psf_examples import Examples, draw_examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

SHARES = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9)
WIDTH, EPOCHS, BATCH, RATE, DECAY, JITTER = 48, 60, 256, 3e-3, 1e-2, 0.1
FOLDS = 4
TEMPERATURES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0)
SIDES = (8.0, 16.0, 32.0, 64.0)
WEIGHTINGS = tuple(0.05 * n for n in range(2, 25))


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
    prior = labels.mean(dim=0).double().numpy()
    sides, weighting = np.array(SIDES), np.ones(len(SIDES))
    return PsfPosterior(centre, spread, layers, prior, sides, weighting, np.array(SHARES), table)


def calibrate(
    many: Examples, few: Examples, *, temperature: float | None = None, seed: int = 0
) -> tuple[float, Floats]:
    """What makes odds on unseen places honest, by folds over places.

    Args:
        many: what the network is fitted on.
        few: examples of few pixels.
        temperature: None: the best of `TEMPERATURES`.
        seed: of the folds, and of the networks fitted without one of them.

    Returns:
        The temperature of a network fitted on ``many``, for ``many``; and its weight against the prior then, at each
        of `SIDES`, for all. From the last of them on it is 1: there the temperature says it all.
    """
    both = many.join(few)
    first = np.arange(len(both.mtf)) < len(many.mtf)
    places = np.unique(both.place)
    fold = dict(zip(places, np.random.default_rng(seed).permutation(len(places)) % FOLDS, strict=True))
    folds = np.array([fold[place] for place in both.place])
    evidence = np.zeros((len(both.mtf), len(TRUTHS)))
    for held in range(FOLDS):
        fitted = fit(both.take(first & (folds != held)), seed)
        evidence[folds == held] = fitted.evidence(both.features[folds == held])
    labels = soft_labels(both.mtf)
    if temperature is None:
        scores = [(labels[first] * log_softmax(evidence[first] / t, axis=1)).sum() for t in TEMPERATURES]
        temperature = TEMPERATURES[int(np.argmax(scores))]
    prior = np.log(labels[first].mean(axis=0))
    told = evidence / temperature - prior
    size = np.abs(np.log(both.side)[:, None] - np.log(SIDES)).argmin(axis=1)
    by_weight = []
    for weight in WEIGHTINGS:
        score = (labels * log_softmax(prior + weight * told, axis=1)).sum(axis=1)
        by_weight.append(np.bincount(size, score, minlength=len(SIDES)))
    weighting = np.array(WEIGHTINGS)[np.argmax(by_weight, axis=0)]
    return temperature, np.append(weighting[:-1], 1.0)


def save(posterior: PsfPosterior, path: Path) -> None:
    """As `psf_posterior.load_posterior` reads it; half precision is finer than what a few thousand examples fix."""
    held: dict[str, Floats] = {}
    for index, (weights, biases) in enumerate(posterior.layers):
        held |= {f"weights{index}": weights.astype(np.float16), f"biases{index}": biases.astype(np.float16)}
    for name in ("centre", "spread", "prior", "sides", "weighting", "shares", "cost"):
        held[name] = getattr(posterior, name).astype(np.float32)
    np.savez(path, **held)  # type: ignore[arg-type]


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, fit, calibrate and write."""
    parser = argparse.ArgumentParser(prog="python -m ursat.training.psf_weights", description=__doc__)
    parser.add_argument("--data", help="the data pack's folder (default: URSAT_DATA)")
    parser.add_argument("--examples", type=int, default=20_000, help="how many (default: %(default)s)")
    parser.add_argument("--few", type=int, default=4_500, help="as many of 8 to 32 px a side (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=2, help="the shipped weights' by default")
    parser.add_argument("--temperature", type=float, help="of the odds, instead of the calibrated one; 1.2 was shipped")
    parser.add_argument("--out", type=Path, default=Path(str(files("ursat.harmonise").joinpath(WEIGHTS))))
    asked = parser.parse_args(arguments)
    images = load_places(asked.data, split="train")
    many = draw_examples(images, asked.examples, asked.seed)
    few = draw_examples(images, asked.few, asked.seed, few=True)
    temperature, weighting = calibrate(many, few, temperature=asked.temperature)
    found = fit(many, asked.seed)
    weights, biases = found.layers[-1]
    layers = (*found.layers[:-1], (weights / temperature, biases / temperature))
    save(replace(found, layers=layers, weighting=weighting), asked.out)
    sys.stdout.write(f"{asked.out}: temperature {temperature}, weights {weighting} at {SIDES} px a side\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
