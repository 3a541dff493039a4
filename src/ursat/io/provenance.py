"""What made a file, kept inside it: TIFF tags in the namespace URSAT.

One item, PROVENANCE, holds everything as canonical JSON; a few others repeat what a person looks for in `gdalinfo`.
Neither time, host, path nor worker count belongs here, so that two runs write the same bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.errors import RasterioError

from ursat.errors import InputError
from ursat.io.safety import locked_env

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMESPACE = "URSAT"
ITEM = "PROVENANCE"


def provenance_json(provenance: Mapping[str, Any]) -> str:
    """Canonical JSON: sorted keys, no white space, ASCII; equal values give equal bytes.

    Raises:
        ValueError: NaN or infinity among the numbers: JSON has no word for them.
    """
    return json.dumps(provenance, sort_keys=True, separators=(",", ":"), allow_nan=False)


def provenance_tags(provenance: Mapping[str, Any]) -> dict[str, str]:
    """The tags of the namespace URSAT: the JSON item and the human-readable ones that can be told from it."""
    tags = {ITEM: provenance_json(provenance)}
    model = provenance.get("model")
    sensor = provenance.get("sensor")
    closure = provenance.get("closure")
    readable = {
        "VERSION": provenance.get("ursat"),
        "MODEL": model.get("name") if isinstance(model, dict) else model,
        "SCALE": provenance.get("scale"),
        "SEED": provenance.get("seed"),
        "SENSOR_PSF": sensor.get("name") if isinstance(sensor, dict) else None,
        "CLOSURE": closure.get("mode") if isinstance(closure, dict) else None,
        "EFFECTIVE_GSD_M": provenance.get("effective_gsd_m"),
    }
    tags.update({key: str(value) for key, value in readable.items() if value is not None})
    return tags


def read_provenance(path: Path) -> dict[str, Any]:
    """The provenance that ursat wrote into a file.

    Raises:
        InputError: the file is not a readable TIFF, or holds no provenance or a damaged one.
    """
    try:
        with locked_env(), rasterio.open(path, driver="GTiff") as dataset:
            text = dataset.tags(ns=NAMESPACE).get(ITEM)
    except RasterioError as error:
        raise InputError(
            f"{path} cannot be read as a TIFF: {' '.join(str(error).split())}",
            hint="give a file written by ursat upscale",
        ) from error
    if text is None:
        raise InputError(f"{path} has no ursat provenance", hint="only files written by ursat upscale carry it")
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} has a damaged ursat provenance: {error}", hint="run ursat upscale again") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} has a damaged ursat provenance: not an object", hint="run ursat upscale again")
    return data
