"""An open loop: sessions begin when they are meant to, however long others wait. One thread drives all clients.

    Visit(at_s, client, target, paths) ──play──► Call(intended, took, server, error) for each of its requests

                   connect, send          answer, send next            answer, close
    intended ──────┬──────────────────────┬────────────────────────────┬───────
             late  │◄─ took (from intended)─►│◄─ took (from answer before)─►│

Rules kept here:

1. A session's first request counts from when it was *meant* to begin: time that the driver itself or a full queue costs
   is in it. A load that waits for answers leaves just the slow ones out ("coordinated omission", G. Tene).
2. How late the driver was is said of every call: where that is not small, the machine was measured.
3. A request that fails, or isn't answered in time, is a Call that says why; the rest of its session is not made.

Load as fast as it comes back is load.py's; answers one by one, with all that they say, are traffic.py's.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import json
import os
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from experiments.clients import ClientHost
from experiments.load import content_length
from experiments.netns import socket_in
from experiments.sessions import Session

REQUEST = "GET {} HTTP/1.1\r\nHost: vip\r\n\r\n"
PATIENCE_S = 20.0


@dataclass(frozen=True, eq=False)
class Visit:
    """One TCP connection that is to be made.

    at_s:   when, in seconds from the run's beginning.
    target: address and port. paths: what is asked for, one after another.
    label:  whatever the caller wants to find its calls by.
    """

    at_s: float
    client: ClientHost
    target: tuple[str, int]
    paths: tuple[str, ...]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What became of one request.

    number:  which one of its visit, from 1.
    at_s:    when it was meant to begin, in seconds from the run's beginning.
    late_s:  how much later the driver began it.
    took_s:  from when it was meant to begin to the answer's last byte, or to when it failed.
    server:  who says it answered; "" if nobody did. error: why there is no good answer; "" if there is.
    """

    visit: Visit
    number: int
    at_s: float
    late_s: float
    took_s: float
    server: str = ""
    error: str = ""


def visits(sessions: Iterable[Session], clients: Sequence[ClientHost], target: tuple[str, int], *,
           path: str = "/", offset_s: float = 0.0, label: str = "") -> list[Visit]:
    """A plan's sessions as visits to one address, all of them `offset_s` later."""
    return [Visit(one.at_s + offset_s, clients[one.client], target, (path,) * one.requests, label) for one in sessions]


def play(wanted: Iterable[Visit], patience_s: float = PATIENCE_S) -> list[Call]:
    """Make the visits and return every call, in the order in which they ended.

    patience_s: how long a request may take, in seconds. Raises LabError if a client's host is gone.
    """
    with selectors.DefaultSelector() as selector:
        stage = _Stage(selector, patience_s)
        try:
            return stage.play(sorted(wanted, key=lambda visit: visit.at_s))
        finally:
            stage.clear()


class _Stage:
    """Where the visits are played: who is on it, and what has happened so far."""

    def __init__(self, selector: selectors.BaseSelector, patience_s: float) -> None:
        self.selector, self.patience_s = selector, patience_s
        self.calls: list[Call] = []
        self._deadlines: list[tuple[float, int, _Guest, int]] = []  # when, a tie-breaker, whose, which of its calls
        self._count = itertools.count()
        self._present: set[_Guest] = set()
        self._began_s = time.perf_counter()

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._began_s

    def play(self, waiting: Sequence[Visit]) -> list[Call]:
        """Let everybody in at his time, and go on until the last has left."""
        coming: Iterator[Visit] = iter(waiting)
        following = next(coming, None)
        while following or self._present:
            while following and following.at_s <= self.now_s:
                self._enter(following)
                following = next(coming, None)
            self._expire()
            for key, _ in self.selector.select(self._pause_s(following)):
                key.data.ready()
        return self.calls

    def _enter(self, visit: Visit) -> None:
        guest = _Guest(self, visit)
        self._present.add(guest)
        guest.attempt(guest.connect)

    def leave(self, guest: _Guest) -> None:
        """A guest has gone, one way or the other."""
        self._present.discard(guest)

    def watch(self, guest: _Guest) -> None:
        """Its call is to end in time."""
        heapq.heappush(self._deadlines, (guest.at_s + self.patience_s, next(self._count), guest, guest.number))

    def _expire(self) -> None:
        while self._deadlines and self._deadlines[0][0] <= self.now_s:
            _, _, guest, number = heapq.heappop(self._deadlines)
            if guest in self._present and guest.number == number:
                guest.end(error=f"no answer within {self.patience_s:g} s")

    def _pause_s(self, following: Visit | None) -> float:
        """For how many seconds nothing is due; 0 where nothing is to come."""
        due = [following.at_s] if following else []
        due += [self._deadlines[0][0]] if self._deadlines and self._present else []
        return max(0.0, min(due, default=0.0) - self.now_s)

    def clear(self) -> None:
        """Close what is still open: only if something went wrong."""
        for guest in self._present:
            guest.close()


class _Guest:
    """One visit while it lasts. at_s, late_s, number: of the call that is under way."""

    def __init__(self, stage: _Stage, visit: Visit) -> None:
        self.stage, self.visit = stage, visit
        self.number, self.at_s, self.late_s = 1, visit.at_s, stage.now_s - visit.at_s
        self.sock: socket.socket | None = None
        self.on_ready: Callable[[], None] = self._connected
        self._answer = b""
        stage.watch(self)

    def attempt(self, step: Callable[[], None]) -> None:
        """Take a step; an error of the system's ends the visit."""
        try:
            step()
        except OSError as error:
            self.end(error=os.strerror(error.errno) if error.errno else str(error))

    def ready(self) -> None:
        """Its socket is."""
        self.attempt(self.on_ready)

    def connect(self) -> None:
        """Open the connection, from inside the client's host."""
        self.sock = socket_in(self.visit.client.netns)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stage.selector.register(self.sock, selectors.EVENT_WRITE, self)
        if (number := self.sock.connect_ex(self.visit.target)) not in (0, errno.EINPROGRESS):
            raise OSError(number, os.strerror(number))

    def _connected(self) -> None:
        assert self.sock is not None
        if number := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(number, os.strerror(number))
        self.stage.selector.modify(self.sock, selectors.EVENT_READ, self)
        self.on_ready = self._receive
        self._send()

    def _send(self) -> None:
        assert self.sock is not None
        self._answer = b""
        self.sock.send(REQUEST.format(self.visit.paths[self.number - 1]).encode())

    def _receive(self) -> None:
        assert self.sock is not None
        data = self.sock.recv(65_536)
        self._answer += data
        if not data:
            self.end(error="closed before the answer was whole")
        elif (body := whole_body(self._answer)) is not None:
            self._answered(body)

    def _answered(self, body: bytes) -> None:
        server, error = read(self._answer, body)
        if error or self.number == len(self.visit.paths):
            self.end(server, error)
            return
        self._record(server)
        self.number, self.at_s, self.late_s = self.number + 1, self.stage.now_s, 0.0
        self.stage.watch(self)
        self._send()

    def _record(self, server: str = "", error: str = "") -> None:
        took_s = self.stage.now_s - self.at_s
        self.stage.calls.append(Call(self.visit, self.number, self.at_s, self.late_s, took_s, server, error))

    def end(self, server: str = "", error: str = "") -> None:
        """The last call has ended, well or not."""
        self._record(server, error)
        self.close()
        self.stage.leave(self)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.sock is not None:
            self.stage.selector.unregister(self.sock)
            self.sock.close()


def whole_body(answer: bytes) -> bytes | None:
    """The body of an HTTP answer with a Content-Length; None while it is not all there."""
    head, gap, body = answer.partition(b"\r\n\r\n")
    return body if gap and len(body) >= content_length(head) else None


def read(answer: bytes, body: bytes) -> tuple[str, str]:
    """Who gave an answer, and what is wrong with it if something is."""
    status = answer[9:12].decode("latin-1")
    if status != "200":
        return "", f"HTTP {status}"
    try:
        return str(json.loads(body)["server"]), ""
    except (ValueError, KeyError, TypeError):
        return "", "an answer that the lab's server didn't write"
