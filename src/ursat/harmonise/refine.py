"""Sub-pixel shift between the input and the reference degraded by H: robust least squares over blocks.

In a block, the high-passed input is modelled as ``y = g R(d)``, with R the high-passed reference seen through the
footprint (`footprint`) at displacement d, and a gain g per block and band. Linearised in d this is a weighted least
squares problem of two unknowns; Tukey's biweight takes out pixels that changed, and blocks whose gain or residual
says "not the same ground" weigh nothing by themselves, since a block counts with g**2 / noise**2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ursat.harmonise.footprint import footprint, footprint_with_slopes, reduce_factor
from ursat.harmonise.phase import high_pass, smooth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.harmonise.pair import PairWindow

    Floats = NDArray[np.floating]

SEEN_SHARE = 0.95  # of the footprint's weight that must fall on valid fine pixels
GAIN_PRIOR_PX = 24.0  # a block's gain leans on the scene's as if that had been seen on so many pixels
TINY = 1e-12
TUKEY = 4.685  # 95 % efficiency for Gaussian residuals
MAX_BLOCK = 32
NEIGHBOURHOOD = 3.0  # input pixels: the Gaussian over which a local correlation is taken
BLUR_SIDE = 96
MIN_PIXELS_TO_DROP = 1024


@dataclass(frozen=True, slots=True)
class PreparedWindow:
    """One window ready for refining: the paired bands only, float32, the reference at most `MAX_FACTOR` finer.

    lr: (C, h, w); ref: (C, h*factor, w*factor), mean removed and 0 where not valid; ref_weight: 1.0
    where valid, (1, h*factor, w*factor) where the bands share one mask, else (C, ...).
    valid: (C, h, w), pixels of the input that are valid and whose footprint in the reference is.
    """

    lr: Floats
    valid: NDArray[np.bool_]
    ref: Floats
    ref_weight: Floats
    factor: int

    def seen(self, sigma: float, shift: tuple[float, float]) -> Floats:
        """The reference through the footprint, (C, h, w); meaningful where valid."""
        value = footprint(self.ref, self.factor, sigma, shift)
        return value / self._coverage(sigma, shift)

    def seen_with_slopes(self, sigma: float, shift: tuple[float, float]) -> tuple[Floats, Floats, Floats]:
        """`seen` and its derivatives by row and column shift."""
        over = 1 / self._coverage(sigma, shift)
        value, by_row, by_col = footprint_with_slopes(self.ref, self.factor, sigma, shift)
        return value * over, by_row * over, by_col * over

    def middle(self, side: int) -> PreparedWindow:
        """At most ``side`` x ``side`` input pixels from the middle of the window."""
        h, w = self.lr.shape[-2:]
        top, left = max(0, (h - side) // 2), max(0, (w - side) // 2)
        part = (..., slice(top, top + side), slice(left, left + side))
        f = self.factor
        fine = (..., slice(top * f, (top + side) * f), slice(left * f, (left + side) * f))
        weight = self.ref_weight[fine]
        return PreparedWindow(self.lr[part], self.valid[part], self.ref[fine], weight, f)

    def _coverage(self, sigma: float, shift: tuple[float, float]) -> Floats:
        return np.maximum(footprint(self.ref_weight, self.factor, sigma, shift), 1e-3)


def prepare(window: PairWindow, pairing: Sequence[int | None], sigma: float) -> PreparedWindow | None:
    """The paired bands of ``window``; None where no band is paired or nothing is valid on both sides."""
    pairs = [(c, r) for c, r in enumerate(pairing) if r is not None]
    if not pairs:
        return None
    mine, theirs = [c for c, _ in pairs], [r for _, r in pairs]
    ref, ref_valid, factor = reduce_factor(window.ref[theirs], window.ref_valid[theirs], window.factor)
    lr_valid = window.lr_valid[mine] & np.isfinite(window.lr[mine])
    if not lr_valid.any() or not ref_valid.any():
        return None
    ref = _centred(ref, ref_valid)
    same = bool((ref_valid == ref_valid[:1]).all())
    weight = (ref_valid[:1] if same else ref_valid).astype(np.float32)
    coverage = footprint(weight, factor, sigma, (0.0, 0.0))
    valid = lr_valid & (coverage > SEEN_SHARE)
    if not valid.any():
        return None
    return PreparedWindow(_centred(window.lr[mine], lr_valid), valid, ref, weight, factor)


def _centred(x: Floats, valid: NDArray[np.bool_]) -> Floats:
    """Each band minus its valid mean, divided by its valid standard deviation, float32; 0 where not valid."""
    out = np.zeros(x.shape, np.float32)
    for band, (values, ok) in enumerate(zip(x, valid, strict=True)):
        if ok.any():
            known = values[ok].astype(np.float64)
            spread = float(known.std())
            if spread > 1e-6 * abs(known.mean()):  # else flat to float32's last digits
                out[band][ok] = (known - known.mean()) / spread
    return out


def block_side(windows: Sequence[PreparedWindow]) -> int:
    """Side of the consensus blocks in input pixels: at least 3 x 3 blocks in the smallest window, at most 32 px."""
    side = min(min(w.lr.shape[-2:]) for w in windows)
    return int(np.clip(-(-side // 4) if side >= 24 else -(-side // 3), 3, MAX_BLOCK))


def to_blocks(x: Floats, side: int) -> Floats:
    """(C, h, w) -> (blocks, C, side*side), padded with zeros at the far edges."""
    bands, h, w = x.shape
    rows, cols = -(-h // side), -(-w // side)
    padded = np.pad(x, ((0, 0), (0, rows * side - h), (0, cols * side - w)))
    cells = padded.reshape(bands, rows, side, cols, side).transpose(1, 3, 0, 2, 4)
    return cells.reshape(rows * cols, bands, side * side)


@dataclass(frozen=True, slots=True)
class Normal:
    """The linearised problem, block by block: N_b d = u_b.

    matrix: (blocks, 2, 2); score: (blocks, 2); both in units of the block's own noise variance.
    correlation: (blocks,) of input and degraded reference, high-passed, without down-weighting; nan where unseen.
    pixels: (blocks,) valid pixels, mean over bands.
    """

    matrix: Floats
    score: Floats
    correlation: Floats
    pixels: Floats


def linearise(windows: Sequence[PreparedWindow], sigma: float, shift: tuple[float, float], side: int) -> Normal:
    """Normal equations of every block at displacement ``shift`` (on top of where the windows were read)."""
    stacks: list[list[Floats]] = [[], [], [], [], []]
    for window in windows:
        seen, by_row, by_col = window.seen_with_slopes(sigma, shift)
        images = (high_pass(window.lr, window.valid), *(high_pass(x, window.valid) for x in (seen, by_row, by_col)))
        for stack, image in zip(stacks, (*images, window.valid.astype(np.float32)), strict=True):
            stack.append(to_blocks(image, side))
    y, r, jr, jc, valid = (np.concatenate(stack) for stack in stacks)
    scene_gain, scene_power = _scene_gain(y, r, valid)
    weight = valid
    for _ in range(3):
        gain = (_sum(weight * r * y) + GAIN_PRIOR_PX * scene_power * scene_gain) / (
            _sum(weight * r * r) + GAIN_PRIOR_PX * scene_power + TINY
        )
        error = y - gain[..., None] * r
        noise = _scale(error, weight, valid)
        weight = valid * _tukey(error / noise[..., None])
    floor = 0.3 * np.median(noise[_sum(valid) > 0], axis=0) if (_sum(valid) > 0).any() else noise
    factor = gain / np.maximum(noise, floor) ** 2
    score = np.stack([(_sum(weight * j * error) * factor).sum(1) for j in (jr, jc)], axis=-1)
    matrix = np.empty((len(y), 2, 2))
    for a, ja in enumerate((jr, jc)):
        for b, jb in enumerate((jr, jc)):
            matrix[:, a, b] = (_sum(weight * ja * jb) * factor * gain).sum(1)
    return Normal(matrix, score.astype(np.float64), _block_correlation(y, r, valid), _sum(valid).mean(1))


def _sum(x: Floats) -> Floats:
    return np.asarray(x.sum(-1), dtype=np.float64)


def _scene_gain(y: Floats, r: Floats, valid: Floats) -> tuple[Floats, Floats]:
    """Per band: robust gain of the whole scene (median of blocks weighted by texture) and mean power of R."""
    power = _sum(r * r)
    slopes = _sum(r * y) / np.maximum(power, 1e-12)
    gains = np.zeros(y.shape[1])
    for band in range(y.shape[1]):
        order = np.argsort(slopes[:, band])
        mass = np.cumsum(power[order, band])
        if mass[-1] > 0:
            gains[band] = slopes[order[np.searchsorted(mass, mass[-1] / 2)], band]
    return gains, power.sum(0) / np.maximum(valid.sum((0, 2)), 1)


def _scale(error: Floats, weight: Floats, valid: Floats) -> Floats:
    """Robust standard deviation of each block's and band's residual: a few steps from the weighted RMS."""
    scale = np.sqrt(_sum(weight * error * error) / np.maximum(_sum(weight), 1))
    for _ in range(3):
        # Huber's proposal 2: residuals are cut at 1.5 sigma; 0.778 is E[min(z^2, 1.5^2)] of a standard normal.
        cut = np.minimum(np.abs(error), 1.5 * scale[..., None])
        scale = np.sqrt(_sum(valid * cut * cut) / np.maximum(_sum(valid), 1) / 0.778)
    return np.maximum(scale, 1e-6)


def _tukey(z: Floats) -> Floats:
    """Tukey's biweight."""
    return np.where(np.abs(z) < TUKEY, (1 - (z / TUKEY) ** 2) ** 2, 0.0).astype(np.float32)


def _block_correlation(y: Floats, r: Floats, valid: Floats) -> Floats:
    """Correlation per block over all bands, sign taken band by band from the whole scene."""
    sign = np.sign(_sum(r * y).sum(0))
    norm_y = np.maximum(np.sqrt((y * y).sum((0, 2)) / np.maximum(valid.sum((0, 2)), 1)), 1e-12)
    norm_r = np.maximum(np.sqrt((r * r).sum((0, 2)) / np.maximum(valid.sum((0, 2)), 1)), 1e-12)
    cross = (_sum(r * y) * sign / (norm_y * norm_r)).sum(1)
    scale = np.sqrt((_sum(y * y) / norm_y**2).sum(1) * (_sum(r * r) / norm_r**2).sum(1))
    return np.where(scale > 0, cross / np.where(scale > 0, scale, 1), np.nan)


@dataclass(frozen=True, slots=True)
class Consensus:
    """The shift that the blocks agree on.

    step: (row, col) update; sigma: its standard error, the larger axis of the error ellipse (input px), from the
    scatter of the blocks' scores (cluster-robust "sandwich" covariance, so no noise model is believed).
    halves: distance between the estimates of the two checkerboard halves of the blocks, px.
    residual: robust scatter of the blocks' own estimates around the step, px.
    blocks, inliers: informative blocks, and those within 3 of their own standard errors (or 0.1 px).
    """

    step: tuple[float, float]
    sigma: float
    halves: float
    residual: float
    blocks: int
    inliers: int


def solve(normal: Normal) -> Consensus:
    """Robust combination of the blocks: their normal equations summed, deviating blocks down-weighted."""
    trace = np.trace(normal.matrix, axis1=1, axis2=2)
    used = np.flatnonzero(trace > 1e-3 * max(float(trace.max(initial=0.0)), 1e-12))
    if len(used) < 3:
        return Consensus((0.0, 0.0), np.inf, np.inf, np.inf, len(used), 0)
    matrix, score = normal.matrix[used], normal.score[used]
    ridge = 1e-9 * np.trace(matrix.sum(0)) * np.eye(2)
    weight = np.ones(len(used))
    step = np.zeros(2)
    for _ in range(6):
        step = np.linalg.solve((weight[:, None, None] * matrix).sum(0) + ridge, weight @ score)
        left = score - matrix @ step
        own = matrix + (1e-3 * np.trace(matrix, axis1=1, axis2=2))[:, None, None] * np.eye(2)
        deviation = np.einsum("bi,bi->b", left, np.linalg.solve(own, left[..., None])[..., 0]) / 2
        typical = max(float(np.median(deviation)) / 0.693, 1e-12)  # the median of chi-squared(2)/2 is ln 2
        weight = np.where(deviation < 16 * typical, (1 - np.minimum(deviation / (16 * typical), 1)) ** 2, 0.0)
    total = np.linalg.inv((weight[:, None, None] * matrix).sum(0) + ridge)
    scores = weight[:, None] * left
    freedom = max(weight.sum() ** 2 / max((weight**2).sum(), 1e-12) - 2, 0.5)
    cover = total @ (scores.T @ scores) @ total * (freedom + 2) / freedom
    sigma = float(np.sqrt(np.linalg.eigvalsh(cover)[-1]))
    halves = _halves(used, weight[:, None, None] * matrix, weight[:, None] * score, ridge)
    offsets = np.linalg.solve(own, left[..., None])[..., 0]
    errors = np.sqrt(np.trace(np.linalg.inv(own), axis1=1, axis2=2) / 2 * typical)
    strong = trace[used] > 0.25 * np.median(trace[used])
    length = np.hypot(offsets[:, 0], offsets[:, 1]) / np.sqrt(2)
    inlier = length < np.maximum(3 * errors, 0.1)
    residual = 1.4826 * float(np.median(np.abs(offsets[strong]))) if strong.any() else np.inf
    return Consensus(
        (float(step[0]), float(step[1])), sigma, halves, residual, int(strong.sum()), int((inlier & strong).sum())
    )


def _halves(index: NDArray[np.intp], matrix: Floats, score: Floats, ridge: Floats) -> float:
    """Distance between the shifts of even and odd blocks, px."""
    even = index % 2 == 0
    if even.all() or not even.any():
        return float("inf")
    first = np.linalg.solve(matrix[even].sum(0) + ridge, score[even].sum(0))
    second = np.linalg.solve(matrix[~even].sum(0) + ridge, score[~even].sum(0))
    return float(np.hypot(*(first - second)))


def drop_unlike(windows: Sequence[PreparedWindow], sigma: float) -> list[PreparedWindow]:
    """The windows without the neighbourhoods in which input and reference do not look alike (clouds, changes).

    There the local correlation (all bands pooled, squared) is under half of what the better part of the scene
    reaches. Besides their own residuals this removes what their edges leak into the high-pass of clear ground. It
    favours agreement, so it is for refining a shift, not for judging one, and nothing is dropped from scenes so small
    that chance agreement of a few neighbourhoods would decide.
    """
    if sum(int(window.valid.any(0).sum()) for window in windows) < MIN_PIXELS_TO_DROP:
        return list(windows)
    shares = []
    for window in windows:
        y, r = high_pass(window.lr, window.valid), high_pass(window.seen(sigma, (0.0, 0.0)), window.valid)
        sign = np.sign((y * r).sum((1, 2), keepdims=True))
        cross = smooth((y * r * sign).sum(0), NEIGHBOURHOOD)
        scale = smooth((y * y).sum(0), NEIGHBOURHOOD) * smooth((r * r).sum(0), NEIGHBOURHOOD)
        shares.append(np.maximum(cross, 0) ** 2 / np.maximum(scale, 1e-20))
    known = [share[window.valid.any(0)] for share, window in zip(shares, windows, strict=True)]
    limit = 0.5 * float(np.percentile(np.concatenate(known), 80))
    return [replace(w, valid=w.valid & (share >= limit)) for w, share in zip(windows, shares, strict=True)]


def best_blur(windows: Sequence[PreparedWindow], sigmas: Sequence[float]) -> float:
    """The Gaussian (standard deviation, input px) whose footprint explains the input best.

    Maximum likelihood with a gain and a noise of its own in every 5 px neighbourhood, that is the largest mean of
    ``-log(1 - c**2)`` over the local correlations c: clear ground decides, clouds and changes have no say. The best
    of ``sigmas`` (ascending) is refined by a parabola through its neighbours. Looks at the middle of the windows.
    """
    crops = [window.middle(BLUR_SIDE) for window in windows[:4]]
    details = [high_pass(w.lr, w.valid) for w in crops]
    powers = [smooth(y * y, NEIGHBOURHOOD) for y in details]
    scores = []
    for sigma in sigmas:
        values: list[Floats] = []
        for window, y, yy in zip(crops, details, powers, strict=True):
            r = high_pass(window.seen(sigma, (0.0, 0.0)), window.valid)
            cross, rr = smooth(y * r, NEIGHBOURHOOD), smooth(r * r, NEIGHBOURHOOD)
            values.append(np.minimum(cross**2 / np.maximum(yy * rr, 1e-20), 0.9999)[window.valid])
        share = np.concatenate(values)
        scores.append(float(np.mean(-np.log1p(-share))) if share.size else 0.0)
    best = int(np.argmax(scores))
    if not 0 < best < len(scores) - 1:
        return sigmas[best]
    return _vertex(sigmas[best - 1 : best + 2], scores[best - 1 : best + 2])


def _vertex(x: Sequence[float], y: Sequence[float]) -> float:
    """Where the parabola through three points, the middle one the highest, has its top."""
    (x0, x1, x2), (y0, y1, y2) = x, y
    left, right = (x1 - x0) * (y1 - y2), (x1 - x2) * (y1 - y0)
    bend = left - right
    return x1 - 0.5 * ((x1 - x0) * left - (x1 - x2) * right) / bend if bend else x1
