"""Which blur an image has, in odds, and which to act on: a small network, and a table of what wrong guesses cost.

What a network says of a few pixels of a place it never saw is too sure. So its odds are pooled with the prior's (the
logarithms averaged: Genest and Zidek 1986, 10.1214/ss/1177013825), with a weight that was found, size by size, on
places kept aside.

Both come from `ursat.training.psf_weights`, which tells how they were made; here they are only applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import softmax

from ursat.fir import BOX_MTF
from ursat.harmonise.blur import BOX, CUBIC, Blur
from ursat.harmonise.psf_features import PIXELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

WEIGHTS = "psf_weights.npz"
LOWEST_MTF = 0.12
# How many times more a decibel costs that an image of so many pixels a side loses to a plain pixel's result: the least
# with which sharp views of places kept aside are on average not worse than that (docs/decisions.md, 3)
CAUTION_SIDES, CAUTION = (8.0, 16.0, 32.0, 64.0), (6.0, 3.0, 2.0, 0.0)
FARTHEST = 4.0  # standard deviations: features beyond are taken for that, the network has not seen their like


def _sensors(count: int) -> tuple[Blur, ...]:
    return tuple(Blur("sensor", float(m)) for m in np.geomspace(LOWEST_MTF, BOX_MTF, count))


TRUTHS = (*_sensors(13), CUBIC)  # what an image may have seen
BELIEFS = (*_sensors(25), CUBIC)  # what may be acted on


@dataclass(frozen=True, slots=True, eq=False)
class PsfPosterior:
    """centre, spread (F,): of the features; layers: (weights (in, out), biases (out,)), the last one over `TRUTHS`.

    prior (B,): odds of `TRUTHS` before anything is seen, sum 1. sides (Z,), ascending, and weighting (Z,): the weight
    of the network's odds against the prior's for an image of so many pixels a side. shares (S,), ascending, and cost
    (S, A, B): dB lost by acting on a belief where a truth holds, at a share of noise in the variance of neighbour
    differences.
    """

    centre: Floats
    spread: Floats
    layers: tuple[tuple[Floats, Floats], ...]
    prior: Floats
    sides: Floats
    weighting: Floats
    shares: Floats
    cost: Floats

    def odds(self, features: Floats | None) -> Floats:
        """Posterior over `TRUTHS`, sum 1; the prior where there are no features.

        Args:
            features: of `psf_features.psf_features`, (..., F).
        """
        if features is None:
            return self.prior
        weight = np.interp(features[..., PIXELS] / 2, np.log(self.sides), self.weighting)[..., None]
        prior = np.log(self.prior)
        out: Floats = softmax(prior + weight * (self.evidence(features) - prior), axis=-1)
        return out

    def evidence(self, features: Floats) -> Floats:
        """Logarithms of the network's own odds, (..., B), up to a constant."""
        x = np.clip((features - self.centre) / self.spread, -FARTHEST, FARTHEST)
        for index, (weights, biases) in enumerate(self.layers):
            x = (x / (1 + np.exp(-x)) if index else x) @ weights + biases
        return x

    def costs(self, share: float) -> Floats:
        """Loss in dB of acting on each of `BELIEFS` where each of `TRUTHS` holds, (A, B).

        Args:
            share: of noise in the variance of neighbour differences, 0..1.
        """
        above = min(max(int(np.searchsorted(self.shares, share)), 1), len(self.shares) - 1)
        low, high = self.shares[above - 1], self.shares[above]
        part = min(max((share - low) / (high - low), 0.0), 1.0)
        out: Floats = (1 - part) * self.cost[above - 1] + part * self.cost[above]
        return out

    def decide(self, odds: Floats, share: float, side: float) -> Blur:
        """The blur whose expected cost is least; of few pixels, what falls below the plain pixel's result costs more.

        Args:
            odds: over `TRUTHS`, (B,).
            share: see `costs`.
            side: of the image, pixels.
        """
        cost = self.costs(share)
        below = np.maximum(cost - cost[BELIEFS.index(BOX)], 0.0)
        caution = float(np.interp(np.log(max(side, 1.0)), np.log(CAUTION_SIDES), CAUTION))
        return BELIEFS[int(np.argmin((cost + caution * below) @ odds))]


@lru_cache(maxsize=1)
def load_posterior() -> PsfPosterior:
    """The posterior that ships with the package."""
    with files("ursat.harmonise").joinpath(WEIGHTS).open("rb") as file, np.load(file, allow_pickle=False) as held:
        part = {name: held[name].astype(np.float64) for name in held.files}
    depth = sum(name.startswith("weights") for name in part)
    return PsfPosterior(
        centre=part["centre"],
        spread=part["spread"],
        layers=tuple((part[f"weights{i}"], part[f"biases{i}"]) for i in range(depth)),
        prior=part["prior"] / part["prior"].sum(),
        sides=part["sides"],
        weighting=part["weighting"],
        shares=part["shares"],
        cost=part["cost"],
    )
