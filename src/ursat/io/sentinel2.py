"""Sentinel-2 Level-1C and Level-2A products: a .SAFE folder, its zip, or its metadata file."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ursat.errors import InputError
from ursat.io.bands import select_bands
from ursat.io.geotiff import SIDECAR_RULE
from ursat.io.perband import BandFile, merge_bands
from ursat.io.product import MaskSource, Product
from ursat.io.raster import grid_of, open_raster
from ursat.io.s2metadata import read_metadata
from ursat.io.sensors import SENTINEL2
from ursat.io.tree import FolderTree, ZipTree
from ursat.types import Band

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from ursat.io.s2metadata import Metadata
    from ursat.io.tree import Tree

_METADATA = re.compile(r"^(?:[^/]+/)?MTD_MSIL(1C|2A)\.xml$")
_IMAGE = re.compile(r"/GRANULE/([^/]+)/IMG_DATA/(?:R\d\dm/)?[^/]*_(B\d\d|B8A|SCL)(?:_(10|20|60)m)?\.jp2$")
# Native ground sampling distance in metres; Level 1C file names do not say it.
_NATIVE_GSD = dict.fromkeys(("B02", "B03", "B04", "B08"), 10) | dict.fromkeys(("B01", "B09", "B10"), 60)


def is_product(folder: Path) -> bool:
    """True for a folder with a product metadata file in it."""
    return any(_METADATA.match(path.name) for path in folder.glob("MTD_MSIL*.xml"))


def read_sentinel2(path: Path, *, bands: Sequence[str] = (), cleanup: ExitStack, trusted: bool = False) -> Product:
    """Understand a product.

    Reflectance is ``(DN + ADD_OFFSET) / QUANTIFICATION_VALUE`` (Sentinel-2 Products Specification Document, version
    14.9 and later); see `ursat.io.s2metadata` for where the offset comes from. DN 0 is nodata.

    Args:
        path: the .SAFE folder, a zip of it, or the MTD_MSIL1C.xml / MTD_MSIL2A.xml inside.
        bands: the entries of ``--bands``; by default the bands of the finest grid (10 m: B02, B03, B04, B08).
        cleanup: takes over what is unpacked.
        trusted: follow links that leave the folder.

    Raises:
        InputError: metadata or images missing or damaged, unsafe archives, several granules, bands on different grids.
    """
    tree, root = _open(path, cleanup, trusted=trusted)
    metadata = read_metadata(tree.local(root))
    base = root.rpartition("/")[0]
    images = _images(tree, base, path)
    scl = images.pop("SCL", {})
    chosen, gsd = _choose(images, bands, metadata.sensor, path)
    files = [
        BandFile(
            tree.local(images[b.native_name or ""][gsd[b.native_name or ""]]),
            1 / metadata.quantification,
            metadata.offset(b.native_name or "") / metadata.quantification,
            "reflectance",
        )
        for b in chosen
    ]
    grid, sources = merge_bands(chosen, files, nodata=0.0, where=str(path))
    mask, rule, warnings = _mask(tree, scl, metadata)
    return Product(
        driver="JP2OpenJPEG",
        sensor=metadata.sensor,
        level=metadata.level,
        grid=grid,
        bands=chosen,
        sources=sources,
        mask=mask,
        acquired=metadata.acquired,
        rules=(
            ("sensor", f"SPACECRAFT_NAME in {PurePosixPath(root).name}"),
            ("bands", ", ".join(f"{name} at {metres} m" for name, metres in gsd.items())),
            ("scale/offset", metadata.rule),
            ("nodata", "0 is nodata in Sentinel-2 products"),
            ("mask", rule),
            SIDECAR_RULE,
        ),
        warnings=warnings,
    )


def _open(path: Path, cleanup: ExitStack, *, trusted: bool) -> tuple[Tree, str]:
    """The product's files and the name of its metadata file among them."""
    tree: Tree
    if path.is_dir():
        tree = FolderTree(path, trusted=trusted)
    elif _METADATA.match(path.name):
        tree = FolderTree(path.parent, trusted=trusted)
    else:
        tree = ZipTree(path, cleanup)
    found = [name for name in tree.names() if _METADATA.match(name)]
    if len(found) != 1:
        raise InputError(
            f"{path}: {len(found) or 'no'} Sentinel-2 product metadata files (MTD_MSIL1C.xml or MTD_MSIL2A.xml)",
            hint="give one .SAFE folder or the zip of one product in the format used since December 2016",
        )
    return tree, found[0]


def _images(tree: Tree, base: str, path: Path) -> dict[str, dict[int, str]]:
    """Band -> ground sampling distance -> file."""
    prefix = f"{base}/" if base else ""
    images: dict[str, dict[int, str]] = {}
    granules = set()
    for name in tree.names():
        match = _IMAGE.search(f"/{name.removeprefix(prefix)}")
        if match and name.startswith(prefix):
            granules.add(match[1])
            metres = int(match[3]) if match[3] else _NATIVE_GSD.get(match[2], 20)
            images.setdefault(match[2], {})[metres] = name
    if len(granules) != 1 or set(images) == {"SCL"}:
        raise InputError(
            f"{path}: {len(granules) or 'no'} granules with band images, exactly one is expected",
            hint="download the whole product; products of several granules (before December 2016) are not understood",
        )
    return images


def _choose(
    images: dict[str, dict[int, str]], wanted: Sequence[str], sensor: str, path: Path
) -> tuple[tuple[Band, ...], dict[str, int]]:
    """The bands, and the ground sampling distance of the file to take for each.

    Level 2A repeats fine bands at coarser grids: bands that share no native grid are taken at the finest common one.
    """
    named = [
        Band(
            i,
            b.common,
            b.native,
            b.wavelength_um,
            f"file {PurePosixPath(images[b.native][min(images[b.native])]).name}",
        )
        for i, b in enumerate(SENTINEL2, 1)
        if b.native in images
    ]
    if wanted:
        chosen = select_bands(wanted, named, [b.native_name for b in named], sensor, str(path), renaming=False)
    else:
        finest = min(min(sizes) for sizes in images.values())
        chosen = tuple(b for b in named if min(images[b.native_name or ""]) == finest)
    names = [b.native_name or "" for b in chosen]
    common = set.intersection(*(set(images[name]) for name in names))
    return chosen, {name: min(common) if common else min(images[name]) for name in names}


def _mask(tree: Tree, scl: dict[int, str], metadata: Metadata) -> tuple[MaskSource | None, str, tuple[str, ...]]:
    if not scl:
        rule = f"none: no scene classification in this {metadata.level} product"
        return None, rule, ("the product has no scene classification: clouds are not known",)
    file = tree.local(scl[min(scl)])
    with closing(open_raster(file)) as dataset:
        mask = MaskSource(file, 1, grid_of(dataset, file), "scl")
    rule = f"SCL at {min(scl)} m: no data, saturated, cloud shadow, clouds (8, 9) and cirrus are not usable"
    return mask, rule, ()
