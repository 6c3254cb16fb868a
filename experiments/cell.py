"""One cell of the ladder: a layer in a situation, what was counted, and what the lecture says of it."""

from __future__ import annotations

from dataclasses import dataclass

from balancing import LAYERS

SITUATIONS = {
    "flat": "each client its own MAC",
    "routed": "clients behind a router",
    "nat": "clients behind a NAT",
    "pooled": "one client, one connection",
}


@dataclass(frozen=True)
class Cell:
    """One layer in one situation.

    requests: answered, by the servers' own count. units: assignments that the balancer made.
    share: requests by server. jain: Jain's index over all servers, idle ones included.
    elsewhere: what part of the requests others than the busiest server answered, by round.
    """

    layer: str
    situation: str
    requests: int
    units: int
    share: dict[str, int]
    servers_used: int
    jain: float | None
    elsewhere: tuple[float, ...] = ()

    @property
    def spread(self) -> bool:
        """Whether the load was spread: every server had some of it."""
        return self.servers_used == len(self.share)

    @property
    def predicted(self) -> bool:
        """Whether the lecture says it is spread: the situation hides nothing that this layer needs."""
        return list(LAYERS).index(self.layer) >= list(SITUATIONS).index(self.situation)

    @property
    def as_predicted(self) -> bool:
        """Spread where it should be; on one server only, where not."""
        return self.spread if self.predicted else self.servers_used == 1
