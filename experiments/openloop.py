"""An open loop: sessions begin when they are meant to, however long others wait. One thread drives all clients.

    Visit(at_s, client, target, paths) ──play──► Call(intended, took, server, error) for each of its requests

                   connect, send          answer, send next            answer, close
    intended ──────┬──────────────────────┬────────────────────────────┬───────
             late  │◄─ took (from intended)─►│◄─ took (from answer before)─►│

Rules kept here:

1. A session's first request counts from when it was *meant* to begin: time that the driver itself or a full queue costs
   is in it. A load that waits for answers leaves just the slow ones out ("coordinated omission", G. Tene). So does
   every request of a session that keeps a pace.
2. How late the driver was is said of every call: where that is not small, the machine was measured.
3. A request that fails, or isn't answered in time, is a Call that says why. The rest of its session is not made, unless
   the session persists: then it goes on in a new connection.

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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from experiments.clients import ClientHost
from experiments.load import content_length
from experiments.netns import socket_in
from experiments.sessions import Session

REQUEST = "GET {} HTTP/1.1\r\nHost: vip\r\n\r\n"
PATIENCE_S = 20.0


@dataclass(frozen=True, eq=False)
class Visit:
    """One TCP connection that is to be made.

    at_s:     when, in seconds from the run's beginning.
    target:   address and port. paths: what is asked for, one after another.
    label:    whatever the caller wants to find its calls by.
    pace_s:   how long after each other requests are meant to begin; 0 for when the one before is answered.
    thinks_s: how long after each answer the next one is meant to begin, where there is no pace; empty for at once.
    persists: whether it goes on, in a new connection, after a request that failed.
    """

    at_s: float
    client: ClientHost
    target: tuple[str, int]
    paths: tuple[str, ...]
    label: str = ""
    pace_s: float = 0.0
    persists: bool = False
    thinks_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """What became of one request.

    number:  which one of its visit, from 1.
    at_s:    when it was meant to begin, in seconds from the run's beginning.
    late_s:  how much later the driver began the visit; 0 for all requests but the first.
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
    return [Visit(one.at_s + offset_s, clients[one.client], target, one.paths(path), label, thinks_s=one.thinks_s)
            for one in sessions]


def play(wanted: Iterable[Visit], patience_s: float = PATIENCE_S) -> list[Call]:
    """Make the visits and return every call, in the order in which they ended.

    patience_s: how long a request may take, in seconds. Raises LabError if a client's host is gone.
    """
    with selectors.DefaultSelector() as selector:
        stage = _Stage(selector, patience_s)
        try:
            return stage.play(list(wanted))
        finally:
            stage.clear()


class _Stage:
    """Where the visits are played: an agenda, who is present, and what has happened so far."""

    def __init__(self, selector: selectors.BaseSelector, patience_s: float) -> None:
        self.selector, self.patience_s = selector, patience_s
        self.calls: list[Call] = []
        self._agenda: list[tuple[float, int, Callable[[], object]]] = []  # when, a tie-breaker, what
        self._count = itertools.count()
        self.present: set[_Guest] = set()
        self._began_s = time.perf_counter()

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._began_s

    def play(self, wanted: Sequence[Visit]) -> list[Call]:
        """Let everybody in at his time, and go on until the last has left."""
        for visit in wanted:
            self.at(visit.at_s, partial(self._enter, visit))
        self._to_leave = len(wanted)
        while self._to_leave:
            while self._agenda[0][0] <= self.now_s:
                heapq.heappop(self._agenda)[2]()
                if not self._agenda:
                    break
            for key, _ in self.selector.select(self._pause_s()):
                key.data.ready()
        return self.calls

    def at(self, when_s: float, what: Callable[[], object]) -> None:
        """Put something on the agenda, in seconds from the beginning."""
        heapq.heappush(self._agenda, (when_s, next(self._count), what))

    def _enter(self, visit: Visit) -> None:
        guest = _Guest(self, visit)
        self.present.add(guest)
        guest.begin()

    def leave(self, guest: _Guest) -> None:
        """A guest has gone, one way or the other."""
        self.present.discard(guest)
        self._to_leave -= 1

    def _pause_s(self) -> float:
        """For how many seconds nothing is due; 0 if all is over."""
        return max(0.0, self._agenda[0][0] - self.now_s) if self._agenda and self._to_leave else 0.0

    def clear(self) -> None:
        """Close what is still open: only if something went wrong."""
        for guest in self.present:
            guest.close()


class _Guest:
    """One visit while it lasts. number, at_s, late_s: of the call that is under way."""

    def __init__(self, stage: _Stage, visit: Visit) -> None:
        self.stage, self.visit = stage, visit
        self.number, self.at_s, self.late_s = 1, visit.at_s, stage.now_s - visit.at_s
        self.sock: socket.socket | None = None
        self._on_ready: Callable[[], None] = self._connected
        self._answer = b""

    def begin(self) -> None:
        """Make the next request, in a new connection if there is none."""
        self.stage.at(self.at_s + self.stage.patience_s, partial(self._expire, self.number))
        self._attempt(self._send if self.sock else self._connect)

    def ready(self) -> None:
        """Its socket is."""
        self._attempt(self._on_ready)

    def _attempt(self, step: Callable[[], None]) -> None:
        """Take a step; an error of the system's ends the call."""
        try:
            step()
        except OSError as error:
            self._fail(os.strerror(error.errno) if error.errno else str(error))

    def _connect(self) -> None:
        """Open the connection, from inside the client's host."""
        self.sock, self._on_ready = socket_in(self.visit.client.netns), self._connected
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
        self._send()

    def _send(self) -> None:
        assert self.sock is not None
        self._answer, self._on_ready = b"", self._receive
        self.sock.send(REQUEST.format(self.visit.paths[self.number - 1]).encode())

    def _receive(self) -> None:
        assert self.sock is not None
        data = self.sock.recv(65_536)
        self._answer += data
        if not data:
            self._fail("closed before the answer was whole")
        elif (body := whole_body(self._answer)) is not None:
            server, error = read(self._answer, body)
            if error:
                self._fail(error)
            else:
                self._record(server)
                self._go_on()

    def _spoken_to(self) -> None:
        """Between two requests there is nothing to hear but that the connection is over: that is no failure."""
        self.close()

    def _expire(self, number: int) -> None:
        if self.number == number and self in self.stage.present:
            self._fail(f"no answer within {self.stage.patience_s:g} s")

    def _fail(self, error: str) -> None:
        self._record(error=error)
        self.close()
        if self.visit.persists:
            self._go_on()
        else:
            self.stage.leave(self)

    def _record(self, server: str = "", error: str = "") -> None:
        took_s = self.stage.now_s - self.at_s
        self.stage.calls.append(Call(self.visit, self.number, self.at_s, self.late_s, took_s, server, error))

    def _go_on(self) -> None:
        """To the next request, at once or when it is meant to be made; after the last one, leave."""
        if self.number == len(self.visit.paths):
            self.close()
            self.stage.leave(self)
            return
        self.at_s = self._next_at_s()
        self.number, self.late_s, self._on_ready = self.number + 1, 0.0, self._spoken_to
        self.stage.at(self.at_s, self.begin)

    def _next_at_s(self) -> float:
        """When the next request is meant to begin."""
        if self.visit.pace_s:
            return self.at_s + self.visit.pace_s
        return self.stage.now_s + (self.visit.thinks_s[self.number - 1] if self.visit.thinks_s else 0.0)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.sock is not None:
            self.stage.selector.unregister(self.sock)
            self.sock.close()
            self.sock = None


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
