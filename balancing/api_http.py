"""The API's HTTP: one connection, handed over as a stream by whoever listens.

     a connection of a Unix socket ──► Handler ──method, target, body──► answer(...) ──► status, JSON

Controller and proxy listen each in its own way and share this. It opens nothing itself. What speaks HTTP is the
standard library's http.server: it works under Ryu's greenlets and under threads alike.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from balancing.api import MAX_BODY_BYTES, Answer

PATIENCE_S = 10.0  # for a client to send its request


class Handler(BaseHTTPRequestHandler):
    """Serves one connection. `server` is anything with an `answer(method, target, body)`."""

    protocol_version = "HTTP/1.1"
    server_version = "layer-lab"
    timeout = PATIENCE_S
    server: Any

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(400, {"error": f"the body's length is {length}",
                             "expected": f"a Content-Length of at most {MAX_BODY_BYTES} bytes"})
            return
        self._send(*self.server.answer(self.command, self.path, self.rfile.read(int(length))))

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _serve

    def _send(self, status: int, form: object) -> None:
        body = json.dumps(form, indent=2).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: what was changed is an event."""

    def address_string(self) -> str:
        return "local"


class Desk:
    """Where a request's answer comes from; what Handler calls its server."""

    def __init__(self, answer: Callable[[str, str, bytes], Answer]) -> None:
        self.answer = answer

    def serve(self, connection: socket.socket) -> None:
        """Answer everything that is asked on this connection, until it is closed."""
        with connection, contextlib.suppress(OSError):  # the client may go at any time
            Handler(connection, ("local", 0), self)  # type: ignore[arg-type]


@contextmanager
def private(path: Path) -> Iterator[str]:
    """Bind a Unix socket at `path` within this block, and only this user can open it, from its first moment on.

    A socket's own mode bits count on Linux (unix(7)). What an earlier process left at `path` is removed.
    """
    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        yield str(path)
    finally:
        os.umask(before)
