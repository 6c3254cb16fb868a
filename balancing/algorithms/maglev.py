"""Maglev: source hash that forgets almost nothing when a server comes or goes.

    key ──BLAKE2b──► one of 65,537 slots ──► the server that owns it (balancing/maglev.py)

Where modulo moves most keys when one of N servers leaves, here little more than that server's own move.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm
from balancing.maglev import SIZE, table

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class Maglev(Algorithm):
    """By a hash of the client, consistently, in proportion to the weights. Score: 1 for the owner, 0 for the rest.

    A table takes some tens of milliseconds to fill, so the last few are kept: a server that is left out for
    one decision costs it once.
    """

    name = "maglev"
    summary = "source hash that moves hardly anybody when servers come and go"
    size = SIZE
    kept = 8

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._tables: dict[tuple[tuple[str, int], ...], list[str]] = {}

    def choose(self, unit: Unit) -> Server:
        owners = self._owners()
        number = int.from_bytes(blake2b(unit.key, digest_size=8).digest(), "big")
        owner = owners[number % len(owners)]
        return next(server for server in self.pool.candidates if server.name == owner)

    def scores(self, unit: Unit) -> dict[str, float]:
        owner = self.choose(unit)
        return {server.name: float(server is owner) for server in self.pool.candidates}

    def _owners(self) -> list[str]:
        """The table for the candidates as they are."""
        who = tuple((server.name, server.weight) for server in self.pool.candidates)
        if who not in self._tables:
            if len(self._tables) >= self.kept:
                del self._tables[next(iter(self._tables))]
            self._tables[who] = table(dict(who), self.size)
        return self._tables[who]
