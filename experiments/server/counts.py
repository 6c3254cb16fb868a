"""What a server counts, so that nobody has to take the balancer's word for who served what."""

from __future__ import annotations

from collections import Counter

from experiments.server.capacity import Capacity


class Counts:
    """Requests and datagrams answered, by the local endpoint that they came to.

    connections: how many TCP connections brought a request. One that only asked for /_stats, or
                 said nothing at all (a health probe), has no number and isn't counted.
    open:        how many TCP connections are open now, whatever they brought.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.udp: Counter[str] = Counter()
        self.connections = 0
        self.open = 0

    def number_connection(self) -> int:
        """The next connection's running number, from 1."""
        self.connections += 1
        return self.connections

    def stats(self, server: str, capacity: Capacity) -> dict[str, object]:
        """What GET /_stats says: the counts, how many requests are in service, how many wait."""
        return {"server": server, "requests": self.requests, "udp": self.udp, "connections": self.connections,
                "open": self.open, "active": capacity.active, "queued": capacity.queued}
