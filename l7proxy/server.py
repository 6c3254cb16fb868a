"""The proxy as a process: listen, say Ready, tick, and stop without losing a request.

     listen on all ──► Ready for each ──► serve ──SIGTERM──► stop accepting ──► drain ──stop_s at most──► exit 0
                                            │
     SIGHUP: the file is read anew (reload.py) ──► listeners, pools, routes, limits change; no request is ended
                                            │
     a test fails, an operator removes ──► pool.on_leave ──next round──► its exchanges fail over, its connections close
"""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import itertools
import os
import resource
import signal
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from balancing import Event, Pool, Ready, Server, store
from balancing.api import Api, View
from l7proxy.accesslog import AccessLog
from l7proxy.balancer import Balancer, Policy
from l7proxy.cache import Cache, Settings
from l7proxy.certificates import Identity, ignore_bad_names, read
from l7proxy.config import Address, Config, Listener, PoolTerms
from l7proxy.config_forward import users_of
from l7proxy.eventlog import EventLog
from l7proxy.explain import Explanations
from l7proxy.forward.face import ForwardFace, OwnPlaces, as_it_is
from l7proxy.forward.fields import FORWARD_REQUEST_FIELDS, FORWARD_RESPONSE_FIELDS
from l7proxy.framing import DROP, RESPONSE_FIELDS
from l7proxy.guests import Guests
from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.operators import OperatorSocket
from l7proxy.outside import Site
from l7proxy.probes import Probes
from l7proxy.reload import follow_file
from l7proxy.routing import table
from l7proxy.shell import Front
from l7proxy.tls import Tls
from l7proxy.upstreams import Upstreams
from l7proxy.wheel import Wheel
from layerlab import LabError

BACKLOG = 1024


@dataclass
class Door:
    """A listener that is open. address: with the port that it got. tls: what its connections share, if it is spoken."""

    listener: Listener
    front: Front
    server: asyncio.Server
    address: Address
    tls: Tls | None


class Proxy:
    """Everything of one process, on one loop and one wheel, with one store of idle connections."""

    def __init__(self, config: Config) -> None:
        """Raises LabError if the events file can't be opened."""
        self.config, self.limits = config, config.limits
        self.loop = asyncio.get_running_loop()
        self.events, self.log = self.open_events(config), self.open_log(config)
        self.explanations = Explanations()
        self.cache = self.make_cache(config)
        self.wheel = Wheel()
        self.upstreams, self.guests = Upstreams(self.limits, self.wheel), Guests(self.limits)
        self.probes = Probes(self.limits)
        self.face: ForwardFace | None = None
        self.face = self.make_face(config)
        self.pools: dict[str, Pool] = {}
        self.balancers: dict[str, Balancer] = {}
        self.doors: list[Door] = []
        self.closing: set[Front] = set()  # of listeners that are gone, whose clients are not
        self.operators: OperatorSocket | None = None
        self._numbers = itertools.count(1)
        self._tick()

    def _tick(self) -> None:
        self.loop.call_later(self.limits.tick_s, self._tick)  # first: whatever goes wrong now, time goes on
        self.wheel.advance()
        if self.cache is not None:
            self.cache.wall_s = time.time() - time.monotonic()
        for pool in self.pools.values():
            pool.tick(self.loop.time())

    async def open(self) -> None:
        """Serve what the configuration says. Nothing is said to be ready before all of it is. Raises LabError."""
        for terms in self.config.pools:
            self.add(self.make(terms), terms.policy)
        self.doors = await self.listen(self.config.listeners, read(self.config.certificates))
        self.route()
        self.operators = self.open_api(self.config)
        for pool in self.pools.values():
            self._record(Ready(pool.name))
        self.say_doors(self.doors)

    # Listeners.

    async def listen(self, listeners: Sequence[Listener], identities: Mapping[str, Identity]) -> list[Door]:
        """Open these, all or none. Raises LabError. Until there is a table (`route`) nothing is accepted."""
        doors: list[Door] = []
        try:
            for listener in listeners:
                doors.append(await self._listen(listener, [identities[name] for name in listener.certificates]))
        except LabError:
            for door in doors:
                door.server.close()
            raise
        return doors

    async def _listen(self, listener: Listener, shown: Sequence[Identity]) -> Door:
        address = listener.address
        site = Site(lambda head: None, self.limits, b"", self._numbers, scheme=b"https" if listener.tls else b"http")
        front = Front(site, self.upstreams, self.wheel, self.guests)
        tls = Tls(shown, self.limits, self.wheel, site.counts, self.guests) if shown else None
        above = self.face.standing.traffic.below(front.protocol) if self.face is not None else front.protocol
        protocol = tls.below(above) if tls else above
        try:
            server = await self.loop.create_server(protocol, str(address.ip), address.port, backlog=BACKLOG)
        except OSError as error:
            raise _cannot_listen(listener, error) from None
        found = Address(address.ip, server.sockets[0].getsockname()[1])
        site.authority = str(found).encode()
        return Door(listener, front, server, found, tls)

    def route(self) -> None:
        """Let every listener's requests be led by the configuration's table, and its answers be what they are to be."""
        hidden = [name.encode() for name in self.config.hidden]
        self.explanations.networks = self.config.logs.explain
        if self.face is not None:
            self.face.take_effect()
        for door in self.doors:
            site = door.front.site
            site.route_of = table(self.config, door.listener, self.balancers)
            site.log = self.log.add if self.log else None
            site.explain = self.explanations if self.config.logs.explain else None
            site.cache = self.cache
            if self.face is not None:
                self._be_forward(site, self.face)
                continue
            site.forwarding = self.config.forwarding
            site.responses = Lines({**RESPONSE_FIELDS, **dict.fromkeys(hidden, DROP)})

    def make_face(self, config: Config) -> ForwardFace | None:
        """The face of a forward proxy, after the one there is. Raises LabError if its users can't be read."""
        if config.forward is None:
            return None
        users = users_of(config.forward.users) if config.forward.users else None
        self.upstreams.trusts = ssl.create_default_context()
        return ForwardFace(config.forward, users, self.face)

    def _be_forward(self, site: Site, face: ForwardFace) -> None:
        """Let a listener's requests be led by `face`, which is never to dial a listener of ours."""
        face.guard = dataclasses.replace(face.guard, own=OwnPlaces(door.address for door in self.doors))
        site.forward, site.name, site.resolver = face, face.shown, as_it_is
        site.requests, site.responses = Lines(FORWARD_REQUEST_FIELDS), Lines(FORWARD_RESPONSE_FIELDS)

    def say_doors(self, doors: Iterable[Door]) -> None:
        """Tell the world where it can ask."""
        for door in doors:
            print(f"{door.listener.name}: listening on {door.address}", file=sys.stderr, flush=True)
        self.say_certificates(doors)

    def say_certificates(self, doors: Iterable[Door]) -> None:
        """Tell what clients are shown there."""
        for door in doors:
            for line in door.tls.certificates.words(datetime.now(UTC)) if door.tls else ():
                print(f"{door.listener.name}: {line}", file=sys.stderr, flush=True)

    def close(self, door: Door) -> None:
        """Accept nobody there any more; requests in flight are answered."""
        door.server.close()
        if door.tls:
            door.tls.close()
        if door.front.clients:
            self.closing.add(door.front)
            door.front.on_empty = partial(self.closing.discard, door.front)
        for client in tuple(door.front.clients):
            client.talk.drain()

    # Pools.

    def make(self, terms: PoolTerms) -> Pool:
        """A pool that nobody uses yet. Raises LabError."""
        return Pool(terms.service, self.events.add if self.events else None)

    def add(self, pool: Pool, policy: Policy) -> None:
        """Use it: test its servers, connect to them."""
        self.pools[pool.name], self.balancers[pool.name] = pool, Balancer(pool, policy)
        pool.on_leave = partial(self._left, pool)
        self.follow(pool)

    def follow(self, pool: Pool) -> None:
        """Who serves may have changed: whoever is new needs a home and is tested, who has gone is tested no more."""
        self.upstreams.add(pool)
        self.probes.follow(pool)

    def _left(self, pool: Pool, server: Server) -> None:
        """`server` is down, or was removed: let go of it in the next round, for one of its own may be the reason."""
        for talk, exchange in [pair for front in self._fronts() for pair in front.at(server)]:
            self.loop.call_soon(talk.forsaken, exchange, server)
        self.loop.call_soon(self.upstreams.leave, server, pool.servers.get(server.backend.id) is not server)

    def remove(self, name: str) -> list[Server]:
        """Use a pool no more; return its servers, of which no one has heard yet that they can part."""
        pool = self.pools.pop(name)
        del self.balancers[name]
        self.probes.leave(pool)
        return list(pool.servers.values())

    def limit(self, limits: Limits) -> None:
        """Bear so much from now on; what has begun is bound by what held then. The wheel's step stays as it is."""
        self.limits = limits = dataclasses.replace(limits, tick_s=self.limits.tick_s)
        self.upstreams.bear(limits)
        self.probes.limits = self.guests.limits = limits
        for front in self._fronts():
            front.bear(limits)
        for door in self.doors:
            if door.tls:
                door.tls.bear(limits)

    def part(self, server: Server) -> None:
        """`server` is nobody's any more: once its last request has ended there, close its connections."""
        if server.active:
            self.loop.call_later(self.limits.tick_s, self.part, server)
        else:
            self.upstreams.leave(server, True)

    def _fronts(self) -> list[Front]:
        return [*(door.front for door in self.doors), *self.closing]

    def _record(self, event: Event) -> None:
        if self.events:
            self.events.add(event)
            self.events.flush()

    # Events and operators.

    def open_events(self, config: Config) -> EventLog | None:
        """The file of `config` for events, opened anew. Raises LabError."""
        return EventLog(config.logs.events, self.loop.call_later) if config.logs.events else None

    def open_log(self, config: Config) -> AccessLog | None:
        """The access log of `config`, opened anew. Raises LabError."""
        logs = config.logs
        return AccessLog(str(logs.access), logs.form, self.loop.call_later) if logs.access else None

    def make_cache(self, config: Config) -> Cache | None:
        """The cache of `config`, with nothing in it."""
        if config.cache is None:
            return None
        terms = config.cache
        cache = Cache(Settings(terms.size_bytes, terms.max_object_bytes, config.limits.join_s))
        cache.wall_s = time.time() - time.monotonic()
        return cache

    def write_to(self, events: EventLog | None, log: AccessLog | None) -> None:
        """Write events and answers there from now on."""
        for before in (self.events, self.log):
            if before is not None:
                before.close()
        self.events, self.log = events, log
        for pool in self.pools.values():
            pool.on_event = events.add if events else None

    def open_api(self, config: Config) -> OperatorSocket | None:
        """The socket at which operators ask and change; what they change is kept in `config.kept`. Raises LabError."""
        if config.api is None:
            return None

        def changed(pool: Pool) -> None:
            self.follow(pool)
            if self.config.kept:
                store.save(self.config.kept, [pool.service])
        views: dict[str, View] = {"counters": self.counters, "explanations": self.explanations.view}
        return OperatorSocket(config.api, Api(self.pools, changed, views), self.limits.api_connections)

    def counters(self, words: Sequence[str] = ()) -> dict[str, Any]:
        """All that was counted, as JSON says it (counters.py)."""
        if words:
            raise LabError(f"there is nothing at /counters/{'/'.join(words)}", "/counters")
        doors = [front.site.counts.form(front.site.authority.decode(), len(front.clients)) for front in self._fronts()]
        return {"doors": doors, "services": [balancer.form() for balancer in self.balancers.values()]}

    def operate_at(self, operators: OperatorSocket | None) -> None:
        """Let operators ask there from now on."""
        if self.operators is not None and self.operators is not operators:
            self.operators.close()
        self.operators = operators

    async def stop(self) -> None:
        """Accept nothing more, answer what is in flight, within stop_s; then leave."""
        if self.operators:
            self.operators.close()
        for door in self.doors:
            self.close(door)
        deadline = self.loop.time() + self.limits.stop_s
        while any(front.clients for front in self._fronts()) and self.loop.time() < deadline:
            await asyncio.sleep(0.01)
        for front in self._fronts():
            for client in tuple(front.clients):
                client.transport.abort()
        self.probes.close()
        self.upstreams.close()
        if self.face is not None:
            self.face.close()
        await asyncio.sleep(0)  # let the aborted connections report, so their units are released
        for log in (self.events, self.log):
            if log is not None:
                log.flush()


def _cannot_listen(listener: Listener, error: OSError) -> LabError:
    """What the system said, in the user's terms."""
    address = listener.address
    if error.errno == errno.EADDRINUSE:
        return LabError(f"{listener.name}: {address} is in use by another program", "an address that is free",
                        f"ss -ltnp 'sport = {address.port}' shows who has it")
    if error.errno == errno.EADDRNOTAVAIL:
        return LabError(f"{listener.name}: {address.ip} is not an address of this machine", "one that is",
                        "--listen 127.0.0.1:8080 outside the lab")
    reason = os.strerror(error.errno) if error.errno else str(error)
    return LabError(f"{listener.name}: can't listen on {address}: {reason}", "an address that can be listened on")


async def serve(config: Config, again: Callable[[], Config]) -> None:
    """Serve until SIGTERM or SIGINT. again: what the configuration says now, asked on SIGHUP; may raise LabError."""
    loop, stopped, asked = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for number, event in ((signal.SIGTERM, stopped), (signal.SIGINT, stopped), (signal.SIGHUP, asked)):
        loop.add_signal_handler(number, event.set)
    ignore_bad_names()
    proxy = Proxy(config)
    await proxy.open()
    reloads = loop.create_task(follow_file(proxy, again, asked))
    await stopped.wait()
    reloads.cancel()
    await proxy.stop()
