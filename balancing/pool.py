"""The pool: a service's servers as they are now, and the algorithm that picks among them.

`Backend` is what was configured and never changes; `Server` is the same backend alive: up or
down, draining, with so many units active. One writer owns a pool; nothing here locks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from balancing.algorithms import ALGORITHMS
from balancing.events import Assigned, Event, Released
from balancing.service import Backend, Service
from balancing.unit import Unit
from layerlab import LabError


class NoBackend(LabError):
    """Nobody is left to serve: every backend is down or draining."""


class Server:
    """A backend as it is now. `active` counts the units it has at this moment."""

    __slots__ = ("active", "backend", "draining", "name", "up", "weight")

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.name = backend.name
        self.weight = backend.weight
        self.up = True
        self.draining = False
        self.active = 0

    def __repr__(self) -> str:
        if not self.up:
            return f"{self.name} down"
        return f"{self.name} w={self.weight} active={self.active}" + (" draining" if self.draining else "")


class Pool:
    """The servers of one service.

    on_event: called with every decision and release, in order (events.py).

    >>> pool = Pool(service)
    >>> pool.assign(unit).name
    's1'
    """

    def __init__(self, service: Service, on_event: Callable[[Event], object] | None = None) -> None:
        self.service = service
        self.name = service.name
        self.servers = {backend.id: Server(backend) for backend in service.backends}
        self.algorithm = ALGORITHMS[service.algorithm](self)
        self._on_event = on_event
        self._refresh()

    def _refresh(self) -> None:
        self.candidates = tuple(server for server in self.servers.values() if server.up and not server.draining)

    def set_up(self, backend_id: int, up: bool) -> None:
        """Let a server in or out. Its units are not touched: releasing them is the caller's decision."""
        self.servers[backend_id].up = up
        self._refresh()

    def drain(self, backend_id: int, draining: bool = True) -> None:
        """Give a server no new units (or, with False, give it new ones again)."""
        self.servers[backend_id].draining = draining
        self._refresh()

    def assign(self, unit: Unit, avoid: Collection[Server] = ()) -> Server:
        """Decide for a new `unit` and count it as active; `avoid`: servers that have failed it already.

        Raises NoBackend if nobody can take it.
        """
        server = self._choose_but(avoid, unit) if avoid else self._choose(unit)
        server.active += 1
        if self._on_event:
            self._on_event(Assigned(self.name, str(unit), server.name))
        return server

    def _choose(self, unit: Unit) -> Server:
        if not self.candidates:
            raise NoBackend(f"no server of {self.name!r} can take {unit}", "one that is up and not draining")
        return self.algorithm.choose(unit)

    def _choose_but(self, avoid: Collection[Server], unit: Unit) -> Server:
        """Narrow the candidates for this one decision, so that no algorithm need know of `avoid`."""
        everyone = self.candidates
        self.candidates = tuple(server for server in everyone if server not in avoid)
        try:
            return self._choose(unit)
        finally:
            self.candidates = everyone

    def release(self, unit: Unit, server: Server) -> None:
        """`unit` has ended: its server is less busy by one."""
        server.active -= 1
        if self._on_event:
            self._on_event(Released(self.name, str(unit), server.name))

    def __repr__(self) -> str:
        return f"<Pool {self.name}: {', '.join(map(repr, self.servers.values()))}>"
