"""Network namespaces: one process opens sockets in many hosts.

A Mininet host is a network namespace, and a namespace belongs to a *thread*. So a thread steps into
a host, opens a socket, and steps back out; the socket stays in that host for good:

    with inside("/proc/4711/ns/net"):      # this thread is in h1 now
        sock = socket.socket()             # a socket of h1
    sock.connect(("10.0.0.100", 80))       # this thread is back, the connection leaves from h1

Rules kept here:

1. Only the calling thread moves, so threads in different hosts don't disturb each other. A thread
   that is *started* inside a host begins there: start threads outside. For the same reason there
   must be no `await` inside, or other coroutines would run in the host.
2. Only the network moves. Files stay as they are: names resolve by the /etc/hosts of this process.
3. Whatever happens inside, the thread comes back. One that might not be let back doesn't go: in a user
   namespace without a network namespace of its own, one may enter a host but not return from it.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from layerlab import LabError

CLONE_NEWNET = 0x40000000  # linux/sched.h: setns refuses a file of any other kind of namespace
_libc = ctypes.CDLL(None, use_errno=True)  # os.setns comes with Python 3.12
HOME = "/proc/thread-self/ns/net"  # where a thread is, whatever the process's first thread does

Netns = str | os.PathLike[str]


@contextmanager
def inside(netns: Netns | None) -> Iterator[None]:
    """Move this thread into a network namespace for as long as the block lasts.

    netns: a namespace's file, such as /proc/PID/ns/net or /run/netns/NAME; None means stay here.
    Raises LabError if it isn't there (any more), isn't a network namespace, or may not be entered.
    """
    if netns is None:
        yield
        return
    home = _open(HOME)
    try:
        _setns(home, HOME)  # moves nowhere, but tells whether we may come back
        _enter(netns)
        try:
            yield
        finally:
            _setns(home, HOME)
    finally:
        os.close(home)


def socket_in(netns: Netns | None, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM,
              protocol: int = 0) -> socket.socket:
    """Open a socket in a network namespace. Arguments as in socket.socket; errors as in `inside`."""
    with inside(netns):
        return socket.socket(family, kind, protocol)


def _enter(netns: Netns) -> None:
    there = _open(netns)
    try:
        _setns(there, os.fspath(netns))
    finally:
        os.close(there)


def _open(netns: Netns) -> int:
    try:
        return os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise LabError(f"can't open the network namespace {os.fspath(netns)}: {error.strerror}",
                       "/proc/PID/ns/net of a host that is running") from None


def _setns(namespace: int, name: str) -> None:
    """setns(2), which needs CAP_SYS_ADMIN over the namespace: root, or the user who made it."""
    if _libc.setns(namespace, CLONE_NEWNET) != 0:
        raise LabError(f"can't enter {name}: {os.strerror(ctypes.get_errno())}",
                       "a network namespace of the lab that this process runs in",
                       "it as root, or within the lab's own capsule")
