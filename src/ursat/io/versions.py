"""Versions of the libraries that decide what is read, warped and written."""

from __future__ import annotations

import rasterio


def gdal_version() -> str:
    """Of the GDAL that rasterio has loaded."""
    return str(rasterio.__gdal_version__)


def proj_version() -> str:
    """Of its PROJ."""
    return str(rasterio.__proj_version__)
