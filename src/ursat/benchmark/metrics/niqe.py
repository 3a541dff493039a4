"""NIQE: how far an image's local statistics are from those of sharp images, without a ground truth.

Mittal, Soundararajan and Bovik, "Making a Completely Blind Image Quality Analyzer", IEEE SPL 20(3), 2013. Two pristine
models serve: `photograph_model`, the authors' own parameters (niqe_photographs.LICENCE.txt), and `earth_model`, fitted
on sharp aerial tiles of the training places (NIQE-EO: no figure of it can be compared with published ones).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import correlate1d
from scipy.special import gamma

from ursat.benchmark.degrade import degrade
from ursat.benchmark.encoding import EIGHT_BIT
from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ursat.benchmark.encoding import Encoding

BLOCK = 96
LEAST_SIDE = 4 * BLOCK  # 16 blocks: with fewer the covariance of 36 features says nothing
SHARP = 0.75  # of the sharpest block of an image: what the fit takes (the paper's T)
_LUMA = np.array([0.299, 0.587, 0.114])[:, None, None]  # ITU-R BT.601
_WINDOW = np.exp(-0.5 * (np.arange(-3, 4) / (7 / 6)) ** 2)
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
_ALPHA = np.arange(0.2, 10.001, 0.001)
_RATIO = gamma(2 / _ALPHA) ** 2 / (gamma(1 / _ALPHA) * gamma(3 / _ALPHA))


@dataclass(frozen=True, slots=True, eq=False)
class PristineModel:
    """A multivariate Gaussian over the features of sharp blocks: mean (36,), covariance (36, 36)."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def distance(self, features: NDArray[np.float64]) -> float:
        """NIQE (Eq. 10): sqrt(d' ((S1 + S2) / 2)^+ d); lower is closer to pristine.

        Args:
            features: (blocks, 36) of `block_features`; blocks without texture (NaN) count only where they have values.

        Returns:
            The distance; NaN when fewer than two blocks have all features.
        """
        whole = features[~np.isnan(features).any(axis=1)]
        if len(whole) < 2:
            return float("nan")
        d = self.mean - np.nanmean(features, axis=0)
        spread = np.linalg.pinv((self.covariance + np.cov(whole, rowvar=False)) / 2)
        return float(np.sqrt(d @ spread @ d))


@cache
def earth_model() -> PristineModel:
    """NIQE-EO's model, fitted by ``scripts/fit_niqe.py``."""
    return _model("niqe_eo.npz")


@cache
def photograph_model() -> PristineModel:
    """The authors' model of 125 sharp photographs."""
    return _model("niqe_photographs.npz")


def _model(name: str) -> PristineModel:
    with np.load(Path(__file__).with_name(name)) as held:
        return PristineModel(held["mean"], held["covariance"])


def luma(image: NDArray[Any], encoding: Encoding = EIGHT_BIT) -> NDArray[np.float64]:
    """(3, H, W) DN, red first -> (H, W), whole numbers 0..255: the luma of the eight-bit picture."""
    return np.asarray(np.rint((encoding.picture(image) * _LUMA).sum(axis=0)))


def block_features(grey: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 18 features of each 96 x 96 block at two scales, and each block's sharpness.

    Args:
        grey: (H, W) in 0..255, at least one block; rows and columns beyond whole blocks are left out.

    Returns:
        ((blocks, 36), (blocks,)): NaN where a block is flat; sharpness is the mean local standard deviation.
    """
    h, w = (n // BLOCK * BLOCK for n in grey.shape)
    fine = grey[:h, :w]
    normal, deviation = _normalised(fine)
    coarse, _ = _normalised(degrade(fine[None], (h // 2, w // 2), "bicubic")[0])
    features = np.hstack([_features(_blocks(normal, BLOCK)), _features(_blocks(coarse, BLOCK // 2))])
    return features, _blocks(deviation, BLOCK).mean(axis=(1, 2))


def _blocks(image: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    h, w = image.shape
    return image.reshape(h // side, side, w // side, side).swapaxes(1, 2).reshape(-1, side, side)


def _smooth(image: NDArray[np.float64]) -> NDArray[np.float64]:
    kernel = _WINDOW / _WINDOW.sum()
    return np.asarray(correlate1d(correlate1d(image, kernel, 0, mode="nearest"), kernel, 1, mode="nearest"))


def _normalised(image: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean-subtracted, contrast-normalised coefficients (Eq. 1), and the local standard deviation."""
    mean = _smooth(image)
    deviation = np.sqrt(np.abs(_smooth(image * image) - mean * mean))
    return (image - mean) / (deviation + 1), deviation


def _features(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    alpha, left, right = _asymmetric_fit(blocks)
    columns = [alpha, (left + right) / 2]
    for shift in _NEIGHBOURS:
        alpha, left, right = _asymmetric_fit(blocks * np.roll(blocks, shift, axis=(1, 2)))
        columns += [alpha, (right - left) * gamma(2 / alpha) / gamma(1 / alpha), left, right]  # Eq. 8
    return np.stack(columns, axis=1)


def _asymmetric_fit(blocks: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Shape and the two scales of an asymmetric generalised Gaussian, by its moments (Lasmar et al., ICIP 2009)."""
    x = blocks.reshape(len(blocks), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        square = x * x
        left, right = (np.sqrt((square * side).sum(axis=1) / side.sum(axis=1)) for side in (x < 0, x > 0))
        skew = left / right
        ratio = np.abs(x).mean(axis=1) ** 2 / square.mean(axis=1)
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    alpha = np.interp(ratio, _RATIO, _ALPHA)
    scale = np.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
    return alpha, left * scale, right * scale


def naturalness(pixels: NDArray[Any], encoding: Encoding = EIGHT_BIT) -> dict[str, float]:
    """NIQE by the models at hand, of three-band images with 384 px a side or more that have texture.

    Args:
        pixels: (3, H, W) DN, red first.
        encoding: how DN are to be read.

    Returns:
        ``niqe`` (the authors' model) and ``niqe_eo``; empty where the image has none.
    """
    if len(pixels) != 3 or min(pixels.shape[-2:]) < LEAST_SIDE:
        return {}
    features, _ = block_features(luma(pixels, encoding))
    models = {"niqe": photograph_model(), "niqe_eo": earth_model()}
    found = {name: model.distance(features) for name, model in models.items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _of_truth(scene: Scene) -> dict[str, float]:
    return naturalness(scene.truth, scene.encoding) if "truth" in scene.has else {}


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    found, truth = naturalness(estimate, scene.encoding), scene.once(_of_truth)
    return found | {f"{name}_truth": truth[name] for name in found if name in truth}


METRIC = Metric(
    figures={
        "niqe": Figure("NIQE", "lower"),
        "niqe_truth": Figure("NIQE of truth"),
        "niqe_eo": Figure("NIQE-EO", "lower"),
        "niqe_eo_truth": Figure("NIQE-EO of truth"),
    },
    definition="Mittal et al. 2013 with the authors' parameters: 36 features of 96x96 blocks of the luma in 0..255 at "
    "two scales; only images of 384 px a side or more, below that the blocks are too few for a "
    "covariance. NIQE-EO: the same with a model fitted on sharp aerial images, "
    "comparable with no published number. Both judge naturalness, not truth: the ground truth's own stands beside.",
    measure=_measure,
    needs=frozenset(),
)
