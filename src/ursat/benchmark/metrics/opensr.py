"""Improvement, omission and hallucination: the correctness triple of opensr-test.

Aybar et al., "A comprehensive benchmark for optical remote sensing image super-resolution", IEEE GRSL 21, 2024; the
formulas and constants of the package `opensr-test` 1.3 with its defaults (normalised difference, pixel by pixel).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import shift
from skimage.exposure import match_histograms

from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene
from ursat.benchmark.metrics.shift import correlate

BORDER = 16  # output pixels that are left out, rounded up to whole input pixels
LEAST_INPUT = 8  # input pixels a side that must be left
MAX_SHIFT = 5  # output pixels; a larger displacement is taken for a failed registration
LAMBDA = 0.05
TEMPERATURE = 0.25
QUANTILE = 0.75
_EPSILON = 1e-8
_DN_PER_REFLECTANCE = 10_000


def enlarged(lr: Image, scale: int) -> Image:
    """Bilinear interpolation at pixel centres, borders repeated. (C, h, w) -> (C, scale h, scale w)."""
    import torch  # noqa: PLC0415  (what needs no network starts without it)

    given = torch.from_numpy(np.ascontiguousarray(lr))[None]
    return np.asarray(torch.nn.functional.interpolate(given, scale_factor=scale, mode="bilinear")[0].numpy())


def reduced(image: Image, scale: int) -> Image:
    """Antialiased bilinear reduction (a triangle of 2 x scale pixels). (C, H, W) -> (C, H/scale, W/scale)."""
    import torch  # noqa: PLC0415  (what needs no network starts without it)

    given = torch.from_numpy(np.ascontiguousarray(image))[None]
    size = [n // scale for n in image.shape[-2:]]
    out = torch.nn.functional.interpolate(given, size=size, mode="bilinear", antialias=True)
    return np.asarray(out[0].numpy())


def harmonised(estimate: Image, truth: Image) -> Image:
    """The estimate with the truth's histogram, band by band, moved by up to 5 px to where it correlates best."""
    matched = np.asarray(match_histograms(estimate, truth, channel_axis=0), dtype=np.float64)
    found = correlate(truth.mean(axis=0), matched.mean(axis=0), "phase")
    if not found.any() or math.hypot(*found) > MAX_SHIFT:
        return matched
    return np.asarray(shift(matched, (0, *found), order=1, mode="nearest"))


def _difference(one: Image, other: Image) -> Image:
    """Normalised difference |x - y| / |x + y|, mean over bands. (C, H, W) twice -> (H, W)."""
    return np.asarray((np.abs(one - other) / np.abs(one + other + _EPSILON)).mean(axis=0))


def correctness(truth: Image, estimate: Image, lr: Image) -> dict[str, float]:
    """The triple: shares of improvement, omission and hallucination, which sum to 1.

    With d_ref, d_im and d_om the distances input-truth, estimate-truth and estimate-input, a = d_im / d_ref,
    b = d_om / d_ref and H = a + b - 1: I = a + b (1 - exp(-l H)), O = b + a (1 - exp(-l H)), Q = exp(-l a b); the
    shares are the softmin of (I, O, Q) at temperature 0.25, averaged over the pixels where one of the distances
    exceeds the third quartile of d_ref.

    Args:
        truth: (C, H, W) reflectance.
        estimate: the same shape.
        lr: (C, h, w), the input; H / h is the scale.

    Returns:
        ``improvement``, ``omission``, ``hallucination``; empty where no pixel counts.
    """
    up = enlarged(lr, truth.shape[-1] // lr.shape[-1])
    same = harmonised(estimate, truth)
    d_ref, d_im, d_om = _difference(up, truth), _difference(same, truth), _difference(same, up)
    threshold = np.sort(d_ref, axis=None)[int(QUANTILE * d_ref.size) - 1]
    counts = np.maximum(np.maximum(d_ref, d_im), d_om) > threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = d_im[counts] / d_ref[counts], d_om[counts] / d_ref[counts]
        bend = 1 - np.exp(-LAMBDA * (a + b - 1))
        scores = np.stack([a + b * bend, b + a * bend, np.exp(-LAMBDA * a * b)])
        weights = np.exp(-(scores - scores.min(axis=0)) / TEMPERATURE)
    shares = weights / weights.sum(axis=0)
    shares = shares[:, np.isfinite(shares).all(axis=0)]
    if not shares.size:
        return {}
    return dict(zip(("improvement", "omission", "hallucination"), map(float, shares.mean(axis=1)), strict=True))


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    border = -(-BORDER // scene.scale)
    if min(scene.lr.shape[-2:]) < 2 * border + LEAST_INPUT:
        return {}
    inner, fine = slice(border, -border), slice(border * scene.scale, -border * scene.scale)
    truth, answer = (image[:, fine, fine] / _DN_PER_REFLECTANCE for image in (scene.truth, estimate))
    return correctness(truth, answer, scene.lr[:, inner, inner] / _DN_PER_REFLECTANCE)


METRIC = Metric(
    figures={
        "improvement": Figure("improvement", "higher", 3),
        "omission": Figure("omission", "lower", 3),
        "hallucination": Figure("hallucination", "lower", 3),
    },
    definition="the correctness triple of opensr-test (Aybar et al. 2024), its defaults: normalised difference per "
    "pixel of input, output (histogram matched and shifted to the truth) and truth, softmin at T = 0.25, lambda = "
    "0.05, pixels above the third quartile of the input's error; the three sum to 1. A border of 16 px is left out. "
    "Histogram matching hides radiometric errors: read it beside PSNR.",
    measure=_measure,
    needs=frozenset({"truth", "lr"}),
)
