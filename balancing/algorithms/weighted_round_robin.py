"""Smooth weighted round robin: unequal servers, no bursts.

Time is counted in rounds. A server of weight w is due w times a round, evenly, and whoever is due first serves:

    round    0                                  1        s1 has weight 5, s2 and s3 have 1
    s1         .1     .3     .5     .7     .9
    s2            .25
    s3                              .75                  s1 s2 s1 s1 s1 s3 s1

Servers of the same weight start apart from each other (.25 and .75), so equal weights are plain round robin, and 5:1:1
never has more than three of s1 in a row, round after round; the scheme of nginx (ngx_http_upstream_round_robin.c)
gives a a b a c a a, four in a row where two rounds meet, and looks at every server for each choice.

Earliest deadline first is how Envoy does it (source/common/upstream/edf_scheduler.h), without the different starts.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from balancing.algorithms.base import by_weight
from balancing.algorithms.ranked import Ranked

if TYPE_CHECKING:
    from balancing.pool import Pool, Server


class Turns:
    """A server's turns, evenly apart.

    due: when the next one is, in rounds; reckoned from the first, so that errors of rounding don't add up.
    """

    __slots__ = ("due", "start", "taken", "weight")

    def __init__(self, start: float, weight: float) -> None:
        self.start = self.due = start
        self.weight, self.taken = weight, 0

    def take(self, now: float) -> None:
        """One is taken. Those missed before `now` are not made up for, or there would be a burst of them."""
        self.taken += 1
        self.due = self.start + self.taken / self.weight
        if self.due < now:
            self.start, self.due, self.taken = now, now, 0


class WeightedRoundRobin(Ranked):
    """In proportion to the weights, interleaved; exactly so over each round of sum(weights) turns. O(log n).

    Score: minus the round in which a server is due.
    """

    name = "weighted-round-robin"
    summary = "in proportion to the weights, interleaved; unequal servers"
    reads_active = False

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._now = 0.0  # in rounds
        self._turns: dict[int, Turns] = {}  # by backend id

    def slots(self, size: int) -> list[Server]:
        return by_weight({server: server.weight for server in self.pool.candidates}, size)

    def rank(self, server: Server) -> float:
        return self._turns[server.backend.id].due

    def took(self, server: Server) -> None:
        turns = self._turns[server.backend.id]
        self._now = max(self._now, turns.due)
        turns.take(self._now)

    def settle(self) -> None:
        """Who is new, or has missed a turn, starts afresh; whose weight has changed keeps the part it has waited."""
        equals: defaultdict[float, list[Server]] = defaultdict(list)
        for server in self.pool.available:
            equals[server.effective_weight].append(server)
        for weight, servers in equals.items():
            for place, server in enumerate(servers):
                before = self._turns.get(server.backend.id)
                if before is None or before.due < self._now - 1 / before.weight:
                    before = Turns(self._now + (place + 0.5) / len(servers) / weight, weight)
                elif before.weight != weight:
                    before = Turns(self._now + (before.due - self._now) * before.weight / weight, weight)
                self._turns[server.backend.id] = before
