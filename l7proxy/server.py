"""The proxy as a process: listen, say Ready, tick, and stop without losing a request.

     listen on all ──► Ready for each ──► serve ──SIGTERM──► stop accepting ──► drain ──stop_s at most──► exit 0
                                            │
     a test fails, an operator removes ──► pool.on_leave ──next round──► its exchanges fail over, its connections close
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from balancing import Pool, Ready, Server, Service, store
from balancing.api import Api
from l7proxy.accesslog import AccessLog
from l7proxy.balancer import Balancer
from l7proxy.config import Address, Door
from l7proxy.eventlog import EventLog
from l7proxy.limits import Limits
from l7proxy.operators import OperatorSocket
from l7proxy.outside import Site
from l7proxy.probes import Probes
from l7proxy.routing import router
from l7proxy.shell import Front
from l7proxy.upstreams import Upstreams
from l7proxy.wheel import Wheel
from layerlab import LabError

BACKLOG = 1024


class Proxy:
    """Every service of one process, on one loop and one wheel, with one store of idle connections."""

    def __init__(self, limits: Limits, events: EventLog | None, log: AccessLog | None = None) -> None:
        self.limits, self.events, self.log = limits, events, log
        self.loop = asyncio.get_running_loop()
        self.wheel = Wheel()
        self.upstreams = Upstreams(limits, self.wheel)
        self.probes = Probes(limits)
        self.pools: list[Pool] = []
        self.fronts: list[Front] = []
        self.operators: OperatorSocket | None = None
        self._listeners: list[asyncio.Server] = []
        self._tick()

    def _tick(self) -> None:
        self.wheel.advance()
        for pool in self.pools:
            pool.tick(self.loop.time())
        self.loop.call_later(self.limits.tick_s, self._tick)

    async def listen(self, services: Sequence[Service], address: Address) -> Address:
        """Serve `services`, of one VIP and port, at `address`; return it with the port it got. Raises LabError."""
        pools = [Pool(service, self.events.add if self.events else None) for service in services]
        front = Front(self._site(pools), self.upstreams, self.wheel)
        try:
            listener = await self.loop.create_server(front.protocol, str(address.ip), address.port, backlog=BACKLOG)
        except OSError as error:
            raise _cannot_listen(services[0], address, error) from None
        for pool in pools:
            pool.on_leave = partial(self._left, front, pool)
            self._follow(pool)
        self.pools += pools
        self.fronts.append(front)
        self._listeners.append(listener)
        return Address(address.ip, listener.sockets[0].getsockname()[1])

    def _site(self, pools: Sequence[Pool]) -> Site:
        """What finds the right one of `pools` for a request."""
        service = pools[0].service
        authority = str(Address(service.vip, service.port or 0)).encode()
        log = self.log.add if self.log else None
        return Site(router([Balancer(pool) for pool in pools]), self.limits, authority, itertools.count(1), log=log)

    def open_api(self, path: Path, file: Path) -> None:
        """Let operators ask and change at the Unix socket `path`; changes are kept in `file`. Raises LabError."""
        pools = {pool.name: pool for pool in self.pools}
        if len(pools) < len(self.pools):
            raise LabError("two services have one name", "names of their own: operators ask for services by name")

        def changed(pool: Pool) -> None:
            self._follow(pool)
            store.save(file, [pool.service])
        self.operators = OperatorSocket(path, Api(pools, changed), self.limits.api_connections)

    def _follow(self, pool: Pool) -> None:
        """Who serves may have changed: whoever is new needs a home and is tested, who has gone is tested no more."""
        self.upstreams.add(pool)
        self.probes.follow(pool)

    def _left(self, front: Front, pool: Pool, server: Server) -> None:
        """`server` is down, or was removed: let go of it in the next round, for one of its own may be the reason."""
        for talk, exchange in front.at(server):
            self.loop.call_soon(talk.forsaken, exchange, server)
        self.loop.call_soon(self.upstreams.leave, server, pool.servers.get(server.backend.id) is not server)

    def ready(self, service: Service, address: Address) -> None:
        """Tell the world that `service` can be used."""
        if self.events:
            self.events.add(Ready(service.name))
            self.events.flush()
        print(f"{service.name}: listening on {address}", file=sys.stderr, flush=True)

    async def stop(self) -> None:
        """Accept nothing more, answer what is in flight, within stop_s; then leave."""
        if self.operators:
            self.operators.close()
        for listener in self._listeners:
            listener.close()
        for front in self.fronts:
            for client in tuple(front.clients):
                client.talk.drain()
        deadline = self.loop.time() + self.limits.stop_s
        while any(front.clients for front in self.fronts) and self.loop.time() < deadline:
            await asyncio.sleep(0.01)
        for front in self.fronts:
            for client in tuple(front.clients):
                client.transport.abort()
        self.probes.close()
        self.upstreams.close()
        await asyncio.sleep(0)  # let the aborted connections report, so their units are released
        if self.events:
            self.events.flush()
        if self.log:
            self.log.flush()


def _cannot_listen(service: Service, address: Address, error: OSError) -> LabError:
    """What the system said, in the user's terms."""
    if error.errno == errno.EADDRINUSE:
        return LabError(f"{service.name}: {address} is in use by another program", "an address that is free",
                        f"ss -ltnp 'sport = {address.port}' shows who has it")
    if error.errno == errno.EADDRNOTAVAIL:
        return LabError(f"{service.name}: {address.ip} is not an address of this machine", "one that is",
                        "--listen 127.0.0.1:8080 outside the lab")
    reason = os.strerror(error.errno) if error.errno else str(error)
    return LabError(f"{service.name}: can't listen on {address}: {reason}", "an address that can be listened on")


async def serve(doors: Sequence[Door], file: Path, events: Path | None, limits: Limits, api: Path | None,
                log: str | None = None, log_form: str = "text") -> None:
    """Serve until SIGTERM or SIGINT. Nothing is said to be ready before all of it is.

    file: where the services of `doors` stand. events: where to write what happens. api: where operators ask.
    """
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    proxy = Proxy(limits, EventLog(events, loop.call_later) if events else None,
                  AccessLog(log, log_form, loop.call_later) if log else None)
    found = [await proxy.listen(door.services, door.address) for door in doors]
    if api:
        proxy.open_api(api, file)
    for door, address in zip(doors, found, strict=True):
        for service in door.services:
            proxy.ready(service, address)
    await stopped.wait()
    await proxy.stop()
