"""Least connections: whoever has least to do. Right for long and uneven sessions.

What it knows is what `active` knows: at L7 every request as it ends, in the switch's layers a unit until its flow has
been idle for the service's idle timeout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class LeastConnections(Algorithm):
    """The fewest active units for its weight; among equals, the one that was chosen longest ago.

    Score: minus the active units per weight.
    """

    name = "least-connections"
    summary = "whoever has the fewest active units for its weight; long, uneven sessions"

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._turn = 0
        self._chosen: dict[str, int] = {}

    def choose(self, unit: Unit) -> Server:
        server = min(self.pool.candidates, key=lambda candidate: (load(candidate), self._chosen.get(candidate.name, 0)))
        self._turn += 1
        self._chosen[server.name] = self._turn
        return server

    def scores(self, unit: Unit) -> dict[str, float]:
        return {server.name: -load(server) for server in self.pool.candidates}


def load(server: Server) -> float:
    """Active units per weight."""
    return server.active / server.weight
