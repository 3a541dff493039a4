"""Landsat Collection-2 scenes as USGS lays them out: names, groups and keys of real metadata, small pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from affine import Affine
from reading import noise, write_tif

L1_ID = "LC08_L1TP_143054_20230520_20230524_02_T1"
L2_ID = "LC09_L2SP_143054_20230528_20230530_02_T1"
UTM_NORTH = "EPSG:32643"
SUN_ELEVATION = 63.36654032
SHAPE = (40, 50)
T30 = Affine(30, 0, 701685, 0, -30, 1075515)
CLOUD = 22280  # QA_PIXEL of cloud with high confidence, as the User Guide tabulates it
CLEAR, FILL = 21824, 1

Groups = dict[str, dict[str, str]]


def level1(product: str = L1_ID) -> Groups:
    return {
        "PRODUCT_CONTENTS": {
            "ORIGIN": "Image courtesy of the U.S. Geological Survey",
            "LANDSAT_PRODUCT_ID": product,
            "PROCESSING_LEVEL": "L1TP",
            "COLLECTION_NUMBER": "02",
            "COLLECTION_CATEGORY": "T1",
            "OUTPUT_FORMAT": "GEOTIFF",
            **{f"FILE_NAME_BAND_{n}": f"{product}_B{n}.TIF" for n in range(1, 12)},
            "FILE_NAME_QUALITY_L1_PIXEL": f"{product}_QA_PIXEL.TIF",
        },
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": "LANDSAT_8",
            "SENSOR_ID": "OLI_TIRS",
            "DATE_ACQUIRED": "2023-05-20",
            "SCENE_CENTER_TIME": "05:05:09.9317520Z",
            "SUN_ELEVATION": str(SUN_ELEVATION),
        },
        "PROJECTION_ATTRIBUTES": {"MAP_PROJECTION": "UTM", "UTM_ZONE": "43"},
        "LEVEL1_RADIOMETRIC_RESCALING": {
            **{f"RADIANCE_MULT_BAND_{n}": "3.3420E-04" for n in (10, 11)},
            **{f"RADIANCE_ADD_BAND_{n}": "0.10000" for n in (10, 11)},
            **{f"REFLECTANCE_MULT_BAND_{n}": "2.0000E-05" for n in range(1, 10)},
            **{f"REFLECTANCE_ADD_BAND_{n}": "-0.100000" for n in range(1, 10)},
        },
    }


def level2(product: str = L2_ID) -> Groups:
    groups = level1(product)
    contents = groups["PRODUCT_CONTENTS"]
    for n in range(1, 12):
        del contents[f"FILE_NAME_BAND_{n}"]
    contents |= {"PROCESSING_LEVEL": "L2SP"}
    contents |= {f"FILE_NAME_BAND_{n}": f"{product}_SR_B{n}.TIF" for n in range(1, 8)}
    contents["FILE_NAME_BAND_ST_B10"] = f"{product}_ST_B10.TIF"
    groups["IMAGE_ATTRIBUTES"]["SPACECRAFT_ID"] = "LANDSAT_9"
    groups["LEVEL2_PROCESSING_RECORD"] = {"PROCESSING_LEVEL": "L2SP"}
    groups["LEVEL2_SURFACE_REFLECTANCE_PARAMETERS"] = {
        **{f"REFLECTANCE_MULT_BAND_{n}": "2.75e-05" for n in range(1, 8)},
        **{f"REFLECTANCE_ADD_BAND_{n}": "-0.2" for n in range(1, 8)},
    }
    groups["LEVEL2_SURFACE_TEMPERATURE_PARAMETERS"] = {
        "TEMPERATURE_MULT_BAND_ST_B10": "0.00341802",
        "TEMPERATURE_ADD_BAND_ST_B10": "149.0",
    }
    return groups


def odl(groups: Groups, root: str = "LANDSAT_METADATA_FILE") -> str:
    """Numbers and dates bare, everything else quoted, as in the real file."""
    lines = [f"GROUP = {root}"]
    for name, group in groups.items():
        lines.append(f"  GROUP = {name}")
        for key, value in group.items():
            bare = value[:1] in "-0123456789" and not value.endswith("Z")
            lines.append(f"    {key} = {value}" if bare else f'    {key} = "{value}"')
        lines.append(f"  END_GROUP = {name}")
    return "\n".join([*lines, f"END_GROUP = {root}", "END", ""])


def xml(groups: Groups) -> str:
    body = "".join(
        f"<{name}>" + "".join(f"<{key}>{value}</{key}>" for key, value in group.items()) + f"</{name}>"
        for name, group in groups.items()
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<LANDSAT_METADATA_FILE>{body}</LANDSAT_METADATA_FILE>\n'


def write_metadata(folder: Path, groups: Groups, kind: str = "txt") -> Path:
    path = folder / f"{groups['PRODUCT_CONTENTS']['LANDSAT_PRODUCT_ID']}_MTL.{kind}"
    text = {"txt": odl, "xml": xml, "json": lambda g: json.dumps({"LANDSAT_METADATA_FILE": g})}[kind](groups)
    path.write_text(text)
    return path


def write_scene(parent: Path, groups: Groups, kind: str = "txt") -> tuple[Path, dict[str, np.ndarray]]:
    """A scene folder with all the files that the metadata names; the corner pixel is fill, rows 10-19 are cloud."""
    contents = groups["PRODUCT_CONTENTS"]
    folder = parent / contents["LANDSAT_PRODUCT_ID"]
    folder.mkdir(parents=True)
    pixels: dict[str, np.ndarray] = {}
    for key, name in contents.items():
        if not key.startswith(("FILE_NAME_BAND", "FILE_NAME_QUALITY")):
            continue
        band = name.removesuffix(".TIF").rsplit("_", 1)[1]
        fine = band == "B8"
        shape = (SHAPE[0] * 2 - 1, SHAPE[1] * 2 - 1) if fine else SHAPE
        # the 15 m grid of the panchromatic band starts half a 15 m pixel inside the 30 m one
        transform = Affine(15, 0, T30.c + 7.5, 0, -15, T30.f - 7.5) if fine else T30
        if band == "PIXEL":
            values = np.full(SHAPE, CLEAR, "uint16")
            values[10:20], values[0, 0] = CLOUD, FILL
        else:
            values = noise(shape, seed=len(pixels), low=7273, high=43637)
            values[0, 0] = 0
        pixels[band] = values
        write_tif(folder / name, values, transform=transform, crs=UTM_NORTH, tags={"AREA_OR_POINT": "Point"})
    write_metadata(folder, groups, kind)
    return folder, pixels
