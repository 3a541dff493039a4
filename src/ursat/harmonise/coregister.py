"""Where the reference's content lies relative to the input's, to hundredths of an input pixel, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.errors import UsageError
from ursat.harmonise.evidence import correlation_peak, judge, lag_radius
from ursat.harmonise.refine import (
    Consensus,
    Normal,
    PreparedWindow,
    best_blur,
    block_side,
    drop_unlike,
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
MAX_INNER_STEPS = 4
CONVERGED_PX = 0.005
RUNAWAY_PX = 1.5


@dataclass(frozen=True, slots=True)
class CoregResult:
    """The translation to add to the reference's position, and the evidence for it.

    drow, dcol: input pixels, towards larger rows and columns: the best estimate, whatever ``reliable`` says.
    reliable: whether to move the reference by it and to trust the reference's detail.
    reliability: 0..1, from the weakest of the tests (`evidence.judge`); 0.5 is the limit.
    sigma_px: standard error of the shift (input px, worse axis of the error ellipse); residual_px: robust scatter of
    the windows' own estimates around it (rows and columns pooled).
    windows, inliers: consensus blocks with texture, and those that agree.
    correlation: of input and degraded reference after alignment, high-passed, median over the blocks.
    significance: height of the correlation peak in units of the spread at unrelated lags; rival: next peak / peak.
    blur_px: Gaussian part of the footprint that fits best (standard deviation, input px).
    reads: how often the reference was resampled. reason: one line.
    Numbers that were not measured are NaN (null in JSON).
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
        """A JSON-ready dictionary; numbers that do not exist are None."""
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(self).items()}


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
        mode: "off" (no shift), "global" or "auto"; the latter two find one translation for the whole scene, whose
            residual over the windows tells whether one translation is enough.
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
    start = correlation_peak(
        windows, START_BLUR, radius=lag_radius(windows, max_shift_px), search=math.ceil(max_shift_px) + 1
    )
    if start.ncc <= 0:
        return _unmeasured("there is no texture that both images have", reads=1)
    row, col, blur, step = start.row, start.col, START_BLUR, math.inf
    reads = 1
    while True:
        windows = _prepared(read(row, col), pairing)
        reads += 1
        if not windows:
            return _unmeasured("after the first estimate no pixel is valid in both images", reads=reads)
        if reads <= 3:  # the blur is seen best once the images lie on each other
            blur = best_blur(windows, BLURS)
        (drow, dcol), consensus, normal = _descend(drop_unlike(windows, blur), blur)
        step = math.hypot(drow, dcol)
        if step > RUNAWAY_PX:  # the correlation's answer stays, and fails the tests
            break
        row, col = row + drow, col + dcol
        if step < CONVERGED_PX or reads == MAX_READS:
            break
    peak = correlation_peak(windows, blur, radius=lag_radius(windows, max_shift_px))
    verdict = judge(peak, consensus, shift=(row, col), step=step, max_shift_px=max_shift_px)
    known = normal.correlation[np.isfinite(normal.correlation) & (normal.pixels > 0)]
    return CoregResult(
        drow=row,
        dcol=col,
        reliable=verdict.reliable,
        reliability=verdict.reliability,
        residual_px=consensus.residual,
        sigma_px=consensus.sigma,
        windows=consensus.blocks,
        inliers=consensus.inliers,
        correlation=float(np.median(known)) if known.size else 0.0,
        significance=peak.significance,
        rival=peak.rival,
        blur_px=blur,
        reads=reads,
        reason=verdict.reason,
    )


def _unmeasured(reason: str, *, reliable: bool = False, reads: int = 0) -> CoregResult:
    nan = math.nan
    return CoregResult(0.0, 0.0, reliable, float(reliable), nan, nan, 0, 0, nan, nan, nan, nan, reads, reason)


def _prepared(windows: Sequence[PairWindow], pairing: Sequence[int | None]) -> list[PreparedWindow]:
    """Windows worth looking at; slivers at the scene's edge would dictate too small a block to all the others."""
    made = [window for window in (prepare(w, pairing, START_BLUR) for w in windows) if window is not None]
    longest = max((min(w.lr.shape[-2:]) for w in made), default=0)
    return [w for w in made if 2 * min(w.lr.shape[-2:]) >= longest]


def _descend(windows: Sequence[PreparedWindow], blur: float) -> tuple[tuple[float, float], Consensus, Normal]:
    """Gauss-Newton on the windows as read: (shift on top of the read, consensus and equations at its end)."""
    side = block_side(windows)
    row = col = 0.0
    normal = linearise(windows, blur, (row, col), side)
    consensus = solve(normal)
    for _ in range(MAX_INNER_STEPS):
        drow, dcol = (min(max(part, -0.5), 0.5) for part in consensus.step)
        row, col = min(max(row + drow, -1.0), 1.0), min(max(col + dcol, -1.0), 1.0)
        if math.hypot(drow, dcol) < CONVERGED_PX:
            break
        normal = linearise(windows, blur, (row, col), side)
        consensus = solve(normal)
    return (row, col), consensus, normal
