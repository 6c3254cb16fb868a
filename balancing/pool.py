"""The pool: a service's servers as they are now, and the algorithm that picks among them.

`Backend` is what was configured; `Server` is the same backend alive: up or down, draining, with so many units active.

    who            says                                     what follows
    a test         passed, failed          (health.py)      Up, Down; whoever is on a dead server is let go (on_leave)
    a client       its connection failed   (passive)        as a failed test
                   it was served                            the failed connections before it end a row
    an operator    set_weight, drain, add, remove, ...      Changed; Drained, once the last unit is gone

Rules kept here:

1. One writer owns a pool; nothing here locks, and nothing reads a clock.
2. `service` is always the pool as it is configured now: what is changed, is changed there, too.
3. Whenever who can be chosen changes, or with what weight, `available` is a new tuple, so that algorithms can tell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from balancing.algorithms import Algorithm, bind
from balancing.events import Assigned, Changed, Down, Drained, Event, Released, Up
from balancing.health import Vitals
from balancing.service import Backend, Service
from balancing.unit import Unit
from layerlab import LabError, choice


class NoBackend(LabError):
    """Nobody is left to serve: every backend is down or draining."""


class Server:
    """A backend as it is now.

    active:           the units that it has at this moment.
    effective_weight: its weight, less while it starts slowly.
    """

    __slots__ = ("active", "backend", "draining", "effective_weight", "name", "up", "vitals", "weight")

    def __init__(self, backend: Backend, vitals: Vitals | None = None) -> None:
        self.backend, self.vitals = backend, vitals
        self.name, self.weight, self.draining = backend.name, backend.weight, backend.draining
        self.effective_weight = float(self.weight)
        self.up = True
        self.active = 0

    @property
    def response_s(self) -> float | None:
        """The smoothed response time of the tests, in seconds; None if there is none."""
        return self.vitals.response_s if self.vitals else None

    @property
    def available(self) -> bool:
        """Whether it may have a new unit."""
        return self.up and not self.leaving

    @property
    def leaving(self) -> bool:
        """Whether an operator wants it empty: it drains, or has no weight."""
        return self.draining or not self.weight

    @property
    def state(self) -> str:
        """In a word: up, down or draining."""
        return "down" if not self.up else "up" if self.available else "draining"

    def __repr__(self) -> str:
        if not self.up:
            return f"{self.name} down"
        return f"{self.name} w={self.weight} active={self.active}" + (" draining" if not self.available else "")


class Pool:
    """The servers of one service.

    on_event: called with every decision, release and change, in order (events.py).
    on_leave: called with a server whose units must be let go: it is down, or was removed.
    on_change: called when somebody else can be chosen than before, or by another law.

    >>> pool = Pool(service)
    >>> pool.assign(unit).name
    's1'
    """

    def __init__(self, service: Service, on_event: Callable[[Event], object] | None = None) -> None:
        self.service = service
        self.name = service.name
        self.servers = {backend.id: self._server(backend) for backend in service.backends}
        self.on_leave: Callable[[Server], object] = lambda server: None
        self.on_change: Callable[[], object] = lambda: None
        self.on_event = on_event
        self._refresh()
        self.algorithm: Algorithm = bind(service.algorithm, self)

    def _server(self, backend: Backend) -> Server:
        return Server(backend, Vitals(self.service.health) if self.service.health else None)

    def _refresh(self) -> None:
        """Who can be chosen: `available` in general, `candidates` in the decision that is being taken."""
        self.available = self.candidates = tuple(server for server in self.servers.values() if server.available)
        self.on_change()

    def _record(self, event: Event) -> None:
        if self.on_event:
            self.on_event(event)

    # -- units ---------------------------------------------------------------------------------

    def assign(self, unit: Unit, avoid: Collection[Server] = ()) -> Server:
        """Decide for a new `unit` and count it as active; `avoid`: servers that have failed it already.

        Raises NoBackend if nobody can take it.
        """
        server = self._choose_but(avoid, unit) if avoid else self._choose(unit)
        self.take(server)
        if self.on_event:
            self.on_event(Assigned(self.name, str(unit), server.name))
        return server

    def _choose(self, unit: Unit) -> Server:
        if not self.candidates:
            raise NoBackend(f"no server of {self.name!r} can take {unit}", "one that is up and not draining")
        return self.algorithm.choose(unit)

    def _choose_but(self, avoid: Collection[Server], unit: Unit) -> Server:
        """Narrow the candidates for this one decision, so that no algorithm need know of `avoid`."""
        self.candidates = tuple(server for server in self.available if server not in avoid)
        try:
            return self._choose(unit)
        finally:
            self.candidates = self.available

    def scores(self, unit: Unit, avoid: Collection[Server] = ()) -> dict[str, float]:
        """Why `assign` would decide as it would: the score of each that it could choose, by name. Changes nothing."""
        self.candidates = tuple(server for server in self.available if server not in avoid)
        try:
            return self.algorithm.scores(unit) if self.candidates else {}
        finally:
            self.candidates = self.available

    def keeps(self, server: Server) -> bool:
        """Whether a unit that was at `server` before may go there again: it is up, and drains at most."""
        return server.up and server.weight > 0 and self._has(server)

    def pin(self, unit: Unit, server: Server) -> None:
        """`unit` belongs at `server`, by a decision that was taken before: count it there."""
        self.take(server)
        self._record(Assigned(self.name, str(unit), server.name))

    def take(self, server: Server) -> None:
        """`server` has a unit more, by a decision or by one that was taken before."""
        server.active += 1
        self.algorithm.changed(server)

    def release(self, unit: Unit, server: Server) -> None:
        """`unit` has ended: its server is less busy by one."""
        server.active -= 1
        self.algorithm.changed(server)
        if self.on_event:
            self.on_event(Released(self.name, str(unit), server.name))
            if not server.active and server.leaving and self._has(server):
                self.on_event(Drained(self.name, server.name))

    def measured(self, server: Server, active: int) -> None:
        """The switch counts its units itself, and says how many this server has."""
        before, server.active = server.active, active
        if active == before:
            return
        self.algorithm.changed(server)
        if not active and server.leaving and self._has(server):
            self._record(Drained(self.name, server.name))

    def _has(self, server: Server) -> bool:
        """Whether it is one of the pool's, and not one that was removed and still has units, or tests under way."""
        return self.servers.get(server.backend.id) is server

    # -- health --------------------------------------------------------------------------------

    def passed(self, server: Server, now_s: float, took_s: float) -> None:
        """A test of `server` has been answered after `took_s` seconds. now_s: of any clock that never goes back."""
        if server.vitals is None:
            return
        rose = server.vitals.passed(now_s, took_s)
        self.algorithm.changed(server)
        if rose and self._has(server):
            server.up = True
            self._ramp(server, now_s)
            self._refresh()
            self._record(Up(self.name, server.name))

    def failed(self, server: Server, why: str, passive: bool = False) -> None:
        """A test of `server`, or (`passive`) a client's connection to it, has failed.

        `why` is told if it is down because of it. One that was removed can't go down any more.
        """
        if server.vitals is not None and server.vitals.failed(passive) and server.up:
            self._record(Down(self.name, server.name, why))
            self.set_up(server, False)

    def served(self, server: Server) -> None:
        """A client's connection to `server` has done what it was for. Called for each: it has to cost nothing."""
        vitals = server.vitals
        if vitals is not None and vitals.lost:
            vitals.served()

    def set_up(self, server: Server, up: bool) -> None:
        """Let a server in or out; who is on it when it goes, is let go."""
        server.up = up
        self._refresh()
        if not up:
            self.on_leave(server)

    def tick(self, now_s: float) -> None:
        """Time has passed: servers in their slow start get a little more. Call it a few times a second."""
        ramped = [self._ramp(server, now_s) for server in self.available]
        if any(ramped):
            self._refresh()

    def _ramp(self, server: Server, now_s: float) -> bool:
        """Set a server's effective weight; return whether it is another one now."""
        weight = server.weight * (server.vitals.ramp(now_s) if server.vitals else 1.0)
        changed, server.effective_weight = weight != server.effective_weight, weight
        return changed

    # -- what an operator does -----------------------------------------------------------------

    def server(self, name: str) -> Server:
        """The server of that name. Raises LabError, with the nearest name, if there is none."""
        servers = {server.name: server for server in self.servers.values()}
        return servers[choice("server", name, servers)]

    def set_weight(self, server: Server, weight: int) -> None:
        """Give it another weight; 0 drains it. Raises LabError for what is no weight."""
        self._configure(server, f"weight of {server.name} is {weight}", weight=weight)

    def drain(self, server: Server, draining: bool = True) -> None:
        """Give it no new units; with False, give it new ones again."""
        self._configure(server, f"{server.name} {'drains' if draining else 'takes units again'}", draining=draining)

    def set_algorithm(self, word: str) -> None:
        """Decide by another algorithm from now on; who has a server keeps it. Raises LabError if there is none such."""
        service = dataclasses.replace(self.service, algorithm=word)
        self.algorithm = bind(service.algorithm, self)
        self.service = service
        self._changed(f"algorithm is {word}")

    def add(self, backend: Backend) -> Server:
        """Take in one more server. Raises LabError if the service would not be valid with it."""
        self.service = self.service.with_backends((*self.service.backends, backend))
        backend = self.service.backends[-1]
        self.servers[backend.id] = server = self._server(backend)
        self._changed(f"{server.name} was added")
        return server

    def remove(self, server: Server) -> None:
        """Take a server out; who is on it is let go. Raises LabError if it is the only one."""
        rest = tuple(backend for backend in self.service.backends if backend.id != server.backend.id)
        self.service = self.service.with_backends(rest)
        server.up = False
        del self.servers[server.backend.id]
        self._changed(f"{server.name} was removed")
        self.on_leave(server)

    def become(self, service: Service) -> list[Server]:
        """Be the pool of `service` from now on. Return the servers that are gone: whoever is on them ends there.

        A backend with the id of one that is here keeps its server, and so its units and its health.
        """
        before, bound = self.servers, self.service.algorithm
        self.service = service
        self.servers = {backend.id: before.get(backend.id) or self._server(backend) for backend in service.backends}
        gone = [server for server in before.values() if not self._has(server)]
        for server in gone:
            server.up = False
        left = [server for server in map(self._set, service.backends) if server]
        self._refresh()
        if service.algorithm != bound:
            self.algorithm = bind(service.algorithm, self)
        self._record(Changed(self.name, "was configured anew"))
        for server in left:
            self._record(Drained(self.name, server.name))
        return gone

    def _configure(self, server: Server, change: str, **fields: Any) -> None:
        """Give its backend these fields, and tell: of the change, and that it is drained if it is so by that."""
        backend = dataclasses.replace(server.backend, **fields)
        backends = (backend if one.id == backend.id else one for one in self.service.backends)
        self.service = self.service.with_backends(tuple(backends))
        drained = self._set(backend)
        self._changed(change)
        if drained:
            self._record(Drained(self.name, server.name))

    def _set(self, backend: Backend) -> Server | None:
        """Configure the server with the backend's id by it, and as the service says; return it if that drains it.

        Its weight is effective in the part that its slow start has come to. Where tests begin, or end, it is up.
        """
        server, check = self.servers[backend.id], self.service.health
        ramp, before = server.effective_weight / server.weight if server.weight else 1.0, server.leaving
        server.backend, server.weight, server.draining = backend, backend.weight, backend.draining
        server.effective_weight = ramp * server.weight
        if check is not None and server.vitals is not None:
            server.vitals.check = check
        elif check is not None or server.vitals is not None:
            server.vitals, server.up = Vitals(check) if check else None, True
        return server if server.leaving and not before and not server.active else None

    def _changed(self, change: str) -> None:
        self._refresh()
        self._record(Changed(self.name, change))

    def __repr__(self) -> str:
        return f"<Pool {self.name}: {', '.join(map(repr, self.servers.values()))}>"
