"""Which device computes."""

from __future__ import annotations

import torch

from ursat.errors import UsageError


def pick_device(name: str) -> torch.device:
    """'auto' takes CUDA where there is one.

    There TF32 is switched off, so that devices agree to the last DN, and cuDNN is held to algorithms that give the same
    bits each time: some that it would choose for transposed convolutions add up in an order of chance.

    Raises:
        UsageError: an unknown device, or one that this machine or this build of torch does not have.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"unknown device {name!r}", hint="auto, cpu, cuda or cuda:0") from error
    if device.type not in {"cpu", "cuda"}:
        raise UsageError(f"device {name!r} is not supported", hint="auto, cpu, cuda or cuda:0")
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise UsageError(f"device {name!r} is not there: {count} CUDA devices seen", hint="--device cpu")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
    return device
