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

    from ursat.benchmark.observation import Observation
    from ursat.benchmark.tool import Ursat


@dataclass(frozen=True, slots=True)
class MeanOfSamples:
    """The mean over seeds 0..count-1 of a tool whose options leave the seed open."""

    tool: Ursat
    count: int

    @property
    def label(self) -> str:
        """'ursat:realistic,mean=16'."""
        return f"{self.tool.label},mean={self.count}"

    def __call__(self, observation: Observation) -> Answer:
        """The mean, not rounded, and ``spread``: the root mean square over pixels of the samples' deviation, DN.

        Raises:
            UrsatError: a run fails.
        """
        mean: NDArray[np.float64] = np.zeros((len(observation.lr), *observation.shape))
        squares: NDArray[np.float64] = np.zeros((len(observation.lr), *observation.shape))
        for seed in range(self.count):  # Welford 1962: one sample is held at a time
            sample = self.tool.having("seed", seed)(observation).pixels.astype(np.float64)
            step = sample - mean
            mean += step / (seed + 1)
            squares += step * (sample - mean)
        return Answer(mean, {"spread": float(np.sqrt(squares.mean() / (self.count - 1)))})


def mean_of_samples(tool: Ursat, text: str) -> MeanOfSamples:
    """The method behind ``mean=N``.

    Raises:
        UsageError: fewer than two samples, or ``tool`` sets the seed itself.
    """
    if not text.isdecimal() or int(text) < 2:
        raise UsageError("--methods: mean=N needs at least 2 samples", hint="16 show how far the mean has come")
    if "seed" in dict(tool.options):
        raise UsageError("--methods: mean=N sets the seeds itself", hint="leave out seed=")
    return MeanOfSamples(tool, int(text))
