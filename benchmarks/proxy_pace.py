"""Requests that come at times of their own, however long others take: what wrk can't do, which waits for answers.

    due ──────┬────────────┬──────┬─────────────────────► time     gaps are exponential, as of many users
              └─ send ──── answer └ no connection is free: sent later, but counted from when it was due
                 ◄─ took ────────►◄─ took ───────────────────────►

Rules kept here:

1. A request counts from when it was due: what the driver costs or a queue is in it ("coordinated omission", G. Tene).
2. The driver sleeps between what is due: it shares its core with the backend. Timers of select(2) and epoll(7) are too
   coarse for that, so a timerfd_create(2) wakes it.
3. All answers in a connection are as long as its first one; they are counted, not read.

experiments/openloop.py does the same for whole visits from the lab's hosts, and reads what is answered; this is for ten
times the rate.
"""

from __future__ import annotations

import ctypes
import math
import os
import random
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import accumulate

from benchmarks.rounds import quiet
from experiments.load import content_length
from layerlab import LabError

REQUEST = b"GET / HTTP/1.1\r\nHost: bench.test\r\n\r\n"
CONNECTIONS = 100
PATIENCE_S = 5.0  # without any answer at all
TFD_NONBLOCK, TFD_TIMER_ABSTIME, CLOCK_MONOTONIC = 0o4000, 1, 1
_libc = ctypes.CDLL(None, use_errno=True)


def arrivals(per_second: float, seconds: float, seed: int) -> list[float]:
    """When requests are due, in seconds from the beginning: a Poisson process."""
    dice = random.Random(seed)
    number = int(per_second * seconds)
    return list(accumulate(dice.expovariate(per_second) for _ in range(number)))


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile.

    >>> percentile([3, 1, 2, 4], 50), percentile([3, 1, 2, 4], 99)
    (2, 4)
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def play(target: tuple[str, int], due_s: Sequence[float], connections: int = CONNECTIONS) -> list[float]:
    """Make a request at each of these times, over so many kept connections; return how long each took, in seconds.

    Raises LabError if a connection ends, or nothing is answered for a while.
    """
    sockets = [socket.create_connection(target, PATIENCE_S) for _ in range(connections)]
    try:
        lengths = {sock.fileno(): first_answer(sock) for sock in sockets}
        with quiet():
            return _Driver(lengths).drive(due_s)
    except OSError as error:
        raise LabError(f"a connection to {target} failed: {os.strerror(error.errno or 0)}", "an answer") from None
    finally:
        for sock in sockets:
            sock.close()


def first_answer(sock: socket.socket) -> int:
    """Ask and read the answer; return how long it is, head and body. Raises LabError if it doesn't come whole."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(REQUEST)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(65_536) or _ended()
    head, _, _ = answer.partition(b"\r\n\r\n")
    length = len(head) + 4 + content_length(head)
    missing = length - len(answer)
    while missing > 0:
        missing -= len(sock.recv(65_536) or _ended())
    sock.setblocking(False)
    return length


class _Driver:
    """lengths: of the answers in each connection, in bytes. Nothing is under way on any."""

    def __init__(self, lengths: Mapping[int, int]) -> None:
        self._lengths = lengths
        self._free = deque(lengths)
        self._missing = dict.fromkeys(lengths, 0)
        self._due_s = dict.fromkeys(lengths, 0.0)
        self._took_s: list[float] = []

    def drive(self, due_s: Sequence[float]) -> list[float]:
        """Until all is answered."""
        timer = _libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)
        began_s = time.perf_counter()
        waiting = deque(began_s + one for one in due_s)
        try:
            with select.epoll() as poll:
                for file in (timer, *self._free):
                    poll.register(file, select.EPOLLIN)
                while len(self._took_s) < len(due_s):
                    self._send(waiting)
                    if waiting and self._free:
                        _ring(timer, waiting[0])
                    self._receive(poll, timer)
        finally:
            os.close(timer)
        return self._took_s

    def _send(self, waiting: deque[float]) -> None:
        """What is due, as long as a connection is free."""
        free, now_s = self._free, time.perf_counter()
        while waiting and free and waiting[0] <= now_s:
            file = free.popleft()
            self._due_s[file], self._missing[file] = waiting.popleft(), self._lengths[file]
            os.write(file, REQUEST)
            now_s = time.perf_counter()

    def _receive(self, poll: select.epoll, timer: int) -> None:
        """What has come, or wait for it; or for the timer."""
        events = poll.poll(PATIENCE_S)
        if not events:
            raise LabError(f"nothing was answered in {PATIENCE_S:g} s", "an answer")
        for file, _ in events:
            if file == timer:
                os.read(timer, 8)
                continue
            self._missing[file] -= len(os.read(file, 65_536) or _ended())
            if self._missing[file] <= 0:
                self._took_s.append(time.perf_counter() - self._due_s[file])
                self._free.append(file)


def _ring(timer: int, when_s: float) -> None:
    """Set the timer to a time of perf_counter, which is CLOCK_MONOTONIC."""
    seconds = int(when_s)
    wanted = struct.pack("qqqq", 0, 0, seconds, int((when_s - seconds) * 1e9) or 1)
    if _libc.timerfd_settime(timer, TFD_TIMER_ABSTIME, wanted, None):
        raise OSError(ctypes.get_errno(), "timerfd_settime")


def _ended() -> bytes:
    raise LabError("a connection ended before its answer was whole", "kept connections")
