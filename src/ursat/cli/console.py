"""The two streams: data on stdout, everything else on stderr; and the log of the library on its way there."""

from __future__ import annotations

import json
import logging
import sys
import time
import unicodedata

from rich.console import Console
from rich.text import Text

# soft_wrap: a line stays a line when it goes to a file or through grep; the terminal wraps it itself.
_STYLE = {"soft_wrap": True, "highlight": False, "markup": False}
stderr = Console(stderr=True, **_STYLE)  # type: ignore[arg-type]
stdout = Console(**_STYLE)  # type: ignore[arg-type]
_log = {"format": "text"}  # of stderr, for as long as one command runs


def one_line(text: str) -> str:
    """``text`` on one line, with control characters (file names may hold any) made visible."""
    joined = " ".join(text.split())
    return "".join(c if unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in joined)


def say(kind: str, text: str, style: str = "") -> None:
    """One line on stderr: ``ursat: kind: text``; ``kind`` may be empty. With ``--log-format json``, an object."""
    if _log["format"] == "json":
        emit(kind or "message", message=one_line(text))
        return
    line = Text("ursat: ")
    if kind:
        line.append(f"{kind}: ", style)
    stderr.print(line.append(one_line(text)))


def hint(text: str) -> None:
    """The line below an error that says what to do."""
    if _log["format"] == "json":
        emit("hint", message=one_line(text))
    else:
        stderr.print(f"  hint: {one_line(text)}")


def emit(event: str, **facts: object) -> None:
    """One JSON object on a line of stderr: the event, the time (seconds since 1970), and the facts."""
    line = json.dumps({"event": event, "time": round(time.time(), 3), **facts}, allow_nan=False)
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def prepare_streams() -> None:
    """Let stdout carry file names that are not valid UTF-8, as the shell passed them; stderr begins as text."""
    _log["format"] = "text"
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="surrogateescape")


class WarningHandler(logging.Handler):
    """Shows the log of the library on stderr, each line once, and remembers which warnings were shown."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record as ``ursat: warning: ...`` (or its lower-case level)."""
        if record.levelno >= logging.WARNING:
            self.warn(record.getMessage())
        else:
            say(record.levelname.lower(), record.getMessage(), "dim")

    def warn(self, text: str) -> None:
        """Show a warning unless it was shown already."""
        if self.level <= logging.WARNING and text not in self.shown:
            self.shown.add(text)
            say("warning", text, "yellow")


def start_logging(verbosity: int, *, as_json: bool = False) -> WarningHandler:
    """Attach the handler: -1 silent, 0 warnings, 1 what the library decides, 2 its details and GDAL's messages.

    ``as_json``: everything on stderr is one JSON object a line, from here to the end of the command.
    """
    _log["format"] = "json" if as_json else "text"
    level = {-1: logging.CRITICAL + 1, 0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    handler = WarningHandler(level)
    library, root = logging.getLogger("ursat"), logging.getLogger()
    for logger in (library, root):
        for old in [h for h in logger.handlers if isinstance(h, WarningHandler)]:
            logger.removeHandler(old)
    library.setLevel(min(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    if verbosity > 1:
        root.setLevel(logging.INFO)
        root.addHandler(handler)
    else:
        library.addHandler(handler)
        # Without a root handler Python prints other libraries' records by itself (rasterio repeats GDAL's messages).
        root.addHandler(logging.NullHandler())
    return handler
