"""A pool, and what only a proxy can add to its decisions: sessions that stick, full servers, a budget for retries.

     request ──► a session here before?  ──its server is up──► that one
                        │ no
                        ▼
                 pool.assign: the algorithm, among those with room ──all full──► among all: wait in its queue
                                                                                      │ queue full, or too long
                                                                                      ▼
                                                                                     503

Rules kept here:

1. Pure: what goes on at a server is told by `enter` and `leave`, time is the caller's.
2. A bound that is None costs a request nothing.
3. A request in a server's queue is a unit of it, so algorithms that count see it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from balancing import NoBackend, Pool, Server, Unit
from l7proxy.counters import PoolCounts
from l7proxy.sticky import Session, Sticky


@dataclass(frozen=True)
class Policy:
    """How a proxy uses a pool.

    most:         requests at one server at a time; None for no bound.
    queue:        requests that wait for one server, at most.
    tries:        servers that one request is tried on, at most.
    retry_ratio:  what part of the requests may be tried again, beyond a burst of `retry_burst`.
    sticky:       which session a request belongs to, and so which server (sticky.py); None for none.
    """

    most: int | None = None
    queue: int = 128
    tries: int = 3
    retry_ratio: float = 0.2
    retry_burst: int = 100
    sticky: Sticky | None = None


class Gate:
    """One server's door: so many requests at a time, the others in a row before it.

    A request is known by its `admitted`, so that one which was turned away takes nobody's place when it leaves.
    """

    __slots__ = ("inside", "most", "places", "row")

    def __init__(self, most: int, places: int) -> None:
        self.most, self.places = most, places
        self.inside: set[Callable[[], object]] = set()
        self.row: deque[Callable[[], object]] = deque()

    def enter(self, admitted: Callable[[], object]) -> bool | None:
        """True: go in. None: `admitted` will be called when there is room. False: the row is full, too."""
        if len(self.inside) < self.most:
            self.inside.add(admitted)
            return True
        if len(self.row) >= self.places:
            return False
        self.row.append(admitted)
        return None

    def leave(self, admitted: Callable[[], object]) -> None:
        """Whoever came with `admitted` goes, from the row or from inside; then the first of the row goes in."""
        if admitted in self.inside:
            self.inside.remove(admitted)
            if self.row:
                following = self.row.popleft()
                self.inside.add(following)
                following()
        elif admitted in self.row:
            self.row.remove(admitted)

    def __repr__(self) -> str:
        return f"<Gate: {len(self.inside)} of {self.most} inside, {len(self.row)} of {self.places} waiting>"


class Budget:
    """What may be spent on trying again: every request pays in `ratio`, a retry costs 1."""

    __slots__ = ("left", "most", "ratio")

    def __init__(self, ratio: float, burst: int) -> None:
        self.ratio, self.most, self.left = ratio, float(burst), float(burst)

    def earn(self) -> None:
        """A request has come."""
        if self.left < self.most:
            self.left += self.ratio

    def spend(self) -> bool:
        """Whether one more retry is within the budget; it is then spent."""
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Balancer:
    """The one way from a request to a server. Raises nothing of its own.

    counts: what is counted goes on from here, if the pool had another balancer before.
    """

    def __init__(self, pool: Pool, policy: Policy | None = None, counts: PoolCounts | None = None) -> None:
        self.pool, self.policy = pool, policy or Policy()
        self.counts = counts if counts is not None else PoolCounts(pool)
        self.sticky = self.policy.sticky
        self.budget = Budget(self.policy.retry_ratio, self.policy.retry_burst)
        self.gates: dict[Server, Gate] | None = None if self.policy.most is None else {}

    def pin(self, server: Server, session: Session) -> bytes:
        """The field line that tells a client that its session lives at `server`; nothing if it knows."""
        assert self.sticky is not None
        self.counts.session(session, server)
        return b"" if session.server is server else self.sticky.set_cookie(server, self.pool)

    def assign(self, unit: Unit, session: Session, avoid: Collection[Server]) -> Server:
        """Decide for `unit`; `avoid`: servers that failed it. Raises NoBackend."""
        wanted = session.server
        if wanted is not None and wanted not in avoid and self.pool.keeps(wanted):
            self.pool.pin(unit, wanted)
            return wanted
        if self.gates and (full := self.full()):
            try:
                return self.pool.assign(unit, [*avoid, *full])
            except NoBackend:
                pass  # all are: then in a row
        return self.pool.assign(unit, avoid)

    def full(self) -> list[Server]:
        """The servers that have as many requests as they may have."""
        return [server for server, gate in (self.gates or {}).items() if len(gate.inside) >= gate.most]

    def form(self) -> dict[str, Any]:
        """What was counted, as JSON says it, and how long the rows are now."""
        return self.counts.form({server: len(gate.row) for server, gate in (self.gates or {}).items()})

    def gate(self, server: Server) -> Gate:
        """The door of `server`; there is one only where there is a bound."""
        assert self.gates is not None
        assert self.policy.most is not None
        gate = self.gates.get(server)
        if gate is None:
            gate = self.gates[server] = Gate(self.policy.most, self.policy.queue)
        return gate

    def leave(self, server: Server, admitted: Callable[[], object]) -> None:
        """A request is done with `server`."""
        if self.gates is None or (gate := self.gates.get(server)) is None:
            return
        gate.leave(admitted)
        if not gate.inside:
            del self.gates[server]  # so that a server that was removed leaves nothing behind

    def __repr__(self) -> str:
        return f"<Balancer {self.pool.name}>"
