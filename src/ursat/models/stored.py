"""Weights on disk, of any family of networks: fp16 safetensors, with all one must know of them in the header.

The header's metadata holds one entry, ``ursat``: canonical JSON. (One entry, because safetensors writes several in no
fixed order, and equal weights shall be equal files.) Nothing is ever unpickled. Torch is loaded with the tensors only.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from safetensors import SafetensorError

from ursat.errors import InputError
from ursat.models.gains import Calibration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

FORMAT = 2
SUFFIX = ".safetensors"
CORE = "core"  # the family of files that name none
_ENTRY, _FAMILY = "ursat", "family"
_DTYPE = "F16"
_LONGEST_HEADER = 1 << 24
_LARGEST_FILE = 2 << 30
_MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)
_AGAIN = "download or copy it again"


class Config(Protocol):
    """A network's size."""

    @property
    def name(self) -> str:
        """Of the preset."""
        ...

    @property
    def halo(self) -> int:
        """Cells around a cell that one evaluation is given."""
        ...

    def to_json(self) -> dict[str, Any]:
        """JSON-ready."""
        ...


ConfigT = TypeVar("ConfigT", bound=Config)
NetT = TypeVar("NetT", bound="nn.Module")


@dataclass(frozen=True, slots=True)
class Family(Generic[ConfigT, NetT]):
    """Networks of one kind.

    name: in the header. parse: makes a configuration of its JSON, or raises ValueError. build: makes its network.
    """

    name: str
    parse: Callable[[dict[str, Any]], ConfigT]
    build: Callable[[ConfigT], NetT]


@dataclass(frozen=True, slots=True)
class WeightsInfo:
    """What a file of weights says of itself.

    config: of the network, a class of its family's. sha256: of the file. size: bytes. parameters: numbers in all
    tensors. data: what it was trained on (names, hash of the pack). steps: of the optimiser. date: ISO 8601.
    calibration: strength of samples. scores: on validation places, dB or as the name says.
    """

    config: Any
    sha256: str
    size: int
    parameters: int
    data: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    steps: int = 0
    date: str = ""
    calibration: Calibration = field(default_factory=Calibration)
    scores: dict[str, float] = field(default_factory=dict)

    def to_meta(self) -> dict[str, Any]:
        """The meta that `save` made this of."""
        return {
            "config": self.config.to_json(),
            "data": self.data,
            "licence": self.licence,
            "steps": self.steps,
            "date": self.date,
            "calibration": self.calibration.to_json(),
            "val": self.scores,
        }


def save(path: Path, family: Family[Any, Any], state_dict: Mapping[str, Tensor], meta: Mapping[str, Any]) -> str:
    """Write weights; equal tensors and equal meta give equal bytes.

    Args:
        path: the final name; written beside it first and renamed when complete.
        family: of the network.
        state_dict: of a network, any floating dtype; stored as fp16.
        meta: ``config`` (its ``to_json``), and what is known of ``data``, ``licence``, ``steps``, ``date``,
            ``calibration`` and ``val`` (scores); see `WeightsInfo`.

    Returns:
        The file's sha256.

    Raises:
        ValueError: the tensors are not those of the configuration, do not fit into fp16, or the meta makes no sense.
    """
    import safetensors.torch  # noqa: PLC0415

    facts = {"format": FORMAT, **meta} if family.name == CORE else {"format": FORMAT, _FAMILY: family.name, **meta}
    config = _described(facts, family)["config"]
    tensors = {name: tensor.detach().half().cpu().contiguous() for name, tensor in state_dict.items()}
    problem = _misfit(family, config, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
    if problem is None:
        problem = next((f"{n} leaves fp16's range" for n, t in tensors.items() if not bool(t.isfinite().all())), None)
    if problem is not None:
        raise ValueError(f"these are no weights of {config.name}: {problem}")
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    data: bytes = safetensors.torch.save(tensors, {_ENTRY: text})
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return hashlib.sha256(data).hexdigest()


def read(path: Path, family: Family[Any, Any], sha256: str | None = None) -> WeightsInfo:
    """What the file's header says, the tensors not looked at.

    Args:
        path: a file.
        family: that it must be of.
        sha256: what the file's must be, or None.

    Raises:
        InputError: missing, unreadable, another file's sha256, not safetensors, not ursat's or of another family; one
            line and a hint.
    """
    return _parse(path, _read(path, sha256), family)[0]


def family_name(path: Path, sha256: str | None = None) -> str:
    """The family that a file of weights is of.

    Raises:
        InputError: as `read`.
    """
    text = _text(path, _read(path, sha256))[1]
    try:
        return str(json.loads(text).get(_FAMILY, CORE))
    except _MALFORMED as error:
        raise InputError(f"{path} has a header that cannot be understood: {_reason(error)}", hint=_AGAIN) from error


def load(path: Path, family: Family[Any, NetT], sha256: str | None = None) -> tuple[NetT, WeightsInfo]:
    """The network, ready to run (evaluation mode, fp32, channels_last, no gradients), and what the file says of itself.

    Args:
        path: a file.
        family: that it must be of.
        sha256: what the file's must be, or None.

    Raises:
        InputError: as `read`; also truncated, tensors that do not fit the configuration, or not finite.
    """
    import safetensors.torch  # noqa: PLC0415
    import torch  # noqa: PLC0415

    data = _read(path, sha256)
    info, listed = _parse(path, data, family)
    wrong = next((name for name, entry in listed.items() if entry["dtype"] != _DTYPE), None)
    problem = f"{wrong} is {listed[wrong]['dtype']}, not {_DTYPE}" if wrong is not None else None
    problem = problem or _misfit(family, info.config, {name: tuple(entry["shape"]) for name, entry in listed.items()})
    if problem is not None:
        raise InputError(f"{path} does not fit its own configuration {info.config.name}: {problem}", hint=_AGAIN)
    try:
        tensors = safetensors.torch.load(data)
    except SafetensorError as error:
        raise InputError(f"{path} is damaged: {_reason(error)}", hint=_AGAIN) from error
    broken = next((name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())), None)
    if broken is not None:
        raise InputError(f"{path} is damaged: {broken} holds numbers that are not finite", hint=_AGAIN)
    net = family.build(info.config)
    net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    for parameter in net.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return net.eval().requires_grad_(requires_grad=False), info


def _read(path: Path, sha256: str | None) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a file", hint="--model takes a model's name or a file of weights")
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise InputError(f"there are no weights at {path}", hint="`ursat models list` names what ships") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="--model takes a file of weights") from error
    if len(data) > _LARGEST_FILE:
        raise InputError(f"{path} is larger than any weights of ursat", hint="--model takes a file of weights")
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        raise InputError(
            f"{path} is not the file that was published: its sha256 is {found[:16]}..., not {sha256[:16]}...",
            hint="install ursat again",
        )
    return data


def _parse(path: Path, data: bytes, family: Family[Any, Any]) -> tuple[WeightsInfo, dict[str, Any]]:
    """The header: what it says of the weights, and {tensor: {"dtype", "shape", "data_offsets"}}."""
    header, text = _text(path, data)
    try:
        ends = [int(entry["data_offsets"][1]) for entry in header.values()]
        count = sum(math.prod(int(n) for n in entry["shape"]) for entry in header.values())
        if not all(isinstance(entry["dtype"], str) for entry in header.values()):
            raise ValueError("a tensor without a type")
        facts = _described(json.loads(text), family)
    except _MALFORMED as error:
        raise InputError(f"{path} has a header that cannot be understood: {_reason(error)}", hint=_AGAIN) from error
    missing = max(ends, default=0) + 8 + int.from_bytes(data[:8], "little") - len(data)
    if missing > 0:
        raise InputError(f"{path} is truncated: {missing} bytes are missing", hint=_AGAIN)
    return WeightsInfo(sha256=hashlib.sha256(data).hexdigest(), size=len(data), parameters=count, **facts), header


def _text(path: Path, data: bytes) -> tuple[dict[str, Any], str]:
    """The header without ursat's entry, and that entry.

    The format: eight bytes, the header's length, little endian; JSON of that length; the tensors (safetensors 0.x).
    """
    header = _header(data)
    if header is None:
        raise InputError(
            f"{path} is not a safetensors file", hint="--model takes a model's name or a file that `ursat train` wrote"
        )
    text = (header.pop("__metadata__", None) or {}).get(_ENTRY)
    if not isinstance(text, str):
        raise InputError(
            f"{path} holds weights, but not of ursat", hint="only files that `ursat train` wrote can be used"
        )
    return header, text


def _header(data: bytes) -> dict[str, Any] | None:
    """None where ``data`` does not begin like safetensors."""
    length = int.from_bytes(data[:8], "little")
    if len(data) <= 8 or length > _LONGEST_HEADER or data[8:9] != b"{":
        return None
    try:
        header = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and all(isinstance(entry, dict) for entry in header.values()) else None


def _described(meta: Mapping[str, Any], family: Family[Any, Any]) -> dict[str, Any]:
    """Fields of `WeightsInfo` from the header's JSON.

    Raises:
        ValueError: another format, or something that makes no sense.
    """
    if not isinstance(meta, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  (JSON of another kind is a wrong value)
    if meta.get("format") != FORMAT:
        raise ValueError(f"format version {meta.get('format')!r}, this ursat reads {FORMAT}")
    if meta.get(_FAMILY, CORE) != family.name:
        raise ValueError(f"weights of the family {meta.get(_FAMILY, CORE)}, not {family.name}")
    return {
        "config": family.parse(meta.get("config") or {}),
        "data": dict(meta.get("data") or {}),
        "licence": str(meta.get("licence") or ""),
        "steps": int(meta.get("steps") or 0),
        "date": str(meta.get("date") or ""),
        "calibration": Calibration.parse(meta.get("calibration")),
        "scores": {str(k): float(v) for k, v in (meta.get("val") or {}).items()},
    }


def _misfit(family: Family[Any, Any], config: Config, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """What is wrong with tensors of these shapes for a network of this configuration; None where all is right."""
    import torch  # noqa: PLC0415

    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in family.build(config).state_dict().items()}
    for name in sorted(expected.keys() | shapes.keys()):
        if name not in shapes:
            return f"there is no {name}"
        if name not in expected:
            return f"{name} has no place in it"
        if shapes[name] != expected[name]:
            return f"{name} is {shapes[name]}, not {expected[name]}"
    return None


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
