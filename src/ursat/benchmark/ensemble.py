"""The mean of many samples against the posterior mean: does ``realistic`` sample what ``faithful`` averages?

Of an exact posterior, one sample lies 3.0 dB below the mean, and the mean of N samples 10 log10(1 + 1/N) dB below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ursat.benchmark.judge import Answer
from ursat.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.benchmark.evaluate import Method
    from ursat.benchmark.observation import Observation
    from ursat.benchmark.tool import Ursat

_SET_HERE = {"mode", "seed"}


@dataclass(frozen=True, slots=True)
class MeanOfSamples:
    """The mean over seeds 0..count-1 of a tool whose options leave the seed open."""

    tool: Ursat
    count: int

    @property
    def label(self) -> str:
        """'mean of 16 ursat[mode=realistic]'."""
        return f"mean of {self.count} {self.tool.label}"

    def __call__(self, observation: Observation) -> Answer:
        """The mean, not rounded, and ``spread``: the root mean square over pixels of the samples' deviation, DN.

        Raises:
            UrsatError: a run fails.
        """
        mean: NDArray[np.float64] = np.zeros(observation.gt.shape)
        squares: NDArray[np.float64] = np.zeros(observation.gt.shape)
        for seed in range(self.count):  # Welford 1962: one sample is held at a time
            sample = self.tool.having("seed", seed)(observation).pixels.astype(np.float64)
            step = sample - mean
            mean += step / (seed + 1)
            squares += step * (sample - mean)
        return Answer(mean, {"spread": float(np.sqrt(squares.mean() / (self.count - 1)))})


def mean_of_samples(tool: Ursat, count: int) -> dict[str, Method]:
    """The experiment's methods by label, the one to compare with first: faithful, one sample, the mean of ``count``.

    Raises:
        UsageError: fewer than two samples, or ``tool`` sets the mode or the seed itself.
    """
    if count < 2:
        raise UsageError("--ensemble: at least 2 samples make a mean", hint="16 show how far the mean has come")
    if clash := _SET_HERE & {name for name, _ in tool.options}:
        raise UsageError(f"--ensemble sets {' and '.join(sorted(clash))} itself", hint="leave it to --ensemble")
    faithful, realistic = (tool.having("mode", mode) for mode in ("faithful", "realistic"))
    mean = MeanOfSamples(realistic, count)
    return {faithful.label: faithful, realistic.label: realistic, mean.label: mean}
