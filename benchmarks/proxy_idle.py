"""What an idle connection costs a proxy in memory: how it grows by ten thousand that have each made a request.

    before ──► 10,000 connections, a request and its answer each ──► all idle: after          (after - before) / 10,000

Counted is the proportional set size of its processes (proc(5), Pss), which counts pages that several share once. What
the kernel keeps for a socket is in nobody's, and the same for all. Clients come from many addresses of 127.0.0.0/8, so
that neither ports nor a limit for each client are in the way.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.proxy_pace import first_answer
from benchmarks.proxy_stage import Running
from layerlab import LabError

CONNECTIONS = 10_000
A_CLIENT = 100  # connections of each client's address


def memory_kib(running: Running) -> int:
    """What the proxy has in memory, all its processes."""
    found = [line for pid in running.pids()
             for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:")]
    return sum(int(line.split()[1]) for line in found)


@contextmanager
def idle(target: tuple[str, int], connections: int) -> Iterator[None]:
    """So many connections, each of which has had an answer. Raises LabError if one can't be had."""
    with ExitStack() as sockets:
        for number in range(connections):
            try:
                sock = sockets.enter_context(socket.create_connection(target, 5.0, source_address=(source(number), 0)))
            except OSError as error:
                raise LabError(f"connection {number + 1:,} of {connections:,} failed: {error.strerror}", "all of them",
                               "ulimit -n says how many files may be open") from None
            first_answer(sock)
        yield


def source(number: int) -> str:
    """The address that a connection comes from.

    >>> source(0), source(99), source(100), source(9_999)
    ('127.0.1.1', '127.0.1.1', '127.0.1.2', '127.0.1.100')
    """
    return f"127.0.1.{number // A_CLIENT + 1}"


def kib_each(running: Running, target: tuple[str, int]) -> float:
    """By how much the proxy grows for each of CONNECTIONS that are idle, in KiB."""
    before_kib = memory_kib(running)
    with idle(target, CONNECTIONS):
        return (memory_kib(running) - before_kib) / CONNECTIONS
