"""How many units each backend of a tracked service has: read off the switch's own counters, once a period. Pure.

     L2, L3   the learned flows with the backend's cookie: exact, but for those that idle out (idle_timeout_s)
     L4       connections opened (packets that its ACT rule has committed) less those closed (FIN or RST from it)

The count at L4 is an estimate: a client's RST closes without the backend's word, so what is not heard of any more is
forgotten in time, with a time constant of the service's idle timeout. OVS's counters are up to half a second late, and
a controller that starts anew begins at zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp

from balancing.service import Service
from controller.cookies import Cookie, Kind

PERIOD_S = 1.0


@dataclass(frozen=True)
class Reading:
    """The sums over all rules with one cookie (OpenFlow 1.3.5, 7.3.5.3)."""

    flows: int
    packets: int


@dataclass
class Gauge:
    """The units of one tracked service by backend id."""

    service: Service
    units: dict[int, float] = field(default_factory=dict)
    _before: dict[Cookie, int] = field(default_factory=dict)
    _readings: dict[Cookie, Reading] = field(default_factory=dict)

    def cookies(self) -> list[Cookie]:
        """Whose sums are to be asked for."""
        kinds = (Kind.ACT, Kind.END) if self.service.row.by_port else (Kind.UNIT,)
        return [Cookie(kind, self.service.id, backend.id) for backend in self.service.backends for kind in kinds]

    def heard(self, cookie: Cookie, reading: Reading) -> bool:
        """Take one answer; return whether it was the period's last, and `units` are anew."""
        self._readings[cookie] = reading
        if not set(self.cookies()) <= self._readings.keys():
            return False
        for backend in self.service.backends:
            self.units[backend.id] = self._count(backend.id)
        self._readings.clear()
        return True

    def _count(self, backend_id: int) -> float:
        if not self.service.row.by_port:
            return self._readings[Cookie(Kind.UNIT, self.service.id, backend_id)].flows
        opened, closed = (self._since(Cookie(kind, self.service.id, backend_id)) for kind in (Kind.ACT, Kind.END))
        kept = self.units.get(backend_id, 0.0) * exp(-PERIOD_S / self.service.idle_timeout_s)
        return max(0.0, kept + opened - closed)

    def _since(self, cookie: Cookie) -> int:
        """Packets since the last period. A rule that was sent anew begins at zero."""
        packets = self._readings[cookie].packets
        before = self._before.get(cookie, 0)
        self._before[cookie] = packets
        return packets - before if packets >= before else packets
