"""Which blur an image has, in odds, and which to act on: a small network, and a table of what wrong guesses cost.

Both come from `ursat.training.psf_weights`, which tells how they were made; here they are only applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.fir import BOX_MTF
from ursat.harmonise.blur import CUBIC, Blur

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

WEIGHTS = "psf_weights.npz"
LOWEST_MTF = 0.12
FARTHEST = 4.0  # standard deviations: features beyond are taken for that, the network has not seen their like


def _sensors(count: int) -> tuple[Blur, ...]:
    return tuple(Blur("sensor", float(m)) for m in np.geomspace(LOWEST_MTF, BOX_MTF, count))


TRUTHS = (*_sensors(13), CUBIC)  # what an image may have seen
BELIEFS = (*_sensors(25), CUBIC)  # what may be acted on


@dataclass(frozen=True, slots=True, eq=False)
class PsfPosterior:
    """centre, spread (F,): of the features; layers: (weights (in, out), biases (out,)), the last one over `TRUTHS`.

    prior (B,): odds of `TRUTHS` before anything is seen, sum 1. shares (S,), ascending, and cost (S, A, B): dB lost by
    acting on a belief where a truth holds, at a share of noise in the variance of neighbour differences.
    """

    centre: Floats
    spread: Floats
    layers: tuple[tuple[Floats, Floats], ...]
    prior: Floats
    shares: Floats
    cost: Floats

    def odds(self, features: Floats | None) -> Floats:
        """Posterior over `TRUTHS`, sum 1; the prior where there are no features.

        Args:
            features: of `psf_features.psf_features`, (..., F).
        """
        if features is None:
            return self.prior
        x = np.clip((features - self.centre) / self.spread, -FARTHEST, FARTHEST)
        for index, (weights, biases) in enumerate(self.layers):
            x = (x / (1 + np.exp(-x)) if index else x) @ weights + biases
        odds = np.exp(x - x.max(axis=-1, keepdims=True))
        out: Floats = odds / odds.sum(axis=-1, keepdims=True)
        return out

    def expected_cost(self, odds: Floats, share: float) -> Floats:
        """Mean loss in dB of acting on each of `BELIEFS`, (A,), at a share of noise of 0..1."""
        above = min(max(int(np.searchsorted(self.shares, share)), 1), len(self.shares) - 1)
        low, high = self.shares[above - 1], self.shares[above]
        part = min(max((share - low) / (high - low), 0.0), 1.0)
        table = (1 - part) * self.cost[above - 1] + part * self.cost[above]
        out: Floats = table @ odds
        return out

    def decide(self, odds: Floats, share: float) -> Blur:
        """The blur whose expected cost is least."""
        return BELIEFS[int(np.argmin(self.expected_cost(odds, share)))]


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
        shares=part["shares"],
        cost=part["cost"],
    )
