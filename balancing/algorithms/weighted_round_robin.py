"""Smooth weighted round robin: unequal servers, no bursts.

nginx's scheme (ngx_http_upstream_round_robin.c, 2012): each turn every server earns its weight,
the richest serves and pays the sum of all weights. Over one cycle of sum(weights) turns each
server is chosen exactly its weight's number of times, evenly apart: 5:1:1 gives a a b a c a a,
never a a a a a b c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class WeightedRoundRobin(Algorithm):
    """In proportion to the weights, interleaved.

    Score: what a server would hold after earning its weight this turn. A tie goes to the first.
    """

    name = "weighted-round-robin"
    summary = "in proportion to the weights, interleaved; unequal servers"

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._purse: dict[str, int] = {}

    def choose(self, unit: Unit) -> Server:
        earned = self._earned()
        server = max(self.pool.candidates, key=lambda candidate: earned[candidate.name])
        earned[server.name] -= sum(candidate.weight for candidate in self.pool.candidates)
        self._purse = earned
        return server

    def scores(self, unit: Unit) -> dict[str, float]:
        return {name: float(coins) for name, coins in self._earned().items()}

    def _earned(self) -> dict[str, int]:
        """Every candidate's purse after this turn's wage; who left the pool loses his."""
        return {server.name: self._purse.get(server.name, 0) + server.weight for server in self.pool.candidates}
