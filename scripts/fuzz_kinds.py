"""The inputs that `fuzz_inputs.py` damages: how a sound one is made, and how it is damaged.

A format joins by adding a `Kind` to `KINDS`: ``make`` writes a sound input into an empty folder and returns the
arguments of the command that reads it, ``mutate`` damages it in place. ``{out}`` in an argument is where output goes.
"""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from affine import Affine
from fuzz_runs import RUNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

HERE = Affine(30, 0, 300015, 0, -30, 4000005)
CHEAP = ["--scale", "2", "--model", "fusion", "--psf", "box", "--closure", "off", "--max-pixels", "1e7", "-o", "{out}"]
NUMBERS = ("0", "-1", "1e999", "-1e308", "nan", "inf", "1e-320", "65536", "9" * 20, "0x10", "", "\x00", "é")
PIECES = (b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"[" * 5000, b"{" * 5000, b"\xff")
TOKENS = (
    b"0",
    b"-1",
    b"9" * 12,
    b"1e999",
    b"NaN",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"[99999999,1]",
    b"true",
    b"[" * 9000,
)


@dataclass(frozen=True)
class Kind:
    """``make(folder) -> arguments`` and ``mutate(folder, random)``; the latter may return further arguments."""

    make: Callable[[Path], list[str]]
    mutate: Callable[[Path, Random], list[str] | None]


def write_tif(path: Path, shape: tuple[int, int, int] = (2, 24, 24), dtype: str = "uint16", **profile: object) -> Path:
    """A small image of noise with one nodata pixel."""
    bands, height, width = shape
    pixels = np.random.default_rng(7).integers(1, 200, shape).astype(dtype)
    pixels[:, 0, 0] = 0
    settings = {"driver": "GTiff", "crs": "EPSG:32643", "transform": HERE, "nodata": 0} | profile
    with rasterio.open(path, "w", count=bands, height=height, width=width, dtype=dtype, **settings) as out:
        out.write(pixels)
    return path


def flip(data: bytearray, random: Random, *, upto: int | None = None) -> None:
    """One to eight bytes replaced, mostly in the first ``upto``."""
    for _ in range(random.randint(1, 8)):
        end = min(upto or len(data), len(data)) if random.random() < 0.8 else len(data)
        if end:
            data[random.randrange(end)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def cut(data: bytearray, random: Random) -> None:
    """A piece removed, repeated, or everything after it dropped."""
    at, size = random.randrange(len(data) + 1), random.randint(1, 64)
    how = random.randrange(3)
    if how == 0:
        del data[at : at + size]
    elif how == 1:
        data[at:at] = data[at : at + size] * random.randint(1, 4)
    else:
        del data[at:]


TIFFS: tuple[dict[str, object], ...] = (
    {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate", "interleave": "pixel"},
    {"tiled": False, "blockysize": 5, "interleave": "band"},
    {"BIGTIFF": "YES", "compress": "lzw", "predictor": 2},
    {"dtype": "float32", "compress": "zstd", "predictor": 3},
    {"driver": "COG", "blocksize": 128, "shape": (1, 300, 200), "overviews": "AUTO"},
    {"ENDIANNESS": "BIG", "compress": "packbits", "dtype": "int16"},
)


JP2: dict[str, object] = {"driver": "JP2OpenJPEG", "nodata": None, "QUALITY": "100", "REVERSIBLE": "YES"}


def make_tiff(folder: Path) -> list[str]:
    for number, profile in enumerate(TIFFS):
        write_tif(folder / f"{number}.tif", **profile)
    return ["upscale", "{in}/in.tif", *CHEAP]


def mutate_tiff(folder: Path, random: Random) -> None:
    """Fields of the directory replaced by telling values, or bytes of the header, or pieces of the file."""
    sources = sorted(folder.glob("?.tif"))
    data = bytearray(random.choice(sources).read_bytes())
    for path in sources:
        path.unlink()
    how = random.random()
    if how < 0.6:
        _entries(data, random)
    elif how < 0.85:
        flip(data, random, upto=700)
    else:
        cut(data, random)
    (folder / "in.tif").write_bytes(data)


def _entries(data: bytearray, random: Random) -> None:
    order = "little" if data[:2] == b"II" else "big"
    big = data[2:4] in (b"+\x00", b"\x00+")
    width, head, entry = (8, 8, 20) if big else (4, 2, 12)
    at = int.from_bytes(data[8:16] if big else data[4:8], order)
    count = int.from_bytes(data[at : at + head], order)
    telling = (0, 1, 2, 16, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1, at, len(data), len(data) - 1)
    for _ in range(random.randint(1, 3)):
        chosen = at + head + entry * random.randrange(max(1, count))
        field, size = random.choice(((0, 2), (2, 2), (4, width), (4 + width, width), (4 + width, 2)))
        if random.random() < 0.1:  # the link to the next directory
            chosen, field, size = at + head + entry * count, 0, width
        value = random.choice((*telling, random.randrange(300))) % 256**size
        data[chosen + field : chosen + field + size] = value.to_bytes(size, order)


def make_jp2(folder: Path) -> list[str]:
    write_tif(folder / "in.jp2", (1, 40, 40), **JP2)
    for extra in folder.glob("*.aux.xml"):
        extra.unlink()
    return ["upscale", "{in}/in.jp2", *CHEAP]


def mutate_bytes(name: str, upto: int) -> Callable[[Path, Random], None]:
    """Bytes near the beginning of one file, or a piece of it."""

    def mutate(folder: Path, random: Random) -> None:
        (path,) = folder.glob(name)
        data = bytearray(path.read_bytes())
        if random.random() < 0.7:
            flip(data, random, upto=upto)
        else:
            cut(data, random)
        path.write_bytes(data)

    return mutate


def mutate_text(name: str) -> Callable[[Path, Random], None]:
    """Numbers replaced by telling ones, lines lost, repeated or swapped, bytes flipped."""

    def mutate(folder: Path, random: Random) -> None:
        (path,) = folder.rglob(name)
        data = path.read_bytes()
        for _ in range(random.randint(1, 3)):
            pieces = re.split(rb"(?<=[\n>,])", data)
            k = random.randrange(len(pieces))
            how = random.randrange(6)
            if how == 0:
                found = list(re.finditer(rb"[-+]?\d[\d.eE+-]*", data)) or [re.match(b"", data)]
                hit = random.choice(found)
                data = data[: hit.start()] + random.choice(NUMBERS).encode() + data[hit.end() :]
                continue
            if how == 1:
                del pieces[k]
            elif how == 2:
                pieces.insert(k, pieces[k] * random.randint(1, 2000))
            elif how == 3:
                other = random.randrange(len(pieces))
                pieces[k], pieces[other] = pieces[other], pieces[k]
            elif how == 4:
                pieces.insert(k, random.choice(PIECES))
            else:
                broken = bytearray(data)
                flip(broken, random)
                data = bytes(broken)
                continue
            data = b"".join(pieces)
        path.write_bytes(data)

    return mutate


LANDSAT = {
    "PRODUCT_CONTENTS": {
        "PROCESSING_LEVEL": "L1TP",
        "FILE_NAME_BAND_4": "B4.TIF",
        "FILE_NAME_BAND_5": "B5.TIF",
        "FILE_NAME_QUALITY_L1_PIXEL": "QA.TIF",
    },
    "IMAGE_ATTRIBUTES": {
        "SPACECRAFT_ID": "LANDSAT_8",
        "DATE_ACQUIRED": "2023-05-20",
        "SCENE_CENTER_TIME": "05:05:09.9317520Z",
        "SUN_ELEVATION": "63.36654032",
    },
    "LEVEL1_RADIOMETRIC_RESCALING": {
        "REFLECTANCE_MULT_BAND_4": "2.0000E-05",
        "REFLECTANCE_ADD_BAND_4": "-0.100000",
        "REFLECTANCE_MULT_BAND_5": "2.0000E-05",
        "REFLECTANCE_ADD_BAND_5": "-0.100000",
    },
}


def _landsat(folder: Path) -> list[str]:
    for band in ("B4", "B5"):
        write_tif(folder / f"{band}.TIF", (1, 24, 24))
    write_tif(folder / "QA.TIF", (1, 24, 24))
    return ["upscale", "{in}", *CHEAP]


def make_mtl_txt(folder: Path) -> list[str]:
    body = "".join(
        f"  GROUP = {name}\n" + "".join(f'    {k} = "{v}"\n' for k, v in group.items()) + f"  END_GROUP = {name}\n"
        for name, group in LANDSAT.items()
    )
    text = f"GROUP = LANDSAT_METADATA_FILE\n{body}END_GROUP = LANDSAT_METADATA_FILE\nEND\n"
    (folder / "X_MTL.txt").write_text(text)
    return _landsat(folder)


def make_mtl_json(folder: Path) -> list[str]:
    (folder / "X_MTL.json").write_text(json.dumps({"LANDSAT_METADATA_FILE": LANDSAT}))
    return _landsat(folder)


def make_mtl_xml(folder: Path) -> list[str]:
    body = "".join(
        f"<{name}>" + "".join(f"<{k}>{v}</{k}>" for k, v in group.items()) + f"</{name}>"
        for name, group in LANDSAT.items()
    )
    (folder / "X_MTL.xml").write_text(f"<LANDSAT_METADATA_FILE>{body}</LANDSAT_METADATA_FILE>")
    return _landsat(folder)


MTD = """<?xml version="1.0" encoding="UTF-8"?><n1:L xmlns:n1="https://x"><n1:General_Info><Product_Info>
<PRODUCT_START_TIME>2022-07-04T10:15:59.024Z</PRODUCT_START_TIME><PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL>
<PROCESSING_BASELINE>04.00</PROCESSING_BASELINE><SPACECRAFT_NAME>Sentinel-2B</SPACECRAFT_NAME></Product_Info>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>
<BOA_ADD_OFFSET band_id="1">-1000</BOA_ADD_OFFSET><BOA_ADD_OFFSET band_id="2">-1000</BOA_ADD_OFFSET>
</n1:General_Info></n1:L>"""


def make_mtd(folder: Path) -> list[str]:
    images = folder / "S.SAFE" / "GRANULE" / "G" / "IMG_DATA" / "R10m"
    images.mkdir(parents=True)
    for band in ("B02", "B03"):
        write_tif(images / f"T_{band}_10m.jp2", (1, 40, 40), **JP2)
    for extra in images.glob("*.aux.xml"):
        extra.unlink()
    (folder / "S.SAFE" / "MTD_MSIL2A.xml").write_text(MTD)
    return ["upscale", "{in}/S.SAFE", *CHEAP]


def make_zip(folder: Path) -> list[str]:
    make_mtd(folder)
    with zipfile.ZipFile(folder / "S.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((folder / "S.SAFE").rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())
    return ["upscale", "{in}/S.zip", *CHEAP]


def make_weights(folder: Path) -> list[str]:
    from ursat.models.core.config import CoreConfig
    from ursat.models.core.denoiser import Denoiser
    from ursat.models.core.weights import save_weights

    config = CoreConfig("core-fuzz", (8, 12), (1, 1), 16)
    save_weights(folder / "w.safetensors", Denoiser(config).state_dict(), {"config": config.to_json()})
    return ["models", "verify", "{in}/w.safetensors"]


def mutate_weights(folder: Path, random: Random) -> None:
    """The header's JSON, mostly; else any byte."""
    path = folder / "w.safetensors"
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    if random.random() < 0.3:
        mutate_bytes("w.safetensors", 8 + size)(folder, random)
        return
    header = bytearray(data[8 : 8 + size])
    found = list(re.finditer(rb"\d+|\"[^\"]*\"|\[[^\]]*\]", bytes(header)))
    hit = random.choice(found)
    new = random.choice(TOKENS)
    header[hit.start() : hit.end()] = new
    length = len(header) if random.random() < 0.8 else random.choice((0, 1, 2**31, 2**63, size))
    path.write_bytes(length.to_bytes(8, "little") + bytes(header) + data[8 + size :])


VALUES = ("", " ", "0", "-1", "1e400", "nan", "inf", "-0", "1e308", "9" * 20, "\u0661", "a" * 300, "/", "..")
OPTIONS: dict[str, tuple[str, ...]] = {
    "--scale": ("2.0000001", "1024", "3", "7.5"),
    "--gsd": ("15m", "1e-300", "29.999"),
    "--seed": ("18446744073709551616", "-5"),
    "--fidelity": ("0.5", "1.0001"),
    "--mode": ("faithful", "realistic"),
    "--steps": ("auto", "1000000"),
    "--samples": ("1", "2", "100000"),
    "--window": ("0,0,4,4", "3,3,1e3,2", "0,0,1e300,1"),
    "--bbox": ("1,2,3,4", "300015,3999800,300200,4000005", "-1e308,-1e308,1e308,1e308"),
    "--bbox-crs": ("EPSG:4326", "EPSG:0", "+proj=utm +nadgrids=@/etc/passwd", "LOCAL_CS[]", "+init=/etc/passwd:1"),
    "--bands": ("1", "2,1", "1,1", "red", "\x1b[31m"),
    "--dtype": ("uint8", "float32", "complex64", "int64"),
    "--nodata": ("nan", "none", "1e39", "-9999", "0.5"),
    "--mask": ("none", "auto", "/dev/null", "https://localhost/a.tif"),
    "--psf": ("auto", "mtf=0.3", "mtf=1e-9"),
    "--closure": ("exact", "auto"),
    "--tile": ("64", "1000000000000", "65"),
    "--max-memory": ("1K", "4G", "1e30T"),
    "--max-pixels": ("1", "1e308"),
    "--co": ("COMPRESS=LZW", "A=B", "=", "BLOCKSIZE=7", "COMPRESS=JPEG", "PREDICTOR=9", "\n=\n"),
    "--device": ("cpu", "cuda:99", "meta"),
    "--jobs": ("2", "ALL_CPUS", "1000000"),
    "--ref": ("/dev/null", "vrt://x", "s3://a/b", "{in}", "{in}/in.tif"),
    "--max-shift": ("1e300", "5m"),
    "--aoi": ("/dev/null", "{in}/in.tif"),
    "--model": ("core-xs", "../x.safetensors", "/dev/zero.safetensors"),
    "-o": ("{in}/no/where.tif", "{in}", "x" * 300, "/proc/x.tif", "-"),
}


def make_options(folder: Path) -> list[str]:
    write_tif(folder / "in.tif")
    return ["upscale", "{in}/in.tif", *CHEAP]


def mutate_options(_folder: Path, random: Random) -> list[str]:
    more = []
    for name in random.sample(sorted(OPTIONS), random.randint(1, 3)):
        more += [name, random.choice((*OPTIONS[name] * 3, *VALUES))]
    return more


def make_aoi(folder: Path) -> list[str]:
    write_tif(folder / "in.tif")
    ring = [[300015, 3999300], [300700, 3999300], [300700, 4000005], [300015, 3999300]]
    crs = {"type": "name", "properties": {"name": "EPSG:32643"}}
    shape = {"type": "Polygon", "coordinates": [ring], "crs": crs}
    (folder / "aoi.geojson").write_text(json.dumps(shape))
    return ["upscale", "{in}/in.tif", "--aoi", "{in}/aoi.geojson", *CHEAP]


KINDS: dict[str, Kind] = {
    "tiff": Kind(make_tiff, mutate_tiff),
    "jp2": Kind(make_jp2, mutate_bytes("in.jp2", 200)),
    "mtl-txt": Kind(make_mtl_txt, mutate_text("X_MTL.txt")),
    "mtl-json": Kind(make_mtl_json, mutate_text("X_MTL.json")),
    "mtl-xml": Kind(make_mtl_xml, mutate_text("X_MTL.xml")),
    "mtd": Kind(make_mtd, mutate_text("MTD_MSIL2A.xml")),
    "zip": Kind(make_zip, mutate_bytes("S.zip", 10**9)),
    "weights": Kind(make_weights, mutate_weights),
    "options": Kind(make_options, mutate_options),
    "aoi": Kind(make_aoi, mutate_text("aoi.geojson")),
    **{name: Kind(make, mutate) for name, (make, mutate) in RUNS.items()},
}
