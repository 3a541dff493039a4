"""Input/reference pairs with a known shift: seen from one fine truth (5 m) by a 30 m and a 10 m sensor.

The degradations are done in the Fourier domain (transfer function times a phase ramp), so they share no code with
what they test. ``ScenePair.read`` plays the part of the warping reader: one cubic-spline resampling of the 10 m
reference at the requested shift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter, spline_filter

from ursat.grid import Window
from ursat.harmonise.pair import PairWindow

FINE_M, REF_M, LR_M = 5.0, 10.0, 30.0
LR_STEP, REF_STEP = 6, 2
MARGIN_LR = 4  # input pixels of truth around the scene, for shifts and for the FFT's wrap-around


def see(truth, step, shift_m, mtf, start, count):
    """Pixels of ``step`` fine pixels through box * Gauss (``mtf`` at their Nyquist); content moved by ``shift_m``.

    start, count: first pixel and number of pixels (rows, cols), counted in pixels of this sensor.
    """
    fr = np.fft.fftfreq(truth.shape[-2])[:, None]
    fc = np.fft.rfftfreq(truth.shape[-1])[None, :]
    box = np.sinc(fr * step) * np.sinc(fc * step)
    at_nyquist = 2 / np.pi
    s2 = max(0.0, -2 * np.log(mtf / at_nyquist)) / np.pi**2 * step**2  # Gaussian variance in fine pixels
    gauss = np.exp(-2 * np.pi**2 * s2 * (fr**2 + fc**2))
    centre = step / 2 - 0.5
    dr, dc = shift_m[0] / FINE_M - centre, shift_m[1] / FINE_M - centre
    ramp = np.exp(-2j * np.pi * (fr * dr + fc * dc))
    out = np.fft.irfft2(np.fft.rfft2(truth) * box * gauss * ramp, truth.shape[-2:])
    rows = slice(start[0] * step, (start[0] + count[0]) * step, step)
    cols = slice(start[1] * step, (start[1] + count[1]) * step, step)
    return out[..., rows, cols]


def power_law(shape, slope, rng):
    """A field with an isotropic spectrum of amplitude f**-slope, unit variance, periodic."""
    fr, fc = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    f = np.hypot(fr, fc)
    f[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal(shape)) * f**-slope
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, shape)
    return field / field.std()


def synthetic_truth(size, bands, rng, slope=1.1):
    """(bands, n, n) reflectance-like fields for an input of ``size`` px: 80 % common texture, 20 % of their own."""
    n = (size + 2 * MARGIN_LR) * LR_STEP
    common = power_law((n, n), slope, rng)
    own = np.stack([power_law((n, n), slope, rng) for _ in range(bands)])
    return 0.15 + 0.03 * (0.9 * common + 0.45 * own)


def cut_truth(scene, size, rng):
    """(bands, n, n) of a real scene whose pixels are taken as the 5 m truth; mirrored where it is too small."""
    n = (size + 2 * MARGIN_LR) * LR_STEP
    if n > 2 * min(scene.shape[-2:]):
        raise ValueError("the scene is too small for that size")
    big = scene
    if min(scene.shape[-2:]) < n:
        big = np.concatenate([big, big[..., ::-1]], -1)
        big = np.concatenate([big, big[..., ::-1, :]], -2)
    row = int(rng.integers(0, big.shape[-2] - n + 1))
    col = int(rng.integers(0, big.shape[-1] - n + 1))
    part = big[..., row : row + n, col : col + n].astype(np.float64)
    return part[..., ::-1] if rng.random() < 0.5 else part


@dataclass(frozen=True)
class ScenePair:
    """lr (C, h, w) at 30 m; ref (C, 3h + margins, ...) at 10 m; ``margin`` in input px; ``shift_px`` is the answer.

    ``factor`` is that of the grid on which the reference is read.
    """

    lr: np.ndarray
    lr_valid: np.ndarray
    ref: np.ndarray
    ref_valid: np.ndarray
    margin: int
    shift_px: tuple[float, float]
    factor: int = 4

    @cached_property
    def splines(self):
        """Cubic-spline coefficients of the reference's bands."""
        return [spline_filter(band, output=np.float32) for band in self.ref]

    def read(self, drow, dcol):
        """One window over the whole input; cubic spline at the shift, NaN-free, invalid outside."""
        h, w = self.lr.shape[-2:]
        native = LR_STEP // REF_STEP
        over = 1 if self.factor >= native else native * 2  # antialiased where the grid is coarser than the image
        fine = self.factor * over
        start = [((0.5 / fine) - d + self.margin) * native - 0.5 for d in (drow, dcol)]
        to = {"offset": start, "output_shape": (h * fine, w * fine), "prefilter": False}
        step = [native / fine] * 2
        values = np.stack([affine_transform(b, step, order=3, output=np.float32, **to) for b in self.splines])
        masks = self.ref_valid[:1] if self.ref_valid.all() else self.ref_valid
        seen = np.stack([affine_transform(v.astype(np.float32), step, order=1, cval=0.0, **to) for v in masks])
        valid = np.broadcast_to(seen > 0.999, values.shape)
        cells = (len(values), h * self.factor, over, w * self.factor, over)
        values, valid = values.reshape(cells).mean((2, 4)), valid.reshape(cells).all((2, 4))
        return [PairWindow(Window(0, 0, h, w), self.lr, self.lr_valid, values, valid, self.factor)]


def make_pair(
    truth,
    size,
    shift_m,
    rng,
    *,
    snr_db=40.0,
    ref_snr_db=40.0,
    ref_mtf=0.3,
    lr_mtf=0.25,
    margin=MARGIN_LR - 1,
    cloud=0.0,
    changed=0.0,
    cast=False,
    factor=4,
):
    """Both images of ``truth``; ``shift_m``: where the input's content lies relative to the reference's (metres).

    cloud: share of the reference under a bright smooth cloud. changed: share of its area replaced by other texture
    (the truth, transposed) in rectangular fields. cast: per-band gain, offset and a gradient.
    """
    lr = see(truth, LR_STEP, shift_m, lr_mtf, (MARGIN_LR, MARGIN_LR), (size, size))
    native = LR_STEP // REF_STEP
    start, count = (MARGIN_LR - margin) * native, (size + 2 * margin) * native
    ref_truth = truth
    if changed:
        ref_truth = _changed(truth, changed, rng)
    ref = see(ref_truth, REF_STEP, (0.0, 0.0), ref_mtf, (start, start), (count, count))
    spread = lr.std(axis=(-2, -1), keepdims=True)
    lr = lr + rng.standard_normal(lr.shape) * spread * 10 ** (-snr_db / 20)
    if cast:
        slope = np.linspace(0.9, 1.1, count)
        gains = rng.uniform(0.7, 1.4, (len(ref), 1, 1))
        ref = ref * gains * slope + rng.uniform(-0.02, 0.05, (len(ref), 1, 1))
    ref = ref + rng.standard_normal(ref.shape) * ref.std(axis=(-2, -1), keepdims=True) * 10 ** (-ref_snr_db / 20)
    if cloud:
        alpha = cloud_alpha(count, cloud, rng)
        ref = ref * (1 - alpha) + alpha * (ref.mean() + 8 * ref.std())
    shift_px = (shift_m[0] / LR_M, shift_m[1] / LR_M)
    return ScenePair(
        lr.astype(np.float32),
        np.ones(lr.shape, bool),
        ref.astype(np.float32),
        np.ones(ref.shape, bool),
        margin,
        shift_px,
        factor,
    )


def cloud_alpha(n, share, rng):
    """Opacity 0..1 of an n x n cloud that covers ``share`` of the area (opacity above one half)."""
    field = gaussian_filter(power_law((n, n), 1.8, rng), n / 60)
    field = field / field.std()
    level = np.quantile(field, 1 - share)
    return 1 / (1 + np.exp(-(field - level) / 0.12))


def _changed(truth, share, rng):
    out, other = truth.copy(), truth.swapaxes(-1, -2)
    n = truth.shape[-1]
    done = np.zeros((n, n), bool)
    while done.mean() < share:
        h, w = (int(v) for v in rng.integers(n // 12, n // 5, 2))
        r, c = int(rng.integers(0, n - h)), int(rng.integers(0, n - w))
        out[..., r : r + h, c : c + w] = other[..., r : r + h, c : c + w]
        done[r : r + h, c : c + w] = True
    return out


def with_masks(pair, lr_valid, ref_valid):
    """The same pair with other masks."""
    return replace(pair, lr_valid=lr_valid, ref_valid=ref_valid)
