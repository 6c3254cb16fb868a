"""One request of a forward proxy's client, on its way to wherever it wants.

     judge ──AUTHENTICATE, and credentials──► verify, in a thread ──┐
       ▲   └─ALLOW, RESOLVE──► names ──► guard ──► dial ──► relayed │      (relay.py)
       └────────────────────────────────────────────────────────────┘
       any of them may say no: the verdict is the answer (verdict.py)

     Fetch ◄── Filtered ◄── Cached      where there are filters (filtered.py), or a cache (cached.py)

     CONNECT: once dialled, 200 to the client; whatever follows is carried both ways, and not looked at

Rules kept here:

1. Only addresses that the guard let through are dialled, one after another.
2. Whoever is waited for, a thread or a name server, answers in a round of the loop of its own; a client that has
   gone by then is not there any more: `over` says so.
3. After a CONNECT that failed nothing more is read from its client, who may have sent the tunnel's bytes already: they
   are no requests. Only one that is asked for credentials has waited, or would not be asked.
4. A connection that an origin may take for one user's (Negotiate, NTLM) serves nobody else.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from balancing.form import IPAddress
from l7proxy import failures, write
from l7proxy.failures import Failure
from l7proxy.forward import loops, names, verdict
from l7proxy.forward.destination import Destination
from l7proxy.forward.fields import authenticates_connection
from l7proxy.forward.guard import dialable
from l7proxy.forward.names import Answer
from l7proxy.forward.rules import Asked
from l7proxy.forward.users import UNVERIFIED, challenge
from l7proxy.forward.verdict import Outcome, Verdict
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, TUNNEL, RequestHead, ResponseHead, values
from l7proxy.outside import Fetched, Place
from l7proxy.relay import Relay

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation
    from l7proxy.forward.face import ForwardFace

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"  # no field: it has no content (RFC 9110 9.3.6)
_NO = frozenset((403, 407, 429))  # of a verdict: the client may not. Others say that it can't be done
_written = lru_cache(4096)(str)  # of an address: else it takes as long as all of the guard
_OPEN = ResponseHead(200, 1, [], TUNNEL, NO_BODY, False)


class Fetch(Relay):
    """A request on its way.

    left: addresses that can still be tried; place: where it is, or was last. looking, verifying: who is waited for.
    counted: as what it is among those on their way (loops.Abroad). ends: it has come as far as it may (Max-Forwards).
    rule: which decided; denied: by a no; kind: the media type of a verdict's page.
    """

    def __init__(self, talk: Conversation, face: ForwardFace, head: RequestHead, goal: Destination) -> None:
        super().__init__(talk, head)
        self.face, self.goal = face, goal
        self.user: str | None = None
        self.left: list[IPAddress] = []
        self.place: Place | None = None
        self.tries = 0
        self.looking = self.verifying = self.denied = self.ends = False
        self.counted: bytes | None = None
        self.rule, self.kind = "", b""

    # Whether, and where to.

    def start(self) -> None:
        """Let the rules decide; what they need to know and isn't known is asked for first."""
        said = next(values(self.talk.requests.forwarded, b"proxy-authorization"), b"") if self.face.users else b""
        if said and self.face.users is not None:
            user = self.face.users.known(said)
            if user is None:
                self.verifying = True
                self.talk.outside.wait(Wait.QUEUE)
                self.face.verify(said, self.verified)
                return
            self.user = user or None
        self._judge()

    def verified(self, user: str) -> None:
        """Whose credentials these are; "" if nobody's."""
        if self.talk.exchange is self:
            self.verifying = False
            self.user = user or None
            self._judge()
            self.talk.next_requests()

    def _asked(self) -> Asked:
        return Asked(self.talk.peer, self.user, self.asked.method, self.goal)

    def _judge(self) -> None:
        if self.face.by_user:
            self.talk.outside.charge(self.user or "")
        verdict = self.face.access.judge(self._asked())
        self.rule = verdict.rule
        if verdict.outcome is Outcome.DENY or verdict.outcome is Outcome.AUTHENTICATE:
            self.deny(verdict)
        else:
            self.allowed(verdict)

    def allowed(self, verdict: Verdict) -> None:
        """The rules let it go on: wherever that is (ALLOW), or if its addresses may be dialled (RESOLVE)."""
        if self.ends:
            self._end_here()
        else:
            self.find()

    def _end_here(self) -> None:
        """Answer in the place of the origin: whoever asks wants to know how far it came (RFC 9110 7.6.2)."""
        sent = self.asked.body == NO_BODY
        date, persistent = self.talk.outside.date(), self.talk.keep(self.asked, sent)
        self.say(200, loops.last(self.asked, self.goal, date, persistent), sent, "")

    def find(self) -> None:
        """Find out where it goes."""
        if self.goal.address is not None:
            self.resolved((self.goal.address,))
            return
        name = self.goal.name
        found = self.face.names.find(name, self.talk.outside.now())
        if found is not None:
            self.resolved(found)
            return
        self.looking = True
        self.talk.outside.wait(Wait.CONNECT)
        self.face.names.look_up(name, self.named)

    def named(self, answer: Answer) -> None:
        """The name is known now, or will not be."""
        if self.talk.exchange is self:
            self.looking = False
            self.resolved(answer)
            self.talk.next_requests()

    def resolved(self, answer: Answer) -> None:
        """Dial the first that may be dialled."""
        if isinstance(answer, Verdict):
            self.deny(answer)
            return
        found, verdict = dialable(self._asked(), answer, self.face.access, self.face.guard)
        if not found:
            self.deny(verdict)
            return
        self.left = list(found)
        self.go()

    def go(self) -> None:
        """It may go to the addresses that are left."""
        if not self.goal.tunnel:
            self.head = self.masked()
        self.next()

    def masked(self) -> RequestHead:
        """The request as its origin sees it."""
        talk, goal = self.talk, self.goal
        fields = self.face.mask.request(self.asked.fields, talk.requests.forwarded, goal, talk.client.encode(),
                                        trusted=talk.origin.trusted, minor=self.asked.minor)
        asked = self.asked
        return RequestHead(asked.method, goal.target, goal.authority, asked.minor, fields, asked.body, asked.persistent,
                           asked.upgrade, asked.trailers)

    def next(self) -> None:
        """Dial the first address that is left, unless it has been here too often."""
        if self.face.abroad is not None and self.counted is None and not self.goal.tunnel:
            self.counted = self.face.abroad.goes(self.head, self.goal, self.asked.fields)
            if self.counted is None:
                self.deny(loops.LOOP)
                return
        address = self.left.pop(0)
        tls = self.goal.name if self.goal.scheme == b"https" else ""
        self.place = Place(_written(address), self.goal.port, tls)
        self.tries += 1
        self.dial(fresh=self.goal.tunnel)

    def dial(self, fresh: bool) -> None:
        assert self.place is not None
        if self.talk.outside.reach(self.place, fresh):
            self.opened(reused=True)
        else:
            self.talk.outside.wait(Wait.CONNECT)

    # Both ways.

    def opened(self, reused: bool) -> None:
        if self.goal.tunnel:
            self._connected()
        else:
            super().opened(reused)

    def _connected(self) -> None:
        talk = self.talk
        self.open, self.answer, self.status = True, _OPEN, 200
        self.switch()
        talk.responses.tunnel()
        self.octets += len(_ESTABLISHED)
        talk.outside.to_client(_ESTABLISHED)
        talk.outside.wait(Wait.TUNNEL)
        self.pump_request()

    def request(self) -> bytes:
        return write.request_head(self.head, b"")

    def interim(self, answer: ResponseHead) -> bytes:
        answer = answer._replace(fields=self.face.mask.response(answer.fields, answer.minor))
        return write.response_head(answer, self.head.minor, True, named=False)

    def take(self, answer: ResponseHead) -> bytes:
        talk = self.talk
        if not answer.dated:
            self.more += talk.outside.date()
        self.begin_answer(answer)
        masked = ResponseHead(answer.status, answer.minor, self.face.mask.response(answer.fields, answer.minor),
                              answer.body, answer.declared, answer.persistent, answer.upgrade)
        return write.response_head(masked, self.head.minor, talk.persistent, self.more, named=False)

    # When it goes wrong, or ends.

    def deny(self, said: Verdict) -> None:
        """Answer with a verdict. The connection stays, if all of the request has come."""
        talk, head = self.talk, self.asked
        self.rule, self.denied, self.kind = said.rule, said.status in _NO, b"text/html"
        if said.outcome is Outcome.AUTHENTICATE:
            said = challenge(self.face.realm, said.rule)
        self.part(keep=False)
        waits = said.outcome is Outcome.AUTHENTICATE and not talk.requests.buffer
        sent = head.body == NO_BODY and (waits or not self.goal.tunnel)  # rule 3
        data = verdict.answer(said, self.goal.written, proxy=talk.site.name, date=talk.outside.date(),
                              persistent=talk.keep(head, sent), bodiless=head.method == b"HEAD")
        self.say(said.status, data, sent, f"rule:{said.rule}")

    def fail(self, failure: Failure) -> None:
        if self.looking:
            self.deny(names.LATE)
            return
        if self.verifying:
            self.deny(UNVERIFIED)
            return
        repeat = self.may_repeat(failure.again)
        idled = failure is failures.LOST and self.reused and not self.heard
        self.part(keep=False)
        if repeat and idled:
            self.dial(fresh=True)
        elif repeat and self.left:
            self.next()
        else:
            self.sent = self.sent and not self.goal.tunnel  # rule 3
            self.talk.fail(failure)

    def part(self, keep: bool) -> None:
        if self.place is not None:
            self.open = self.reused = False
            self.talk.upstream_held = self.talk.upstream_full = False
            self.talk.outside.part_upstream(keep and not authenticates_connection(self.asked.fields))
        if self.counted is not None and self.face.abroad is not None:
            self.face.abroad.back(self.counted)
            self.counted = None

    def over(self) -> None:
        super().over()
        if self.looking:
            self.looking = False
            self.face.names.leave(self.goal.name, self.named)

    def fetched(self) -> Fetched:
        answer = self.answer
        if answer is not None:
            kind = next(values(answer.fields, b"content-type"), b"")
        else:
            kind = self.kind or (b"text/plain" if self.status else b"")
        tunnel = answer is not None and self.goal.tunnel
        return Fetched(self.goal.written, self.user, self.rule, kind, self.denied, tunnel, self.instead)

    def by(self) -> tuple[str, int]:
        return (self.place.ip, self.tries) if self.place is not None else ("-", 0)

    def __repr__(self) -> str:
        return f"<Fetch {self.goal.written.decode('latin-1')} at {self.place.ip if self.place else 'nobody'}>"
