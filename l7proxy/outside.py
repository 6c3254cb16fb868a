"""The narrow interface between the core and the sockets: what the core can ask for.

The core (conversation.py, exchange.py) is sans-IO: the shell calls it with what happened, and it answers by calling
these. Tests put a recorder here and compare the transcript; the shell puts sockets here (shell.py).

     shell ──client_bytes, opened, upstream_bytes, timed_out, ...──►  Conversation / Exchange
     shell ◄──dial, to_upstream, to_client, close_client, wait, ...──  (through Outside)

Rule: no command calls back. What follows from it comes later, as an event of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from balancing import Server
from l7proxy.limits import Limits, Wait
from l7proxy.routing import Router


class Close(Enum):
    """How a client connection ends."""

    FLUSH = "after what was written"
    LINGER = "for writing; what the client still sends is read and dropped for a while (RFC 9112 9.6)"
    ABORT = "at once, by a reset: the client must not take half an answer for a whole one"


class Outside(Protocol):
    """What the core can do to the world."""

    def dial(self, server: Server, fresh: bool) -> bool:
        """Get a connection to `server`. True: an idle one is at hand and open. False: opened() or not_opened()."""

    def to_upstream(self, data: bytes) -> None:
        """Send to the backend."""

    def to_client(self, data: bytes) -> None:
        """Send to the client."""

    def hold_client(self, held: bool) -> None:
        """Stop reading from the client, or go on."""

    def hold_upstream(self, held: bool) -> None:
        """Stop reading from the backend, or go on."""

    def part_upstream(self, keep: bool) -> None:
        """Done with the backend's connection: keep it open for another request, or close it."""

    def close_client(self, how: Close) -> None:
        """End the client's connection."""

    def wait(self, what: Wait) -> None:
        """Call timed_out(what) unless something else is waited for within its limit."""


@dataclass
class Site:
    """What all conversations of one VIP and port share. A reload gives it another table, and other limits.

    route_of:  finds the row of the routing table that takes a request; None if none does.
    authority: the VIP and port: Host for HTTP/1.0 clients that send none.
    numbers:   counts the requests; a request's unit is (client address, number).
    """

    route_of: Router
    limits: Limits
    authority: bytes
    numbers: Iterator[int]
