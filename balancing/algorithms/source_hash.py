"""Source hash: a client always meets the same server, and nobody has to remember it.

    key ──BLAKE2b──► 64-bit number, modulo sum(weights) ──► a slot ──► the server that owns it

The key is the source MAC at L2 and the source address from L3 up, so at L4 all of a client's
connections reach one server. BLAKE2b (RFC 7693) rather than Python's hash(): that one is
salted anew in every process, and a restarted controller must come to the same answer.

Modulo is simple and forgets its past: when a server leaves, most keys move.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm

if TYPE_CHECKING:
    from balancing.pool import Server
    from balancing.unit import Unit


class SourceHash(Algorithm):
    """By a hash of the client, in proportion to the weights. Score: 1 for the owner, 0 for the rest."""

    name = "source-hash"
    summary = "a client always meets the same server; sessions that live in one server"

    def choose(self, unit: Unit) -> Server:
        candidates = self.pool.candidates
        number = int.from_bytes(blake2b(unit.key, digest_size=8).digest(), "big")
        slot = number % sum(server.weight for server in candidates)
        for server in candidates:
            slot -= server.weight
            if slot < 0:
                return server
        raise AssertionError("slot beyond the sum of the weights")

    def scores(self, unit: Unit) -> dict[str, float]:
        owner = self.choose(unit)
        return {server.name: float(server is owner) for server in self.pool.candidates}
