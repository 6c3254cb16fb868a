"""Round robin: each server in its turn. Right for equal servers and short sessions."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm, by_weight

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class RoundRobin(Algorithm):
    """s1 s2 s3 s1 s2 s3 ...; weights are not looked at. O(1).

    The servers stand in a queue: who has served goes to its end, and who is left out for one decision keeps its
    place. Who comes back begins at the end. Score: minus the turns a server still has to wait.
    """

    name = "round-robin"
    summary = "each server in its turn; equal servers, short sessions"
    bound = "O(1)"
    reads_active = False

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._queue: deque[Server] = deque()
        self._of: tuple[Server, ...] = ()

    def choose(self, unit: Unit) -> Server:
        self._follow()
        if self.pool.candidates is self.pool.available:
            server = self._queue.popleft()
        else:
            server = next(server for server in self._queue if server in self.pool.candidates)
            self._queue.remove(server)
        self._queue.append(server)
        return server

    def scores(self, unit: Unit) -> dict[str, float]:
        self._follow()  # asking once more changes nothing
        waiting = [server for server in self._queue if server in self.pool.candidates]
        return {server.name: -float(place) for place, server in enumerate(waiting)}

    def slots(self, size: int) -> list[Server]:
        return by_weight(dict.fromkeys(self.pool.candidates, 1), size)

    def _follow(self) -> None:
        """See to it that the queue is of the servers that are available now."""
        if self._of is not self.pool.available:
            self._of = self.pool.available
            here, before = set(self._of), set(self._queue)
            self._queue = deque([server for server in self._queue if server in here]
                                + [server for server in self._of if server not in before])
