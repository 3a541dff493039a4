"""Is a found shift to be believed: what remains to be seen once the images lie on each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ursat.harmonise.phase import LagSums, Peak, find_peak, lag_sums, whiten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.harmonise.refine import Consensus, PreparedWindow

# Limits, set on synthetic and real pairs (scripts/coreg_table.py prints what they let through): unrelated scenes
# reach a significance of 4.9 in hundreds of trials, scenes that match start at 7 with 12 x 12 pixels.
MIN_SIGNIFICANCE = 6.0
MIN_CORRELATION = 0.25
MAX_RIVAL = 0.8
MAX_SIGMA_PX = 0.02
MAX_HALVES_SIGMAS = 10.0
MAX_AWAY_PX = 0.75
MAX_STEP_PX = 0.05
SLACK_PX = 0.02  # a shift of exactly the limit is believed
BACKGROUND_LAGS = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """Outcome of all tests: ``score`` >= 1 passes them all; reason is that of the weakest, or what speaks for it."""

    score: float
    reason: str

    @property
    def reliable(self) -> bool:
        """True when every test is passed."""
        return self.score >= 1

    @property
    def reliability(self) -> float:
        """0..1, 0.5 at the limit."""
        return float(self.score / (1 + self.score))


def lag_radius(windows: Sequence[PreparedWindow], max_shift_px: float) -> int:
    """Lags to look at: the search range and some around it, so that the peak has a background to stand out of."""
    side = int(min(min(w.lr.shape[-2:]) for w in windows))
    return max(min(int(np.ceil(max_shift_px)) + BACKGROUND_LAGS, side // 2), 3)


def correlation_peak(
    windows: Sequence[PreparedWindow], blur: float, *, radius: int, search: float | None = None
) -> Peak:
    """Best lag of the whitened reference, seen through the footprint, against the whitened input.

    Args:
        windows: the pair.
        blur: Gaussian part of the footprint, input px.
        radius: largest lag, input px.
        search: lags among which the peak is looked for; None for all. The rest is background.
    """
    ncc, count = _correlogram(windows, blur, radius)
    return find_peak(ncc, count, radius if search is None else min(search, radius))


def _correlogram(
    windows: Sequence[PreparedWindow], blur: float, radius: int
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """(correlation, overlap) per lag; bands combined with the sign and weight that their own peaks give them."""
    totals: dict[int, LagSums] = {}
    for window in windows:
        a, b = whiten(window.lr, window.valid), whiten(window.seen(blur, (0.0, 0.0)), window.valid)
        for band, valid in enumerate(window.valid):
            part = lag_sums(a[band], valid, b[band], valid, radius)
            totals[band] = totals[band] + part if band in totals else part
    maps = np.stack([total.ncc() for total in totals.values()])
    count = np.mean([total.count for total in totals.values()], axis=0)
    usable = np.where(count > count.max() / 3, maps, 0.0).reshape(len(maps), -1)
    peaks = usable[np.arange(len(maps)), np.argmax(np.abs(usable), axis=1)]
    return np.tensordot(peaks, maps, 1) / max(float(np.abs(peaks).sum()), 1e-12), count


def judge(peak: Peak, consensus: Consensus, *, shift: tuple[float, float], step: float, max_shift_px: float) -> Verdict:
    """Every test that a believable shift passes.

    Args:
        peak: of the correlation after alignment, over all lags.
        consensus: what the blocks said at the last step.
        shift: the answer, input px.
        step: length of the last update, px.
        max_shift_px: the largest shift believed, per axis.
    """
    largest, away = max(abs(shift[0]), abs(shift[1])), float(np.hypot(peak.row, peak.col))
    sigma = max(consensus.sigma, 1e-6)
    halves = MAX_HALVES_SIGMAS * max(sigma, 0.005)
    tests = (
        (
            _room(max_shift_px + SLACK_PX, largest),
            f"the best shift, {largest:.2f} px, is beyond the limit of {max_shift_px:.2f} px",
        ),
        (_room(MAX_AWAY_PX, away), f"the images agree better {away:.1f} px away from the refined shift"),
        (
            peak.significance / MIN_SIGNIFICANCE,
            f"the correlation peak is only {max(peak.significance, 0):.1f} times the background",
        ),
        (peak.ncc / MIN_CORRELATION, f"input and reference correlate by only {peak.ncc:.2f} after alignment"),
        (_room(MAX_RIVAL, peak.rival), f"another shift explains the images as well (rival peak {peak.rival:.2f})"),
        (_room(MAX_SIGMA_PX, sigma), f"the windows leave the shift uncertain by {sigma:.3f} px"),
        (_room(halves, consensus.halves), f"two halves of the windows differ by {consensus.halves:.3f} px"),
        (_room(MAX_STEP_PX, step), f"the estimate still moves by {step:.3f} px at the last read"),
    )
    score, text = min(tests, key=lambda test: test[0])
    if score >= 1:
        text = (
            f"{consensus.inliers} of {consensus.blocks} windows agree, standard error {sigma:.4f} px, "
            f"correlation {peak.ncc:.2f}"
        )
    return Verdict(max(score, 0.0), text)


def _room(limit: float, value: float) -> float:
    """How often ``value`` fits under ``limit``."""
    return limit / max(value, 1e-6)
