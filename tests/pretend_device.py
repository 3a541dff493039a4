"""A device that is not there: tensors that say they lie on it, computed on the CPU, and never mixed with the CPU's.

What only a machine with a GPU would tell shows on any: a tensor made on the wrong device, an operation on tensors of
two devices, numpy asked for memory that it cannot read. The numbers are the CPU's own. torch's device "meta" lends the
name, because every build of torch lets tensors say that they lie there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

DEVICE = torch.device("meta")
_ATEN = torch.ops.aten
# What real devices do with tensors of the CPU beside their own
_ACROSS = {_ATEN._to_copy.default, _ATEN.copy_.default, _ATEN.index.Tensor, _ATEN.index_put_.default}


class OnDevice(torch.Tensor):
    """Holds a tensor of the CPU, and says that it lies on `DEVICE`."""

    __module__ = "torch.pretend"  # `ursat.fir.is_torch` goes by the name
    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Self:
        made: Self = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            device=DEVICE,
        )  # fmt: skip
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Literals(TorchFunctionMode):
    """Tensors of plain numbers, which ask no dispatcher before they are on their device."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.tensor and kwargs.get("device") is not None:
            return torch.tensor(*args, **{**kwargs, "device": None}).to(kwargs["device"])
        if func in {torch.Tensor.__getitem__, torch.Tensor.__setitem__} and isinstance(args[1], list):
            args = (args[0], torch.tensor(args[1]), *args[2:])
        return func(*args, **kwargs)


class _Factories(TorchDispatchMode):
    """Operations that name a device, whatever their tensors."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """One operation, on the CPU, for tensors that all lie on one device."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    there = [tensor for tensor in tensors if isinstance(tensor, OnDevice)]
    elsewhere = [tensor for tensor in tensors if not isinstance(tensor, OnDevice)]
    if any(tensor.device == DEVICE for tensor in elsewhere):
        raise RuntimeError(f"{func}: a tensor came to the device unseen")
    if there and func not in _ACROSS and any(tensor.dim() for tensor in elsewhere):
        raise RuntimeError(f"{func}: tensors of two devices")
    asked = kwargs.get("device")
    if func is _ATEN.copy_.default:
        on_device = isinstance(args[0], OnDevice)
    else:
        on_device = bool(there) if asked is None else torch.device(asked) == DEVICE
    inside = kwargs if asked is None else {**kwargs, "device": torch.device("cpu")}
    plain_args, plain_kwargs = tree_map_only(OnDevice, lambda tensor: tensor.held, (args, inside))
    out = func(*plain_args, **plain_kwargs)
    for tensor in there:
        if out is tensor.held:  # an operation in place
            return tensor
    return tree_map_only(torch.Tensor, OnDevice, out) if on_device else out


@contextmanager
def pretended() -> Iterator[torch.device]:
    """The device, while the body runs, for one thread."""
    with _Factories(), _Literals():
        yield DEVICE
