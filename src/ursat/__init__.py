"""ursat: reference-guided super-resolution of satellite rasters, with radiometric closure.

Importing this package loads neither torch nor rasterio; the public functions load them when called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Grid",
    "UpscaleOptions",
    "UpscaleReport",
    "UrsatError",
    "__version__",
    "plan",
    "upscale",
    "verify",
]

if TYPE_CHECKING:
    from ursat.errors import UrsatError
    from ursat.grid import Grid
    from ursat.run.options import UpscaleOptions
    from ursat.run.pipeline import plan, upscale
    from ursat.run.report import UpscaleReport
    from ursat.run.verify import verify

_HOMES = {
    "Grid": "ursat.grid",
    "UpscaleOptions": "ursat.run.options",
    "UpscaleReport": "ursat.run.report",
    "UrsatError": "ursat.errors",
    "plan": "ursat.run.pipeline",
    "upscale": "ursat.run.pipeline",
    "verify": "ursat.run.verify",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its home module on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ursat' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_HOMES[name]), name)
