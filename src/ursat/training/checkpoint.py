"""Checkpoints: what a run needs to go on as if it had never stopped; tensors and plain values, no pickled objects."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import nn

from ursat.errors import InputError
from ursat.models.core.config import CoreConfig
from ursat.models.core.denoiser import Denoiser
from ursat.models.core.weights import SUFFIX, load_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

ConfigT = TypeVar("ConfigT")
NetT = TypeVar("NetT", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """step: optimiser steps done; elapsed_s: of training; best: highest validation score, or None.

    config, plan: of the network and the run, as JSON. net, ema: state dictionaries. optimiser: those of the
    `Learner`'s optimisers, by name.
    """

    step: int
    elapsed_s: float
    best: float | None
    config: dict[str, Any]
    plan: dict[str, Any]
    net: dict[str, Tensor]
    ema: dict[str, Tensor]
    ema_count: int
    optimiser: dict[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write; the file appears under its name complete, and replaces an older one only then."""
    part = path.with_suffix(".part")
    shallow = {name: getattr(checkpoint, name) for name in Checkpoint.__slots__}
    with part.open("wb") as file:
        torch.save(shallow, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote, on the CPU.

    Raises:
        InputError: missing, damaged, or something else.
    """
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such checkpoint", hint="name a file that `ursat train` wrote") from error
    except (OSError, RuntimeError, EOFError, TypeError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: not a checkpoint of ursat: {reason}", hint="name checkpoint.pt of a run") from error


def load_network(path: Path) -> Denoiser:
    """The network of a .safetensors file, or the averaged weights of a checkpoint; evaluation mode, no gradients.

    Raises:
        InputError: neither of the two, or damaged.
    """
    if path.suffix == SUFFIX:
        return load_weights(path)[0]
    return load_ema(path, new_network, CoreConfig.from_json)


def load_ema(path: Path, build: Callable[[ConfigT], NetT], parse: Callable[[dict[str, Any]], ConfigT]) -> NetT:
    """The averaged weights of a checkpoint; evaluation mode, no gradients.

    Args:
        path: of the checkpoint.
        build: makes the network of a configuration.
        parse: makes the configuration of its JSON.

    Raises:
        InputError: damaged, or of another family.
    """
    checkpoint = load_checkpoint(path)
    try:
        net = build(parse(checkpoint.config))
        net.load_state_dict(checkpoint.ema)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: its weights fit no network", hint="name checkpoint.pt of a run") from error
    return net.eval().requires_grad_(requires_grad=False)


def new_network(config: CoreConfig) -> Denoiser:
    """A fresh network on the CPU, in the memory layout that its convolutions are fastest in."""
    net = Denoiser(config)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net
