"""Connections that are kept open, and asked again and again who is at the other end: the oracle of `disruption`.

    Connection(client, port, target) ──ask──► "srv2" ... change ... ──ask──► "srv2"  held
                                                                            ""      broken: reset, ended, or no answer
                                                                            "srv3"  another one: TCP rules that out

A connection has a source port of its own, so that the same 5-tuple can be had again: it is left with a reset
(SO_LINGER 0), which leaves no TIME_WAIT behind, and then opened anew. Servers say their names in every answer.

One thread drives them all, AT_ONCE at a time.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import resource
import selectors
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence

from experiments.clients import ClientHost
from experiments.load import content_length
from experiments.netns import socket_in

REQUEST = b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds (socket(7))
AT_ONCE = 40
PATIENCE_S = 3.0  # a SYN that was lost is sent again after one second
PORTS = range(10_000, 32_000)  # below those that the kernel gives out itself
SOCKETS = 8192

Ports = list[tuple[ClientHost, int]]


class Connection:
    """One TCP connection from `client`'s `port` to `target`, not yet open.

    answer: what was said last: a server's name, or "" if it has broken; None while it is awaited.
    """

    def __init__(self, client: ClientHost, port: int, target: tuple[str, int]) -> None:
        self.client, self.port, self.target = client, port, target
        self.sock: socket.socket | None = None
        self.answer: str | None = ""
        self._said = b""

    def begin(self, selector: selectors.BaseSelector) -> None:
        """Ask; open the connection before, if it is not."""
        self.answer, self._said = None, b""
        if self.sock is None:
            self._open()
        assert self.sock is not None
        selector.register(self.sock, selectors.EVENT_WRITE, self)

    def _open(self) -> None:
        self.sock = socket_in(self.client.netns)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.bind((self.client.address, self.port))
        self.sock.connect_ex(self.target)

    def ready(self, selector: selectors.BaseSelector, events: int) -> None:
        """Its socket is: go on. An error of the system's breaks it."""
        try:
            self._step(selector, events)
        except OSError:
            self.broke(selector)

    def _step(self, selector: selectors.BaseSelector, events: int) -> None:
        assert self.sock is not None
        if events & selectors.EVENT_WRITE:
            self.sock.send(REQUEST)
            selector.modify(self.sock, selectors.EVENT_READ, self)
            return
        data = self.sock.recv(65_536)
        self._said += data
        if not data:
            self.broke(selector)
        elif (name := server_in(self._said)) is not None:
            self.answer = name
            selector.unregister(self.sock)

    def broke(self, selector: selectors.BaseSelector) -> None:
        """Nothing more is to be had of it."""
        self.answer = ""
        assert self.sock is not None
        selector.unregister(self.sock)
        self.close()

    def close(self) -> None:
        """Leave with a reset. It can be opened again."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None


def server_in(said: bytes) -> str | None:
    """Who gave a whole answer (X-Server); None while it is not whole."""
    head, gap, body = said.partition(b"\r\n\r\n")
    if not gap or len(body) < content_length(head):
        return None
    return head.partition(b"X-Server: ")[2].partition(b"\r\n")[0].decode("latin-1")


def ask(connections: Iterable[Connection], patience_s: float = PATIENCE_S) -> list[str]:
    """One request on each, opened where it isn't; return who answered each, "" where it has broken.

    patience_s: how long all of them may go without any answer before those that still wait count as broken.
    """
    wanted, asked = iter(connections), list[Connection]()
    with selectors.DefaultSelector() as selector:
        asked += _start(wanted, selector, AT_ONCE)
        while waiting := selector.get_map():
            found = selector.select(patience_s)
            for key, events in found:
                key.data.ready(selector, events)
            if not found:
                for connection in [key.data for key in waiting.values()]:
                    connection.broke(selector)
            asked += _start(wanted, selector, AT_ONCE - len(selector.get_map()))
    return [connection.answer or "" for connection in asked]


def _start(wanted: Iterator[Connection], selector: selectors.BaseSelector, most: int) -> Iterator[Connection]:
    """Let `most` more of them ask."""
    for connection in itertools.islice(wanted, most):
        connection.begin(selector)
        yield connection


@contextlib.contextmanager
def closing(connections: Iterable[Connection]) -> Iterator[None]:
    """Leave them all in the end."""
    try:
        yield
    finally:
        for connection in connections:
            connection.close()


class Sources:
    """Source ports for connections, none of them given out twice: what is left of a broken connection stays at its
    server, where it would be in the way of another one with its 5-tuple.
    """

    def __init__(self, clients: Sequence[ClientHost], seed: int) -> None:
        self._clients = clients
        self._ports = iter(random.Random(seed).sample(PORTS, len(PORTS)))

    def take(self, number: int) -> Ports:
        """So many pairs of a client and a port, the clients in turn."""
        pairs = ((client, port) for port in self._ports for client in self._clients)
        return list(itertools.islice(pairs, number))


def allow_sockets() -> None:
    """As many as the connections of all schemes at once, and some; many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SOCKETS if hard == resource.RLIM_INFINITY else min(SOCKETS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
