"""The validation places: whole images that no training ever sees, read from the data pack's own files."""

from __future__ import annotations

import csv
import io
import os
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ursat.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from ursat.benchmark.images import Truth

PACKS = ("train", "train-mid")
LARGE = "val-large"
T = TypeVar("T", bound="Truth")
LARGE_GSD_M = {"neon_YELL_0010cm": 0.1, "catanduanes_PH_0007cm": 0.0724}


@dataclass(frozen=True, slots=True, eq=False)
class PlaceImage:
    """One image of ground truth.

    image_id: unique, ``<pack>/<place>/<name>``; place: the ground it shows; gsd_m: metres per pixel;
    pixels: (3, H, W) uint8; large: one of the few images meant for scales of 32 and more; stamp: empty, the pack never
    changes.
    """

    image_id: str
    place: str
    gsd_m: float
    pixels: NDArray[np.uint8]
    large: bool = False
    stamp: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the pixels."""
        height, width = self.pixels.shape[-2:]
        return height, width


def data_root(given: str | Path | None = None) -> Path:
    """The data pack's folder: ``given``, else the environment variable URSAT_DATA.

    Raises:
        UsageError: neither is set.
        InputError: the folder holds no pack.
    """
    chosen = given or os.environ.get("URSAT_DATA")
    if not chosen:
        raise UsageError("no data folder was named", hint="give --data DIR or set URSAT_DATA")
    root = Path(chosen)
    if not any((root / pack / "tiles.csv").is_file() for pack in PACKS) and not (root / LARGE).is_dir():
        raise InputError(
            f"{root}: holds neither train/tiles.csv, train-mid/tiles.csv nor val-large/",
            hint="point it at the folder that contains the data pack",
        )
    return root


def _decode(data: bytes) -> NDArray[np.uint8]:
    try:
        from PIL import Image  # noqa: PLC0415  (a development package; only the benchmark decodes WebP)
    except ImportError as err:
        raise UsageError("reading WebP tiles needs Pillow", hint="pip install pillow") from err
    with Image.open(io.BytesIO(data)) as image:
        return np.ascontiguousarray(np.moveaxis(np.asarray(image.convert("RGB")), -1, 0))


def _pack(root: Path, pack: str, split: str) -> Iterable[PlaceImage]:
    table = root / pack / "tiles.csv"
    if not table.is_file():
        return
    with table.open(newline="") as file:
        rows = {row["member"]: row for row in csv.DictReader(file) if row["split"] == split}
    for part in sorted({row["part"] for row in rows.values()}):
        with tarfile.open(root / pack / part) as tar:
            for member in tar:
                row = rows.get(member.name)
                stream = tar.extractfile(member) if row else None
                if row is not None and stream is not None:
                    name = f"{pack}/{member.name.removesuffix('.webp')}"
                    yield PlaceImage(name, row["place"], float(row["gsd_m"]), _decode(stream.read()))


def _large(root: Path) -> Iterable[PlaceImage]:
    for path in sorted((root / LARGE).glob("*.webp")):
        place, _, centimetres = path.stem.rpartition("_")
        gsd = LARGE_GSD_M.get(path.stem) or int(centimetres.removesuffix("cm")) / 100
        yield PlaceImage(f"{LARGE}/{path.stem}", place, gsd, _decode(path.read_bytes()), large=True)


@lru_cache(maxsize=4)
def _load(root: Path, split: str) -> tuple[PlaceImage, ...]:
    found = [image for pack in PACKS for image in _pack(root, pack, split)]
    if split == "val":
        found.extend(_large(root))
    return tuple(sorted(found, key=lambda image: image.image_id))


def load_places(
    data: str | Path | None = None, *, limit: int | None = None, split: str = "val"
) -> tuple[PlaceImage, ...]:
    """All validation images, decoded once and kept in memory, in the order of their ids.

    Args:
        data: the data pack's folder; default URSAT_DATA.
        limit: at most so many images besides the large ones, dealt to the places in turn.
        split: ``val``, or ``train`` for experiments that may look at training ground.

    Raises:
        UsageError: no folder was named.
        InputError: the folder is no data pack.
    """
    images = _load(data_root(data), split)
    return images if limit is None else deal(images, limit)


def deal(images: Sequence[T], limit: int) -> tuple[T, ...]:
    """``limit`` images, one from each place in turn, evenly spread inside a place; the large ones stay.

    Of more places than that, as many as wanted are taken, evenly spread.
    """
    places: dict[str, list[T]] = {}
    for image in images:
        if not image.large:
            places.setdefault(image.place, []).append(image)
    if len(places) > limit:
        names = list(places)
        places = {name: places[name] for name in (names[k * len(names) // limit] for k in range(limit))}
    share = dict.fromkeys(places, 0)
    while sum(share.values()) < min(limit, sum(len(group) for group in places.values())):
        for place, group in places.items():
            if share[place] < len(group) and sum(share.values()) < limit:
                share[place] += 1
    chosen = [
        group[int((i + 0.5) * len(group) / share[place])]
        for place, group in places.items()
        for i in range(share[place])
    ]
    return tuple(sorted(chosen, key=lambda image: image.image_id)) + tuple(i for i in images if i.large)


def other_place(image: T, images: Sequence[T], seed: int = 0) -> T:
    """An image of another place for the tracks with strange ground: the same for the same image, images and seed.

    Images at least as large come first, then the largest there is.

    Raises:
        ValueError: all images show the same place.
    """
    strangers = [candidate for candidate in images if candidate.place != image.place]
    if not strangers:
        raise ValueError(f"{image.image_id}: every image given shows {image.place}")
    height, width = image.shape
    big = [c for c in strangers if c.shape[0] >= height and c.shape[1] >= width]
    if not big:
        return max(strangers, key=lambda c: (c.shape[0] * c.shape[1], c.image_id))
    return big[int(np.random.default_rng([seed, *image.image_id.encode()]).integers(len(big)))]
