"""Where the reference's content lies relative to the input's, to hundredths of an input pixel, and how sure that is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.errors import UsageError
from ursat.harmonise.phase import LagSums, Peak, find_peak, lag_sums, whiten
from ursat.harmonise.refine import (
    Consensus,
    PreparedWindow,
    best_blur,
    block_side,
    linearise,
    prepare,
    solve,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ursat.harmonise.pair import PairWindow

MODES = ("off", "global", "auto")
BLURS = (0.0, 0.15, 0.25, 0.35, 0.45, 0.55, 0.7)  # standard deviations in input px; MTF 0.25 at Nyquist is 0.44
START_BLUR = 0.35
MAX_READS = 5
CONVERGED_PX = 0.005

MIN_SIGNIFICANCE = 6.0
MAX_SIGMA_PX = 0.03
MAX_HALVES_SIGMAS = 5.0
MIN_CORRELATION = 0.35
MAX_RIVAL = 0.8
SLACK_PX = 0.02  # a shift of exactly the limit is believed


@dataclass(frozen=True, slots=True)
class CoregResult:
    """The translation to add to the reference's position, and the evidence for it.

    drow, dcol: input pixels, towards larger rows and columns. Zero unless measured, whatever ``reliable`` says.
    reliable: whether to move the reference by it and to trust the reference's detail.
    reliability: 0..1, the weakest of the tests as a share of what it takes; at least 0.5 where reliable.
    sigma_px: standard error of the shift (input px, worse axis); residual_px: robust scatter of the windows' own
    estimates around it (rows and columns pooled).
    windows, inliers: consensus blocks with texture, and those that agree.
    correlation: of input and degraded reference after alignment, high-passed, median over the blocks.
    significance: height of the correlation peak in units of the spread at unrelated lags; rival: next peak / peak.
    blur_px: Gaussian part of the footprint that fits best (standard deviation, input px).
    reads: how often the reference was resampled. reason: one line.
    """

    drow: float
    dcol: float
    reliable: bool
    reliability: float
    residual_px: float
    sigma_px: float
    windows: int
    inliers: int
    correlation: float
    significance: float
    rival: float
    blur_px: float
    reads: int
    reason: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary; numbers that do not exist (no window agreed) are null."""
        return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in asdict(self).items()}


def _unmeasured(reason: str, *, reliable: bool = False, reads: int = 0) -> CoregResult:
    level = 1.0 if reliable else 0.0
    nan = float("nan")
    return CoregResult(0.0, 0.0, reliable, level, nan, nan, 0, 0, nan, nan, nan, nan, reads, reason)


def coregister(
    read: Callable[[float, float], Sequence[PairWindow]],
    pairing: Sequence[int | None],
    *,
    mode: str,
    max_shift_px: float,
) -> CoregResult:
    """Find the translation that aligns the reference with the input.

    A masked correlation of the locally whitened images gives the place to a fraction of a pixel
    (`phase`); robust least squares against the reference seen through the input's footprint gives the hundredths
    (`refine`). The reference is read again at every estimate, so that at the end the two are compared where they
    lie, and no interpolation error of this function remains in the answer.

    Args:
        read: returns the windows with the reference moved by (drow, dcol) input pixels.
        pairing: reference band of every input band, None where it has none.
        mode: "off" (no shift), "global" or "auto" (one translation each; windows are used for the consensus).
        max_shift_px: the largest shift believed, input pixels, along either axis.

    Returns:
        The shift and its evidence. An answer that fails a test comes back with ``reliable=False`` and the reason.

    Raises:
        UsageError: unknown ``mode`` or a negative ``max_shift_px``.
    """
    if mode not in MODES:
        raise UsageError(f"--coreg {mode!r}: unknown mode", hint="use one of " + ", ".join(MODES))
    if not max_shift_px >= 0:
        raise UsageError(f"--max-shift: {max_shift_px} px is not a distance", hint="give a length >= 0")
    if mode == "off":
        return _unmeasured("off", reliable=True)
    windows = _prepared(read(0.0, 0.0), pairing)
    if not windows:
        return _unmeasured("no paired band has pixels that are valid in both images", reads=1)
    start = _peak(windows, START_BLUR, max_shift_px)
    if start.ncc <= 0:
        return _unmeasured("no texture that both images have", reads=1)
    shift = np.array([start.row, start.col])
    blur, reads, step = START_BLUR, 1, np.inf
    consensus = Consensus((0.0, 0.0), np.inf, np.inf, np.inf, 0, 0)
    while reads < MAX_READS:
        moved = _prepared(read(float(shift[0]), float(shift[1])), pairing)
        reads += 1
        if not moved:
            return _unmeasured("after the first estimate no pixel is valid in both images", reads=reads)
        windows = moved
        inner, consensus, blur = _inner(windows, blur, choose_blur=reads <= 3)
        step = float(np.hypot(*inner))
        if step > 1.5:  # the least squares ran off: keep the correlation's answer
            break
        shift = shift + inner
        if step < CONVERGED_PX:
            break
    return _judge(windows, consensus, shift, blur, reads, step, max_shift_px)


def _prepared(windows: Sequence[PairWindow], pairing: Sequence[int | None]) -> list[PreparedWindow]:
    made = (prepare(window, pairing, START_BLUR) for window in windows)
    return [window for window in made if window is not None]


def _inner(
    windows: Sequence[PreparedWindow], blur: float, *, choose_blur: bool
) -> tuple[np.ndarray[Any, Any], Consensus, float]:
    """Gauss-Newton on the windows as read; the shift on top of the read, the consensus at its end, the blur."""
    side = block_side(windows)
    delta = np.zeros(2)
    if choose_blur:
        blur = best_blur(windows, BLURS)
    consensus = solve(linearise(windows, blur, (0.0, 0.0), side))
    for _ in range(4):
        update = np.clip(consensus.step, -0.5, 0.5)
        delta = np.clip(delta + update, -1.0, 1.0)
        if np.hypot(*update) < CONVERGED_PX:
            break
        consensus = solve(linearise(windows, blur, (float(delta[0]), float(delta[1])), side))
    return delta, consensus, blur


def _lag_radius(windows: Sequence[PreparedWindow], max_shift_px: float) -> int:
    """Lags to look at: the search range and as much again around it, so that the peak has a background."""
    side = min(min(w.lr.shape[-2:]) for w in windows)
    return max(min(int(np.ceil(max_shift_px)) + 8, side // 2), 3)


def _correlogram(windows: Sequence[PreparedWindow], blur: float, radius: int) -> tuple[Any, Any]:
    """(correlation, overlap) per lag, bands combined with the sign and weight that their own peaks give them."""
    bands = windows[0].lr.shape[0]
    totals: list[LagSums | None] = [None] * bands
    for window in windows:
        seen = window.seen(blur, (0.0, 0.0))
        a, b = whiten(window.lr, window.valid), whiten(seen, window.valid)
        for band in range(bands):
            part = lag_sums(a[band], window.valid[band], b[band], window.valid[band], radius)
            before = totals[band]
            totals[band] = part if before is None else before + part
    maps = [total.ncc() for total in totals if total is not None]
    count = np.mean([total.count for total in totals if total is not None], axis=0)
    peaks = [m.flat[np.argmax(np.abs(m) * (count > count.max() / 3))] for m in maps]
    weights = [abs(p) for p in peaks]
    combined = sum(w * np.sign(p) * m for w, p, m in zip(weights, peaks, maps, strict=True))
    return combined / max(sum(weights), 1e-12), count


def _peak(windows: Sequence[PreparedWindow], blur: float, max_shift_px: float) -> Peak:
    radius = _lag_radius(windows, max_shift_px)
    ncc, count = _correlogram(windows, blur, radius)
    return find_peak(ncc, count, min(np.ceil(max_shift_px) + 1, radius))


def _judge(
    windows: Sequence[PreparedWindow],
    consensus: Consensus,
    shift: np.ndarray[Any, Any],
    blur: float,
    reads: int,
    step: float,
    max_shift_px: float,
) -> CoregResult:
    """Every test that a believable shift passes, and the weakest of them as the reliability."""
    radius = _lag_radius(windows, max_shift_px)
    ncc, count = _correlogram(windows, blur, radius)
    peak = find_peak(ncc, count, radius)
    normal = linearise(windows, blur, (0.0, 0.0), block_side(windows))
    known = normal.correlation[np.isfinite(normal.correlation) & (normal.pixels > 0)]
    correlation = float(np.median(known)) if len(known) else 0.0
    away = float(np.hypot(peak.row, peak.col))
    largest = float(np.max(np.abs(shift)))
    sigma = max(consensus.sigma, 1e-6)
    share = consensus.inliers / max(consensus.blocks, 1)
    tests = (
        ((max_shift_px + SLACK_PX) / max(largest, 1e-6), f"the best shift, {largest:.2f} px, is beyond the limit of {max_shift_px:.2f} px"),
        (0.75 / max(away, 1e-3), f"the images agree better {away:.1f} px away from the refined shift"),
        (peak.significance / MIN_SIGNIFICANCE, f"the correlation peak is only {peak.significance:.1f} times the background"),
        (peak.ncc / MIN_CORRELATION, f"input and reference correlate by only {peak.ncc:.2f} after alignment"),
        (MAX_RIVAL / max(peak.rival, 1e-3), f"another shift explains the images as well (rival peak {peak.rival:.2f})"),
        (MAX_SIGMA_PX / sigma, f"the windows leave the shift uncertain by {sigma:.3f} px"),
        (MAX_HALVES_SIGMAS * 2 * max(sigma, 0.005) / max(consensus.halves, 1e-6), f"two halves of the windows differ by {consensus.halves:.3f} px"),
        (0.05 / max(step, 1e-6), f"the estimate still moves by {step:.3f} px after {reads} reads"),
    )
    score, text = min(tests, key=lambda test: test[0])
    reliable = bool(score >= 1)
    reason = (
        f"{consensus.inliers} of {consensus.blocks} windows agree, standard error {sigma:.3f} px, correlation {peak.ncc:.2f}"
        if reliable
        else text
    )
    return CoregResult(
        drow=float(shift[0]),
        dcol=float(shift[1]),
        reliable=reliable,
        reliability=float(np.clip(score / (1 + score), 0, 1)) if np.isfinite(score) else 1.0,
        residual_px=consensus.residual,
        sigma_px=consensus.sigma,
        windows=consensus.blocks,
        inliers=consensus.inliers,
        correlation=correlation,
        significance=peak.significance,
        rival=peak.rival,
        blur_px=blur,
        reads=reads,
        reason=reason,
    )
