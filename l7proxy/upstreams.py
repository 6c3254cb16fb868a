"""Connections to the backends, kept open between requests (RFC 9112 9.3).

     dial ──► idle one of this server? ──yes──► in use, at once
                     │ no
                     └──connect──► opened: in use; whoever asked has gone: cancelled
     part(keep) ──► idle, newest first; closed when it idles too long, speaks without being asked, or its server goes

Rule: whoever is added is given a home in the same round of the loop, so none can be chosen that has none.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, cast

from balancing import Pool, Server
from l7proxy import failures
from l7proxy.failures import Again, Failure
from l7proxy.limits import Limits, Wait
from l7proxy.outside import Place
from l7proxy.wheel import Wheel

if TYPE_CHECKING:
    from l7proxy.shell import ClientSocket


class Upstreams:
    """The homes of all servers of all pools; servers of two pools that are one address and port share one."""

    def __init__(self, limits: Limits, wheel: Wheel) -> None:
        self.wheel = wheel
        self.trusts: ssl.SSLContext | None = None  # whose certificates are believed, where TLS is spoken to origins
        self.bear(limits)
        self._homes: dict[tuple[str, int], Home] = {}
        self._home_of: dict[Server, Home] = {}
        self.places: dict[Place, Home] = {}  # of no pool: only while a connection idles there
        self._dials: set[asyncio.Task[None]] = set()

    def bear(self, limits: Limits) -> None:
        """Let other limits hold from now on."""
        self.limits = limits
        self.idle_ticks, self.linger_ticks = limits.ticks(Wait.IDLE), limits.ticks(Wait.LINGER)

    def add(self, pool: Pool) -> None:
        """Give every server of `pool` a home that has none yet."""
        for server in pool.servers.values():
            if server not in self._home_of:
                address = str(server.backend.ip), pool.service.port_of(server.backend) or 0
                self._home_of[server] = self._homes.setdefault(address, Home(self, *address))

    def leave(self, server: Server, removed: bool) -> None:
        """`server` is down, or was `removed`: close its idle connections, unless one that is up lives there, too."""
        home = self._home_of[server]
        others = [other for other, place in self._home_of.items() if place is home and other is not server]
        if not any(other.up for other in others):
            home.empty()
        if removed:
            del self._home_of[server]
        if removed and not others:
            del self._homes[home.ip, home.port]

    def take(self, server: Server) -> UpstreamSocket | None:
        """An idle connection to `server`, if there is one that is not about to close."""
        return self._newest(self._home_of[server])

    def take_at(self, place: Place) -> UpstreamSocket | None:
        """The same for a place that is no server of a pool."""
        home = self.places.get(place)
        return self._newest(home) if home is not None else None

    def _newest(self, home: Home) -> UpstreamSocket | None:
        idle = home.idle
        while idle:
            upstream = idle.pop()
            upstream.alarm.hush()
            if not upstream.transport.is_closing():
                home.vacated()
                return upstream
        home.vacated()
        return None

    def dial(self, server: Server, owner: ClientSocket) -> UpstreamSocket:
        """Begin to connect to `server` for `owner`; the loop tells `owner` how it went."""
        return self._begin(UpstreamSocket(self._home_of[server], owner))

    def dial_at(self, place: Place, owner: ClientSocket) -> UpstreamSocket:
        """The same to a place that is no server of a pool."""
        return self._begin(UpstreamSocket(self.places.get(place) or Home(self, place.ip, place.port, place), owner))

    def _begin(self, upstream: UpstreamSocket) -> UpstreamSocket:
        task = asyncio.get_running_loop().create_task(self._connect(upstream))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)
        upstream.dialling = task
        return upstream

    async def _connect(self, upstream: UpstreamSocket) -> None:
        """The only coroutine towards backends: one per connection, none per request."""
        home = upstream.home
        try:
            protocol = cast(asyncio.Protocol, upstream)
            await asyncio.get_running_loop().create_connection(
                lambda: protocol, home.ip, home.port, ssl=self.trusts if home.tls else None,
                server_hostname=home.tls or None)
        except OSError as error:
            if upstream.owner is not None:
                upstream.owner.not_opened(_not_secured(error) or failures.not_connected(error))

    def close(self) -> None:
        """Close every idle connection."""
        for home in (*self._homes.values(), *self.places.values()):
            home.empty()


_UNTRUSTED = Failure(502, "the origin's certificate is not to be believed", Again.NEVER, "tls_certificate_error")
_NO_TLS = Failure(502, "the origin does not speak TLS as it should", Again.NEVER, "tls_protocol_error")


def _not_secured(error: OSError) -> Failure | None:
    """What to say of an origin that is there, but with which no TLS can be spoken (RFC 9209 2.3.13, 2.3.14)."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _UNTRUSTED
    return _NO_TLS if isinstance(error, ssl.SSLError) else None


class Home:
    """One address and port, and its idle connections. The newest is reused first: it is least likely stale."""

    __slots__ = ("idle", "ip", "place", "port", "tls", "upstreams")

    def __init__(self, upstreams: Upstreams, ip: str, port: int, place: Place | None = None) -> None:
        self.upstreams, self.ip, self.port, self.place = upstreams, ip, port, place
        self.tls = place.tls if place is not None else ""
        self.idle: list[UpstreamSocket] = []

    def settle(self) -> Home:
        """Where a connection of this place idles: one home for all of them."""
        return self if self.place is None else self.upstreams.places.setdefault(self.place, self)

    def vacated(self) -> None:
        """A connection has left: a place at which none idles is forgotten."""
        if self.place is not None and not self.idle:
            self.upstreams.places.pop(self.place, None)

    def empty(self) -> None:
        """Close the idle connections."""
        idle, self.idle = self.idle, []
        for upstream in idle:
            upstream.hang_up()

    def __repr__(self) -> str:
        return f"<Home of {self.ip} {self.port}: {len(self.idle)} idle>"


class UpstreamSocket:
    """One connection to a backend. `owner`: the client connection it serves now, or None while idle."""

    __slots__ = ("alarm", "dialling", "home", "owner", "paused", "transport")

    transport: asyncio.Transport

    def __init__(self, home: Home, owner: ClientSocket | None) -> None:
        self.home, self.owner = home, owner
        self.alarm = home.upstreams.wheel.alarm(self.hang_up)
        self.dialling: asyncio.Task[None] | None = None
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.dialling = cast(asyncio.Transport, transport), None
        if self.owner is not None:
            self.owner.opened(self)
        else:
            self.transport.abort()  # too late: the dial was cancelled, which closes the socket, and tells nobody

    def data_received(self, data: bytes) -> None:
        if self.owner is not None:
            self.owner.talk.upstream_bytes(data)
        else:
            self.hang_up()  # bytes that nobody asked for must never become an answer (RFC 9112 11.2)

    def eof_received(self) -> bool:
        return self.owner is not None and self.owner.talk.upstream_end()

    def connection_lost(self, exc: Exception | None) -> None:
        self.alarm.cancel()
        if self.owner is not None:
            owner, self.owner = self.owner, None
            owner.upstream_gone(clean=exc is None)
        elif self in self.home.idle:
            self.home.idle.remove(self)
            self.home.vacated()

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
        self.home = self.home.settle()
        idle, upstreams = self.home.idle, self.home.upstreams
        if len(idle) >= upstreams.limits.idle_upstreams or self.transport.is_closing():
            self.hang_up()
            return
        self.hold(False)
        self.alarm.set(upstreams.idle_ticks)
        idle.append(self)

    def hang_up(self) -> None:
        """Close it: what was written still goes, for linger_s at most; what it still says is nobody's."""
        self.owner = None
        if self.dialling is not None:
            self.dialling.cancel()
        elif self.transport.is_closing() or not self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()
            self.alarm.set(self.home.upstreams.linger_ticks)
