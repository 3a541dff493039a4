"""Understanding a single raster file: one band or a stack, with what its own tags say."""

from __future__ import annotations

import math
import re
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
from rasterio.enums import MaskFlags

from ursat.errors import InputError
from ursat.io.bands import is_auxiliary, name_band, parse_name, qa_kind, select_bands, unnamed
from ursat.io.identity import Identity, identify
from ursat.io.product import BandSource, MaskSource, Product, usable_scale
from ursat.io.raster import grid_of, open_raster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rasterio.io import DatasetReader

    from ursat.io.remote import Location
    from ursat.types import Band

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_FORMULA = re.compile(rf"DN\s*\*\s*({_NUMBER})(?:\s*([-+])\s*({_NUMBER}))?", re.IGNORECASE)
_C2_SR_BAND = re.compile(r"^L[CO]0[89]_L2S[PR]_\d{6}_\d{8}_\d{8}_02_(?:T1|T2|RT)_SR_B\d\.TIF$", re.IGNORECASE)
C2_SR_SCALE, C2_SR_OFFSET = 2.75e-5, -0.2  # USGS: "How do I use a scale factor with Landsat Level-2 science products?"
SIDECAR_RULE = (
    "side-cars",
    ".aux.xml, .ovr, .msk and world files beside the input are ignored; only the file itself counts",
)


def read_file(path: Location, *, bands: Sequence[str] = (), trusted: bool = False, shown: str | None = None) -> Product:
    """Understand a GeoTIFF, COG or JPEG 2000 file (a VRT when ``trusted``).

    Args:
        path: absolute local path, or a remote file.
        bands: the entries of ``--bands``.
        trusted: open VRT too.
        shown: how messages call the file ('-' for standard input).

    Raises:
        InputError: see `open_raster`, `grid_of` and `select_bands`; also when selected bands differ in dtype.
    """
    with closing(open_raster(path, trusted=trusted)) as dataset:
        return _understand(dataset, path, bands, trusted=trusted, shown=shown or path.name)


def _understand(dataset: DatasetReader, path: Location, wanted: Sequence[str], *, trusted: bool, shown: str) -> Product:
    grid = grid_of(dataset, path)
    identity = identify(dataset.tags(), dataset.descriptions, shown)
    rules = [("sensor", identity.rule)]
    warnings: list[str] = []

    qa = {i: kind for i, text in enumerate(dataset.descriptions, 1) if (kind := qa_kind(text))}
    alpha = _alpha_band(dataset)
    auxiliary = {i for i, text in enumerate(dataset.descriptions, 1) if is_auxiliary(text)}
    image = [i for i in range(1, dataset.count + 1) if i not in qa and i != alpha and (wanted or i not in auxiliary)]
    if not image:
        raise InputError(f"{path}: no image band, only quality layers", hint="give the file that holds the image bands")
    named = [_name(dataset, i, identity, shown) for i in image]
    descriptions = [dataset.descriptions[i - 1] for i in image]
    chosen = select_bands(wanted, named, descriptions, identity.sensor, str(path))
    left_out = [str(dataset.descriptions[i - 1]) for i in sorted(auxiliary - set(image))]
    rules.append(("bands", _band_rule(chosen, left_out)))

    names = {dataset.dtypes[b.index - 1] for b in chosen}
    if len(names) > 1:
        raise InputError(
            f"{path}: the bands have different data types ({', '.join(sorted(names))})",
            hint="choose bands of one type with --bands",
        )
    scaling, rule, warned = _scaling(dataset, identity, chosen, path)
    rules.append(("scale/offset", rule))
    warnings += warned
    nodata, masked, rule, warned = _nodata(dataset, chosen, alpha)
    rules.append(("nodata", rule))
    warnings += warned
    mask = None
    if qa:
        index, kind = next(iter(sorted(qa.items())))
        mask = MaskSource(path, index, grid, kind)
        rules.append(("mask", f"band {index} of the file, described {dataset.descriptions[index - 1]}"))
    rules.append(SIDECAR_RULE)
    if dataset.subdatasets:
        warnings.append(f"the file holds {len(dataset.subdatasets)} images; only the first is read")
    sources = tuple(
        BandSource(
            path=path,
            index=band.index,
            dtype=dataset.dtypes[band.index - 1],
            nodata=nodata,
            masked=masked,
            alpha=alpha,
            scale=scale,
            offset=offset,
            unit=dataset.units[band.index - 1] or None,
            description=dataset.descriptions[band.index - 1],
            colorinterp=dataset.colorinterp[band.index - 1].name,
        )
        for band, (scale, offset) in zip(chosen, scaling, strict=True)
    )
    return Product(
        driver=dataset.driver,
        sensor=identity.sensor,
        level=identity.level,
        grid=grid,
        bands=chosen,
        sources=sources,
        mask=mask,
        acquired=identity.acquired,
        rules=tuple(rules),
        warnings=tuple(warnings),
        trusted=trusted,
    )


def _alpha_band(dataset: DatasetReader) -> int | None:
    """The alpha band; a band interpreted as alpha but described as an image band (NAIP's nir) is none."""
    for index, interpretation in enumerate(dataset.colorinterp, 1):
        text = dataset.descriptions[index - 1]
        if interpretation.name == "alpha" and not (text and parse_name(text).known):
            return index
    return None


def _name(dataset: DatasetReader, index: int, identity: Identity, shown: str) -> Band:
    text = dataset.descriptions[index - 1]
    if text and parse_name(text).known:
        suffix = f" of {identity.sensor}" if identity.sensor != "unknown" else ""
        return name_band(index, text, identity.sensor, f"description {text!r}{suffix}")
    colours = [c.name for c in dataset.colorinterp]
    colour = colours[index - 1]
    if not text and {"red", "green", "blue"} <= set(colours) and colour in {"red", "green", "blue"}:
        return name_band(index, colour, identity.sensor, f"colour interpretation {colour}")
    stem = shown.rsplit(".", 1)[0]
    if dataset.count == 1 and identity.sensor != "unknown" and parse_name(stem).number:
        return name_band(index, stem, identity.sensor, f"file name {shown}")
    return unnamed(index)


def _band_rule(chosen: Sequence[Band], left_out: Sequence[str]) -> str:
    text = "; ".join(f"{b.native_name or b.common_name or b.index}: {b.rule}" for b in chosen)
    return text + (f"; left out as no image: {', '.join(left_out)}" if left_out else "")


def _scaling(
    dataset: DatasetReader, identity: Identity, chosen: Sequence[Band], path: Location
) -> tuple[list[tuple[float, float]], str, list[str]]:
    """Scale and offset of each band, in the order: band tags, a SCALE tag, the rule of Collection-2 file names."""
    warnings: list[str] = []
    tags = dataset.tags()
    pairs = [(dataset.scales[b.index - 1], dataset.offsets[b.index - 1]) for b in chosen]
    for band, (scale, offset) in zip(chosen, pairs, strict=True):
        if not usable_scale(scale, offset):
            raise InputError(
                f"{path}: band {band.index} declares scale {scale} and offset {offset}",
                hint="correct it: gdal_edit.py -scale 1 -offset 0 FILE",
            )
    rule = "band scale and offset tags"
    if all(pair == (1.0, 0.0) for pair in pairs):
        rule = "none declared: values are taken as stored"
        found = _scale_tag(tags)
        if found:
            pairs, rule = [found] * len(pairs), f"tag SCALE={tags['SCALE']}"
        elif _C2_SR_BAND.match(path.name) and dataset.dtypes[0] == "uint16":
            pairs, rule = [(C2_SR_SCALE, C2_SR_OFFSET)], "file name of a Collection-2 Level-2 surface reflectance band"
    if "sun elevation" in tags.get("SCALE", "").lower():
        warnings.append("top-of-atmosphere values are not divided by the sine of the sun's elevation")
    if rule.startswith("none") and dataset.dtypes[0] == "uint16" and identity.sensor != "unknown":
        warnings.append(
            f"no scale or offset declared: {identity.sensor} numbers are used as stored, not as reflectance"
        )
    return pairs, rule, warnings


def _scale_tag(tags: Mapping[str, str]) -> tuple[float, float] | None:
    text = tags.get("SCALE", "").strip()
    if re.fullmatch(_NUMBER, text):
        value = float(text)
        return (value, 0.0) if value not in {0.0, 1.0} and math.isfinite(value) else None
    match = _FORMULA.search(text)
    if not match or float(match[1]) == 0:
        return None
    offset = float(match[3]) * (-1 if match[2] == "-" else 1) if match[3] else 0.0
    return float(match[1]), offset


def _nodata(
    dataset: DatasetReader, chosen: Sequence[Band], alpha: int | None
) -> tuple[float | None, bool, str, list[str]]:
    """(nodata value, mask band applies, rule, warnings)."""
    first = chosen[0].index
    dtype = np.dtype(dataset.dtypes[first - 1])
    values = {dataset.nodatavals[b.index - 1] for b in chosen}
    nodata = dataset.nodatavals[first - 1]
    warnings: list[str] = []
    if len({None if v is None or math.isnan(v) else v for v in values}) > 1:
        raise InputError(
            f"{dataset.name}: the bands declare different nodata values ({', '.join(map(str, values))})",
            hint="choose bands of one nodata value with --bands",
        )
    parts: list[str] = []
    if nodata is not None and dtype.kind in "iu":
        info = np.iinfo(dtype)
        if not (math.isfinite(nodata) and nodata == int(nodata) and info.min <= nodata <= info.max):
            warnings.append(f"the declared nodata value {nodata} cannot occur in {dtype.name} and is ignored")
            nodata = None
    if nodata is not None:
        parts.append(f"tag: {nodata:g}")
    flags = dataset.mask_flag_enums[first - 1]
    masked = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
    if masked:
        parts.append("mask band in the file")
    if alpha is not None:
        parts.append(f"alpha: band {alpha}")
    if dtype.kind == "f":
        parts.append("NaN and infinity")
    return nodata, masked, " and ".join(parts) or "none declared: every pixel counts", warnings
