"""Source hash: a client always meets the same server, and nobody has to remember it.

    key ──BLAKE2b──► 64-bit number, modulo sum(weights) ──► a slot ──► the server that owns it

The key is the source MAC at L2 and the source address from L3 up, so at L4 all of a client's
connections reach one server. BLAKE2b (RFC 7693) rather than Python's hash(): that one is
salted anew in every process, and a restarted controller must come to the same answer.

Modulo is simple and forgets its past: when a server leaves, most keys move.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

from balancing.algorithms.base import Stateless

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class SourceHash(Stateless):
    """By a hash of the client, in proportion to the weights. O(log n) of n servers."""

    name = "source-hash"
    summary = "a client always meets the same server; sessions that live in one server"
    keyed = True
    bound = "O(log n)"

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._ends = Ends()

    def choose(self, unit: Unit) -> Server:
        candidates = self.pool.candidates
        ends = self._ends.of(candidates)
        return candidates[bisect_right(ends, number_of(unit.key) % ends[-1])]

    def slots(self, size: int) -> list[Server]:
        """Side by side, as they stand in the modulus: when one leaves, most slots change hands."""
        candidates = self.pool.candidates
        ends = self._ends.of(candidates)
        return [candidates[bisect_right(ends, slot % ends[-1])] for slot in range(size)]


class Ends:
    """Where each server's slots end, the servers side by side: 5, 6, 7 for weights 5:1:1. Reckoned once for each pool.

    By whole weights, whatever a slow start makes of them: who is hashed to a server stays hashed to it.
    """

    def __init__(self) -> None:
        self._of: Sequence[Server] = ()
        self._ends: list[int] = []

    def of(self, servers: Sequence[Server]) -> list[int]:
        """The ends for `servers`, the last of which is the sum of all weights."""
        if servers is not self._of:  # a pool makes a new tuple when anything of it changes
            self._of, self._ends = servers, list(accumulate(server.weight for server in servers))
        return self._ends


def number_of(key: bytes) -> int:
    """A 64-bit number for `key`, the same in every process."""
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big")
