"""Sockets around the core: an asyncio protocol per connection, no coroutine per request.

     listening socket ──► ClientSocket ──client_bytes──► Conversation (core)
                               ▲                              │ Outside
                               └── UpstreamSocket ◄──dial─────┘

Rules kept here:

1. This file decides nothing about HTTP; it carries bytes, pauses and alarms (outside.py).
2. One alarm per connection, on the one wheel.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import time
from collections.abc import Callable
from email.utils import formatdate
from ipaddress import IPv4Address, IPv6Address
from typing import cast

from balancing import Server
from l7proxy.conversation import Conversation
from l7proxy.failures import Failure
from l7proxy.guests import Guests
from l7proxy.limits import Limits, Wait
from l7proxy.outside import Close, Outside, Place, Site
from l7proxy.relay import Relay
from l7proxy.upstreams import Upstreams, UpstreamSocket
from l7proxy.wheel import Wheel

_BOUNDED = frozenset((Wait.QUEUE, Wait.JOIN, Wait.CONNECT, Wait.BODY, Wait.ANSWER, Wait.RELAY))  # by TOTAL as well
_NOWHERE = ipaddress.IPv4Address(0)  # the client of a connection that was gone before it was taken
_NOT_AT_ALL = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds (socket(7))


class Front:
    """What the client connections of one VIP and port share. All but its site is the whole proxy's."""

    def __init__(self, site: Site, upstreams: Upstreams, wheel: Wheel, guests: Guests) -> None:
        self.site, self.upstreams, self.wheel, self.guests = site, upstreams, wheel, guests
        self.clients: set[ClientSocket] = set()
        self.ghosts: set[Ghost] = set()
        self.bear(site.limits)
        self.on_empty: Callable[[], object] = lambda: None

    def bear(self, limits: Limits) -> None:
        """Let other limits hold for clients that come from now on."""
        self.site.limits = limits
        self.ticks = {wait: limits.ticks(wait) for wait in Wait}

    def protocol(self) -> asyncio.Protocol:
        """A protocol for a client that has just connected."""
        return cast(asyncio.Protocol, ClientSocket(self))

    def at(self, server: Server) -> list[tuple[Conversation, Relay]]:
        """Every exchange that is under way at `server`. Looked for when it is asked, so that no request pays for it."""
        talks = ((client.talk, client.talk.exchange) for client in (*self.clients, *self.ghosts))
        return [(talk, exchange) for talk, exchange in talks if exchange is not None and exchange.server is server]

    def __repr__(self) -> str:
        return f"<Front {self.site.authority.decode()}: {len(self.clients)} clients>"


class ClientSocket(Outside):
    """A client's connection: the Outside of its conversation, and what asyncio calls a protocol.

    It is no subclass of asyncio.Protocol, which does nothing, and would make every call of the compiled class slower.
    """

    __slots__ = ("alarm", "awaited", "deadline", "front", "talk", "ticks", "transport", "upstream")

    talk: Conversation
    transport: asyncio.Transport

    def __init__(self, front: Front) -> None:
        self.front, self.ticks = front, front.ticks
        self.alarm = front.wheel.alarm(self._ring)
        self.awaited = Wait.IDLE
        self.deadline = 0
        self.upstream: UpstreamSocket | None = None

    # asyncio.Protocol: what the client's socket does.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.front.clients.add(self)
        self.front.site.counts.clients += 1
        peer, guests = transport.get_extra_info("peername"), self.front.guests
        address = ipaddress.ip_address(peer[0]) if peer else _NOWHERE
        shown = transport.get_extra_info("ssl_object")  # certificates.Shown
        self.talk = Conversation(self, self.front.site, address, shown.identity.covers if shown else None)
        refused = guests.come(self.talk.key)
        if not peer or (refused and guests.overrun):
            self.talk.close(Close.ABORT)
        elif refused:
            self.talk.refuse(refused)

    def data_received(self, data: bytes) -> None:
        self.talk.client_bytes(data)

    def eof_received(self) -> bool:
        if self.talk.closed:
            return False  # it was lingering, and the client has seen the end
        self.talk.client_end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.alarm.cancel()
        self.talk.client_gone()
        self.front.guests.leave(self.talk.key)
        self.front.clients.discard(self)
        if not self.front.clients:
            self.front.on_empty()

    def pause_writing(self) -> None:
        self.talk.client_paused(True)

    def resume_writing(self) -> None:
        self.talk.client_paused(False)

    # UpstreamSocket reports.

    def opened(self, upstream: UpstreamSocket) -> None:
        """The connection that was dialled is open."""
        self.talk.opened()

    def not_opened(self, failure: Failure) -> None:
        """The connection that was dialled could not be opened."""
        self.upstream = None
        self.talk.not_opened(failure)

    def upstream_gone(self, clean: bool) -> None:
        """The backend's connection has ended."""
        self.upstream = None
        self.talk.upstream_gone(clean)

    # Outside: what the core asks for.

    def dial(self, server: Server, fresh: bool) -> bool:
        upstream = None if fresh else self.front.upstreams.take(server)
        if upstream is None:
            self.upstream = self.front.upstreams.dial(server, self)
            return False
        self.upstream, upstream.owner = upstream, self
        return True

    def reach(self, place: Place, fresh: bool) -> bool:
        upstreams = self.front.upstreams
        upstream = None if fresh else upstreams.take_at(place)
        if upstream is None:
            self.upstream = upstreams.dial_at(place, self)
            return False
        self.upstream, upstream.owner = upstream, self
        return True

    # A connection that broke while it was written to says so only in the loop's next round; until then nothing may be
    # asked of its transport, which would raise.

    def to_upstream(self, data: bytes) -> None:
        if self.upstream is not None and not self.upstream.transport.is_closing():
            self.upstream.transport.write(data)

    def to_client(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def hold_client(self, held: bool) -> None:
        if not self.transport.is_closing():
            (self.transport.pause_reading if held else self.transport.resume_reading)()

    def hold_upstream(self, held: bool) -> None:
        if self.upstream is not None:
            self.upstream.hold(held)

    def end_client(self) -> None:
        if not self.transport.is_closing():
            self.transport.write_eof()

    def end_upstream(self) -> None:
        if self.upstream is not None and not self.upstream.transport.is_closing():
            self.upstream.transport.write_eof()

    def part_upstream(self, keep: bool) -> None:
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            (upstream.rest if keep else upstream.hang_up)()

    def close_client(self, how: Close) -> None:
        if how is Close.ABORT or self.transport.is_closing():
            self._reset()
            return
        self.wait(Wait.LINGER)
        if how is Close.FLUSH:
            self.transport.close()
        else:
            self.transport.write_eof()

    def _reset(self) -> None:
        """abort() alone would end it in good order, and what was cut off could look whole; so without lingering."""
        if not self.transport.is_closing():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOT_AT_ALL)
        self.transport.abort()

    def wait(self, what: Wait) -> None:
        if what is Wait.TOTAL:
            self.deadline = self.front.wheel.now + self.ticks[what]
            return
        self.awaited = what
        ticks = self.ticks[what]
        if what in _BOUNDED:
            left = self.deadline - self.front.wheel.now
            if left < ticks:
                self.awaited, ticks = Wait.TOTAL, max(1, left)
        self.alarm.set(ticks)

    def soon(self, call: Callable[[], object]) -> None:
        asyncio.get_running_loop().call_soon(call)

    def aside(self, begin: Callable[[Conversation], object]) -> None:
        begin(Ghost(self.front, self.talk.peer).talk)

    def now(self) -> float:
        return time.monotonic()

    def date(self) -> bytes:
        return b"Date: %b\r\n" % formatdate(usegmt=True).encode()

    def _ring(self) -> None:
        if not self.talk.closed:
            self.talk.timed_out(self.awaited)
        elif self.awaited is Wait.LINGER and self.transport.get_write_buffer_size():
            self.wait(Wait.RELAY)  # a slow client still takes the end of its answer
        else:
            self.transport.abort()

    def __repr__(self) -> str:
        return f"<ClientSocket of {self.front.site.authority.decode()}: {self.talk}>"


class Ghost(ClientSocket):
    """A request without a client, for the cache's sake: what is said to it goes nowhere, and its end is the end.

    peer: the client for whose sake it is made.
    """

    def __init__(self, front: Front, peer: IPv4Address | IPv6Address) -> None:
        super().__init__(front)
        self.talk = Conversation(self, front.site, peer)
        front.ghosts.add(self)

    def to_client(self, data: bytes) -> None:
        pass

    def hold_client(self, held: bool) -> None:
        pass

    def end_client(self) -> None:
        pass

    def close_client(self, how: Close) -> None:
        self.alarm.cancel()
        self.front.ghosts.discard(self)

    def _ring(self) -> None:
        self.talk.timed_out(self.awaited)
