"""Fits the sensor and the reference once per run: sharpness, radiometry, and how far the reference is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.agreement import TEXTURE_SHARE, local_agreement
from ursat.harmonise.blur import Blur
from ursat.harmonise.deconvolve import deconvolution_taps
from ursat.harmonise.degrade_ref import SeenWindow, prepare
from ursat.harmonise.psf import PsfSpec, profile_mtf
from ursat.harmonise.psf_blind import estimate_blur_blind
from ursat.harmonise.psf_pair import estimate_blur, gather
from ursat.harmonise.radiometry import LinearFit, robust_fit
from ursat.harmonise.same_place import band_evidence
from ursat.harmonise.scene import detail_power, scene_amplitude
from ursat.types import ReferenceModel, SensorModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ursat.harmonise.pair import PairWindow

    Floats = NDArray[np.floating[Any]]
    Bools = NDArray[np.bool_]

_PRIOR_MTF = 0.33  # between a blurred sensor (0.25) and an antialiased resampling (0.5)
_PRIOR_SPREAD = 0.5  # in ln(MTF)
_PROFILE_SPREAD = 0.3
_LEAST = 0.5  # of the plain residual's robust deviation: texture alone never explains all of it
_MEDIAN_SQUARE = 0.4549  # of a chi-square with one degree of freedom
# Share of the half grid's detail that the best linear estimate from noise-free pixel boxes misses, for f^-2.4
UNPREDICTED = 0.647
_NOISE_FLOOR = 1 / 2000  # of the band's mean: quantisation and aliasing leave no reference cleaner than that


@dataclass(frozen=True, slots=True)
class PairFit:
    """What a pair of scenes taught: the input's sensor, the reference's model or None, and lines for the report."""

    sensor: SensorModel
    reference: ReferenceModel | None
    notes: tuple[str, ...]


def fit_single(
    windows: Sequence[tuple[Floats, Bools]], *, psf: PsfSpec, sensor: str, noise: tuple[float, ...]
) -> SensorModel:
    """The sensor model without a reference: as asked, else by the sensor's profile, else from the spectrum.

    Args:
        windows: (values, valid) of the input, each (C, h, w), physical units.
        psf: what the user asked for.
        sensor: the input's sensor as `SceneInfo.sensor` names it, or "unknown".
        noise: standard deviation of the input's noise per band.
    """
    if psf.mtf is not None:
        return _sensor_model(psf.name, Blur("sensor", psf.mtf), windows, noise)
    known = profile_mtf(sensor)
    if known is not None:
        return _sensor_model(f"profile {sensor}", Blur("sensor", known), windows, noise)
    found = estimate_blur_blind(windows, noise)
    what = "antialiased cubic" if found.kind == "cubic" else f"mtf {found.mtf:.2f}"
    return _sensor_model(f"estimated from the spectrum ({what})", found, windows, noise)


def fit_pair(
    pairs: Sequence[PairWindow],
    pairing: Sequence[int | None],
    *,
    level: int,
    ratio: float,
    psf: PsfSpec,
    reference_psf: PsfSpec,
    sensor: str,
    reference_sensor: str,
    noise: tuple[float, ...],
    bandpass: Sequence[tuple[float, float]],
) -> PairFit:
    """Fit sensor and reference on aligned windows of both.

    Args:
        pairs: windows with the reference on the grid 2**level times finer than the input.
        pairing: per input band the reference band that shows the same, or None: regress on all of them.
        level: the cascade level on whose grid the reference was warped, at least 1.
        ratio: input GSD over reference GSD.
        psf: the input's PSF as asked.
        reference_psf: the reference's PSF as asked.
        sensor: the input's sensor as `SceneInfo.sensor` names it, "unknown" where unknown.
        reference_sensor: the same of the reference.
        noise: standard deviation of the input's noise per band, physical units.
        bandpass: (slope, offset) per input band, applied to its reference band before the regression.

    Returns:
        The fit. ``reference`` is None where the evidence does not tell it from another place's.

    Raises:
        ValueError: level below 1, or no windows.
    """
    if level < 1 or not pairs:
        raise ValueError(f"fit_pair needs windows on a finer grid, got {len(pairs)} windows at level {level}")
    seen = [prepare(pair) for pair in pairs]
    singles = [(w.lr, w.lr_valid) for w in seen]
    pixel = 2**level / ratio
    blur, name = _input_blur(seen, pairing, psf, reference_psf, sensor, reference_sensor, pixel)
    own = _reference_blur(psf, reference_psf, reference_sensor, blur)
    taps = deconvolution_taps(pixel, own, _noise_ratio(singles, noise, blur, 2**level))
    degraded = [w.degraded(taps, blur.taps) for w in seen]
    targets = [w.lr for w in seen]
    fits: list[LinearFit] = []
    matrix: list[tuple[float, ...]] = []
    offsets: list[float] = []
    for band, partner in enumerate(pairing):
        slope, bias = bandpass[band] if partner is not None else (1.0, 0.0)
        x, y = gather(seen, degraded, targets, band, partner)
        fit = robust_fit(slope * x + bias, y)
        fits.append(fit)
        row = [0.0] * seen[0].ref.shape[0]
        for b, gain in zip(range(len(row)) if partner is None else [partner], fit.gains, strict=True):
            row[b] = gain * slope
        matrix.append(tuple(row))
        offsets.append(fit.offset + sum(fit.gains) * bias)
    evidence = band_evidence(seen, degraded, np.asarray(matrix), np.asarray(offsets), noise)
    model = ReferenceModel(
        level=level,
        taps=taps,
        matrix=tuple(matrix),
        offsets=tuple(offsets),
        trust=evidence.trust,
        residual=tuple(
            max(_expected_residual(seen, degraded, np.asarray(matrix[c]), offsets[c], c), sigma, _LEAST * fits[c].scale)
            for c, sigma in enumerate(noise)
        ),
        mtf=own.mtf,
        ratio=ratio,
    )
    if not any(evidence.trust):
        note = f"reference dropped: its detail does not match the input's (correlation {evidence.summary})"
        return PairFit(fit_single(singles, psf=psf, sensor=sensor, noise=noise), None, (note,))
    notes = [
        f"reference believed: correlation of its detail with the input's {evidence.summary}",
        f"input PSF: {name}, MTF {blur.mtf:.2f} at Nyquist",
    ]
    notes.extend(
        f"band {band + 1}: the reference's detail does not match and is not used"
        for band, trust in enumerate(evidence.trust)
        if trust == 0
    )
    return PairFit(_sensor_model(name, blur, singles, noise), model, tuple(notes))


def _expected_residual(
    seen: Sequence[SeenWindow], degraded: Sequence[Floats], row: Floats, offset: float, band: int
) -> float:
    """The s for which the median of |y - seen| / sqrt(s^2 + share of the local detail) is a Gaussian's 0.6745."""
    squares, details = [], []
    for window, reference in zip(seen, degraded, strict=True):
        ok = window.lr_valid[band] & np.all(window.ref_valid[np.flatnonzero(row)], axis=0)
        guess = np.tensordot(row, reference, axes=1) + offset
        found = local_agreement(window.lr[band], guess.astype(np.float32), ok.astype(np.float32))
        squares.append((window.lr[band] - guess)[ok] ** 2)
        details.append(found.detail[ok] * TEXTURE_SHARE)
    square, detail = np.concatenate(squares), np.concatenate(details)
    if square.size == 0:
        return 0.0
    low, high = 0.0, float(np.median(square)) / _MEDIAN_SQUARE
    for _ in range(30):
        middle = 0.5 * (low + high)
        if float(np.median(square / (middle + detail + 1e-300))) > _MEDIAN_SQUARE:
            low = middle
        else:
            high = middle
    return float(np.sqrt(high))


def _input_blur(
    seen: Sequence[SeenWindow],
    pairing: Sequence[int | None],
    psf: PsfSpec,
    reference_psf: PsfSpec,
    sensor: str,
    reference_sensor: str,
    pixel: float,
) -> tuple[Blur, str]:
    if psf.mtf is not None:
        return Blur("sensor", psf.mtf), psf.name
    known = profile_mtf(sensor)
    blur = estimate_blur(
        seen,
        pairing,
        pixel=pixel,
        reference_blur=lambda candidate: _reference_blur(psf, reference_psf, reference_sensor, candidate),
        centre=known or _PRIOR_MTF,
        spread=_PROFILE_SPREAD if known else _PRIOR_SPREAD,
    )
    return Blur(blur.kind, round(blur.mtf, 3)), f"estimated from the pair ({blur.kind})"


def _reference_blur(psf: PsfSpec, reference_psf: PsfSpec, reference_sensor: str, of_input: Blur) -> Blur:
    """As asked; else as asked for the input; else by profile; else the two images of a pair were made alike."""
    for asked in (reference_psf.mtf, psf.mtf, profile_mtf(reference_sensor)):
        if asked is not None:
            return Blur("sensor", asked)
    return of_input


def _noise_ratio(windows: Sequence[tuple[Floats, Bools]], noise: tuple[float, ...], blur: Blur, factor: int) -> float:
    """Variance of the reference's noise over its spectrum's amplitude on the level grid; the bands' median.

    The reference's noise is taken to be the input's: the sensors that are paired are of one class, and the noise of
    an already resampled image cannot be measured.
    """
    ratios = []
    for band, sigma in enumerate(noise):
        single = [(values[band], valid[band]) for values, valid in windows]
        mean = np.mean([abs(float(v[ok].mean())) for v, ok in single if ok.any()] or [0.0])
        amplitude = scene_amplitude(single, blur, sigma)
        # A f^-2.4 per unit area: a frequency in cycles per level pixel is 1/factor of one in cycles per input pixel
        on_level = amplitude * factor ** (2 - 2.4)
        ratios.append(max(sigma, _NOISE_FLOOR * float(mean)) ** 2 / on_level)
    middle = float(np.median(ratios))
    return float(f"{min(max(middle, 1e-6), 1e6):.2g}")


def _sensor_model(
    name: str, blur: Blur, windows: Sequence[tuple[Floats, Bools]], noise: tuple[float, ...]
) -> SensorModel:
    signal = []
    for band, sigma in enumerate(noise):
        amplitude = scene_amplitude([(values[band], valid[band]) for values, valid in windows], blur, sigma)
        signal.append(float(np.sqrt(amplitude * detail_power() * UNPREDICTED)))
    return SensorModel(name=name, mtf=blur.mtf, taps=blur.taps, noise=tuple(noise), signal=tuple(signal))
