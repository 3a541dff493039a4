"""The learning curve as a picture: loss, and the validation's gains, over steps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)


def draw_curve(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """Draw a journal's records into a PNG; without matplotlib, say so and leave it."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (an extra; it takes a second to load)
    except ImportError:
        _log.warning("no learning curve was drawn: it needs matplotlib (pip install 'ursat[train]')")
        return
    steps = [r for r in records if r["kind"] == "step"]
    checks = [r for r in records if r["kind"] == "validation"]
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([r["step"] for r in steps], [r["loss"] for r in steps], linewidth=0.8)
    left.set(xlabel="step", ylabel="loss", yscale="log")
    for key in sorted({key for r in checks for key in r["gains"]}):
        points = [(r["step"], r["gains"][key]) for r in checks if key in r["gains"]]
        right.plot(*zip(*points, strict=True), marker=".", label=key)
    right.axhline(0, color="grey", linewidth=0.8)
    right.set(xlabel="step", ylabel="gain over the classical start, dB")
    if checks:
        right.legend(fontsize="small")
    figure.savefig(path, dpi=110, format="png")
