"""An output with random pixels and the input that the sensor operator makes of it: H(output) = input by construction.

The operator is written out here in plain loops over sub-pixels, apart from everything in src.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS

from ursat.grid import Grid
from ursat.io.scene import open_scene
from ursat.io.writer import CogWriter
from ursat.types import Encoding

BOX = (0.5, 0.5)
BLUR = (0.05, 0.45, 0.45, 0.05)
LONG = (0.01, -0.03, 0.06, 0.46, 0.46, 0.06, -0.03, 0.01)
T_IN = Affine(30, 0, 300015, 0, -30, 4000005)
UTM = CRS.from_epsg(32649).to_wkt()


def observe(out: np.ndarray, valid_out: np.ndarray, valid_in: np.ndarray, k: Fraction, taps) -> np.ndarray:
    """F(box(out) m) / F(m) of one band, pixel by pixel; NaN where the input has no value."""
    half = Fraction(k, 2)
    sub = half.denominator  # sub-pixels per output pixel, so that a cell is a whole number of them
    fine = np.where(valid_out, out, 0).astype(float).repeat(sub, 0).repeat(sub, 1)
    mass = valid_out.astype(float).repeat(sub, 0).repeat(sub, 1)
    size = half.numerator
    n, m = 2 * valid_in.shape[0], 2 * valid_in.shape[1]
    cells = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            here = np.s_[i * size : (i + 1) * size, j * size : (j + 1) * size]
            if mass[here].sum() > 0:
                cells[i, j] = fine[here].sum() / mass[here].sum()
    seen = np.full(valid_in.shape, np.nan)
    for row, col in np.argwhere(valid_in):
        total = weight = 0.0
        for a, ta in enumerate(taps):
            for b, tb in enumerate(taps):
                i, j = 2 * row + 1 - len(taps) // 2 + a, 2 * col + 1 - len(taps) // 2 + b
                if 0 <= i < n and 0 <= j < m and valid_in[i // 2, j // 2]:
                    total, weight = total + ta * tb * cells[i, j], weight + ta * tb
        seen[row, col] = total / weight
    return seen


@dataclass
class Pair:
    """An output and its input, not yet written; change anything, then `write`."""

    folder: Path
    k: Fraction
    out: np.ndarray  # (bands, H, W), nodata put in
    seen: np.ndarray  # (bands, h, w), NaN where nothing
    grid: Grid
    encoding: Encoding
    provenance: dict
    input_encoding: Encoding
    options: list = field(default_factory=list)
    input_transform: Affine = T_IN

    def write(self) -> tuple[str, str]:
        source, output = self.folder / "in.tif", self.folder / "out.tif"
        enc = self.input_encoding
        pixels = np.where(np.isnan(self.seen), enc.nodata if enc.nodata is not None else 0, self.seen)
        pixels = (np.rint(pixels) if np.dtype(enc.dtype).kind in "iu" else pixels).astype(enc.dtype)
        height, width = pixels.shape[1:]
        with rasterio.open(
            source, "w", driver="GTiff", count=len(pixels), height=height, width=width, dtype=enc.dtype,
            nodata=enc.nodata, crs=UTM, transform=self.input_transform,
        ) as file:  # fmt: skip
            file.write(pixels)
            file.scales, file.offsets, file.descriptions = enc.scales, enc.offsets, enc.descriptions
        if "sha256" not in self.provenance.get("input", {"sha256": ""}):
            with open_scene(str(source)) as scene:
                self.provenance["input"]["sha256"] = scene.fingerprint()
        with CogWriter(output, self.grid, self.encoding, overwrite=True, creation_options=self.options) as writer:
            writer.write(self.grid.window, self.out.astype(self.encoding.dtype))
            writer.finish(self.provenance)
        return str(output), str(source)


def pair(
    folder: Path, k: float = 4, taps=BOX, *, size=(10, 13), holes: bool = True, dtype: str = "uint16", seed: int = 0
) -> Pair:
    rng = np.random.default_rng(seed)
    scale = Fraction(k).limit_denominator(100)
    bands = 2
    valid_in = np.ones((bands, *size), bool)
    if holes:
        valid_in[0, 3:5, 6:9] = False
        valid_in[1, 0, :4] = False
        valid_in[:, 8, 9] = False
    shape = tuple(-(-n * scale.numerator // scale.denominator) for n in size)
    centre = [[(2 * i + 1) * scale.denominator // (2 * scale.numerator) for i in range(count)] for count in shape]
    padded = np.pad(valid_in, ((0, 0), (0, 1), (0, 1)))
    valid_out = padded[:, np.array(centre[0])[:, None], np.array(centre[1])[None, :]]
    floating = np.dtype(dtype).kind == "f"
    out = rng.normal(0.3, 0.1, (bands, *shape)) if floating else rng.integers(3000, 9000, (bands, *shape))
    nodata = float("nan") if floating else 0.0
    seen = np.stack([observe(out[b], valid_out[b], valid_in[b], scale, taps) for b in range(bands)])
    encoding = Encoding(
        dtype, nodata, (2.75e-5,) * bands, (-0.2,) * bands, (None,) * bands, ("B4", "B5"), ("gray", "undefined")
    )
    tolerance = 1e-4 * float(np.nanpercentile(seen, 99)) if floating else 1.0
    provenance = {
        "ursat": "0.1.0", "model": {"name": "fusion", "kind": "classical", "sha256": None}, "seed": 0,
        "sampling": {"mode": "faithful", "fidelity": 1.0, "steps": 0, "evaluations": 0},
        "scale": float(k), "window": None, "aoi": False, "input": {"gsd_m": 30.0, "sensor": "unknown"},
        "sensor": {"name": "test", "mtf": 0.3, "taps": list(taps)},
        "closure": {
            "mode": "exact", "tolerance_dn": [tolerance] * bands, "max_dn": [0.5] * bands, "rmse_dn": [0.3] * bands,
            "infeasible_px": 0,
        },
        "noise_dn": [2.0] * bands, "reference": None, "octaves": [{"gsd_m": 30.0, "origin": "observed"}],
        "effective_gsd_m": 30.0,
    }  # fmt: skip
    grid = Grid(*size, T_IN, UTM).finer(float(k))
    assert grid.shape == shape
    return Pair(folder, scale, np.where(valid_out, out, nodata), seen, grid, encoding, provenance, encoding)
