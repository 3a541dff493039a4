"""SR networks as ONNX files: one image in, one image out, NCHW; floats in 0..1, or eight-bit numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ursat.errors import InputError, UsageError
from ursat.models.sr.network import SIDE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

_HINT = "--sr takes a network with one input and one output, (1, channels, height, width)"
_KINDS = {"tensor(float)": (np.float32, 1.0), "tensor(float16)": (np.float16, 1.0), "tensor(uint8)": (np.uint8, 255.0)}


def load_onnx(path: Path) -> tuple[Callable[[Tensor], Tensor], int, int, int]:
    """The network in a file, run by ONNX Runtime on the CPU.

    Returns:
        (network, factor, channels, side): ``side`` of the images that it takes.

    Raises:
        UsageError: onnxruntime is not installed.
        InputError: the file cannot be read, or holds no network that enlarges images.
    """
    try:
        import onnxruntime  # noqa: PLC0415  (optional)
    except ImportError as error:
        raise UsageError(f"--sr {path.name} needs onnxruntime", hint="pip install 'ursat[onnx]'") from error
    onnxruntime.disable_telemetry_events()  # recent builds report runs to their maker unless they are told not to
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no base but this
        raise InputError(f"--sr {path.name} is no ONNX network that can be run", hint=_HINT) from error
    inputs, outputs = session.get_inputs(), session.get_outputs()
    usable = len(inputs) == len(outputs) == 1 and inputs[0].type in _KINDS and len(inputs[0].shape) == 4
    if not usable or not isinstance(inputs[0].shape[1], int):
        raise InputError(f"--sr {path.name}: its inputs or outputs are not those of an SR network", hint=_HINT)
    channels, side = inputs[0].shape[1], _side(path, inputs[0].shape[2:])
    network = _Session(session, inputs[0])
    try:
        answer = network(torch.zeros(1, channels, side, side))
    except Exception as error:
        raise InputError(f"--sr {path.name} cannot enlarge an image of {side} x {side}", hint=_HINT) from error
    factor, rest = divmod(answer.shape[-1], side)
    if rest or answer.ndim != 4:
        raise InputError(f"--sr {path.name}: {side} pixels become {answer.shape[-1]}, no whole factor", hint=_HINT)
    return network, factor, channels, side


def _side(path: Path, shape: list[Any]) -> int:
    fixed = [size for size in shape if isinstance(size, int)]
    if len(set(fixed)) > 1:
        raise InputError(f"--sr {path.name} takes images of {shape[1]} x {shape[0]} pixels, not squares", hint=_HINT)
    return fixed[0] if fixed else SIDE


class _Session:
    """A session as a function of tensors."""

    def __init__(self, session: Any, given: Any) -> None:
        self._session, self._name = session, given.name
        self._dtype, self._top = _KINDS[given.type]

    def __call__(self, image: Tensor) -> Tensor:
        numbers = image.cpu().numpy() * self._top
        if self._top > 1:
            numbers = np.rint(numbers)
        made = self._session.run(None, {self._name: numbers.astype(self._dtype)})[0]
        top = 255.0 if made.dtype == np.uint8 else 1.0
        return torch.from_numpy(made.astype(np.float32) / np.float32(top)).to(image.device)
