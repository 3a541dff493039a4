"""The paper's experiments as presets: what ``--task`` sets where the user says nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from ursat.benchmark.efficiency import DEFINITION
from ursat.benchmark.methods import ALL_BASELINES, DEFAULT
from ursat.benchmark.observation import DEGRADATIONS, PAPER_RATIO, SCALES, TRACKS

SHOWN = ("psnr", "ssim", "sam", "sre", "niqe", "ag")


@dataclass(frozen=True, slots=True)
class Task:
    """Defaults of an experiment.

    figures: columns of the table, by the names of a score; crop: pixels a side of images of any size; paper_side: the
    ground truth is reduced to the paper's size where the data set has one; ratio: reference pixels along an input
    pixel, None as `observation.ratio_at`.
    """

    summary: str
    scales: tuple[int, ...]
    tracks: tuple[str, ...] = ("noref", "ref")
    protocols: tuple[str, ...] = ("bicubic",)
    methods: tuple[str, ...] = DEFAULT
    figures: tuple[str, ...] = SHOWN
    paper_side: bool = False
    crop: int = 1024
    ratio: float | None = None


REMARKS = {  # what has to be said beside the numbers of a task
    "efficiency": DEFINITION,
    "ablation": "the paper's own parts and heads (its Tables 5 and 6) need a network trained for each row: "
    "scripts/paper_tables.py trains and scores them, docs/paper.md has the results",
}
PARTS = ("ursat:faithful", "fusion", *(f"ursat:faithful,{part}" for part in ("psf=box", "closure=off", "coreg=off")))
SYSTEMS = ("csp-wavediffur", "wavediffur")

TASKS: dict[str, Task] = {
    "quick": Task("a first look", (4, 16), crop=512),
    "sr": Task("Tables 2 and 3: x2 and x4", (2, 4), paper_side=True, ratio=PAPER_RATIO),
    "ur": Task("Table 4 and Figure 10: x4 to x128", SCALES),
    "robust": Task("what harm a reference can do: every track", (4, 8), tracks=TRACKS, protocols=("sensor",)),
    "all": Task("every scale, track and simulated protocol", SCALES, tracks=TRACKS, protocols=DEGRADATIONS),
    "cascade": Task(
        "Table 4 and Figure 11: one step against the self-cascade, and CSP against none, of the paper's systems",
        SCALES,
        methods=(
            *(f"{name}{how}" for name in SYSTEMS for how in ("", ",one_step=true")),
            *("csp-wavediffur,csp=none", "wavediffur,sr=fusion", "bicubic"),
        ),
    ),
    "ablation": Task(
        "Table 5, of ursat's own parts at x8: without the network, the PSF, the closure, the registration",
        (8,),
        tracks=("noref", "ref", "ref-shift"),
        protocols=("sensor",),
        methods=(*PARTS, *ALL_BASELINES),
    ),
    "efficiency": Task(
        "Figure 14: parameters, operations, evaluations, seconds and memory against scale",
        SCALES,
        tracks=("noref",),
        methods=("ursat:faithful", "ursat:realistic", "bicubic", "ibp"),
        figures=("parameters_m", "gflop_mpx", "evaluations", "seconds_mpx", "cpu_seconds_mpx", "peak_mb"),
    ),
}
