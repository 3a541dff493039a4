"""The bands of the sensors that ursat knows, and the words that name them.

Common names follow the STAC `eo` extension 2.0. Centre wavelengths (micrometres): Landsat-8 OLI in-band averages of
Barsi et al. 2014 (Remote Sensing 6, table 3) and TIRS nominal centres; Sentinel-2A MSI of the Copernicus Sentinel-2
spectral response document COPE-GSEG-EOPG-TN-15-0007. Landsat-9 and Sentinel-2B/C differ by less than 0.01.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SensorBand:
    """One band of a sensor: its own name, the STAC common name, the centre wavelength."""

    native: str
    common: str | None
    wavelength_um: float


LANDSAT = (
    SensorBand("B1", "coastal", 0.4430),
    SensorBand("B2", "blue", 0.4826),
    SensorBand("B3", "green", 0.5613),
    SensorBand("B4", "red", 0.6546),
    SensorBand("B5", "nir08", 0.8646),
    SensorBand("B6", "swir16", 1.6090),
    SensorBand("B7", "swir22", 2.2010),
    SensorBand("B8", "pan", 0.5917),
    SensorBand("B9", "cirrus", 1.3735),
    SensorBand("B10", "lwir11", 10.895),
    SensorBand("B11", "lwir12", 12.005),
)

SENTINEL2 = (
    SensorBand("B01", "coastal", 0.4427),
    SensorBand("B02", "blue", 0.4924),
    SensorBand("B03", "green", 0.5598),
    SensorBand("B04", "red", 0.6646),
    SensorBand("B05", "rededge071", 0.7041),
    SensorBand("B06", "rededge075", 0.7405),
    SensorBand("B07", "rededge078", 0.7828),
    SensorBand("B08", "nir", 0.8328),
    SensorBand("B8A", "nir08", 0.8647),
    SensorBand("B09", "nir09", 0.9451),
    SensorBand("B10", "cirrus", 1.3735),
    SensorBand("B11", "swir16", 1.6137),
    SensorBand("B12", "swir22", 2.2024),
)

# Words that name a band whatever the sensor. Longer phrases come before the words they contain.
COMMON_WORDS: tuple[tuple[str, str], ...] = (
    ("coastal aerosol", "coastal"),
    ("ultra blue", "coastal"),
    ("ultrablue", "coastal"),
    ("coastal", "coastal"),
    ("red edge 1", "rededge071"),
    ("red edge 2", "rededge075"),
    ("red edge 3", "rededge078"),
    ("rededge1", "rededge071"),
    ("rededge2", "rededge075"),
    ("rededge3", "rededge078"),
    ("rededge071", "rededge071"),
    ("rededge075", "rededge075"),
    ("rededge078", "rededge078"),
    ("red edge", "rededge071"),
    ("rededge", "rededge071"),
    ("near infrared", "nir"),
    ("narrow nir", "nir08"),
    ("nir narrow", "nir08"),
    ("nir08", "nir08"),
    ("nir8a", "nir08"),
    ("nir09", "nir09"),
    ("nir1", "nir"),
    ("nir", "nir"),
    ("shortwave infrared 1", "swir16"),
    ("shortwave infrared 2", "swir22"),
    ("swir 1", "swir16"),
    ("swir 2", "swir22"),
    ("swir16", "swir16"),
    ("swir22", "swir22"),
    ("swir1", "swir16"),
    ("swir2", "swir22"),
    ("panchromatic", "pan"),
    ("pan", "pan"),
    ("cirrus", "cirrus"),
    ("blue", "blue"),
    ("green", "green"),
    ("red", "red"),
)

QA_NAMES = {"qa pixel": "qa_pixel", "scl": "scl", "scene classification": "scl"}

# Bands that ride along in stacks and are no image of the ground; left out unless asked for by name.
AUXILIARY = ("qa radsat", "sr qa aerosol", "qa aerosol", "aot", "wvp", "st qa", "bqa", "pixel qa", "radsat qa", "fmask")


def family(sensor: str) -> tuple[SensorBand, ...]:
    """The band table of a sensor name such as "landsat-9" or "sentinel-2b"; empty when unknown."""
    if sensor.startswith("landsat"):
        return LANDSAT
    return SENTINEL2 if sensor.startswith("sentinel-2") else ()
