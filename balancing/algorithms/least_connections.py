"""Least connections: whoever has least to do. Right for long and uneven sessions.

What it knows is what `active` knows: at L7 every request as it ends, at L4 a TCP connection when it is closed, and
otherwise, in the switch's layers, a unit until its flow has been idle for the service's idle timeout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing.algorithms.steered import Steered

if TYPE_CHECKING:
    from balancing.pool import Server


class LeastConnections(Steered):
    """The fewest active units for its weight; among equals, the one that was chosen longest ago.

    Score: minus the active units per weight.
    """

    name = "least-connections"
    summary = "whoever has the fewest active units for its weight; long, uneven sessions"

    def rank(self, server: Server) -> float:
        return load(server)

    def one(self, server: Server) -> float:
        return 1 / server.effective_weight


def load(server: Server) -> float:
    """Active units per weight."""
    return server.active / server.effective_weight
