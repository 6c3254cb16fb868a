"""Two ends of TLS for tests: a listener with an application above it, and a client whose every byte is the test's."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import suppress

import pytest
import uvloop

from experiments.authority import Authority
from l7proxy.certificates import Identity
from l7proxy.counters import DoorCounts
from l7proxy.guests import Guests
from l7proxy.limits import Limits
from l7proxy.tls import Tls
from l7proxy.wheel import Wheel
from tests.outside import wait_until

PATIENCE_S = 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


class Echo(asyncio.Protocol):
    """An application: what comes is sent back, at the pace at which it is taken. `said`: what it was told, in order."""

    def __init__(self, server):
        self.server, self.said, self.lost = server, [], threading.Event()

    def connection_made(self, transport):
        self.transport = transport
        self.said.append("made")
        self.server.applications.append(self)

    def data_received(self, data):
        self.said.append(len(data))
        self.transport.write(data)

    def eof_received(self):
        self.said.append("eof")
        return True

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()

    def connection_lost(self, exc):
        self.said.append(exc)
        self.lost.set()


class Listening:
    """A TLS listener on a loop of its own, in a thread. `do` calls something there."""

    def __init__(self, files, **limits):
        self.applications, self.clients, self.limits = [], [], Limits(**{"tick_s": 0.02} | limits)
        identities = [Identity(one) for one in files]
        self.loop, ready = uvloop.new_event_loop(), threading.Event()

        async def listen():
            wheel = Wheel()
            self.tls = Tls(identities, self.limits, wheel, DoorCounts(), Guests(self.limits))
            self.listener = await self.loop.create_server(self.tls.below(lambda: Echo(self)), "127.0.0.1", 0)
            self.port = self.listener.sockets[0].getsockname()[1]
            self._tick(wheel)
            ready.set()
        self.loop.call_soon(lambda: self.loop.create_task(listen()))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        assert ready.wait(PATIENCE_S)

    def _tick(self, wheel):
        wheel.advance()
        self.loop.call_later(self.limits.tick_s, self._tick, wheel)

    def do(self, function, *arguments):
        async def call():
            return function(*arguments)
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(PATIENCE_S)

    def application(self, count=1):
        """The newest application, once there are so many."""
        wait_until(lambda: len(self.applications) >= count, f"{count} applications", PATIENCE_S)
        return self.applications[-1]

    def connect(self):
        """A TCP connection of a client; it is closed with the listener."""
        self.clients.append(socket.create_connection(("127.0.0.1", self.port), PATIENCE_S))
        return self.clients[-1]

    def close(self):
        for client in self.clients:
            client.close()
        self.do(self.listener.close)
        self.do(self.tls.close)
        for application in self.applications:
            self.do(application.transport.abort)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE_S)
        self.loop.close()


@pytest.fixture
def listening(authority):
    """Start listeners: listening("a.lab", "b.lab") has a certificate for each of these names."""
    found = []

    def start(*names, **limits):
        found.append(Listening([authority.issue(name) for name in names or ("a.lab",)], **limits))
        return found[-1]
    yield start
    for it in found:
        it.close()


def trusting(authority, **settings):
    """How a client is set up that verifies the proxy."""
    context = ssl.create_default_context(cafile=str(authority.bundle))
    for name, value in settings.items():
        setattr(context, name, value)
    return context


class Client:
    """A TLS client whose every byte is in the test's hands: close_notify, a half-closed TCP, a record in pieces."""

    def __init__(self, server, context, name="a.lab"):
        self.tcp, self.incoming, self.outgoing = server.connect(), ssl.MemoryBIO(), ssl.MemoryBIO()
        self.left = b""  # what was encrypted and is still to be sent, of a test that sends at its own pace
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.step(self.tls.do_handshake)

    def step(self, call, *arguments):
        """Do something, sending and taking what it needs."""
        while True:
            try:
                return call(*arguments)
            except ssl.SSLZeroReturnError:  # the end in good order, after our own close_notify
                return b""
            except ssl.SSLWantReadError:
                self.flush()
                data = self.tcp.recv(65_536)
                if not data:
                    raise ConnectionResetError("cut off") from None
                self.incoming.write(data)
            finally:
                self.flush()

    def flush(self):
        if self.outgoing.pending:
            self.tcp.sendall(self.outgoing.read())

    def send(self, data):
        self.tls.write(data)
        self.flush()

    def read(self, count):
        """So many bytes; fewer if the end came."""
        data = b""
        while len(data) < count and (piece := self.step(self.tls.read, count - len(data))):
            data += piece
        return data

    def close_notify(self):
        with suppress(ssl.SSLError):
            self.tls.unwrap()
        self.flush()
