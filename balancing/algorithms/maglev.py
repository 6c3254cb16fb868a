"""Maglev: source hash that forgets almost nothing when a server comes or goes.

    key ──BLAKE2b──► one of 65,537 slots ──► the server that owns it (balancing/maglev.py)

Where modulo moves most keys when one of N servers leaves, here little more than that server's own move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing.algorithms.base import Stateless, by_weight
from balancing.algorithms.source_hash import number_of
from balancing.maglev import SIZE, table

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class Maglev(Stateless):
    """By a hash of the client, consistently, in proportion to the weights. O(1).

    A table takes some tens of milliseconds to fill, so the last few are kept: a server that is left out for
    one decision costs it once.
    """

    name = "maglev"
    summary = "source hash that moves hardly anybody when servers come and go"
    keyed = True
    bound = "O(1)"
    size = SIZE
    kept = 8

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._of: tuple[Server, ...] = ()
        self._slots: list[str] = []
        self._by_name: dict[str, Server] = {}
        self._tables: dict[tuple[tuple[str, int], ...], list[str]] = {}

    def choose(self, unit: Unit) -> Server:
        if self._of is not self.pool.candidates:
            self._of = self.pool.candidates
            self._by_name = {server.name: server for server in self._of}
            self._slots = self._table(tuple((server.name, server.weight) for server in self._of))
        return self._by_name[self._slots[number_of(unit.key) % len(self._slots)]]

    def slots(self, size: int) -> list[Server]:
        return by_weight({server: server.weight for server in self.pool.candidates}, size)

    def _table(self, who: tuple[tuple[str, int], ...]) -> list[str]:
        """The table for these names and weights."""
        if who not in self._tables:
            if len(self._tables) >= self.kept:
                del self._tables[next(iter(self._tables))]
            self._tables[who] = table(dict(who), self.size)
        return self._tables[who]
