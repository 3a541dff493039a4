"""A local web server that understands byte ranges, counts what it sends, and fails on request.

A process of its own: rasterio holds Python's global lock during some of GDAL's requests, and a thread of the same
process could not answer them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATE, _FAIL = "/-state", "/-fail"


class Served:
    """The server as its client sees it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def _state(self) -> dict[str, Any]:
        with urlopen(self.address + _STATE) as answer:
            return json.load(answer)

    @property
    def sent(self) -> int:
        """Bytes of files so far."""
        return self._state()["sent"]

    @property
    def asked(self) -> list[str]:
        """Paths of all requests so far."""
        return self._state()["asked"]

    def fail(self) -> None:
        """Answer no further request for a file."""
        urlopen(self.address + _FAIL).close()


@contextmanager
def serve(root: Path) -> Iterator[Served]:
    """Serve the files under a folder."""
    command = [sys.executable, __file__, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Served(process.stdout.readline().strip())
        process.kill()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root = Path()
    state: dict[str, Any] = {"sent": 0, "asked": [], "failing": False}  # noqa: RUF012  (one server a process)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        if self.path in {_STATE, _FAIL}:
            self.state["failing"] |= self.path == _FAIL
            self._reply(200, json.dumps(self.state).encode())
        else:
            self._file(body=True)

    def _reply(self, code: int, content: bytes, *, length: int | None = None, place: str = "") -> None:
        self.send_response(code)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) if length is None else length))
        if place:
            self.send_header("Content-Range", place)
        self.end_headers()
        self.wfile.write(content)

    def _file(self, *, body: bool) -> None:
        self.state["asked"].append(self.path)
        file = self.root / self.path.partition("?")[0].lstrip("/")
        if not file.is_file() or self.state["failing"]:
            self._reply(404, b"")
            return
        size = file.stat().st_size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, stop = (int(wanted[1]), min(int(wanted[2] or size) + 1, size)) if wanted else (0, size)
        content = b""
        if body:
            with file.open("rb") as opened:
                opened.seek(first)
                content = opened.read(stop - first)
        self.state["sent"] += len(content)
        place = f"bytes {first}-{stop - 1}/{size}" if wanted else ""
        self._reply(206 if wanted else 200, content, length=stop - first, place=place)


if __name__ == "__main__":
    _Handler.root = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
