"""The forward proxy's face towards its clients: what a request that has come leads to (beside dispatch.py).

     request ──► destination ──refused──► 400, 501
                     │ None: OPTIONS *, or Max-Forwards is used up ──► answered here
                     └──loop──► 502                       └──► a Fetch (fetch.py)

Rule: what blocks, scrypt and getaddrinfo, is asked of a few threads, and answered in a round of the loop of its own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from balancing.form import IPAddress
from l7proxy.forward import loops, names
from l7proxy.forward.anonymity import Mask
from l7proxy.forward.cached import Cached
from l7proxy.forward.destination import destination
from l7proxy.forward.fetch import Fetch
from l7proxy.forward.filtered import Filtered
from l7proxy.forward.filters import Filters
from l7proxy.forward.guard import Guard
from l7proxy.forward.names import Answer, Names
from l7proxy.forward.terms import ForwardTerms
from l7proxy.forward.threads import Threads
from l7proxy.forward.users import Users
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.refusal import Refused

if TYPE_CHECKING:
    from l7proxy.config import Address
    from l7proxy.conversation import Conversation

RESOLVERS, VERIFIERS = 16, 1  # threads; a verification takes 16 MiB and a tenth of a second
PLACES = 4096  # verifications that may wait; who comes after these is told no


class ForwardFace:
    """A forward proxy. guard: whoever opens listeners tells it of them."""

    def __init__(self, terms: ForwardTerms, users: Users | None) -> None:
        self.terms, self.users, self.realm = terms, users, terms.realm
        self.name = loops.pseudonym()
        self.access = terms.access
        self.guard = Guard(terms.reachable)
        self.mask = Mask(terms.anonymity, self.name)
        self.names = Names(self)
        self.filters = Filters(terms.filters) if terms.filters else None
        self._looped = loops.looped(self.name)
        self.abroad = None if terms.anonymity.named else loops.Abroad()
        self._resolvers, self._verifiers = Threads(RESOLVERS, "resolver"), Threads(VERIFIERS, "verifier")
        self._verifying: dict[bytes, list[Callable[[str], object]]] = {}

    @property
    def shown(self) -> str:
        """What it calls itself in answers of its own; "" at elite."""
        return self.name if self.terms.anonymity.named else ""

    def begin(self, talk: Conversation, head: RequestHead) -> None:
        """Do what becomes of a request (outside.Face)."""
        try:
            goal = destination(head.method, head.target)
            further = loops.forwards(head)
            if head.method in (b"CONNECT", b"TRACE") and head.body != NO_BODY:
                raise Refused(400, f"content in {head.method.decode()}", "RFC 9110 9.3")
            if head.body > talk.site.limits.body_bytes:
                raise Refused(413, "the request's body is too large", "RFC 9110 15.5.14")
        except Refused as refused:
            talk.refuse(refused, head)
            return
        if goal is None or further is None:
            persistent = talk.keep(head, head.body == NO_BODY)
            talk.say(head, 200, loops.last(head, goal, talk.outside.date(), persistent))
            return
        kind = Cached if talk.site.cache is not None else Filtered if self.filters is not None else Fetch
        fetch = kind(talk, self, further, goal)
        talk.exchange = fetch
        if found := self._looped(head.fields):
            fetch.deny(found)
            return
        talk.outside.wait(Wait.TOTAL)
        fetch.start()

    # Threads.

    def lookup(self, name: str) -> None:
        """Ask the system's resolver (names.Resolver); not for those who have left before it is their turn."""
        names, loop = self.names, asyncio.get_running_loop()

        def done(answer: Answer | None) -> None:
            if answer is None:
                names.unasked(name)
            else:
                names.learn(name, answer, loop.time())
        self._resolvers.ask(lambda: _addresses(name) if names.wanted(name) else None, done)

    def verify(self, value: bytes, then: Callable[[str], object]) -> None:
        """Call `then` with whose credentials these are, one by one; "" for nobody's, or if too many wait."""
        users = self.users
        assert users is not None
        if value in self._verifying:
            self._verifying[value].append(then)
            return
        if len(self._verifying) >= PLACES:
            asyncio.get_running_loop().call_soon(then, "")
            return
        self._verifying[value] = [then]

        def done(user: str) -> None:
            users.remember(value, user)
            for one in self._verifying.pop(value):
                one(user)
        self._verifiers.ask(lambda: users.verify(value), done)

    def close(self) -> None:
        """End the threads, once nobody waits for them."""
        self._resolvers.close()
        self._verifiers.close()


def as_it_is(method: bytes, target: bytes, host: bytes | None) -> tuple[bytes, bytes | None]:
    """A forward proxy's resolver (target.py): its targets are whole URIs, which `begin` reads."""
    return target, host


class OwnPlaces:
    """Every address and port at which these listeners can be reached; that of 0.0.0.0 and :: at each of the machine's.

    Asked of the system each time, for addresses come and go: it binds to none but the machine's own.
    """

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._places = frozenset((one.ip, one.port) for one in addresses)
        self._anywhere = frozenset(port for ip, port in self._places if ip.is_unspecified)

    def __contains__(self, place: object) -> bool:
        assert isinstance(place, tuple)
        address, port = place
        return place in self._places or (port in self._anywhere and _is_local(address))


def _is_local(address: IPAddress) -> bool:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


def _addresses(name: str) -> names.Answer:
    """In a thread: the addresses of `name`, in the system's order (RFC 6724), each once."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return names.failed(error)
    except UnicodeError:
        return names.FAILURES[socket.EAI_NONAME]
    return tuple(dict.fromkeys(ipaddress.ip_address(str(place[0])) for *_, place in found))
