"""The forward proxy's face towards its clients: what a request that has come leads to (beside dispatch.py).

     request ──► destination ──refused──► 400, 501
                     │ None: OPTIONS * ──► answered here
                     └──loop──► 502   └──► a Fetch (fetch.py)

     asked too often ──► 429                                                  what blocks: asking.py

Rule: a face is what one configuration says, and never changes; what lives longer than that is Standing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from balancing.form import IPAddress
from l7proxy.forward import loops
from l7proxy.forward.anonymity import Mask
from l7proxy.forward.cached import Cached
from l7proxy.forward.destination import destination
from l7proxy.forward.fetch import Fetch
from l7proxy.forward.filtered import Filtered
from l7proxy.forward.filters import Filters
from l7proxy.forward.guard import Guard
from l7proxy.forward.shaped import client_of
from l7proxy.forward.standing import Standing
from l7proxy.forward.terms import ForwardTerms
from l7proxy.forward.users import Users
from l7proxy.forward.verdict import Verdict
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.refusal import Refused

if TYPE_CHECKING:
    from l7proxy.config import Address
    from l7proxy.conversation import Conversation


class ForwardFace:
    """A forward proxy. guard: whoever opens listeners tells it of them.

    before: the face whose place it takes in a reload: what that knows of names, users and clients stays known.
    Requests that are under way stay with the face that began them.
    """

    def __init__(self, terms: ForwardTerms, users: Users | None, before: ForwardFace | None = None) -> None:
        self.standing: Standing = Standing() if before is None else before.standing
        self.users: Users | None = users
        if before is not None and before.users is not None and before.users.same(users):
            self.users = before.users  # who has shown who he is need not do so again
        self.terms, self.realm = terms, terms.realm
        self.name, self.names = self.standing.name, self.standing.asking.names
        self.access = terms.access
        self.guard = Guard(terms.reachable)
        self.mask = Mask(terms.anonymity, self.name)
        self.filters = Filters(terms.filters) if terms.filters else None
        self.by_user = terms.traffic is not None and terms.traffic.per == "user"
        self._looped = loops.looped(self.name)
        self.abroad = None if terms.anonymity.named else loops.Abroad()

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
        if goal is None:
            persistent = talk.keep(head, head.body == NO_BODY)
            talk.say(head, 200, loops.last(head, None, talk.outside.date(), persistent))
            return
        kind = Cached if talk.site.cache is not None else Filtered if self.filters is not None else Fetch
        fetch = kind(talk, self, further or head, goal)
        fetch.ends = further is None
        talk.exchange = fetch
        looped = None if fetch.ends else self._looped(head.fields)  # a TRACE that ends here shows the circle
        if found := looped or self._too_often(talk):
            fetch.deny(found)
            return
        talk.outside.wait(Wait.TOTAL)
        fetch.start()

    def _too_often(self, talk: Conversation) -> Verdict | None:
        """What is said to a client that asks more often than it may."""
        if self.terms.requests is None:
            return None
        return self.standing.admission.ask(client_of(talk.peer), talk.began_s)

    # What a reload leaves as it is.

    def take_effect(self) -> None:
        """Let its terms hold: nothing can fail any more, and the face before has had its last request."""
        self.standing.admission.terms = self.terms.requests
        self.standing.traffic.become(self.terms.traffic)

    def verify(self, value: bytes, then: Callable[[str], object]) -> None:
        """Call `then` with whose credentials these are; "" for nobody's."""
        assert self.users is not None
        self.standing.asking.verify(self.users, value, then)

    def close(self) -> None:
        """End its threads."""
        self.standing.asking.close()


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
        self._ports = frozenset(port for _, port in self._places)

    def __contains__(self, place: object) -> bool:
        assert isinstance(place, tuple)
        address, port = place
        if port not in self._ports:
            return False
        return place in self._places or (port in self._anywhere and _is_local(address))


def _is_local(address: IPAddress) -> bool:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
