"""Every error a user can meet: what happened and where, what to do about it, and the exit code."""

from __future__ import annotations

import re

_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|ALLOC_FAILED|bad_alloc", re.IGNORECASE)


class UrsatError(Exception):
    """Base of all expected failures.

    Args:
        message: one line that says what happened and to which file, band or option.
        hint: one line that says what to do about it; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def message(self) -> str:
        """What happened, without the hint."""
        return str(self.args[0])


class UsageError(UrsatError):
    """An option or argument that cannot mean anything (exit code 2)."""

    exit_code = 2


class InputError(UrsatError):
    """An input that cannot be read or is not supported (exit code 3)."""

    exit_code = 3


class QualityError(UrsatError):
    """A quality gate that the caller asked for did not hold (exit code 4)."""

    exit_code = 4


class OutputExistsError(UrsatError):
    """The output is already there and overwriting was not asked for (exit code 5)."""

    exit_code = 5


class PartialError(UrsatError):
    """The run stopped before its end; what is finished is kept (exit code 6)."""

    exit_code = 6


class LimitError(UrsatError):
    """The run would exceed, or has hit, a limit of pixels, memory or disk (exit code 7)."""

    exit_code = 7


class OutputError(UrsatError):
    """The output cannot be written where it was asked for, or failed its check (exit code 1)."""

    exit_code = 1


class ModelError(UrsatError):
    """A model made something that is no number (exit code 1)."""

    exit_code = 1


class VerifyError(UrsatError):
    """`ursat verify` found a promise broken (exit code 4: a gate that the caller asked for)."""

    exit_code = 4


def out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory did not suffice, on the device or on this machine.

    Torch's is known by its name, so that nobody loads torch to ask; its allocator on the CPU and the libraries on CUDA
    raise a plain RuntimeError, which only its words tell from others.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None
