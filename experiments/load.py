"""Load: as many requests as come back, from many hosts, in one thread.

A closed loop: each user sends its next request when its last one is answered, so what is measured
is what the path carries, never a queue in front of it.

    user ──connect──► send ──► answer ──► send (kept) or connect anew (fresh), until the time is up

Written for speed rather than for reading answers: `traffic.py` asks who answered, this asks how often.
It says nothing about a latency under a given rate: for that arrivals must not wait for answers.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from experiments.clients import ClientHost
from experiments.netns import socket_in
from layerlab import LabError

REQUEST = b"GET / HTTP/1.1\r\nHost: vip\r\n%b\r\n"
CLOSE = b"Connection: close\r\n"
PATIENCE_S = 5.0  # without any answer at all


@dataclass
class Measured:
    """What one run of load came to. elapsed_s: each request's time, connecting included where it was fresh."""

    seconds: float = 0.0
    elapsed_s: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Requests answered in a second; with fresh connections, connections as well."""
        return len(self.elapsed_s) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The nearest-rank percentile of the requests' times, in milliseconds."""
        ordered = sorted(self.elapsed_s)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class User:
    """One who asks again and again, from one host, the same address."""

    def __init__(self, client: ClientHost, target: tuple[str, int], fresh: bool) -> None:
        self.client, self.target, self.fresh = client, target, fresh
        self.request = REQUEST % (CLOSE if fresh else b"")
        self.sock: socket.socket | None = None
        self.began_s = 0.0
        self.missing = -1  # bytes of the answer still to come; -1 before its head is whole
        self.head = b""

    def ask(self, selector: selectors.BaseSelector) -> None:
        """Send the next request, in a new connection where it takes one."""
        self.began_s, self.missing, self.head = time.perf_counter(), -1, b""
        if self.sock is not None:
            self.sock.send(self.request)
            return
        self.sock = socket_in(self.client.netns)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect_ex(self.target)
        selector.register(self.sock, selectors.EVENT_WRITE, self)

    def ready(self, selector: selectors.BaseSelector, events: int) -> float | None:
        """Go on; return how long the request took, in seconds, once it is answered. Raises LabError if it isn't."""
        assert self.sock is not None
        if events & selectors.EVENT_WRITE:
            if number := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise LabError(f"{self.client.name} can't connect to {self.target}: error {number}", "an answer")
            selector.modify(self.sock, selectors.EVENT_READ, self)
            self.sock.send(self.request)
            return None
        if not self._answered(self.sock.recv(65_536)):
            return None
        took_s = time.perf_counter() - self.began_s
        if self.fresh:
            self.leave(selector)
        return took_s

    def _answered(self, data: bytes) -> bool:
        if not data:
            raise LabError(f"{self.target} closed on {self.client.name} before its answer was whole", "an answer")
        if self.missing < 0:
            self.head += data
            head, gap, body = self.head.partition(b"\r\n\r\n")
            if not gap:
                return False
            self.missing = content_length(head) - len(body)
        else:
            self.missing -= len(data)
        return self.missing <= 0

    def leave(self, selector: selectors.BaseSelector) -> None:
        """Close the connection, if there is one."""
        if self.sock is not None:
            selector.unregister(self.sock)
            self.sock.close()
            self.sock = None


def content_length(head: bytes) -> int:
    """The Content-Length in an answer's head; the lab's server always writes one, and a proxy keeps it."""
    lower = head.lower()
    at = lower.index(b"content-length:")
    return int(lower[at + 15:].split(b"\r\n", 1)[0])


def drive(users: Sequence[User], seconds: float) -> Measured:
    """Let `users` ask for `seconds` and return what was answered in that time.

    Raises LabError if a request fails or nothing is answered for a while.
    """
    measured = Measured()
    with selectors.DefaultSelector() as selector:
        try:
            began_s = time.perf_counter()
            for user in users:
                user.ask(selector)
            while (now_s := time.perf_counter()) < began_s + seconds:
                _round(selector, measured, began_s + seconds - now_s)
            measured.seconds = time.perf_counter() - began_s
        finally:
            for user in users:
                user.leave(selector)
    if not measured.elapsed_s:
        raise LabError(f"nothing was answered in {seconds} s", "an answer", "./lab doctor")
    return measured


def _round(selector: selectors.BaseSelector, measured: Measured, left_s: float) -> None:
    for key, events in selector.select(min(left_s, PATIENCE_S)):
        if (took_s := key.data.ready(selector, events)) is not None:
            measured.elapsed_s.append(took_s)
            key.data.ask(selector)


def users(clients: Iterable[ClientHost], targets: Sequence[tuple[str, int]], fresh: bool) -> list[User]:
    """One user a client, the targets dealt out in turn."""
    return [User(client, targets[number % len(targets)], fresh) for number, client in enumerate(clients)]
