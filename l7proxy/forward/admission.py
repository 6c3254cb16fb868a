"""How many connections a client has, and how many requests it makes: within bounds, or told when to come again.

     connections   ──too many of one client──► 429      ──too many in all──► 503      and Retry-After
     requests      GCRA: each moves the client's due time on by 1/rate; who is further ahead than its burst waits

Rules kept here:

1. 429 is the client's own doing, 503 is everybody's (RFC 6585 4, RFC 9110 15.6.4).
2. Who is within its bounds again is forgotten: what is kept is bounded by who is active.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from l7proxy.forward.verdict import Verdict, denied

RETRY_S = 1  # when a connection may be free; nobody knows better


@dataclass(frozen=True)
class Bounds:
    """connections: in all, and of one client.

    rate: requests of one client a second, None for no bound; burst: so many of them at once.
    """

    connections: int = 20_000
    client_connections: int = 1_000
    rate: float | None = None
    burst: int = 50


class Admission:
    """Who is there, and how fast it asks."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._connections: dict[str, int] = {}
        self._all = 0
        self._due_s: dict[str, float] = {}
        self._room = 1024  # how many due times there may be before those that are past are dropped

    def enter(self, client: str) -> Verdict | None:
        """A connection of `client`: None if it may stay, and is counted until `leave`."""
        own = self._connections.get(client, 0)
        if own >= self.bounds.client_connections:
            return _later(f"you have {own} connections already", 429, RETRY_S)
        if self._all >= self.bounds.connections:
            return _later("there are too many connections", 503, RETRY_S)
        self._connections[client] = own + 1
        self._all += 1
        return None

    def leave(self, client: str) -> None:
        """A connection that was counted has ended."""
        self._all -= 1
        left = self._connections[client] - 1
        if left:
            self._connections[client] = left
        else:
            del self._connections[client]

    def ask(self, client: str, now_s: float) -> Verdict | None:
        """A request of `client`: None if it may be made, and is counted."""
        rate = self.bounds.rate
        if rate is None:
            return None
        due_s = max(self._due_s.get(client, now_s), now_s)
        early_s = due_s - now_s - (self.bounds.burst - 1) / rate
        if early_s > 1e-9:
            return _later("you make too many requests", 429, ceil(early_s))
        if len(self._due_s) >= self._room:
            self._due_s = {one: due for one, due in self._due_s.items() if due > now_s}
            self._room = max(1024, 2 * len(self._due_s))
        self._due_s[client] = due_s + 1 / rate
        return None

    def __repr__(self) -> str:
        return f"<Admission: {self._all} connections of {len(self._connections)} clients>"


def _later(why: str, status: int, seconds: int) -> Verdict:
    return denied("traffic", why, status, "connection_limit_reached" if status == 503 else "http_request_denied",
                  b"Retry-After: %d\r\n" % seconds)
