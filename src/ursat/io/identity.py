"""Guessing sensor, level and date of a single file from its tags, its band descriptions and its name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SENSORS = (
    (r"landsat[ _-]*8|(?<![a-z0-9])l[cot]0?8(?=[_0-9])|(?<![a-z0-9])l8(?![0-9])", "landsat-8"),
    (r"landsat[ _-]*9|(?<![a-z0-9])l[cot]0?9(?=[_0-9])|(?<![a-z0-9])l9(?![0-9])", "landsat-9"),
    (r"sentinel[ _-]*2a|(?<![a-z0-9])s2a(?![0-9a-z])", "sentinel-2a"),
    (r"sentinel[ _-]*2b|(?<![a-z0-9])s2b(?![0-9a-z])", "sentinel-2b"),
    (r"sentinel[ _-]*2c|(?<![a-z0-9])s2c(?![0-9a-z])", "sentinel-2c"),
    (r"sentinel[ _-]*2|(?<![a-z0-9])s2(?![0-9a-z])|(?<![a-z0-9])t\d\d[a-z]{3}_\d{8}t\d{6}", "sentinel-2"),
)
_LEVEL = re.compile(r"(?<![a-z0-9])(?:msi)?(L1TP|L1GT|L1GS|L2SP|L2SR|L1C|L2A)(?![a-z0-9])", re.IGNORECASE)
_SENSOR_KEYS = ("SPACECRAFT_ID", "SPACECRAFT_NAME", "SENSOR", "PLATFORM", "SATELLITE", "SENSOR_ID", "MISSION")
_DATE_KEYS = ("ACQUISITIONDATETIME", "DATE_ACQUIRED", "ACQUIRED", "DATETIME", "PRODUCT_START_TIME")


@dataclass(frozen=True, slots=True)
class Identity:
    """Sensor ("unknown" where nothing says), processing level ("unknown" likewise), acquisition time, and why."""

    sensor: str
    level: str
    acquired: str | None
    rule: str


def sensor_in(text: str) -> str | None:
    """The sensor that a text names, or None."""
    return next((name for pattern, name in _SENSORS if re.search(pattern, text, re.IGNORECASE)), None)


def identify(tags: Mapping[str, str], descriptions: Sequence[str | None], file_name: str) -> Identity:
    """Sensor, level and date, the first of tags, descriptions and file name that says anything."""
    upper = {key.upper(): value for key, value in tags.items()}
    sensor, rule = "unknown", "nothing in tags, band descriptions or file name names a sensor"
    for text, why in _clues(upper, descriptions, file_name):
        found = sensor_in(text)
        if found:
            sensor, rule = found, why
            break
    else:
        if any(re.match(r"(?i)SR_B\d$", text or "") for text in descriptions):
            sensor, rule = "landsat-8", "band descriptions of the form SR_B4"
        elif any(re.search(r"(?i)\b(B0[1-9]|B8A)\b", text or "") for text in descriptions):
            sensor, rule = "sentinel-2", "band descriptions of the form B04 or B8A"
    level = "unknown"
    for text in (*(upper[key] for key in upper if key in {*_SENSOR_KEYS, "PROCESSING_LEVEL", "LEVEL"}), file_name):
        match = _LEVEL.search(text.replace("_", " "))
        if match:
            level = match[1].upper()
            break
    acquired = next((upper[key] for key in _DATE_KEYS if upper.get(key)), None)
    return Identity(sensor, level, acquired, rule)


def _clues(upper: Mapping[str, str], descriptions: Sequence[str | None], file_name: str) -> Iterable[tuple[str, str]]:
    for key in _SENSOR_KEYS:
        if upper.get(key):
            yield upper[key], f"tag {key}={upper[key]}"
    for text in descriptions:
        if text:
            yield text, f"band description {text!r}"
    yield file_name, f"file name {file_name}"
