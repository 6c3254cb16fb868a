"""A client's connection that goes no faster than it may: a layer between TCP, or TLS, and who speaks HTTP over it.

     TCP ──bytes──► ShapedSocket ──piece by piece──► ClientSocket (shell.py)        up: what the client sends
     TCP ◄──pieces─ ShapedSocket ◄──write─────────── ClientSocket                   down: what it gets

     its client may not ──► what was written waits here ──beyond HIGH──► pause_writing ──► the origin is held
                       └──► what has come waits here, and TCP is not read ──► the client is held

Rules kept here:

1. To the engine it is a transport that is slow: everything that holds for a slow client holds here, and costs nothing
   where nobody is shaped, for there this layer isn't.
2. No more waits here than HIGH and what the engine writes at once, nor than what TCP brings at once.
3. Bytes stay in their order, and an end comes after them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from ipaddress import IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, cast

from balancing.form import IPAddress
from l7proxy.forward.turns import Lane, Way

if TYPE_CHECKING:
    from l7proxy.shell import ClientSocket

HIGH, LOW = 32_768, 16_384  # octets that wait: the engine is told to stop beyond HIGH, and to go on from LOW on


class Waiting:
    """Octets that wait, in the pieces in which they came."""

    __slots__ = ("_pieces", "octets")

    def __init__(self) -> None:
        self._pieces: deque[memoryview] = deque()
        self.octets = 0

    def add(self, data: bytes | bytearray | memoryview) -> None:
        """They have come."""
        if data:
            self._pieces.append(memoryview(data))
            self.octets += len(data)

    def take(self, octets: int) -> bytes:
        """The first so many."""
        self.octets -= octets
        taken: list[memoryview] = []
        while octets:
            piece = self._pieces.popleft()
            if len(piece) > octets:
                self._pieces.appendleft(piece[octets:])
                piece = piece[:octets]
            octets -= len(piece)
            taken.append(piece)
        return b"".join(taken)

    def drop(self) -> None:
        """Nobody wants them."""
        self._pieces.clear()
        self.octets = 0


class _Down(Lane):
    """What the client gets."""

    __slots__ = ("socket",)

    def __init__(self, client: str, socket: ShapedSocket) -> None:
        super().__init__(client)
        self.socket = socket

    def ready(self) -> int:
        return self.socket.sendable()

    def go(self, octets: int) -> None:
        self.socket.send(octets)


class _Up(_Down):
    """What the client sends."""

    __slots__ = ()

    def ready(self) -> int:
        return 0 if self.socket.stopped or self.socket.closing else self.socket.come.octets

    def go(self, octets: int) -> None:
        self.socket.hand_on(octets)


class ShapedSocket:
    """One connection: a protocol to the transport below it, a transport to the application above it (as TlsSocket).

    out, come: what waits to be sent, and to be handed on. full: the transport takes no more for now. stopped: the
    application takes no more for now. held: the application is told to wait. closing: once all is sent, close.
    """

    def __init__(self, down: Way, up: Way, application: ClientSocket) -> None:
        self._down_way, self._up_way, self._application = down, up, application
        self.out, self.come = Waiting(), Waiting()
        self.full = self.stopped = self.held = self.closing = False
        self._paused = self._eof_out = self._eof_come = False

    # asyncio.Protocol: what TCP, or TLS, does.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")  # None if it has gone already
        self.address = client_of(ip_address(peer[0])) if peer else ""
        self._down, self._up = _Down(self.address, self), _Up(self.address, self)
        self._application.connection_made(cast(asyncio.Transport, self))

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return
        self.come.add(data)
        self._up_way.ask(self._up)
        self._pace()

    def eof_received(self) -> bool:
        if self.come.octets:
            self._eof_come = True
            return True
        if self._application.eof_received():
            return True
        self.close()
        return self.out.octets > 0  # they still go, and then it ends

    def connection_lost(self, exc: Exception | None) -> None:
        self.out.drop()
        self.come.drop()
        self._application.connection_lost(exc)

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self.out.octets:
            self._down_way.ask(self._down)

    # Lanes.

    def sendable(self) -> int:
        """How many octets could go to the client now."""
        return 0 if self.full or self._transport.is_closing() else self.out.octets

    def send(self, octets: int) -> None:
        """Their turn has come: the first so many octets go to the client."""
        self._transport.write(self.out.take(octets))
        self._application.moved()
        if not self.out.octets:
            self._end_out()
        if self.held and self.out.octets <= LOW:
            self.held = False
            self._application.resume_writing()

    def _end_out(self) -> None:
        """What was to come after the last octet."""
        if self.closing:
            self._transport.close()
        elif self._eof_out and not self._transport.is_closing():
            self._transport.write_eof()

    def hand_on(self, octets: int) -> None:
        """Their turn has come: the application hears the first so many octets of its client."""
        self._application.data_received(self.come.take(octets))
        if not self.come.octets and self._eof_come and not self.is_closing():
            self._eof_come = False
            if not self._application.eof_received():
                self.close()
        self._pace()

    def _pace(self) -> None:
        """Read on, unless what has come must wait here, or the application wants nothing more."""
        paused = self.stopped or self.come.octets > 0
        if paused is not self._paused and not self.is_closing():
            self._paused = paused
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    # asyncio.Transport: what the application asks for.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.out.add(data)
        self._down_way.ask(self._down)
        if self.out.octets > HIGH and not self.held:
            self.held = True
            self._application.pause_writing()

    def write_eof(self) -> None:
        self._eof_out = True
        if not self.out.octets:
            self._end_out()

    def close(self) -> None:
        if not self.closing:
            self.come.drop()
            self.pause_reading()
            self.closing = True
            if not self.out.octets:
                self._end_out()

    def abort(self) -> None:
        self.closing = True
        self.out.drop()
        self.come.drop()
        self._transport.abort()

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closing or self._transport.is_closing()

    def pause_reading(self) -> None:
        self.stopped = True
        self._pace()

    def resume_reading(self) -> None:
        self.stopped = False
        if self.come.octets:
            self._up_way.ask(self._up)
        self._pace()

    def get_write_buffer_size(self) -> int:
        return self.out.octets + self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As of the connection below; and `shaped`, this."""
        return self if name == "shaped" else self._transport.get_extra_info(name, default)

    def charge(self, user: str) -> None:
        """What goes from now on is that user's; "" for its address's."""
        self._down.client = self._up.client = user or self.address

    def __repr__(self) -> str:
        return f"<ShapedSocket of {self._down.client}: {self.out.octets} octets to send>"


def client_of(address: IPAddress) -> str:
    """Whose a connection is, by its address; of IPv6 the network counts, the first 64 bits (RFC 7084 4.3).

    >>> client_of(ip_address("10.0.1.1")), client_of(ip_address("2001:db8::7"))
    ('10.0.1.1', '2001:db8::/64')
    """
    return str(address if address.version == 4 else IPv6Network((int(address) >> 64 << 64, 64)))
