"""What an output costs: parameters, operations, network evaluations, seconds and memory (the paper's Figure 14).

Each method is run on one observation in a process of its own, twice: first on one thread with PyTorch's operation
counter (convolutions and matrix products; a multiplication and an addition are 2 operations), which loads what it
needs as well, then for time and memory.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

from ursat.benchmark.evaluate import playable
from ursat.benchmark.foreign import Foreign
from ursat.benchmark.judge import Answer
from ursat.benchmark.metrics.scene import Figure
from ursat.benchmark.observation import make_observation
from ursat.benchmark.peers import PEERS, applies
from ursat.benchmark.scores import Cell, Score, Table
from ursat.benchmark.tool import Ursat
from ursat.errors import UrsatError
from ursat.run.summary import peak_memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ursat.benchmark.evaluate import Method
    from ursat.benchmark.images import Truth
    from ursat.benchmark.observation import Observation
    from ursat.types import Progress

FIGURES: dict[str, Figure] = {
    "parameters_m": Figure("parameters, M", "lower"),
    "gflop_mpx": Figure("GFLOP / Mpx", "lower"),
    "evaluations": Figure("evaluations", "lower"),
    "seconds_mpx": Figure("s / Mpx", "lower"),
    "cpu_seconds_mpx": Figure("CPU s / Mpx", "lower"),
    "peak_mb": Figure("peak MB", "lower"),
}
DEFINITION = (
    "per million output pixels of three bands, files read and written included; peak memory of the whole process, of "
    "which the libraries take a part whatever the method; operations are those of convolutions and matrix products"
)
_MEGA = 1e6


def efficiency(
    methods: Mapping[str, Method],
    cells: Sequence[Cell],
    images: Sequence[Truth],
    *,
    progress: Progress | None = None,
) -> Table:
    """Costs of every method in every cell on the largest image that fits.

    Returns:
        A table whose scores have the figures of `FIGURES`, those that a method has; failures as `evaluate.run`. After
        Ctrl-C it holds what was done.
    """
    asked = [
        (cell, name, max(fitting, key=lambda image: image.shape[0] * image.shape[1]))
        for cell in cells
        for name, method in methods.items()
        if applies(name, method, cell.scale, cell.track)
        and (fitting := [image for image in images if playable(image, cell)])
    ]
    scores: list[Score] = []
    complete = True
    try:
        for done, (cell, name, image) in enumerate(asked, start=1):
            o = make_observation(image, cell.scale, cell.degradation, cell.track)
            scores.append(_score(name, methods[name], o, cell))
            if progress is not None:
                progress(done, len(asked))
    except KeyboardInterrupt:
        complete = False
    return Table(tuple(scores), tuple(cells), tuple(methods), complete)


def _score(name: str, method: Method, o: Observation, cell: Cell) -> Score:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            figures, note = pool.submit(cost, method, o).result(), ""
        except UrsatError as err:
            figures, note = {}, f"{type(err).__name__}: {err.message}"
    return Score(o.image_id, o.place, cell, name, o.seed, figures.get("seconds", 0.0), figures, note)


def cost(method: Method, o: Observation) -> dict[str, float]:
    """Figures of `FIGURES` of one method on one observation, and ``seconds`` of the call; made for a fresh process.

    Raises:
        UrsatError: the method fails.
    """
    megapixels = o.shape[0] * o.shape[1] / _MEGA
    figures: dict[str, float] = {}
    single = replace(method, threads=1) if isinstance(method, Ursat) else method  # other threads are not counted
    if method.in_torch if isinstance(method, Foreign) else _may_use_torch(method):
        operations, parameters = _counted(single, o)
        figures["gflop_mpx"] = operations / 1e9 / megapixels
        figures |= {"parameters_m": parameters / _MEGA} if parameters else {}
    else:
        method(o)
    wall, cpu = time.perf_counter(), time.process_time()
    answer = method(o)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = peak_memory() / _MEGA
    figures |= {"seconds": wall, "seconds_mpx": wall / megapixels, "cpu_seconds_mpx": cpu / megapixels, "peak_mb": peak}
    if isinstance(answer, Answer) and "evaluations" in answer.figures:
        figures["evaluations"] = answer.figures["evaluations"]
    if isinstance(method, Ursat):
        figures["parameters_m"] = method.parameters / _MEGA
    return figures


def _may_use_torch(method: Method) -> bool:
    return isinstance(method, Ursat) or method in PEERS.values() or "torch" in sys.modules


def _counted(method: Method, o: Observation) -> tuple[float, int]:
    """Operations of one call, and parameters of the modules that it called."""
    from torch.nn.modules.module import register_module_forward_pre_hook  # noqa: PLC0415  (baselines do not pay for it)
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    sizes: dict[int, int] = {}
    hook = register_module_forward_pre_hook(
        lambda module, _: sizes.update((id(p), p.numel()) for p in module.parameters())
    )
    try:
        with FlopCounterMode(display=False) as counter:
            method(o)
    finally:
        hook.remove()
    return float(counter.get_total_flops()), sum(sizes.values())
