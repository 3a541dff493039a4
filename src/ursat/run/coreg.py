"""`ursat coreg`: the shift between two files, alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.errors import InputError
from ursat.harmonise.pairing import pair_bands
from ursat.io.scene import open_scene
from ursat.run.options import UpscaleOptions
from ursat.run.prepare import map_shift, metres_moved, open_reference, register
from ursat.run.report import CoregReport

if TYPE_CHECKING:
    from collections.abc import Sequence


def coregister_files(
    input: str,  # noqa: A002  (the word users say)
    ref: str,
    *,
    mode: str = "auto",
    max_shift: float = 60.0,
    bands: Sequence[str] = (),
    ref_bands: Sequence[str] = (),
    mask: str = "auto",
    trusted: bool = False,
    allow_remote: bool = False,
) -> CoregReport:
    """How far ``ref`` must move to lie on ``input``, and whether to believe it.

    Args:
        input: the image whose grid stays.
        ref: the finer image that would be moved.
        mode: auto, global or off.
        max_shift: metres; farther is not searched.
        bands: bands of the input; ref_bands: of the reference (names, descriptions or numbers).
        ref_bands: see ``bands``.
        mask: auto, none or a raster whose non-zero pixels are not usable.
        trusted: allow VRT and other indirect formats.
        allow_remote: both may be files on a server.

    Raises:
        InputError: a file cannot be read, or the two do not overlap at all.
    """
    options = UpscaleOptions(
        scale=2, ref=ref, bands=tuple(bands), ref_bands=tuple(ref_bands), mask=mask, coreg=mode, max_shift=max_shift,
        trusted=trusted, allow_remote=allow_remote,
    )  # fmt: skip
    with (
        open_scene(input, bands=options.bands, mask=mask, trusted=trusted, allow_remote=allow_remote) as scene,
        open_reference(scene, options) as reference,
    ):
        if reference.overlap(scene.grid) <= 0:
            raise InputError(f"{ref} does not overlap {input}", hint="ursat info FILE prints where each lies")
        pairing = pair_bands(scene.info, reference.info)
        found = register(scene, reference, pairing, scene.info.gsd_m / reference.info.gsd_m, options)
        dx_m, dy_m = metres_moved(scene.grid, map_shift(scene.grid, found))
        return CoregReport(
            input=input,
            reference=ref,
            mode=mode,
            dx_m=dx_m,
            dy_m=dy_m,
            dcol=found.dcol,
            drow=found.drow,
            reliable=found.reliable,
            reliability=found.reliability,
            residual_px=found.residual_px,
            windows=found.windows,
            inliers=found.inliers,
            reason=found.reason,
            warnings=tuple(pairing.warnings),
        )
