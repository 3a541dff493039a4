"""Planning: everything a run needs to know before its first tile, found once, the same whatever part is run."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ursat.errors import InputError, QualityError, UsageError
from ursat.harmonise.coregister import CoregResult, coregister
from ursat.harmonise.fit import fit_pair, fit_single
from ursat.harmonise.noise import estimate_noise_windows
from ursat.harmonise.pair import PairWindow
from ursat.harmonise.pairing import Pairing, pair_bands
from ursat.harmonise.psf import parse_psf
from ursat.io.scene import Scene, open_scene
from ursat.run.report import ReferenceSummary
from ursat.run.samples import STREAMED_BYTES, measured_windows, overlap_window, window_under
from ursat.tiling.levels import depth_of, reference_depth
from ursat.types import Shift

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from contextlib import ExitStack

    from ursat.grid import Grid, Window
    from ursat.run.options import UpscaleOptions
    from ursat.types import Encoding, Reader, ReferenceModel, SensorModel

_log = logging.getLogger("ursat")
_COREG_LEVEL = 2  # registering needs no finer grid than a quarter of an input pixel
_LEAST_SEARCH_PX = 1.5
_FEW_PIXELS = 5000  # a band; fewer say little about noise and sharpness
_BLOCK, _MOST_BLOCKS = 256, 16
_WHOLE = 0.99  # share of the input that a reference covers to count as covering it
_FINER = 1.05  # a reference must be at least this much finer than the input


@dataclass(frozen=True, slots=True)
class Prepared:
    """Scene statistics and what became of the reference.

    warped: the reference as the cascade reads it (None when it is not used). p99_dn: per band, the 99th percentile
    of the stored numbers in the sample windows. ranges: per band, their 1st and 99th percentile, physical.
    """

    sensor: SensorModel
    reference: ReferenceModel | None
    warped: Reader | None
    noise: tuple[float, ...]
    summary: ReferenceSummary | None
    warnings: tuple[str, ...]
    p99_dn: tuple[float, ...]
    reference_sha256: str | None = None
    ranges: tuple[tuple[float, float], ...] = ()


def scale_of(grid: Grid, options: UpscaleOptions) -> float:
    """K from ``--scale`` or ``--gsd``.

    ``--gsd`` is in metres; K = input GSD / wanted GSD.

    Raises:
        UsageError: neither or both were given, or K < 2.
    """
    if (options.scale is None) == (options.gsd is None):
        raise UsageError("give exactly one of --scale and --gsd", hint="--scale 8 makes pixels 8 times finer")
    if options.scale is not None:
        scale = float(options.scale)
    else:
        if options.gsd is None or not options.gsd > 0:
            raise UsageError(f"--gsd must be positive, got {options.gsd}")
        ratio = grid.gsd_m / options.gsd
        # A GSD in a file is often 30.000000000004: an integer ratio within 1e-9 is meant to be that integer.
        scale = float(round(ratio)) if abs(ratio - round(ratio)) < 1e-9 * ratio else ratio
    if not 2 <= scale <= 1024:
        raise UsageError(f"the scale must lie between 2 and 1024, got {scale:g}", hint="for less, gdalwarp will do")
    return scale


def usable_samples(scene: Scene) -> list[tuple[np.ndarray, np.ndarray]]:
    """The input's sample windows; where those hold next to nothing, the first blocks of the grid that do.

    A footprint can lie between the evenly placed windows; the search goes over the whole grid in order, so it too is
    the same whatever part is run.
    """
    found = lowres_windows(scene, measured_windows(scene.grid.window, 1, scene))
    if sum(int(usable.sum()) for _, usable in found) >= _FEW_PIXELS * len(scene.info.bands):
        return found
    fuller = []
    fetched: dict[Hashable, int] = {}
    for block in scene.grid.window.blocks(_BLOCK, _BLOCK):
        if scene.unwritten(block):
            continue
        fetched |= scene.transfer(block)
        if sum(fetched.values()) > STREAMED_BYTES:
            break
        values, usable = lowres_windows(scene, (block,))[0]
        if usable.any():
            fuller.append((values, usable))
        if len(fuller) == _MOST_BLOCKS:
            break
    return fuller or found


def lowres_windows(scene: Scene, windows: Sequence[Window]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(values, usable) of the input's sample windows; clouds of its own mask do not count."""
    out = []
    for window in windows:
        block = scene.read(window)
        out.append((block.values, block.valid & scene.clear(window)[None]))
    return out


def prepare(scene: Scene, scale: float, options: UpscaleOptions, stack: ExitStack) -> Prepared:
    """Statistics, co-registration, sensor and reference models of a run.

    ``stack`` keeps the reference open for as long as the run lasts.

    Raises:
        QualityError: ``--require-ref`` was given and the reference is of no use.
    """
    psf = parse_psf(options.psf)
    samples = usable_samples(scene)
    encoding = scene.info.encoding
    step = min(abs(s) for s in encoding.scales) if np.dtype(encoding.dtype).kind in "iu" else 0.0
    noise = estimate_noise_windows(samples, step=step)
    p99, ranges = percentile_dn(samples, encoding), value_ranges(samples)
    if options.ref is None:
        if options.require_ref:
            raise UsageError("--require-ref without --ref", hint="name the reference with --ref FILE")
        sensor = fit_single(samples, psf=psf, sensor=scene.info.sensor, noise=noise)
        return Prepared(sensor, None, None, noise, None, (), p99, ranges=ranges)
    try:
        return replace(_with_reference(scene, scale, options, stack, noise), p99_dn=p99, ranges=ranges)
    except _Dropped as dropped:
        if options.require_ref:
            raise QualityError(
                f"the reference {options.ref} cannot be used: {dropped.summary.why}",
                hint="leave out --require-ref to go on without it",
            ) from dropped
        warning = f"reference dropped: {dropped.summary.why}"
        _log.warning(warning)
        sensor = fit_single(samples, psf=psf, sensor=scene.info.sensor, noise=noise)
        return Prepared(sensor, None, None, noise, dropped.summary, (warning,), p99, ranges=ranges)


class _Dropped(Exception):  # noqa: N818  (control flow inside planning, never seen outside)
    def __init__(self, summary: ReferenceSummary) -> None:
        super().__init__(summary.why)
        self.summary = summary


def open_reference(scene: Scene, options: UpscaleOptions) -> Scene:
    """The reference scene; it must not be the input itself.

    Raises:
        InputError: it cannot be read, or it is the input.
    """
    if options.ref is None:
        raise UsageError("no reference was given", hint="--ref FILE")
    other = open_scene(
        options.ref,
        bands=options.ref_bands,
        mask=options.mask,
        trusted=options.trusted,
        allow_remote=options.allow_remote,
    )
    try:
        same = Path(options.ref).samefile(scene.info.path)
    except OSError:
        same = False
    if same or _same_pixels(scene, other):
        other.close()
        raise InputError(
            f"the reference {options.ref} is the input itself", hint="name a finer scene of the same place"
        )
    return other


def _same_pixels(scene: Scene, other: Scene) -> bool:
    """Whether two files hold one image (a copy under another name): the same grid, and the same sample window."""
    if scene.grid != other.grid or len(scene.info.bands) != len(other.info.bands):
        return False
    window = measured_windows(scene.grid.window, 1, scene)[0]
    return bool(np.array_equal(scene.read(window).values, other.read(window).values))


def _with_reference(
    scene: Scene, scale: float, options: UpscaleOptions, stack: ExitStack, noise: tuple[float, ...]
) -> Prepared:
    reference = stack.enter_context(open_reference(scene, options))
    overlap = reference.overlap(scene.grid)
    summary = ReferenceSummary(
        path=str(options.ref), status="dropped", why="", gsd_m=reference.info.gsd_m, overlap=overlap,
        dx_m=0.0, dy_m=0.0, dcol=0.0, drow=0.0, reliability=0.0,
    )  # fmt: skip
    ratio = scene.info.gsd_m / reference.info.gsd_m
    if overlap <= 0:
        raise _Dropped(replace(summary, why="it does not overlap the input"))
    if ratio < _FINER:
        why = f"its pixels ({reference.info.gsd_m:.3g} m) are not finer than the input's ({scene.info.gsd_m:.3g} m)"
        raise _Dropped(replace(summary, why=why))
    pairing = pair_bands(scene.info, reference.info)
    level = reference_depth(ratio, depth_of(scale))
    found = register(scene, reference, pairing, ratio, options)
    shift = map_shift(scene.grid, found)
    dx_m, dy_m = metres_moved(scene.grid, shift)
    summary = replace(
        summary, dx_m=dx_m, dy_m=dy_m, dcol=found.dcol, drow=found.drow, reliability=found.reliability,
        pairing=pairing.rules,
    )  # fmt: skip
    if not found.reliable:
        raise _Dropped(replace(summary, why=f"co-registration is unreliable: {found.reason}"))
    warped = stack.enter_context(reference.warp(scene.grid.finer(2**level), shift=shift))
    area = overlap_window(scene.grid, reference.grid)
    windows = measured_windows(area, 2**level, scene, reference, margin_m=options.max_shift)
    near, aside = held(scene, reference, windows, options)
    with aside.warp(scene.grid.finer(2**level), shift=shift) as measured:
        pairs = read_pairs(near, measured, windows, 2**level)
    if not pairs:
        raise _Dropped(replace(summary, why="it has no valid pixel on the input's ground"))
    explicit = options.reference_psf or (options.psf if options.psf != "auto" else "auto")
    fit = fit_pair(
        pairs,
        pairing.reference_band,
        level=level,
        ratio=ratio,
        psf=parse_psf(options.psf),
        reference_psf=parse_psf(explicit),
        sensor=scene.info.sensor,
        reference_sensor=reference.info.sensor,
        noise=noise,
        bandpass=pairing.bandpass,
    )
    if fit.reference is None:
        raise _Dropped(replace(summary, why="; ".join(fit.notes) or "it does not show the same ground"))
    trust = fit.reference.trust
    status, why = "used", "the same ground, finer"
    if overlap < _WHOLE:
        status, why = "partial", f"it covers {overlap:.0%} of the input; the rest has no reference"
    elif min(trust) < 1:
        status, why = "down-weighted", f"believed at {min(trust):.0%} to {max(trust):.0%}, by band"
    warnings = tuple(pairing.warnings)
    for warning in warnings:
        _log.warning(warning)
    return Prepared(
        sensor=fit.sensor,
        reference=fit.reference,
        warped=warped,
        noise=noise,
        summary=replace(summary, status=status, why=why, trust=trust),
        warnings=warnings,
        p99_dn=(),
        reference_sha256=reference.fingerprint(),
    )


def percentile_dn(samples: Sequence[tuple[np.ndarray, np.ndarray]], encoding: Encoding) -> tuple[float, ...]:
    """Per band, the 99th percentile of the stored numbers of the sample windows (0 where nothing is valid)."""
    out = []
    for band, (scale, offset) in enumerate(zip(encoding.scales, encoding.offsets, strict=True)):
        valid = np.concatenate([values[band][usable[band]] for values, usable in samples])
        out.append(float(np.percentile((valid - offset) / scale, 99)) if valid.size else 0.0)
    return tuple(out)


def value_ranges(samples: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[tuple[float, float], ...]:
    """Per band, the 1st and the 99th percentile of the sample windows' values (0 and 1 where nothing is valid)."""
    out = []
    for band in range(len(samples[0][0])):
        valid = np.concatenate([values[band][usable[band]] for values, usable in samples])
        low, high = np.percentile(valid, (1, 99)) if valid.size else (0.0, 1.0)
        out.append((float(low), float(high)))
    return tuple(out)


def read_pairs(scene: Scene, warped: Reader, windows: Sequence[Window], factor: int) -> list[PairWindow]:
    """Input and reference of the sample windows; windows where the reference shows nothing are left out."""
    pairs = []
    for window in windows:
        fine = warped.read(window.finer(factor))
        if not fine.valid.any():
            continue
        block = scene.read(window)
        usable = block.valid & scene.clear(window)[None]
        pairs.append(PairWindow(window, block.values, usable, fine.values, fine.valid, factor))
    return pairs


def held(scene: Scene, reference: Scene, windows: Sequence[Window], options: UpscaleOptions) -> tuple[Scene, Scene]:
    """Both scenes, fetched once where they are remote: they are read at many shifts."""
    under = [window_under(reference.grid, scene.grid, window, options.max_shift) for window in windows]
    return scene.held(windows), reference.held(under)


def register(scene: Scene, reference: Scene, pairing: Pairing, ratio: float, options: UpscaleOptions) -> CoregResult:
    """Where the reference must move, found on windows of their common ground."""
    factor = 2 ** max(1, min(_COREG_LEVEL, reference_depth(ratio, 10)))
    area = overlap_window(scene.grid, reference.grid)
    windows = measured_windows(area, factor, scene, reference, margin_m=options.max_shift)
    grid = scene.grid.finer(factor)

    near, aside = held(scene, reference, windows, options)

    def read(drow: float, dcol: float) -> list[PairWindow]:
        with aside.warp(grid, shift=pixels_to_map(scene.grid, drow, dcol)) as warped:
            return read_pairs(near, warped, windows, factor)

    # On coarse pixels a limit in metres would forbid what any two products of that GSD may differ by.
    max_shift_px = max(options.max_shift / scene.info.gsd_m, _LEAST_SEARCH_PX)
    return coregister(read, pairing.reference_band, mode=options.coreg, max_shift_px=max_shift_px)


def pixels_to_map(grid: Grid, drow: float, dcol: float) -> Shift:
    """A shift in input pixels as a shift in map units."""
    t = grid.transform
    return Shift(t.a * dcol + t.b * drow, t.d * dcol + t.e * drow)


def map_shift(grid: Grid, found: CoregResult) -> Shift:
    """The registration's shift in map units."""
    return pixels_to_map(grid, found.drow, found.dcol)


def metres_moved(grid: Grid, shift: Shift) -> tuple[float, float]:
    """A shift in map units as metres on the ground along the axes of the CRS, signed alike."""
    along_x, along_y = grid.lengths_m((shift.dx, 0.0), (0.0, shift.dy))
    return math.copysign(along_x, shift.dx), math.copysign(along_y, shift.dy)
