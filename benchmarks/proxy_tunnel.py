"""Bytes through a forward proxy's tunnels (CONNECT), as many as it can carry.

    flow ──"CONNECT origin.test:8081"──► proxy ──► backend
         ──"GET /large", "GET /large"──►           always two that are not answered yet, so that the backend never waits
         ◄──────────── 1 MiB, 1 MiB ... counted, and dropped in the kernel

Rules kept here:

1. The driver shares its core with the backend, and the proxy is to be what the flows wait for: so nothing that comes is
   copied to the driver (MSG_TRUNC, tcp(7)), as the backend copies nothing when it sends (sendfile(2)).
2. An answer's head is counted like its body: it is 250 octets of a million.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass

from layerlab import LabError

CHUNK_BYTES = 1024 * 1024
PATIENCE_S = 5.0  # without any byte
_OPEN = re.compile(rb"HTTP/1\.[01] 200 ")


@dataclass(frozen=True)
class Goal:
    """What goes through. bytes_each: of an answer, at least."""

    host: str
    port: int
    path: str
    bytes_each: int


class Flow:
    """One tunnel, in which answer follows answer. sock: to the proxy. Raises LabError if there is no tunnel."""

    _nowhere = bytearray(CHUNK_BYTES)  # recv_into must be given room, MSG_TRUNC writes nothing there

    def __init__(self, sock: socket.socket, goal: Goal) -> None:
        self._request = f"GET {goal.path} HTTP/1.1\r\nHost: {goal.host}\r\n\r\n".encode()
        self._each, self._ahead = goal.bytes_each, 0
        self.sock = sock
        self._say(f"CONNECT {goal.host}:{goal.port} HTTP/1.1\r\nHost: {goal.host}:{goal.port}\r\n\r\n".encode())
        self.sock.setblocking(False)
        self._ask()

    def _say(self, connect: bytes) -> None:
        """Ask for the tunnel."""
        self.sock.sendall(connect)
        said = b""
        while not said.endswith(b"\r\n\r\n"):
            piece = self.sock.recv(1)  # no more: what follows is counted
            said += piece
            if not piece:
                break
        if not _OPEN.match(said):
            raise LabError(f"CONNECT was answered {said[:60]!r}", "200")

    def _ask(self) -> None:
        while self._ahead <= self._each:
            self.sock.send(self._request)
            self._ahead += self._each

    def read(self) -> int:
        """Drop what has come, ask for more, and return how many bytes there were."""
        got = self.sock.recv_into(self._nowhere, CHUNK_BYTES, socket.MSG_TRUNC)
        if not got:
            raise LabError("a tunnel was closed before its answers had come", "bytes")
        self._ahead -= got
        self._ask()
        return got


class Flows:
    """Some tunnels at once: a context. Raises LabError, on entering, if one can't be had."""

    def __init__(self, proxy: tuple[str, int], goal: Goal, number: int) -> None:
        self.proxy, self.goal, self.number = proxy, goal, number

    def __enter__(self) -> Flows:
        with ExitStack() as stack:
            self._selector = stack.enter_context(selectors.DefaultSelector())
            for _ in range(self.number):
                flow = Flow(stack.enter_context(socket.create_connection(self.proxy, PATIENCE_S)), self.goal)
                self._selector.register(flow.sock, selectors.EVENT_READ, flow.read)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def step(self) -> int:
        """Read once wherever something has come, or wait until something does; how many bytes. Raises LabError."""
        ready = self._selector.select(PATIENCE_S)
        if not ready:
            raise LabError(f"no byte came for {PATIENCE_S:g} s", "bytes")
        return sum(key.data() for key, _ in ready)

    def pump(self, seconds: float) -> int:
        """Read for so long; how many bytes. Raises LabError."""
        until_s, arrived = time.perf_counter() + seconds, 0
        while time.perf_counter() < until_s:
            arrived += self.step()
        return arrived
