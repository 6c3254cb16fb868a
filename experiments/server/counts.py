"""What a server counts, so that nobody has to take the balancer's word for who served what."""

from __future__ import annotations

from collections import Counter


class Counts:
    """Requests and datagrams answered, by the local endpoint that they came to.

    connections: how many TCP connections brought a request. One that only brought asides or probes
                 (asides.py), or nothing at all, has no number and isn't counted.
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

    def stats(self) -> dict[str, object]:
        """The counts by name."""
        return {"requests": self.requests, "udp": self.udp, "connections": self.connections, "open": self.open}
