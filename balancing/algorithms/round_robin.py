"""Round robin: each server in its turn. Right for equal servers and short sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class RoundRobin(Algorithm):
    """s1 s2 s3 s1 s2 s3 ...; weights are not looked at.

    Score: minus the turns a server still has to wait.
    """

    name = "round-robin"
    summary = "each server in its turn; equal servers, short sessions"

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._turn = 0

    def choose(self, unit: Unit) -> Server:
        candidates = self.pool.candidates
        server = candidates[self._turn % len(candidates)]
        self._turn += 1
        return server

    def scores(self, unit: Unit) -> dict[str, float]:
        candidates = self.pool.candidates
        return {server.name: -float((place - self._turn) % len(candidates))
                for place, server in enumerate(candidates)}
