"""Linear bandpass adjustment between Landsat OLI and Sentinel-2 MSI, as used for NASA's HLS product.

Source: HLS algorithms, "Bandpass adjustment" (hls.gsfc.nasa.gov/algorithms/bandpass-adjustment), in reflectance:
``OLI = slope * MSI + offset``. The near infrared row belongs to MSI band 8A; MSI band 8 is wider and has no row.
"""

from __future__ import annotations

from dataclasses import dataclass

IDENTITY = (1.0, 0.0)

# common name: (slope, offset) for Sentinel-2A
_S2A = {
    "coastal": (0.9959, -0.0002),
    "blue": (0.9778, -0.0040),
    "green": (1.0053, -0.0009),
    "red": (0.9765, 0.0009),
    "nir08": (0.9983, -0.0001),
    "swir16": (0.9987, -0.0011),
    "swir22": (1.0030, -0.0012),
}
_S2B = {
    "coastal": (0.9959, -0.0002),
    "blue": (0.9778, -0.0040),
    "green": (1.0075, -0.0008),
    "red": (0.9761, 0.0010),
    "nir08": (0.9966, 0.0000),
    "swir16": (1.0000, -0.0003),
    "swir22": (0.9867, 0.0004),
}


@dataclass(frozen=True, slots=True)
class BandpassTable:
    """Rows for one MSI.

    rows: (common name, (slope, offset)) with ``OLI = slope * MSI + offset``; note: what the choice of rows assumed,
    or "".
    """

    rows: tuple[tuple[str, tuple[float, float]], ...]
    note: str

    def row(self, common_name: str) -> tuple[float, float]:
        """(slope, offset) of the band; the identity where the table has no row."""
        return dict(self.rows).get(common_name, IDENTITY)


def is_oli(sensor: str) -> bool:
    """True for Landsat-8 and -9."""
    return sensor in {"landsat-8", "landsat-9"}


def is_msi(sensor: str) -> bool:
    """True for any Sentinel-2, its unit known or not."""
    return sensor.startswith("sentinel-2")


def msi_table(sensor: str) -> BandpassTable:
    """The rows for ``sensor``; units without published rows (2C, unknown) get those of Sentinel-2A and a note."""
    if sensor == "sentinel-2b":
        return BandpassTable(tuple(_S2B.items()), "")
    note = "" if sensor == "sentinel-2a" else f"HLS has no bandpass rows for {sensor}: those of Sentinel-2A are used"
    return BandpassTable(tuple(_S2A.items()), note)


def inverse(row: tuple[float, float]) -> tuple[float, float]:
    """(slope, offset) of the opposite direction: ``MSI = OLI / slope - offset / slope``."""
    slope, offset = row
    return IDENTITY if row == IDENTITY else (1 / slope, -offset / slope)
