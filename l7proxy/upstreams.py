"""Connections to the backends, kept open between requests (RFC 9112 9.3).

     dial ──► idle one of this server? ──yes──► in use, at once
                     │ no
                     └──connect──► opened: in use; or, if whoever asked has gone, idle
     part(keep) ──► idle, newest first; closed when it idles too long, or speaks without being asked
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from balancing import Server
from l7proxy.limits import Limits, Wait
from l7proxy.wheel import Wheel

if TYPE_CHECKING:
    from l7proxy.shell import ClientSocket


class Upstreams:
    """The idle connections of one service, by backend. The newest is reused first: it is least likely stale."""

    def __init__(self, limits: Limits, wheel: Wheel, ports: dict[int, int]) -> None:
        self.limits, self.wheel, self.ports = limits, wheel, ports
        self.idle: dict[int, list[UpstreamSocket]] = {backend: [] for backend in ports}
        self.idle_ticks = limits.ticks(Wait.IDLE)
        self._dials: set[asyncio.Task[None]] = set()

    def take(self, server: Server) -> UpstreamSocket | None:
        """An idle connection to `server`, if there is one that is not about to close."""
        idle = self.idle[server.backend.id]
        while idle:
            upstream = idle.pop()
            upstream.alarm.hush()
            if not upstream.transport.is_closing():
                return upstream
        return None

    def dial(self, server: Server, owner: ClientSocket) -> UpstreamSocket:
        """Begin to connect to `server` for `owner`; the loop tells `owner` how it went."""
        upstream = UpstreamSocket(self, server.backend.id, owner)
        task = asyncio.get_running_loop().create_task(self._connect(upstream, server))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)
        upstream.dialling = task
        return upstream

    async def _connect(self, upstream: UpstreamSocket, server: Server) -> None:
        """The only coroutine towards backends: one per connection, none per request."""
        address, port = str(server.backend.ip), self.ports[server.backend.id]
        try:
            await asyncio.get_running_loop().create_connection(lambda: upstream, address, port)
        except OSError:
            if upstream.owner is not None:
                upstream.owner.not_opened(upstream)

    def close(self) -> None:
        """Close every idle connection."""
        for idle in self.idle.values():
            for upstream in idle:
                upstream.transport.close()


class UpstreamSocket(asyncio.Protocol):
    """One connection to a backend. `owner`: the client connection it serves now, or None while idle."""

    __slots__ = ("alarm", "backend", "dialling", "home", "owner", "paused", "transport")

    transport: asyncio.Transport

    def __init__(self, home: Upstreams, backend: int, owner: ClientSocket | None) -> None:
        self.home, self.backend, self.owner = home, backend, owner
        self.alarm = home.wheel.alarm(self.hang_up)
        self.dialling: asyncio.Task[None] | None = None
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.dialling = cast(asyncio.Transport, transport), None
        if self.owner is not None:
            self.owner.opened(self)
        else:
            self.rest()

    def data_received(self, data: bytes) -> None:
        if self.owner is not None:
            self.owner.talk.upstream_bytes(data)
        else:
            self.hang_up()  # bytes that nobody asked for must never become an answer (RFC 9112 11.2)

    def connection_lost(self, exc: Exception | None) -> None:
        self.alarm.cancel()
        if self.owner is not None:
            owner, self.owner = self.owner, None
            owner.upstream_gone(clean=exc is None)
        elif self in (idle := self.home.idle[self.backend]):
            idle.remove(self)

    def pause_writing(self) -> None:
        if self.owner is not None:
            self.owner.talk.upstream_paused(True)

    def resume_writing(self) -> None:
        if self.owner is not None:
            self.owner.talk.upstream_paused(False)

    def hold(self, held: bool) -> None:
        """Stop reading, or go on."""
        if held is not self.paused and not self.transport.is_closing():
            self.paused = held
            (self.transport.pause_reading if held else self.transport.resume_reading)()

    def rest(self) -> None:
        """Nobody uses it now: keep it for the next request, within bounds."""
        self.owner = None
        idle = self.home.idle[self.backend]
        if len(idle) >= self.home.limits.idle_upstreams or self.transport.is_closing():
            self.hang_up()
            return
        self.hold(False)
        self.alarm.set(self.home.idle_ticks)
        idle.append(self)

    def hang_up(self) -> None:
        """Close it now; what it still says is nobody's."""
        self.owner = None
        if self.dialling is not None:
            self.dialling.cancel()
        else:
            self.transport.abort()
