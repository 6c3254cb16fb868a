"""Who has which unit: the memory that keeps a connection on its server.

A switch forgets a unit's flow when it idles, a connection does not end by idling. So a unit is

    active ──idle()──► dormant ──assign()──► active again, on the same server
      │                   │
      └──────release()────┴──► forgotten;  the oldest dormant ones are, beyond `keep`
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection

from balancing.pool import Pool, Server
from balancing.unit import Unit


class Assignments:
    """The units of one pool, each with its server.

    keep: how many dormant units are remembered at most.
    """

    def __init__(self, pool: Pool, keep: int = 65_536) -> None:
        self.pool = pool
        self.keep = keep
        self._active: dict[Unit, Server] = {}
        self._dormant: OrderedDict[Unit, Server] = OrderedDict()

    def assign(self, unit: Unit, *, fresh: bool = False, lasting: bool = True) -> tuple[Server, bool]:
        """Return (server, new): the server that `unit` already has, or a new decision for it.

        fresh: the unit says that it has just begun (a TCP SYN), so a dormant memory of the same
        5-tuple is about an earlier connection and does not count.
        lasting: its packet is of something that may have lasted all the while (a TCP connection): on a server that is
        drained, only such a unit wakes up again. Raises NoBackend as Pool.assign does.
        """
        if unit in self._active:
            return self._active[unit], False
        server = self._dormant.pop(unit, None)
        if server is None or fresh or not server.up or not (lasting or server.available):
            server = self.pool.assign(unit)
        else:
            self.pool.take(server)
        self._active[unit] = server
        return server, True

    def adopt(self, unit: Unit, backend_id: int) -> None:
        """Take over an assignment that another controller made and the switch still holds."""
        if unit not in self._active:
            self._active[unit] = server = self.pool.servers[backend_id]
            self.pool.take(server)

    def idle(self, unit: Unit) -> None:
        """The switch has forgotten `unit`: it is no longer active, but still remembered."""
        if (server := self._active.pop(unit, None)) is None:
            return
        self.pool.release(unit, server)
        self._dormant[unit] = server
        if len(self._dormant) > self.keep:
            self._dormant.popitem(last=False)

    def release(self, unit: Unit) -> None:
        """Forget `unit` altogether."""
        self._dormant.pop(unit, None)
        if (server := self._active.pop(unit, None)) is not None:
            self.pool.release(unit, server)

    def release_all(self, server: Server) -> list[Unit]:
        """Forget every unit of `server`, which is down or gone, and return those that were active."""
        pinned = [unit for unit, owner in self._active.items() if owner is server]
        for unit in pinned:
            self.release(unit)
        self._dormant = OrderedDict((unit, owner) for unit, owner in self._dormant.items() if owner is not server)
        return pinned

    def keep_only(self, units: Collection[Unit]) -> None:
        """The switch was out of reach and now says which `units` it holds: the others are idle."""
        for unit in [unit for unit in self._active if unit not in units]:
            self.idle(unit)

    def server_of(self, unit: Unit) -> Server | None:
        """The server that has `unit` now, if it is active."""
        return self._active.get(unit)

    def __len__(self) -> int:
        return len(self._active)

    def __repr__(self) -> str:
        return f"<Assignments of {self.pool.name}: {len(self._active)} active, {len(self._dormant)} dormant>"
