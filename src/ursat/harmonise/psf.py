"""The point spread function as the user names it, and what is publicly known of the sensors'.

A PSF is a pixel-wide box convolved with a Gaussian; the one number that describes it is its total modulation transfer
at the image's own Nyquist frequency (a bare box has 2/pi = 0.64).
"""

from __future__ import annotations

from dataclasses import dataclass

from ursat.errors import UsageError
from ursat.fir import BOX_MTF

LOWEST_MTF = 0.02

# Total MTF at Nyquist of the products as they are distributed, by sensor family.
# MSI: mean of B2, B3, B4, B8 (0.26, 0.28, 0.24, 0.26), Sentinel-2 L1C data quality report, also the table of
# Lanaras et al. 2017 (SupReME, 10.3390/rs9111144). OLI: the requirement of an edge slope of at least 0.027 per metre
# for the 30 m bands (Landsat Data Continuity Mission, OLI requirements; met on orbit, Knight and Kvaran 2014,
# 10.3390/rs61110286): erf(1 / (2 sqrt(2) sigma)) = 0.81, so sigma = 0.38 px; products resampled by cubic convolution
# are not sharper than that.
SENSOR_MTF: tuple[tuple[str, float], ...] = (
    ("sentinel-2", 0.26),
    ("landsat-8", 0.31),
    ("landsat-9", 0.31),
)


@dataclass(frozen=True, slots=True)
class PsfSpec:
    """What was asked for: ``kind`` "auto", "box" or "mtf"; ``mtf`` in (0.02, 0.64] (None for "auto")."""

    kind: str
    mtf: float | None = None

    @property
    def explicit(self) -> bool:
        """True where the user named the PSF."""
        return self.mtf is not None

    @property
    def name(self) -> str:
        """As it is written on the command line: "auto", "box", "mtf=0.25"."""
        return f"mtf={self.mtf:g}" if self.kind == "mtf" else self.kind


def parse_psf(text: str) -> PsfSpec:
    """Read "auto", "box" or "mtf=NUMBER".

    Args:
        text: as on the command line; the number is the total MTF at Nyquist, in (0.02, 0.64].

    Returns:
        The parsed specification.

    Raises:
        UsageError: for anything else.
    """
    word = text.strip().lower()
    if word == "auto":
        return PsfSpec("auto")
    if word == "box":
        return PsfSpec("box", BOX_MTF)
    hint = "use auto, box or mtf=M with M the MTF at Nyquist, 0.02 < M <= 0.64, e.g. --psf mtf=0.25"
    key, sep, number = word.partition("=")
    if key != "mtf" or not sep:
        raise UsageError(f"'{text}' is not a point spread function", hint=hint)
    try:
        mtf = float(number)
    except ValueError:
        raise UsageError(f"'{number}' in psf '{text}' is not a number", hint=hint) from None
    if not LOWEST_MTF < mtf <= 0.64:
        raise UsageError(f"an MTF of {number} at Nyquist is outside (0.02, 0.64]", hint=hint)
    return PsfSpec("mtf", min(mtf, BOX_MTF))


def profile_mtf(sensor: str) -> float | None:
    """Total MTF at Nyquist from public characterisation, by the sensor's name; None where it is not known."""
    name = sensor.lower()
    return next((mtf for prefix, mtf in SENSOR_MTF if name.startswith(prefix)), None)
