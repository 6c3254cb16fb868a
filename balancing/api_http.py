"""The API's HTTP: one connection, handed over as a stream by whoever listens.

     a connection of a Unix socket ──► Handler ──method, target, body──► answer(...) ──► status, JSON

Controller and proxy listen each in its own way and share this. It opens nothing itself. What speaks HTTP is the
standard library's http.server: it works under Ryu's greenlets and under threads alike.

Rules kept here:

1. Whatever is asked, however badly, is answered in the API's form, or the client has hung up.
2. Half a request is none: what did not come whole is not done.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from balancing.api import MAX_BODY_BYTES, Answer

PATIENCE_S = 10.0  # for a client to send its request
LINGER_S = 1.0     # for one that was refused to send the rest of it


class Handler(BaseHTTPRequestHandler):
    """Serves one connection. `server` is anything with an `answer(method, target, body)`."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # of what can't be read: or it would be answered without a head
    server_version = "layer-lab"
    timeout = PATIENCE_S
    server: Any
    refused = False

    def _serve(self) -> None:
        if (body := self._body()) is not None:
            self._send(*self.server.answer("GET" if self.command == "HEAD" else self.command, self.path, body))

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = do_PUT = _serve

    def _body(self) -> bytes | None:
        """The request's body; None if it was refused, or the client hung up before it was whole."""
        lengths = self.headers.get_all("Content-Length", ["0"])
        if "Transfer-Encoding" in self.headers or not _is_length(lengths):
            self._refuse(400, "the body's length is " + ("not given" if lengths == ["0"] else ", ".join(lengths)),
                         f"a Content-Length of at most {MAX_BODY_BYTES} bytes")
            return None
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            self.close_connection = True
            return None
        return body

    def _send(self, status: int, form: object) -> None:
        body = json.dumps(form, indent=2).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, saw: str, expected: str) -> None:
        """Answer, and close: where the next request would begin is not known."""
        self.close_connection = self.refused = True
        self._send(status, {"error": saw, "expected": expected})

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses: a head that is none or too long, a method that it doesn't know."""
        self._refuse(code, message or self.responses[HTTPStatus(code)][0], "an HTTP/1.1 request (balancing/api.py)")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: what was changed is an event."""

    def address_string(self) -> str:
        return "local"


def _is_length(lengths: list[str]) -> bool:
    """Whether a request's Content-Length is one number, and not too large."""
    return len(lengths) == 1 and bool(re.fullmatch("[0-9]{1,9}", lengths[0])) and int(lengths[0]) <= MAX_BODY_BYTES


class Desk:
    """Where a request's answer comes from; what Handler calls its server."""

    def __init__(self, answer: Callable[[str, str, bytes], Answer]) -> None:
        self.answer = answer

    def serve(self, connection: socket.socket) -> None:
        """Answer everything that is asked on this connection, until it is closed."""
        with connection, contextlib.suppress(OSError):  # the client may go at any time
            if Handler(connection, ("local", 0), self).refused:  # type: ignore[arg-type]
                self._linger(connection)

    @staticmethod
    def _linger(connection: socket.socket) -> None:
        """Let the client finish: closed while it still sends, it would see a broken pipe and never the answer."""
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(LINGER_S)
        for _ in range(100):
            if not connection.recv(MAX_BODY_BYTES):
                return


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
