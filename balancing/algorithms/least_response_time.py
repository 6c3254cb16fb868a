"""Least response time: how long would a unit wait there? Judged by test packets, so it knows of slow servers, too.

    active units  x  smoothed response time of the tests  /  weight

As in Citrix's least response time method (active transactions x time to first byte). A server that has nothing to do
ranks 0 however slow it was: so it is tried again, and more than once only if it has got faster.

What a test shows depends on the layer (balancing/health.py): ARP, ping and a handshake are answered by the server's
kernel, so at L2, L3 and L4 over TCP they show a slow link or machine, never a slow program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing.algorithms.steered import Steered

if TYPE_CHECKING:
    from balancing.pool import Server

UNMEASURED_S = 1.0  # so long that a server without a result gets a unit only while it is idle


class LeastResponseTime(Steered):
    """The least active units times response time, for its weight. Score: minus that, in seconds."""

    name = "least-response-time"
    summary = "active units times the response time of test packets; servers that differ in speed just now"

    def rank(self, server: Server) -> float:
        return server.active * self.one(server)

    def one(self, server: Server) -> float:
        response_s = UNMEASURED_S if server.response_s is None else server.response_s
        return response_s / server.effective_weight
