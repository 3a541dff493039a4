"""All metrics by the name that ``--metrics`` knows. A new one is a file beside this one and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ursat.benchmark.metrics import (
    closure,
    consistency,
    ergas,
    gradient,
    niqe,
    opensr,
    psnr,
    resolution,
    sam,
    seam,
    shift,
    spectrum,
    sre,
    ssim,
)

if TYPE_CHECKING:
    from ursat.benchmark.metrics.scene import Figure, Metric

REGISTRY: dict[str, Metric] = {
    "psnr": psnr.METRIC,
    "ssim": ssim.METRIC,
    "sam": sam.METRIC,
    "sre": sre.METRIC,
    "ergas": ergas.METRIC,
    "ag": gradient.METRIC,
    "niqe": niqe.METRIC,
    "spectrum": spectrum.METRIC,
    "octaves": spectrum.BY_OCTAVE,
    "resolution": resolution.METRIC,
    "shift": shift.METRIC,
    "seam": seam.METRIC,
    "opensr": opensr.METRIC,
    "consistency": consistency.METRIC,
    "closure": closure.METRIC,
}


def figures() -> dict[str, Figure]:
    """Every figure of every metric by its name in a score, and how it is shown."""
    return {name: figure for metric in REGISTRY.values() for name, figure in metric.figures.items()}
