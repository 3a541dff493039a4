"""The learned model against DAT-light and the machine's own matrix product, in one process; one round, printed as JSON.

usage: bench_network.py INPUT OUTPUT SCALE THREADS
"""

from __future__ import annotations

import copy
import json
import sys
import threading
import time
from dataclasses import replace
from typing import Any, Self

import torch
from torch.utils.flop_counter import FlopCounterMode

from ursat import UpscaleOptions, upscale
from ursat.benchmark.peers import light_network
from ursat.errors import UsageError
from ursat.models.core.stage import CoreStage
from ursat.models.shipped import DEFAULT_MODEL

PEER_SIDE, PEER_FACTOR = 96, 4
MATRIX, REPEATS = 2048, 3


class Meter:
    """Counts operations, and seconds of cores, of every evaluation of the network inside its ``with``.

    Evaluations of several threads overlap: each counts the cores that it works with, waiting or not.
    """

    def __init__(self) -> None:
        self.flops, self.core_s = 0, 0.0
        self._lock = threading.Lock()
        self._known: dict[str, int] = {}
        self._evaluate = CoreStage._evaluate  # noqa: SLF001  (the one place where the network is asked)

    def __enter__(self) -> Self:
        meter = self

        def evaluate(stage: CoreStage, *inputs: Any) -> torch.Tensor:
            return meter.evaluate(stage, *inputs)

        CoreStage._evaluate = evaluate  # noqa: SLF001
        return self

    def __exit__(self, *_: object) -> None:
        CoreStage._evaluate = self._evaluate  # noqa: SLF001

    def evaluate(self, stage: CoreStage, *inputs: Any) -> torch.Tensor:
        with self._lock:
            self.flops += self._operations(stage, inputs)
        began = time.perf_counter()
        out = self._evaluate(stage, *inputs)
        took = time.perf_counter() - began
        with self._lock:
            self.core_s += took * torch.get_num_threads()
        return out

    def _operations(self, stage: CoreStage, inputs: tuple[Any, ...]) -> int:
        """Of one evaluation; found once for each shape, without computing anything."""
        key = str([tuple(x.shape) if isinstance(x, torch.Tensor) else x for x in inputs])
        if key not in self._known:
            shadow = copy.copy(stage)
            shadow.net = copy.deepcopy(stage.net).to("meta")
            with FlopCounterMode(display=False) as counter:
                self._evaluate(shadow, *(x.to("meta") if isinstance(x, torch.Tensor) else x for x in inputs))
            self._known[key] = counter.get_total_flops()
        return self._known[key]


def matrix_rate() -> float:
    """Operations a second of the best of a few products of fp32 matrices."""
    a, b = torch.randn(2, MATRIX, MATRIX)
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - began)
    return 2 * MATRIX**3 / min(times)


def peer_cost() -> tuple[float, float, str]:
    """Seconds, on the clock and of all cores, of an output pixel of DAT-light; 0, 0 and why where it is not there."""
    try:
        network = light_network(PEER_FACTOR)
    except UsageError as error:
        return 0.0, 0.0, f"{error.message} ({error.hint})"
    x = torch.rand(1, 3, PEER_SIDE, PEER_SIDE)
    with torch.inference_mode():
        network(x[..., :32, :32])
        began, used = time.perf_counter(), time.process_time()
        pixels = network(x).shape[-1] ** 2
        return (time.perf_counter() - began) / pixels, (time.process_time() - used) / pixels, ""


def main(source: str, output: str, scale: float, threads: int) -> None:
    torch.set_num_threads(threads)
    options = UpscaleOptions(
        scale=scale, output=output, overwrite=True, jobs=threads, model=DEFAULT_MODEL, mode="faithful"
    )
    product = matrix_rate()
    upscale(source, replace(options, window=(0, 0, 16, 16)))  # everything is loaded
    with Meter() as meter:
        used = time.process_time()
        report = upscale(source, options)
        used = time.process_time() - used
    width, height = report.output_size
    torch.set_num_threads(threads)  # the run left what a worker has
    peer_s, peer_cpu_s, reason = peer_cost()
    product = max(product, matrix_rate())
    print(
        json.dumps(
            {
                "pixels": width * height,
                "seconds": report.seconds,
                "cpu_s": used,
                "flops": meter.flops,
                "network_s": meter.core_s / threads,
                "product_flops_per_s": product,
                "peer_pixel_s": peer_s,
                "peer_pixel_cpu_s": peer_cpu_s,
                "peer_missing": reason,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
