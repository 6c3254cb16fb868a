"""Round robin: each server in its turn. Right for equal servers and short sessions."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class RoundRobin(Algorithm):
    """s1 s2 s3 s1 s2 s3 ...; weights are not looked at.

    The turn is his who has waited longest. So a server that is left out for a while, or for one decision, shifts
    nobody else's place in the order. Score: minus the turns a server still has to wait.
    """

    name = "round-robin"
    summary = "each server in its turn; equal servers, short sessions"

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._turn = 0
        self._served: defaultdict[Server, int] = defaultdict(int)  # the turn in which a server was last chosen

    def choose(self, unit: Unit) -> Server:
        server = min(self.pool.candidates, key=self._served.__getitem__)
        self._turn += 1
        self._served[server] = self._turn
        return server

    def scores(self, unit: Unit) -> dict[str, float]:
        waiting = sorted(self.pool.candidates, key=self._served.__getitem__)
        return {server.name: -float(place) for place, server in enumerate(waiting)}
