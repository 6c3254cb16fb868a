"""A conversation between a client that sends what it likes and servers that read as strictly as anyone does.

     client bytes ──► Conversation ──► Wire ──► h11, llhttp: what is a request, and where does it end?
                                                └── both agree ──► answered ──► the client

The two readers are other people's: h11 (in Python, by the letter of the RFC) and llhttp (Node's, by httptools). What
they take for one request must be what the proxy took for one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from types import MappingProxyType
from typing import NamedTuple

import h11
import httptools

from balancing import Pool
from l7proxy.balancer import Balancer
from l7proxy.conversation import Conversation
from l7proxy.limits import Limits
from l7proxy.outside import Close, Site
from l7proxy.routing import Routed, router
from tests.l7proxy.conftest import service

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: now\r\n\r\nok"


class Message(NamedTuple):
    """A request as a server reads it."""

    method: bytes
    target: bytes
    body: bytes
    fields: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def plain(self) -> tuple[bytes, bytes, bytes]:
        return self[:3]


class Wire:
    """One connection to a server: what was written to it, and what h11 makes of it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.read: list[Message] = []
        self.begun: list = []
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 22)

    def write(self, data: bytes) -> list[Message]:
        """Return the requests that are whole now; none is read behind one that is not answered."""
        self.data += data
        self._h11.receive_data(data)
        return self._whole()

    def _whole(self) -> list[Message]:
        found = []
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.Request):
                self.begun = [event.method, event.target, b"", list(event.headers)]
            elif isinstance(event, h11.Data):
                self.begun[2] += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                *rest, fields = self.begun
                found.append(Message(*rest, (*fields, *event.headers)))
                self.begun = []
            else:
                break
        self.read += found
        return found

    def answered(self) -> list[Message]:
        """The last request was answered: whatever else is here."""
        if self._h11.our_state in (h11.SEND_RESPONSE, h11.IDLE):
            self._h11.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            self._h11.send(h11.EndOfMessage())
        self._h11.start_next_cycle()
        return self._whole()


class Llhttp:
    """The same by llhttp: `read`."""

    def __init__(self, data: bytes) -> None:
        self.read: list[tuple[bytes, bytes, bytes]] = []
        self._parser = httptools.HttpRequestParser(self)
        self.upgraded = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.upgraded = True

    def on_message_begin(self) -> None:
        self._target, self._body = b"", b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.read.append((self._parser.get_method(), self._target, self._body))


class Stage:
    """An Outside that plays the servers. answer: what they say to a request; None: nothing yet.

    heard: what the client was sent. closed: how its connection was closed.
    """

    def __init__(self, limits: Limits, answer: Callable[[Message], bytes | None] = lambda message: OK, *,
                 more: object = MappingProxyType({})) -> None:
        self.wires: list[Wire] = []
        self.idle: Wire | None = None
        self.now_on: Wire | None = None
        self.answer, self.heard, self.closed, self.held = answer, bytearray(), None, False
        self.kept: list[bool] = []
        self.events: list = []
        self._answers: list[bytes] = []
        self.pool = Pool(service([8001, 8002]), self.events.append)
        route = router([(None, Routed("web", Balancer(self.pool)))])
        site = Site(route, limits, b"127.0.0.1:1", itertools.count(1), **more)
        self.talk = Conversation(self, site, ip_address("10.0.1.1"))

    # What a test does.

    def say(self, *pieces: bytes) -> Stage:
        """The client sends this, unless it is held back or its connection is closed; servers answer in turn."""
        for piece in pieces:
            if self.closed is None:
                assert not self.held, "held, though nobody waits for anything"
                self.talk.client_bytes(piece)
                self.settle()
        return self

    def settle(self) -> None:
        """Let the servers say what they have to say."""
        while self._answers and self.talk.exchange is not None:
            self.talk.upstream_bytes(self._answers.pop(0))

    @property
    def requests(self) -> list[Message]:
        """Every request that a server has read whole."""
        return [message for wire in self.wires for message in wire.read]

    def check(self) -> None:
        """What must be true at any time of what was forwarded, and of the units."""
        for wire in self.wires:
            other = Llhttp(bytes(wire.data))
            assert not other.upgraded
            assert other.read == [message.plain for message in wire.read]
        kinds = [type(event).__name__ for event in self.events]
        under_way = self.talk.exchange is not None and self.talk.exchange.server is not None
        assert kinds.count("Assigned") - kinds.count("Released") == under_way
        assert len({event.unit for event in self.events}) == kinds.count("Assigned")

    # Outside.

    def dial(self, server: object, fresh: bool) -> bool:
        if self.idle is None or fresh:
            self.wires.append(Wire())
            self.idle = self.wires[-1]
        self.now_on, self.idle = self.idle, None
        return True

    def to_upstream(self, data: bytes) -> None:
        assert self.closed is None, "forwarded behind the end"
        assert self.now_on is not None
        self._ask(self.now_on.write(data))

    def _ask(self, messages: Sequence[Message]) -> None:
        self._answers += [answer for answer in map(self.answer, messages) if answer is not None]

    def to_client(self, data: bytes) -> None:
        assert self.closed is None
        self.heard += data

    def part_upstream(self, keep: bool) -> None:
        self.kept.append(keep)
        wire, self.now_on = self.now_on, None
        if keep:
            assert wire is not None
            assert wire.answered() == [], "the server has read more than one request"
            self.idle = wire
        self._answers.clear()

    def close_client(self, how: Close) -> None:
        assert self.closed is None
        self.closed = how

    def hold_client(self, held: bool) -> None:
        self.held = held

    def hold_upstream(self, held: bool) -> None:
        """The servers here are never fast enough for that."""

    def end_client(self) -> None:
        """Only tunnels end so."""

    end_upstream = end_client

    def wait(self, what: object) -> None:
        """Nothing is ever late here."""

    def now(self) -> float:
        return 0.0

    def date(self) -> bytes:
        return b"Date: now\r\n"


def answers(heard: bytes, methods: Sequence[bytes] = ()) -> list[tuple[int, bytes]]:
    """What a client reads that asked by `methods`, and then by GET: (status, body) of each final answer, by h11."""
    found, methods = [], list(methods)
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 22)
    connection.receive_data(heard)
    while True:
        method = methods.pop(0) if methods else b"GET"
        connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())
        status, body = 0, b""
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                assert not status, "an answer that is not whole"
                assert connection.trailing_data[0] == b""
                return found
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.ConnectionClosed):
                return found
        found.append((status, body))
        if connection.our_state is h11.MUST_CLOSE or connection.their_state is not h11.DONE:
            assert connection.trailing_data[0] == b""
            return found
        connection.start_next_cycle()
