"""Naming bands: by description, by the words of `--bands`, or, where nothing names them, by position."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ursat.errors import InputError, UsageError
from ursat.io.sensors import AUXILIARY, COMMON_WORDS, LANDSAT, QA_NAMES, SENTINEL2, SensorBand, family
from ursat.types import Band

if TYPE_CHECKING:
    from collections.abc import Sequence

_BAND_NUMBER = re.compile(
    r"(?:^| )(?:sr |st |toa |boa |surface reflectance |reflectance )?b(?:and)? ?0*(\d{1,2}|8a)(?= |$)"
)


@dataclass(frozen=True, slots=True)
class BandName:
    """What a text says about a band: a STAC common name, a band number of the sensor ("4", "8a"), or neither."""

    common: str | None
    number: str | None

    @property
    def known(self) -> bool:
        """True when the text named a band at all."""
        return self.common is not None or self.number is not None


def words(text: str) -> str:
    """Lower case, everything but letters and digits turned into single blanks."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def parse_name(text: str) -> BandName:
    """Read "B4", "SR_B4", "B04", "Band 4 - Red", "red", "B8 pan", "T32TQM_B04_10m", "near-infrared" ..."""
    clean = words(text)
    number = _BAND_NUMBER.search(clean)
    common = next((name for word, name in COMMON_WORDS if re.search(rf"(?:^| ){word}(?= |$)", clean)), None)
    return BandName(common, number[1] if number else None)


def qa_kind(text: str | None) -> str | None:
    """The rule of the quality band that a description names ("qa_pixel" or "scl"), else None."""
    return QA_NAMES.get(words(text or ""))


def is_auxiliary(text: str | None) -> bool:
    """True for descriptions of layers that are no image: aerosol quality, water vapour, saturation flags ..."""
    return words(text or "") in AUXILIARY


def _in_family(name: BandName, table: tuple[SensorBand, ...]) -> SensorBand | None:
    if name.number is not None:
        band = next((band for band in table if _bare(band.native) == name.number.upper()), None)
        if name.common is None or (band and band.common and _kind(band.common) == _kind(name.common)):
            return band
        # "band 1 (red)" counts positions: where number and word disagree, the word is right
    for band in table:
        if band.common == name.common:
            return band
    if name.common == "nir":  # OLI has one near-infrared band, which STAC calls nir08
        return next((band for band in table if band.common == "nir08"), None)
    return None


def _kind(common: str) -> str:
    """The word of a common name without its wavelength: nir08 is a nir."""
    return common.rstrip("0123456789")


def name_band(index: int, text: str, sensor: str, rule: str) -> Band:
    """The band called ``text``; common name and wavelength from the sensor's table where the sensor is known.

    Without a sensor B1 to B4 still mean the same (coastal, blue, green, red) on Landsat-8 and Sentinel-2.
    """
    name = parse_name(text)
    table = family(sensor)
    found = _in_family(name, table) if name.known else None
    if found is not None:
        return Band(index, found.common, found.native, found.wavelength_um, rule)
    common = name.common
    if common is None and name.number is not None and not table:
        both = [_in_family(name, LANDSAT), _in_family(name, SENTINEL2)]
        if both[0] and both[1] and both[0].common == both[1].common:
            common = both[0].common
    native = f"B{name.number.upper()}" if name.number else None
    return Band(index, common, native, None, rule)


def unnamed(index: int) -> Band:
    """A band that nothing names: known by its position only."""
    return Band(index, None, None, None, f"position: band {index} of the file, no name given")


def _matches(entry: str, band: Band, description: str | None, sensor: str) -> bool:
    if description is not None and words(entry) == words(description):
        return True
    wanted = name_band(band.index, entry, sensor, "")
    if wanted.native_name is not None and band.native_name is not None:
        return _bare(wanted.native_name) == _bare(band.native_name)
    return wanted.common_name is not None and wanted.common_name == band.common_name


def _bare(native: str) -> str:
    return native.upper().lstrip("B").lstrip("0")


def select_bands(
    wanted: Sequence[str],
    bands: Sequence[Band],
    descriptions: Sequence[str | None],
    sensor: str,
    where: str,
    *,
    renaming: bool = True,
) -> tuple[Band, ...]:
    """Apply ``--bands``: entries select by name, description or 1-based number, in the order given.

    When no entry matches anything but there are as many entries as bands, they name the bands in file order.

    Args:
        wanted: the entries; empty keeps all bands.
        bands: the file's image bands.
        descriptions: their descriptions.
        sensor: the sensor, for names such as B8 that differ between sensors.
        where: the file, for messages.
        renaming: whether this is a file, whose bands have positions and may lack names; False for scene folders,
            where a number is the sensor's own.

    Raises:
        InputError: when an entry matches no band.
        UsageError: when a band is asked for twice.
    """
    entries = [part.strip() for entry in wanted for part in entry.split(",") if part.strip()]
    if not entries:
        return tuple(bands)
    found = [_find(entry, bands, descriptions, sensor, positions=renaming) for entry in entries]
    if not any(found) and renaming and len(entries) == len(bands):
        return tuple(
            replace(named, native_name=named.native_name or entry)
            for band, entry in zip(bands, entries, strict=True)
            for named in [name_band(band.index, entry, sensor, f"--bands: {entry}")]
        )
    missing = [entry for entry, band in zip(entries, found, strict=True) if band is None]
    if missing:
        available = ", ".join(f"{b.index}:{b.native_name or b.common_name or 'unnamed'}" for b in bands)
        raise InputError(
            f"{where}: no band {', '.join(missing)}; it has {available}",
            hint="name bands by common name (red), own name (B4) or number (3)"
            + (f", or give {len(bands)} names to name all bands in file order" if renaming else ""),
        )
    chosen = [band for band in found if band is not None]
    if len({band.index for band in chosen}) < len(chosen):
        raise UsageError(f"--bands {','.join(entries)}: a band is asked for twice", hint="name each band once")
    return tuple(chosen)


def _find(
    entry: str, bands: Sequence[Band], descriptions: Sequence[str | None], sensor: str, *, positions: bool
) -> Band | None:
    """The band that an entry means; a bare number is a position in a file, and the sensor's own number in a product."""
    if entry.isdecimal() and positions:
        return next((band for band in bands if band.index == int(entry)), None)
    if not positions and re.fullmatch(r"\d+[aA]?", entry):
        entry = f"B{entry}"
    for band, description in zip(bands, descriptions, strict=True):
        if _matches(entry, band, description, sensor):
            return band
    return None
