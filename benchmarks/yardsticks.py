"""What the algorithms are measured against, in the same pools: looking at every server, and not choosing at all."""

from __future__ import annotations

from balancing import Algorithm, Server, Stateless, Unit
from balancing.algorithms.least_connections import load


class Scan(Algorithm):
    """Least connections as it is first written: look at every server. Score: minus the load. O(n)."""

    name = "min-scan"
    summary = "looks at every server: the baseline"
    bound = "O(n)"

    def choose(self, unit: Unit) -> Server:
        return min(self.pool.candidates, key=load)

    def scores(self, unit: Unit) -> dict[str, float]:
        return {server.name: -load(server) for server in self.pool.candidates}


class NoChoice(Stateless):
    """The first, always: what remains is what the pool does to count units. O(1)."""

    name = "no-choice"
    summary = "the first, always: the pool's own share of the time"
    bound = "O(1)"

    def choose(self, unit: Unit) -> Server:
        return self.pool.candidates[0]


YARDSTICKS: dict[str, type[Algorithm]] = {kind.name: kind for kind in (Scan, NoChoice)}
