"""From physical values to the numbers a file stores, and the range those numbers may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from ursat.types import Encoding


def stored_range(encoding: Encoding) -> tuple[float, float]:
    """Lowest and highest stored number of a valid pixel: the dtype's range, less a nodata value at either end."""
    dtype = np.dtype(encoding.dtype)
    if dtype.kind == "f":
        limit = float(np.finfo(dtype).max)
        return -limit, limit
    info = np.iinfo(dtype)
    lowest, highest = int(info.min), int(info.max)
    if encoding.nodata is not None and encoding.nodata == lowest:
        lowest += 1
    if encoding.nodata is not None and encoding.nodata == highest:
        highest -= 1
    return float(lowest), float(highest)


def physical_range(encoding: Encoding) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Per band, the lowest and highest physical value that can be stored."""
    lowest, highest = stored_range(encoding)
    ends = [
        sorted((lowest * scale + offset, highest * scale + offset))
        for scale, offset in zip(encoding.scales, encoding.offsets, strict=True)
    ]
    return tuple(low for low, _ in ends), tuple(high for _, high in ends)


def to_stored(values: Tensor, encoding: Encoding) -> Tensor:
    """Physical (C, h, w) -> stored numbers, still floating point: rounded, in range, never the nodata value.

    A valid pixel that would round onto the nodata value is moved to the nearest other number.
    """
    lowest, highest = stored_range(encoding)
    out = torch.empty_like(values)
    for band, (scale, offset) in enumerate(zip(encoding.scales, encoding.offsets, strict=True)):
        target = out[band]
        if offset == 0:
            target.copy_(values[band])
        else:
            torch.sub(values[band], offset, out=target)
        if scale != 1:
            target.div_(scale)
    if np.dtype(encoding.dtype).kind in "iu":
        out.round_().clamp_(lowest, highest)
    return _avoid_nodata(out, values, encoding)


def _avoid_nodata(out: Tensor, values: Tensor, encoding: Encoding) -> Tensor:
    nodata = encoding.nodata
    if nodata is None or np.isnan(nodata):
        return out
    lowest, highest = stored_range(encoding)
    if not lowest <= nodata <= highest:
        return out
    hit = out == nodata
    if not bool(hit.any()):
        return out
    dtype = np.dtype(encoding.dtype)
    if dtype.kind == "f":
        above = float(np.nextafter(dtype.type(nodata), dtype.type(np.inf)))
        return torch.where(hit, torch.full_like(out, above), out)
    scales = torch.tensor(encoding.scales, dtype=out.dtype, device=out.device)[:, None, None]
    offsets = torch.tensor(encoding.offsets, dtype=out.dtype, device=out.device)[:, None, None]
    upward = (values - offsets) / scales >= nodata
    moved = torch.where(upward, out + 1, out - 1)
    return torch.where(hit, moved, out)


def to_dn(stored: Tensor, valid: Tensor, encoding: Encoding) -> np.ndarray:
    """Stored numbers (C, h, w) with nodata put in where not valid -> numpy array of the file's dtype."""
    dtype = np.dtype(encoding.dtype)
    if not bool(valid.all()):
        nodata = 0.0 if encoding.nodata is None else float(encoding.nodata)
        stored = torch.where(valid, stored, torch.full_like(stored, nodata))
    return stored.cpu().numpy().astype(dtype)
