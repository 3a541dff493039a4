"""Stand-ins for the library: what a pipeline would return, and a recorded pipeline that returns it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ursat.run.report import (
    ClosureSummary,
    ModelSummary,
    Octave,
    PlanReport,
    ReferenceSummary,
    Sampling,
    SensorSummary,
    UpscaleReport,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from ursat.run.options import UpscaleOptions

MODEL = ModelSummary("fusion", "classical, nothing learned")
SAMPLING = Sampling("faithful", 1.0, 0, 0, 0)
REPORT = UpscaleReport(
    output="out.tif",
    input="in.tif",
    model=MODEL,
    sampling=SAMPLING,
    scale=32.0,
    input_size=(120, 110),
    output_size=(3840, 3520),
    bands=3,
    dtype="uint16",
    gsd_m=40.0,
    output_gsd_m=1.25,
    effective_gsd_m=10.0,
    stages=5,
    tiles=16,
    seconds=4.0,
    peak_memory=412_000_000,
    sensor=SensorSummary("mtf=0.25", 0.25),
    noise_dn=(3.14, 2.9, 2.71),
    closure=ClosureSummary("auto", (12.0, 11.0, 9.0), (3.1, 2.8, 2.6)),
    octaves=(Octave(20.0, "reference"), Octave(10.0, "reference"), Octave(5.0, "interpolated")),
    reference=ReferenceSummary(
        path="ref.tif",
        status="used",
        why="",
        gsd_m=10.0,
        overlap=1.0,
        dx_m=1.2,
        dy_m=-18.8,
        dcol=0.03,
        drow=0.47,
        reliability=0.97,
        trust=(0.9, 0.8, 0.7),
    ),
    reference_share=0.71,
    provenance={"ursat": "0.1.0"},
)
PLAN = PlanReport(
    input="in.tif",
    output="out.tif",
    model=MODEL,
    sampling=SAMPLING,
    scale=32.0,
    input_size=(120, 110),
    output_size=(3840, 3520),
    bands=3,
    dtype="uint16",
    gsd_m=(40.0, 20.0, 10.0, 5.0, 2.5, 1.25),
    output_gsd_m=1.25,
    stages=5,
    halo=6,
    tile=1024,
    tiles=16,
    evaluations=0,
    output_bytes=81_100_800,
    disk_bytes=160_000_000,
    free_bytes=5_000_000_000,
    memory_bytes=600_000_000,
    max_memory=4 << 30,
)


@dataclass(frozen=True)
class Outcome:
    """Exit code and both streams of one command line."""

    code: int
    out: str
    err: str


@dataclass
class FakePipeline:
    """Stands in for `ursat.run.pipeline`: records what it was asked, and does what the test says."""

    calls: list[tuple[str, str, UpscaleOptions]] = field(default_factory=list)
    report: UpscaleReport = REPORT
    plan_report: PlanReport = PLAN
    act: Callable[[], None] = lambda: None
    tiles: int = 16

    @property
    def options(self) -> UpscaleOptions:
        """Options of the last call."""
        return self.calls[-1][2]

    def upscale(
        self, source: str, options: UpscaleOptions, *, progress: Any = None, watch: Any = None
    ) -> UpscaleReport:
        """Pretend to run; a named output gets a few bytes."""
        self.calls.append(("upscale", source, options))
        self.act()
        for done in range(1, self.tiles + 1):
            if progress is not None:
                progress(done, self.tiles)
        if options.output is not None:
            Path(options.output).write_bytes(b"II*\0pixels")
        return replace(self.report, input=source, output=options.output or self.report.output)

    def plan(self, source: str, options: UpscaleOptions) -> PlanReport:
        """Pretend to plan."""
        self.calls.append(("plan", source, options))
        self.act()
        return self.plan_report


def install(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> None:
    """Put a module of that name in the place of the real one."""
    module = ModuleType(name)
    for key, value in contents.items():
        setattr(module, key, value)
    monkeypatch.setitem(sys.modules, name, module)
