"""Spectral angle."""

from __future__ import annotations

import numpy as np

from ursat.benchmark.metrics.scene import Figure, Image, Metric, Scene


def sam(truth: Image, estimate: Image) -> float:
    """Mean spectral angle in degrees: Kruse et al., Remote Sensing of Environment 44, 1993.

    Args:
        truth: (C, H, W) DN.
        estimate: the same shape.

    Returns:
        Mean over pixels of the angle between the two spectra; NaN when no pixel has two spectra other than zero.
    """
    lengths = np.linalg.norm(truth, axis=0), np.linalg.norm(estimate, axis=0)
    defined = (lengths[0] > 0) & (lengths[1] > 0)
    if not defined.any():
        return float("nan")
    unit = [image[:, defined] / length[defined] for image, length in zip((truth, estimate), lengths, strict=True)]
    # 2 arcsin of half the chord: arccos of the product loses all digits near zero
    chord = np.linalg.norm(unit[0] - unit[1], axis=0) / 2
    return float(np.degrees(2 * np.arcsin(np.minimum(chord, 1))).mean())


def _measure(scene: Scene, estimate: Image) -> dict[str, float]:
    angle = sam(scene.truth, estimate) if len(estimate) > 1 else float("nan")
    return {} if np.isnan(angle) else {"sam": angle}


METRIC = Metric(
    figures={"sam": Figure("SAM °", "lower")},
    definition="mean over pixels of the angle between the spectra of truth and output, in degrees, on DN (an offset "
    "changes it); pixels where one of them is zero in all bands are left out; with three bands it is an angle of hue "
    "and saturation.",
    measure=_measure,
)
