"""The narrow interface between the core and the sockets: what the core can ask for.

The core (conversation.py, exchange.py) is sans-IO: the shell calls it with what happened, and it answers by calling
these. Tests put a recorder here and compare the transcript; the shell puts sockets here (shell.py).

     shell ──client_bytes, opened, upstream_bytes, timed_out, ...──►  Conversation / Exchange
     shell ◄──dial, to_upstream, to_client, close_client, wait, ...──  (through Outside)

Rule: no command calls back. What follows from it comes later, as an event of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from balancing import Server
from l7proxy.cache import Cache
from l7proxy.counters import DoorCounts
from l7proxy.explain import Explanations
from l7proxy.forwarded import Forwarding
from l7proxy.framing import REQUEST_FIELDS, RESPONSE_FIELDS
from l7proxy.limits import Limits, Wait
from l7proxy.lines import Lines
from l7proxy.messages import RequestHead
from l7proxy.routing import Router
from l7proxy.target import Resolver, resolve

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation


class Close(Enum):
    """How a client connection ends."""

    FLUSH = "after what was written"
    LINGER = "for writing; what the client still sends is read and dropped for a while (RFC 9112 9.6)"
    ABORT = "at once, by a reset: the client must not take half an answer for a whole one"


class Outside(ABC):
    """What the core can do to the world."""

    @abstractmethod
    def dial(self, server: Server, fresh: bool) -> bool:
        """Get a connection to `server`. True: an idle one is at hand and open. False: opened() or not_opened()."""

    @abstractmethod
    def reach(self, place: Place, fresh: bool) -> bool:
        """The same to a place that is no server of a pool."""

    @abstractmethod
    def to_upstream(self, data: bytes) -> None:
        """Send to the backend."""

    @abstractmethod
    def to_client(self, data: bytes) -> None:
        """Send to the client."""

    @abstractmethod
    def hold_client(self, held: bool) -> None:
        """Stop reading from the client, or go on."""

    @abstractmethod
    def hold_upstream(self, held: bool) -> None:
        """Stop reading from the backend, or go on."""

    @abstractmethod
    def end_client(self) -> None:
        """Say no more to the client, and still listen (a half-close)."""

    @abstractmethod
    def end_upstream(self) -> None:
        """Say no more to the backend, and still listen (a half-close)."""

    @abstractmethod
    def part_upstream(self, keep: bool) -> None:
        """Done with the backend's connection: keep it open for another request, or close it."""

    @abstractmethod
    def close_client(self, how: Close) -> None:
        """End the client's connection."""

    @abstractmethod
    def wait(self, what: Wait) -> None:
        """Call timed_out(what) unless something else is waited for within its limit. TOTAL runs beside the others."""

    @abstractmethod
    def soon(self, call: Callable[[], object]) -> None:
        """Call it in the loop's next round."""

    @abstractmethod
    def aside(self, begin: Callable[[Conversation], object]) -> None:
        """Let another conversation begin for the same peer: what is said to its client goes nowhere."""

    @abstractmethod
    def now(self) -> float:
        """Seconds of a clock that never goes back."""

    @abstractmethod
    def date(self) -> bytes:
        """The field line that says when an answer is made that doesn't say so itself (RFC 9110 6.6.1)."""


class Place(NamedTuple):
    """Where something can be reached. tls: the name that its certificate must be for; "" for plain TCP."""

    ip: str
    port: int
    tls: str = ""


class Face(Protocol):
    """Another one than dispatch.py: what becomes of a request that has come."""

    def begin(self, talk: Conversation, head: RequestHead) -> None:
        """Do it."""


@dataclass
class Site:
    """What all conversations of one VIP and port share; a reload changes it (reload.py).

    route_of:   finds the row of the routing table that takes a request; None if none does.
    authority:  the VIP and port: Host for HTTP/1.0 clients that send none.
    numbers:    counts the requests; a request's unit is (client address, number).
    requests, responses: the lines that are known already.
    scheme:     what clients speak: http or https.
    forwarding: what backends are told of clients.
    log:        is told of every answer; None for no log.
    counts:     what is counted here.
    explain:    where requests that ask for it are explained; None where none may ask.
    cache:      what is stored of answers; None for nothing.
    resolver:   what becomes of a request's target (target.py).
    name:       what the proxy calls itself in Proxy-Status; "" if it doesn't say.
    forward:    the forward proxy's face, which takes all requests; None for a reverse proxy (dispatch.py).
    """

    route_of: Router
    limits: Limits
    authority: bytes
    numbers: Iterator[int]
    requests: Lines = field(default_factory=lambda: Lines(REQUEST_FIELDS))
    responses: Lines = field(default_factory=lambda: Lines(RESPONSE_FIELDS))
    scheme: bytes = b"http"
    forwarding: Forwarding = field(default_factory=Forwarding)
    log: Callable[[Answered], object] | None = None
    counts: DoorCounts = field(default_factory=DoorCounts)
    explain: Explanations | None = None
    cache: Cache | None = None
    resolver: Resolver = resolve
    name: str = "layer-lab"
    forward: Face | None = None


class Answered:
    """One answer, for the log. No tuple: one is made for each answer, and such a class costs less, compiled.

    client: its address. head: what was asked; None if that was no request. status: what was answered.
    octets: how many went to the client. ended_s: when, by Outside.now; took_s: how long from the head to the end.
    server: who served, "-" if nobody. tries: servers that were asked. note: what went wrong, or what the cache did.
    """

    __slots__ = ("client", "ended_s", "head", "note", "octets", "server", "status", "took_s", "tries")

    def __init__(self, client: str, head: RequestHead | None, status: int, octets: int, ended_s: float, took_s: float,
                 server: str, tries: int, note: str) -> None:
        self.client, self.head, self.status, self.octets = client, head, status, octets
        self.ended_s, self.took_s, self.server, self.tries, self.note = ended_s, took_s, server, tries, note
