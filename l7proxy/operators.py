"""Where operators ask: the API of balancing/api.py on a Unix socket, while clients are served.

     connection ──► a thread of its own: Handler, blocking ──request──► the loop: Api.answer
                                                           ◄──answer───

Rules kept here:

1. The loop is the one writer of all pools: threads read and write bytes only, and wait for its answer.
2. Only the user who runs the proxy can open the socket, from its first moment on (api_http.private).
3. Operators can't keep clients waiting: no more than `Limits.api_connections` are served at a time.
"""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

from balancing.api import Answer, Api
from balancing.api_http import PATIENCE_S, Desk, private
from layerlab import LabError

BACKLOG = 16
BREATH_S = 1.0  # out of files: how long until the next try to accept


class OperatorSocket:
    """The socket at `path`. Raises LabError if it can't be opened. Made in the loop that it asks for answers."""

    def __init__(self, path: Path, api: Api, most: int) -> None:
        self.path, self.api, self.most = path, api, most
        self._desk = Desk(self._ask)
        self._threads: list[Thread] = []
        self._loop = asyncio.get_running_loop()
        self._listener = _listen(path)
        self._breath: asyncio.TimerHandle | None = None
        self._open()

    def _open(self) -> None:
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Give the next operator a thread, or hang up if there are too many."""
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:
            self._loop.remove_reader(self._listener)
            self._breath = self._loop.call_later(BREATH_S, self._open)
            return
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= self.most:
            connection.close()
            return
        thread = Thread(target=self._desk.serve, args=(connection,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _ask(self, method: str, target: str, body: bytes) -> Answer:
        """In a thread: the loop's answer. Raises OSError, which ends the connection, if the loop turns no more."""
        answered: Future[Answer] = Future()
        try:
            self._loop.call_soon_threadsafe(self._answer, answered, method, target, body)
        except RuntimeError as closed:
            raise ConnectionAbortedError from closed
        return answered.result(PATIENCE_S)  # its TimeoutError is an OSError

    def _answer(self, answered: Future[Answer], method: str, target: str, body: bytes) -> None:
        """In the loop."""
        try:
            answered.set_result(self.api.answer(method, target, body))
        except Exception as error:
            answered.set_exception(error)

    def close(self) -> None:
        """Accept nobody any more."""
        if self._breath is not None:
            self._breath.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def __repr__(self) -> str:
        return f"<OperatorSocket at {self.path}>"


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path`; a socket that an earlier process left there makes room, other files don't."""
    if path.exists() and not path.is_socket():
        raise LabError(f"--api: {path} is there, and is no socket", "a path for a socket, where nothing is yet")
    listener = socket.socket(socket.AF_UNIX)
    listener.setblocking(False)
    try:
        with private(path) as name:
            listener.bind(name)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise LabError(f"--api: can't listen at {path}: {reason}",
                       "a path of at most 107 bytes in a folder that can be written") from None
    return listener
