"""Everything a run can be told, with its defaults: the one dataclass that the CLI and the Python API share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ursat.models.shipped import DEFAULT_MODEL
from ursat.run.shards.options import ShardOptions


@dataclass(frozen=True, slots=True)
class UpscaleOptions:
    """Options of `ursat.upscale` and `ursat upscale`; the command line documents each.

    Exactly one of ``scale`` (any number >= 2) and ``gsd`` (metres, or CRS units when the CRS is unknown) is given.
    ``window`` is (column, row, width, height) in input pixels; ``bbox`` (west, south, east, north) in ``bbox_crs``
    (default: the input's CRS); ``aoi`` a GeoJSON file or '-'. ``tile`` counts output pixels. ``max_memory`` is bytes.
    ``model`` is a name or the path of a file of weights; ``mode`` "faithful" or "realistic" (None: the model's own),
    overruled by ``fidelity`` (1 = faithful ... 0 = realistic); ``steps`` of a sample (None: automatic); ``samples`` of
    2 or more also write their spread (see `spread_path`). ``sr``, ``one_step``, ``sampler``, ``start`` (share of
    T), ``csp`` and ``paper_literal`` are for the paper's systems alone: `ursat.run.systems`.
    ``max_shift`` is metres. ``reference_psf`` None means: as ``psf`` where that is explicit, else from the data.
    ``shards`` says how large outputs are cut up and who makes the pieces.
    """

    scale: float | None = None
    gsd: float | None = None
    ref: str | None = None
    output: str | None = None
    model: str = DEFAULT_MODEL
    mode: str | None = None
    fidelity: float | None = None
    steps: int | None = None
    samples: int | None = None
    sr: str | None = None
    one_step: bool = False
    sampler: str | None = None
    start: float | None = None
    csp: str | None = None
    paper_literal: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    ref_bands: tuple[str, ...] = ()
    window: tuple[int, int, int, int] | None = None
    bbox: tuple[float, float, float, float] | None = None
    bbox_crs: str | None = None
    aoi: str | None = None
    dtype: str | None = None
    nodata: str | None = None
    mask: str = "auto"
    psf: str = "auto"
    reference_psf: str | None = None
    closure: str = "auto"
    coreg: str = "auto"
    max_shift: float = 60.0
    require_ref: bool = False
    device: str = "auto"
    jobs: int = 0
    tile: int = 1024
    seed: int = 0
    max_memory: int = 4 << 30
    max_pixels: float = 4e9
    overwrite: bool = False
    creation_options: tuple[tuple[str, str], ...] = field(default_factory=tuple)
    trusted: bool = False
    shards: ShardOptions = field(default_factory=ShardOptions)
    allow_remote: bool = False

    @property
    def output_path(self) -> Path | None:
        """The output as a path; None for '-' and where it was not named."""
        return None if self.output in (None, "-") else Path(str(self.output))


def spread_path(output: Path) -> Path:
    """Where the spread of ``samples`` goes: beside the output, ``out.tif`` -> ``out_spread.tif``."""
    return output.with_name(f"{output.stem}_spread.tif")
