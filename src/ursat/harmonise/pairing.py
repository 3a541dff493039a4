"""Which reference band stands beside which input band, and by which rule."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.harmonise.bandpass import IDENTITY, inverse, is_msi, is_oli, msi_table

if TYPE_CHECKING:
    from ursat.types import Band, SceneInfo

MAX_WAVELENGTH_GAP_UM = 0.040
NEAR_INFRARED = ("nir", "nir08")
TOA_LEVELS = ("L1",)
BOA_LEVELS = ("L2",)


@dataclass(frozen=True, slots=True)
class Pairing:
    """Partners of the input bands; every tuple but ``warnings`` has one entry per input band.

    reference_band: index into the reference's bands, None where there is no partner.
    rules: how each partner was found, in words.
    bandpass: (slope, offset) to apply to the reference's reflectance; (1, 0) where not applicable.
    warnings: what the user should know, one line each.
    """

    reference_band: tuple[int | None, ...]
    rules: tuple[str, ...]
    bandpass: tuple[tuple[float, float], ...]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary."""
        return asdict(self)


def pair_bands(target: SceneInfo, reference: SceneInfo) -> Pairing:
    """Pair every input band with a reference band.

    By common name; else by centre wavelength (nearest within 40 nm); else, where an image does not name its bands and
    the counts agree, by position (with a warning where the other one names them). A reference with a single band
    (typically panchromatic) serves every input band that has no partner of its own; the regression finds out how much
    it says about each. The near infrared of OLI and MSI pair with each other, MSI's band 8 before 8A: it has the finer
    detail, and the radiometry is the input's own.

    Args:
        target: the input scene.
        reference: the finer scene; its values and the input's are reflectances where the bandpass is to be applied.

    Returns:
        Partners, rules, bandpass rows (HLS: reference to input) and warnings.
    """
    partners: list[int | None] = []
    rules: list[str] = []
    nameless = [role for role, scene in (("input", target), ("reference", reference)) if _nameless(scene)]
    by_position = bool(nameless) and len(target.bands) == len(reference.bands) > 1
    for position, band in enumerate(target.bands):
        if by_position:
            partner: int | None = position
            rule = f"band {position + 1} by position: bands without names in the {' and the '.join(nameless)}"
        else:
            partner, rule = _partner(band, position, reference)
        partners.append(partner)
        rules.append(rule)
    bandpass, note = _bandpass(target, reference, partners, rules)
    warnings = [note] if note else []
    warnings += _warnings(target, reference, partners)
    if by_position and len(nameless) == 1:
        warnings.append(f"the {nameless[0]} does not name its bands: paired with the other image's by position")
    return Pairing(tuple(partners), tuple(rules), bandpass, tuple(warnings))


def _nameless(scene: SceneInfo) -> bool:
    return all(band.common_name is None and band.wavelength_um is None for band in scene.bands)


def _label(band: Band, position: int) -> str:
    return band.native_name or band.common_name or f"band {position + 1}"


def _partner(band: Band, position: int, reference: SceneInfo) -> tuple[int | None, str]:
    """(index of the partner or None, rule) of one input band."""
    mine = _label(band, position)
    names = [other.common_name for other in reference.bands]
    for name in _acceptable_names(band, reference):
        if name in names:
            index = names.index(name)
            return index, f"{mine} with {_label(reference.bands[index], index)}: common name '{name}'"
    if band.wavelength_um is not None:
        gaps = [
            np.inf if other.wavelength_um is None else abs(other.wavelength_um - band.wavelength_um)
            for other in reference.bands
        ]
        index = int(np.argmin(gaps)) if gaps else 0
        if gaps and gaps[index] <= MAX_WAVELENGTH_GAP_UM + 1e-9:
            gap = round(1000 * gaps[index])
            return index, f"{mine} with {_label(reference.bands[index], index)}: wavelengths differ by {gap} nm"
    if len(reference.bands) == 1:
        return 0, f"{mine} with {_label(reference.bands[0], 0)}: intensity, the reference's only band"
    return None, f"{mine}: no partner in the reference"


def _acceptable_names(band: Band, reference: SceneInfo) -> tuple[str, ...]:
    """Common names that may stand beside ``band``, the preferred one first."""
    if band.common_name is None:
        return ()
    if band.common_name not in NEAR_INFRARED:
        return (band.common_name,)
    if is_msi(reference.sensor):
        return NEAR_INFRARED
    return (band.common_name, *(name for name in NEAR_INFRARED if name != band.common_name))


def _bandpass(
    target: SceneInfo, reference: SceneInfo, partners: list[int | None], rules: list[str]
) -> tuple[tuple[tuple[float, float], ...], str]:
    """((slope, offset) per input band, note): HLS rows between OLI and MSI, the identity for any other couple."""
    identity = (IDENTITY,) * len(partners)
    if is_oli(target.sensor) and is_msi(reference.sensor):
        table, forward = msi_table(reference.sensor), True
    elif is_msi(target.sensor) and is_oli(reference.sensor):
        table, forward = msi_table(target.sensor), False
    else:
        return identity, ""
    rows = []
    for band, partner, rule in zip(target.bands, partners, rules, strict=True):
        msi = (reference.bands[partner] if forward else band) if partner is not None else None
        if msi is None or msi.common_name is None or "intensity" in rule:
            rows.append(IDENTITY)
            continue
        row = table.row(msi.common_name)
        rows.append(row if forward else inverse(row))
    return tuple(rows), table.note if any(row != IDENTITY for row in rows) else ""


def _warnings(target: SceneInfo, reference: SceneInfo, partners: list[int | None]) -> list[str]:
    found = []
    if all(partner is None for partner in partners):
        found.append(
            "no input band has a partner in the reference: name the reference's bands, or give one with other bands"
        )
    kinds = _processing(target.level), _processing(reference.level)
    if None not in kinds and kinds[0] != kinds[1]:
        found.append(
            f"the input is {kinds[0]} ({target.level}) and the reference {kinds[1]} ({reference.level}) reflectance: "
            "haze differs; prefer a reference of the input's level"
        )
    return found


def _processing(level: str) -> str | None:
    """'top-of-atmosphere' or 'surface' for a processing level such as L1TP, L1C, L2SP, L2A; None where unknown."""
    if level.upper().startswith(TOA_LEVELS):
        return "top-of-atmosphere"
    if level.upper().startswith(BOA_LEVELS):
        return "surface"
    return None
