"""TLS towards clients: a layer between a TCP connection and whoever speaks HTTP over it, who need not know.

     TCP ──bytes──► TlsSocket ──incoming──► OpenSSL ──plain──► ClientSocket (shell.py)
     TCP ◄─bytes─── TlsSocket ◄─outgoing─── OpenSSL ◄─write─── ClientSocket: to it, TlsSocket is a transport like TCP's

     SHAKING ──handshake──► OPEN ──close_notify comes──► HALF    it is still written to
        │ garbage, too late    └──close, write_eof──► SHUT ◄──┘    close_notify has gone; what comes is dropped, and the
        └──► FAILED            a record is bad, TCP ends ──► SHUT  TCP connection lives as long as the application wants

It is its own rather than the loop's, whose TLS knows no half-closed connection, takes one that was cut off for one
that ended, keeps more memory for each, and is no faster.

Rules kept here:

1. The application hears of a connection only once its handshake is done; until then handshake_s bounds it.
2. TCP that ends without close_notify was cut off: the application sees it lost with an error (RFC 8446 6.1).
3. After the client's close_notify it is still answered: each direction ends on its own (RFC 8446 6.1).
4. Nothing is held here: what came is decrypted and handed on at once, and TCP's buffers say when to pause.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from functools import partial
from typing import Any, cast

from l7proxy.certificates import Certificates, Identity, Shown
from l7proxy.counters import DoorCounts
from l7proxy.limits import Limits, Wait
from l7proxy.wheel import Alarm, Wheel

RECORD = 16_384  # bytes of plain text in one record at most (RFC 8446 5.1)
PIECE = 65_536  # bytes that go through OpenSSL at a time: its buffers keep the size that they once had
REPLIES = 1_000  # new keys (RFC 8446 4.6.3) that a client may ask for: each is answered, even if it doesn't read
PLAIN = b"This port speaks HTTPS, and that was plain HTTP.\n"
PLAIN_ANSWER = (b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%b" % (len(PLAIN), PLAIN))


class State(Enum):
    """How far a connection is."""

    SHAKING = "the handshake is under way"
    FAILED = "it led nowhere"
    OPEN = "both may speak"
    HALF = "the client has said that it is done"
    SHUT = "we have said that we are done"


SHAKING, FAILED, OPEN, HALF, SHUT = State


class Tls:
    """What the TLS connections of one listener share.

    counts: where handshakes are counted. failed: those that led nowhere, by reason.
    """

    def __init__(self, identities: Sequence[Identity], limits: Limits, wheel: Wheel, counts: DoorCounts) -> None:
        self.certificates = Certificates(identities, limits.ticket_key_s)
        self.wheel, self.counts = wheel, counts
        self.bear(limits)
        self.failed: Counter[str] = Counter()
        self.shaking: dict[TlsSocket, Alarm] = {}

    def bear(self, limits: Limits) -> None:
        """Let other limits hold for handshakes that begin from now on."""
        self.ticks, self.most = limits.ticks(Wait.HANDSHAKE), limits.connections
        self.certificates.ticket_key_s = limits.ticket_key_s

    def below(self, application: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """What makes a protocol for a TCP connection that was accepted, below one that `application` makes."""
        return lambda: TlsSocket(self, application())

    def close(self) -> None:
        """End the handshakes that are under way: nobody has asked for anything there."""
        for socket in tuple(self.shaking):
            socket.abort()

    def __repr__(self) -> str:
        return f"<Tls: {self.counts.handshakes} handshakes, {self.failed.total()} failed>"


class TlsSocket(asyncio.Protocol, asyncio.Transport):
    """One connection: a protocol to the TCP transport below it, a transport to the application above it."""

    __slots__ = ("_application", "_incoming", "_lost", "_outgoing", "_replies", "_shared", "_state", "_tcp", "_tls")

    _tcp: asyncio.Transport
    _tls: Shown

    def __init__(self, shared: Tls, application: asyncio.Protocol) -> None:
        self._shared, self._application = shared, application
        self._state, self._replies = SHAKING, 0
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._lost: Exception | None = None

    # asyncio.Protocol: what TCP does.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._tcp, shared = cast(asyncio.Transport, transport), self._shared
        self._tls = shared.certificates.wrap(self._incoming, self._outgoing, asyncio.get_running_loop().time())
        shared.shaking[self] = alarm = shared.wheel.alarm(partial(self._fail, "too late"))
        alarm.set(shared.ticks)
        if len(shared.shaking) > shared.most:
            self._fail("too many at a time")

    def data_received(self, data: bytes) -> None:
        if len(data) > PIECE:
            for start in range(0, len(data), PIECE):
                self.data_received(data[start:start + PIECE])
        elif self._state is OPEN:
            self._incoming.write(data)
            self._read()
        elif self._state is SHAKING:
            self._shake(data)

    def eof_received(self) -> bool:
        if self._state is SHUT:
            return bool(self._application.eof_received())
        if self._state is OPEN:
            self._cut("the client's end came without close_notify")
        return self._state is HALF

    def connection_lost(self, exc: Exception | None) -> None:
        if self._state is SHAKING:
            self._fail("cut off")
        if self._state is not FAILED:
            self._application.connection_lost(self._lost or exc)

    def pause_writing(self) -> None:
        if self._state is OPEN or self._state is HALF:
            self._application.pause_writing()

    def resume_writing(self) -> None:
        if self._state is OPEN or self._state is HALF:
            self._application.resume_writing()

    # asyncio.Transport: what the application asks for.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if len(data) > PIECE:
            for start in range(0, len(data), PIECE):
                self.write(data[start:start + PIECE])
        elif data and (self._state is OPEN or self._state is HALF):
            self._tls.write(data)
            self._tcp.write(self._outgoing.read())

    def write_eof(self) -> None:
        self._say_goodbye()
        self._tcp.write_eof()

    def close(self) -> None:
        self._say_goodbye()
        self._tcp.close()

    def abort(self) -> None:
        if self._state is OPEN or self._state is HALF:
            self._state = SHUT
        self._tcp.abort()

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self._tcp.is_closing()

    def pause_reading(self) -> None:
        self._tcp.pause_reading()

    def resume_reading(self) -> None:
        self._tcp.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._tcp.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._tcp.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As of the TCP connection; and `ssl_object`, a certificates.Shown."""
        return self._tls if name == "ssl_object" else self._tcp.get_extra_info(name, default)

    # The handshake.

    def _shake(self, data: bytes) -> None:
        """Take a step of the handshake; on its end the application hears of the connection."""
        self._incoming.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self._refuse(error)
            return
        shared = self._shared
        shared.shaking.pop(self).cancel()
        shared.counts.handshakes += 1
        shared.counts.resumed += bool(self._tls.session_reused)
        self._state = OPEN
        self._flush()
        self._application.connection_made(self)
        if self._incoming.pending:
            self._read()

    def _refuse(self, error: ssl.SSLError) -> None:
        """That was no handshake, or none that we can agree to; say so, in TLS or to a browser that forgot the s."""
        reason = (error.reason or "unknown").replace("_", " ").lower()
        self._tcp.write(PLAIN_ANSWER if error.reason == "HTTP_REQUEST" else self._outgoing.read())
        self._tcp.close()
        self._fail(reason)

    def _fail(self, reason: str) -> None:
        """No connection comes of this one."""
        self._shared.shaking.pop(self).cancel()
        self._shared.failed[reason] += 1
        self._state = FAILED
        if not self._tcp.is_closing():
            self._tcp.abort()

    # The open connection.

    def _read(self) -> None:
        """Decrypt what has come, and hand it on in one piece."""
        tls, incoming, pieces, ended = self._tls, self._incoming, [], False
        try:
            while piece := tls.read(RECORD):  # one record whole
                pieces.append(piece)
                if not incoming.pending:
                    break
            else:
                ended = True
        except ssl.SSLWantReadError:  # the rest of a record is still to come
            pass
        except ssl.SSLError as error:
            self._state, self._lost = SHUT, error
            self._flush()  # an alert that says what was wrong with it
            self._tcp.close()
            return
        if self._outgoing.pending:
            self._reply()
        if pieces and self._state is OPEN:
            self._application.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if ended and self._state is OPEN:
            self._state = HALF
            if not self._application.eof_received():
                self.close()

    def _reply(self) -> None:
        """OpenSSL answers by itself to a client that asks for new keys; a client that does it for ever is a flood."""
        self._replies += 1
        self._flush()
        if self._replies > REPLIES:
            self._cut("asked for new keys without end")

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._tcp.write(self._outgoing.read())

    def _cut(self, why: str) -> None:
        """It ends here, and not in good order."""
        self._lost = ConnectionResetError(why)
        self.abort()

    def _say_goodbye(self) -> None:
        """Send close_notify, and no more. The client's own is not waited for (RFC 8446 6.1)."""
        if self._state is OPEN or self._state is HALF:
            self._state = SHUT
            with suppress(ssl.SSLError):  # what unwrap() would like besides is the client's close_notify
                self._tls.unwrap()
            self._flush()

    def __repr__(self) -> str:
        return f"<TlsSocket {self._state.name}: {self._application!r}>"
