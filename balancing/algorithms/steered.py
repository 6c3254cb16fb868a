"""Least connections and least response time as a table of slots: a control loop, since a table can't look at the load.

    switch ──counters──► active units ──► rank of each server ──► shares ──► slots ──► switch
                                                 ▲                              │
                                                 └───── new units, as they come ┘

Once a period the shares are moved towards equal ranks, by a proportional and an integral part:

    base   x= (mean / rank) ** INTEGRAL         remembers what it takes: a slow server's small share
    share   = base x (mean / rank) ** PROPORTIONAL  leans against what is too much just now, and so damps

Both are bounded in one period. Only new units go by the slots, so what is steered answers with the lag of a session's
length; with these two numbers a simulated pool settles, without swinging, for sessions from a fifth of a period to
thirty periods long (tests/balancing/algorithms/test_steered.py). Slots move units that are not remembered, so this goes
with `tracked` only.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from balancing.algorithms.base import by_weight
from balancing.algorithms.ranked import Ranked

if TYPE_CHECKING:
    from balancing.pool import Pool, Server

PROPORTIONAL, INTEGRAL = 0.5, 0.05
MOST = 4.0       # by what factor a rank may be off and still count
SCALE = 1000     # shares as whole weights of Maglev's table
LEAST = 1 / 64   # of the largest share: nobody is starved, and the integral can't wind up beyond what can be undone
NEAR = 0.1       # ranks that differ by less are equal: slots that move for nothing are noise


class Steered(Ranked):
    """A law of the load that a switch can follow from one period to the next."""

    steered: ClassVar[bool] = True

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._base: dict[int, float] = {}  # by backend id
        self._share: dict[int, float] = {}

    @abstractmethod
    def one(self, server: Server) -> float:
        """What one more unit adds to a server's rank: so an idle server is not infinitely better than a busy one."""

    def steer(self) -> bool:
        """Move the shares towards equal ranks, once a period; return whether they are others now."""
        servers = self.pool.available
        if len(servers) < 2:
            return False
        ranks = {server: self.rank(server) + self.one(server) for server in servers}
        mean = sum(ranks.values()) / len(ranks)
        if all(abs(rank - mean) <= NEAR * mean for rank in ranks.values()):
            return False
        for server, rank in ranks.items():
            off, number = min(MOST, max(1 / MOST, mean / rank)), server.backend.id
            self._base[number] = self._start(self._base, server) * off**INTEGRAL
            self._share[number] = self._base[number] * off**PROPORTIONAL
        _bound(self._base)
        _bound(self._share)
        return True

    def _start(self, shares: dict[int, float], server: Server) -> float:
        """A server's share so far; of one that is new, what its weight is worth among the others."""
        if server.backend.id in shares:
            return shares[server.backend.id]
        known = [other for other in self.pool.available if other.backend.id in shares]
        worth = sum(shares[other.backend.id] for other in known) / (sum(other.weight for other in known) or 1)
        return server.weight * (worth or 1.0)

    def slots(self, size: int) -> list[Server]:
        servers = self.pool.candidates
        weights = {server: self._start(self._share, server) for server in servers}
        most = max(weights.values())
        return by_weight({server: max(1, round(SCALE * weight / most)) for server, weight in weights.items()}, size)


def _bound(shares: dict[int, float]) -> None:
    """Make the largest 1 and none less than LEAST."""
    most = max(shares.values())
    for number, share in shares.items():
        shares[number] = max(LEAST, share / most)
