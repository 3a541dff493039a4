"""The one place where errors are caught: each becomes a line, a hint and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from ursat.cli.console import hint, say
from ursat.errors import UrsatError, out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INTERRUPTED = 130
TERMINATED = 143
INTERNAL = 1
LIMIT = 7
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def guard(call: Callable[[], Any], argv: Sequence[str]) -> int:
    """Run ``call``, report what goes wrong on stderr, and return the exit code.

    ``argv`` is only looked at for -v: with two or more, an unexpected exception shows its traceback.
    """
    _catch_sigterm()
    try:
        try:
            result = call()
        except typer.Exit as exit_:
            result = exit_.exit_code
        sys.stdout.flush()  # what is wrong with stdout shall show now, not when the interpreter ends
    except UrsatError as error:
        return _fail(error.message, error.hint, error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _stopped()
    except typer.TyperException as error:
        message = error.format_message()  # empty where the help text was printed instead
        return _fail(message, _usage_hint(error), error.exit_code) if message else error.exit_code
    except BrokenPipeError:
        return _abandon_stdout()
    except MemoryError:
        return _fail("out of memory", "lower --max-memory or --tile, or cut the region with --bbox or --aoi", LIMIT)
    except SystemExit as exit_:
        if exit_.code == TERMINATED:
            return _terminated()
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except OSError as error:
        if error.errno not in _DISK_FULL:
            return _unexpected(error, argv)
        _abandon_stdout()
        where = f" ({error.filename})" if error.filename else ""
        return _fail(f"{error.strerror}{where}", "free some space; TMPDIR says where temporary files go", LIMIT)
    except Exception as error:  # noqa: BLE001  (the last line of defence: whatever it is, one line and exit 1)
        return _signalled(error) or _unexpected(error, argv)
    code = result if isinstance(result, int) else 0
    return _stopped() if code == INTERRUPTED else code


def _fail(message: str, advice: str, code: int) -> int:
    say("error", message, "bold red")
    if advice:
        hint(advice)
    return code


def _stopped() -> int:
    say("", "interrupted")
    return INTERRUPTED


def _terminated() -> int:
    say("", "terminated")
    return TERMINATED


def _signalled(error: BaseException) -> int:
    """The exit code of the signal in whose wake the error came, 0 without one.

    A signal's exception may rise anywhere, also where a lock is being taken: leaving the lock then fails with another.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            return _stopped()
        if isinstance(cause, SystemExit) and cause.code == TERMINATED:
            return _terminated()
        cause = cause.__context__
    return 0


def _usage_hint(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "ursat"
    return f"{command} --help lists what is accepted"


def _abandon_stdout() -> int:
    # Python flushes stdout once more at exit and would complain; what is left goes nowhere.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return INTERNAL


def _unexpected(error: Exception, argv: Sequence[str]) -> int:
    if out_of_memory(error):
        return _fail("the device is out of memory", "use --device cpu, or lower --max-memory or --jobs", LIMIT)
    verbose = sum(arg.count("v") for arg in argv if arg.startswith("-") and set(arg[1:]) == {"v"})
    if verbose + argv.count("--verbose") > 1:
        traceback.print_exc()
    where = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return _fail(where, "this is a bug; run with -vv for the traceback", INTERNAL)


def _catch_sigterm() -> None:
    """Turn SIGTERM into an exception of the main thread, so that temporaries are removed on the way out."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(TERMINATED)
