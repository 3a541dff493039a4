"""What GDAL says while it works: rasterio turns GDAL's warnings into log records, some of which are failures."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rasterio._err import CPLE_BaseError  # what rasterio.shutil.copy raises; no public module exports it
from rasterio.errors import RasterioError

if TYPE_CHECKING:
    from collections.abc import Iterator

GDAL_ERRORS = (RasterioError, CPLE_BaseError, OSError)

_LOGGER = "rasterio"


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def collect_gdal_messages() -> Iterator[list[str]]:
    """Collect GDAL's warnings and errors of the enclosed calls instead of letting them reach the log.

    Yields:
        The messages, growing as they come ("CPLE_NotSupported in driver COG does not support ...").
    """
    logger = logging.getLogger(_LOGGER)
    collector = _Collector()
    propagate, level = logger.propagate, logger.level
    logger.addHandler(collector)
    logger.propagate = False
    if not logger.isEnabledFor(logging.WARNING):
        logger.setLevel(logging.WARNING)
    try:
        yield collector.lines
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate
        logger.setLevel(level)


def one_line(text: object) -> str:
    """A message of GDAL without line breaks and without rasterio's "CPLE_... in" prefix."""
    line = " ".join(str(text).split())
    if line.startswith("CPLE_"):
        line = line.partition(" in ")[2] or line
    return line
