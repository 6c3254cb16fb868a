"""What least-connections, least-response-time and weighted round robin share: the lowest rank is chosen.

    rank ──► a heap of (rank, turn last chosen, id) ──top──► the server;   among equals, who waited longest

A server whose rank has changed is filed anew, and its old entry stays where it is until it comes up and is seen to be
stale. So a choice costs O(log n) of n servers, taken over many (the heap is made anew when it is mostly stale), where
looking at each would cost O(n); HAProxy keeps a tree to the same end (its ebtree), Envoy a heap (its EDF scheduler).
"""

from __future__ import annotations

from abc import abstractmethod
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit

# Rank, the turn in which it was last chosen, backend id, the server: ids differ, so no two servers are ever compared.
Entry = tuple[float, int, int, "Server"]


class Ranked(Algorithm):
    """The candidate of the lowest `rank`; among equals, the one that was chosen longest ago. Score: minus the rank."""

    bound = "O(log n)"

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._of: tuple[Server, ...] | None = None  # whom the heap is of
        self._heap: list[Entry] = []
        self._entries: dict[Server, Entry] = {}  # the one that is valid
        self._stale: set[Server] = set()  # to be filed anew
        self._turn = 0
        self._chosen: dict[int, int] = {}  # by backend id, the turn

    @abstractmethod
    def rank(self, server: Server) -> float:
        """What is compared: the lowest is chosen. Asked only of those who can be chosen."""

    def settle(self) -> None:
        """Called when who can be chosen, or with what weight, is no longer what it was."""

    def took(self, server: Server) -> None:
        """Called when `server` has been chosen."""

    def choose(self, unit: Unit) -> Server:
        pool = self.pool
        self._follow()
        server = self._top() if pool.candidates is pool.available else min(pool.candidates, key=self._entry)
        self._turn += 1
        self._chosen[server.backend.id] = self._turn
        self.took(server)
        self._stale.add(server)
        return server

    def scores(self, unit: Unit) -> dict[str, float]:
        self._follow()  # makes up for what has happened before; asking once more changes nothing
        return {server.name: -self.rank(server) for server in self.pool.candidates}

    def changed(self, server: Server) -> None:
        self._stale.add(server)

    def _follow(self) -> None:
        """See to it that the heap is of the servers that are available now."""
        if self._of is not self.pool.available:
            self._of = self.pool.available
            self.settle()
            self._rebuild()

    def _rebuild(self) -> None:
        self._stale.clear()
        self._entries = {server: self._entry(server) for server in self.pool.available}
        self._heap = list(self._entries.values())
        heapify(self._heap)

    def _top(self) -> Server:
        self._file()
        while self._entries[self._heap[0][3]] is not self._heap[0]:
            heappop(self._heap)
        return self._heap[0][3]

    def _file(self) -> None:
        """File anew whose rank has changed; who can't be chosen now (its last units end, say) is not filed."""
        for server in self._stale:
            if server in self._entries and (entry := self._entry(server)) != self._entries[server]:
                self._entries[server] = entry
                heappush(self._heap, entry)
        self._stale.clear()
        if len(self._heap) > 4 * len(self._entries) + 64:
            self._rebuild()  # mostly stale: what lies deep never comes up

    def _entry(self, server: Server) -> Entry:
        number = server.backend.id
        return self.rank(server), self._chosen.get(number, 0), number, server
