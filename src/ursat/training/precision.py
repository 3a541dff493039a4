"""bf16 where it is safe: in the network's own layers, not in its features, whose pixel values need 16 bits and more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from ursat.errors import UsageError

if TYPE_CHECKING:
    from ursat.training.options import Precision


class Mixed(nn.Module):
    """A network whose layers run in bf16; fp32 weights, inputs and output."""

    def __init__(self, net: nn.Module, device_type: str) -> None:
        super().__init__()
        self.net = net
        self._device_type = device_type

    def forward(self, *inputs: Any, **switches: Any) -> Any:
        """As the network itself."""
        with torch.autocast(self._device_type, torch.bfloat16):
            out = self.net(*inputs, **switches)
        return tree_map_only(Tensor, Tensor.float, out)


def with_precision(net: nn.Module, precision: Precision, device: torch.device) -> nn.Module:
    """The network as it shall run: ``auto`` is bf16 on a CUDA device that has it, else fp32.

    Raises:
        UsageError: bf16 was asked for on a CUDA device without it.
    """
    able = device.type != "cuda" or torch.cuda.is_bf16_supported()
    if precision == "bf16" and not able:
        raise UsageError(f"{device} has no bf16", hint="--precision fp32")
    wanted = precision == "bf16" or (precision == "auto" and device.type == "cuda" and able)
    return Mixed(net, device.type) if wanted else net
