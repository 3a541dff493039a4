"""Sentinel-2 products in the layout used since December 2016: real names, metadata elements, JPEG 2000 images."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from affine import Affine
from reading import noise, write_jp2

TILE, SENSED = "T32TQM", "20220704T101559"
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
FINE = ("B02", "B03", "B04", "B08")
ORIGIN = (699960, 5000040)
SIDE_10M = 60


def level2a_xml(*, baseline: str = "04.00", offsets: bool = True, craft: str = "Sentinel-2B") -> str:
    listed = "".join(f'<BOA_ADD_OFFSET band_id="{n}">-1000</BOA_ADD_OFFSET>' for n in range(13))
    values = f"<BOA_ADD_OFFSET_VALUES_LIST>{listed}</BOA_ADD_OFFSET_VALUES_LIST>" if offsets else ""
    return _document(
        "Level-2A",
        "Level-2A",
        baseline,
        craft,
        '<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>'
        f'<AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>{values}',
    )


def level1c_xml(*, baseline: str = "04.00", offsets: bool = True, craft: str = "Sentinel-2A") -> str:
    listed = "".join(f'<RADIO_ADD_OFFSET band_id="{n}">-1000</RADIO_ADD_OFFSET>' for n in range(13))
    values = f"<Radiometric_Offset_List>{listed}</Radiometric_Offset_List>" if offsets else ""
    return _document(
        "Level-1C",
        "Level-1C",
        baseline,
        craft,
        f'<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>{values}',
    )


def _document(name: str, level: str, baseline: str, craft: str, characteristics: str) -> str:
    root = f"{name}_User_Product"
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        f'<n1:{root} xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_{name}.xsd">'
        "<n1:General_Info><Product_Info>"
        "<PRODUCT_START_TIME>2022-07-04T10:15:59.024Z</PRODUCT_START_TIME>"
        f"<PROCESSING_LEVEL>{level}</PROCESSING_LEVEL><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>"
        f"<Datatake><SPACECRAFT_NAME>{craft}</SPACECRAFT_NAME>"
        "<DATATAKE_SENSING_START>2022-07-04T10:15:59.024Z</DATATAKE_SENSING_START></Datatake>"
        "</Product_Info><Product_Image_Characteristics>"
        "<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>"
        "<SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>"
        f"{characteristics}</Product_Image_Characteristics></n1:General_Info></n1:{root}>\n"
    )


def transform_of(metres: int) -> Affine:
    return Affine(metres, 0, ORIGIN[0], 0, -metres, ORIGIN[1])


def write_level2a(parent: Path, document: str | None = None) -> tuple[Path, dict[tuple[str, int], np.ndarray]]:
    """10 m and 20 m bands and SCL; DN 0 in the corner; a cloud at rows 4-5, columns 6-7 of the 10 m grid."""
    safe = parent / f"S2B_MSIL2A_{SENSED}_N0400_R065_{TILE}_20220704T131234.SAFE"
    images = safe / "GRANULE" / f"L2A_{TILE}_A027816_{SENSED}" / "IMG_DATA"
    pixels: dict[tuple[str, int], np.ndarray] = {}
    wanted = [(10, band) for band in FINE] + [(20, b) for b in ("B02", "B03", "B04", "B05", "B8A", "B11", "B12")]
    for metres, band in wanted:
        side = SIDE_10M * 10 // metres
        values = noise((side, side), seed=len(pixels), low=1001, high=9000)
        values[0, 0] = 0
        pixels[band, metres] = values
        name = f"{TILE}_{SENSED}_{band}_{metres}m.jp2"
        write_jp2(images / f"R{metres}m" / name, values, transform_of(metres))
    scl = np.full((SIDE_10M // 2,) * 2, 4, "uint8")
    scl[2, 3], scl[5, 5], scl[6, 6] = 9, 11, 2  # cloud; snow and dark ground stay usable
    pixels["SCL", 20] = scl
    write_jp2(images / "R20m" / f"{TILE}_{SENSED}_SCL_20m.jp2", scl, transform_of(20))
    (safe / "MTD_MSIL2A.xml").write_text(document or level2a_xml())
    return safe, pixels


def write_level1c(parent: Path, document: str | None = None) -> tuple[Path, dict[str, np.ndarray]]:
    safe = parent / f"S2A_MSIL1C_{SENSED}_N0400_R065_{TILE}_20220704T131234.SAFE"
    images = safe / "GRANULE" / f"L1C_{TILE}_A036716_{SENSED}" / "IMG_DATA"
    pixels: dict[str, np.ndarray] = {}
    for band in BANDS:
        metres = 10 if band in FINE else 60 if band in {"B01", "B09", "B10"} else 20
        pixels[band] = noise((SIDE_10M * 10 // metres,) * 2, seed=len(pixels), low=1001, high=9000)
        write_jp2(images / f"{TILE}_{SENSED}_{band}.jp2", pixels[band], transform_of(metres))
    (safe / "MTD_MSIL1C.xml").write_text(document or level1c_xml())
    return safe, pixels


def zipped(safe: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(safe.rglob("*")):
            if file.is_file():
                archive.write(file, f"{safe.name}/{file.relative_to(safe).as_posix()}")
    return target
