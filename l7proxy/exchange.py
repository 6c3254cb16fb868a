"""A request that goes to a server of a pool: choose one, relay (relay.py), and choose another if it fails.

     choose ──room?──► dial ──► opened ──► ...  ──► finished
       ▲      (row)      │ failed        │ failed
       └──another one────┴──(failures.py)┘

Rules kept here:

1. A request is tried again only while not a byte of its answer has come and not a byte of its body has gone, and
   within its pool's budget.
2. A unit that was assigned is released exactly once, whatever happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing import NoBackend, Server, Unit
from l7proxy import failures, hiding, write
from l7proxy.balancer import Balancer
from l7proxy.cache import Reply
from l7proxy.failures import Failure
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, RequestHead, ResponseHead
from l7proxy.relay import Relay
from l7proxy.sticky import NO_SESSION
from l7proxy.write import VIA

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation


class Exchange(Relay):
    """A request to a server of a pool. last: who served it last. queued_s: since when it waits in the row."""

    last: Server | None = None
    queued_s: float = 0.0

    def __init__(self, talk: Conversation, head: RequestHead, balancer: Balancer, unit: Unit) -> None:
        super().__init__(talk, head)
        self.balancer, self.unit = balancer, unit
        self.tried: tuple[Server, ...] = ()
        self.failure = failures.NOBODY
        self.session = NO_SESSION
        if balancer.sticky is not None:
            self._find_session()
        balancer.budget.earn()

    def _find_session(self) -> None:
        """What sticks: to a server, or to a key in the place of the client's address."""
        sticky = self.balancer.sticky
        assert sticky is not None
        self.session = sticky.session(self.head, self.balancer.pool)
        self.head = self.head._replace(fields=sticky.stripped(self.head.fields))
        if self.session.key is not None:
            self.unit = Unit(self.unit.id, self.session.key)

    # Towards the backend.

    def choose(self) -> None:
        """Let the pool decide, and dial; when nobody is left, answer with the last failure."""
        balancer = self.balancer
        try:
            server = self.server = self.last = balancer.assign(self.unit, self.session, self.tried)
        except NoBackend:
            balancer.counts.unserved += not self.tried
            self.talk.fail(self.failure)
            return
        if balancer.gates is None:
            self.dial(fresh=False)
            return
        inside = balancer.enter(server, self.admitted)
        if inside is None:
            balancer.counts.of(server).queued += 1
            self.queued_s = self.talk.outside.now()
            self.talk.outside.wait(Wait.QUEUE)
        elif inside:
            self.dial(fresh=False)
        else:
            self.fail(failures.FULL)

    def admitted(self) -> None:
        """There is room at the server, for whose sake this waited."""
        assert self.server is not None
        self._waited(self.server)
        self.dial(fresh=False)

    def _waited(self, server: Server) -> None:
        """Its time in the row of `server` is over."""
        self.balancer.counts.of(server).waited_s += self.talk.outside.now() - self.queued_s
        self.queued_s = 0.0

    def dial(self, fresh: bool) -> None:
        """Get a connection to the chosen server."""
        assert self.server is not None
        if self.talk.outside.dial(self.server, fresh):
            self.opened(reused=True)
        else:
            self.talk.outside.wait(Wait.CONNECT)

    # From the backend.

    def request(self) -> bytes:
        talk, head = self.talk, self.head
        return write.request_head(head, talk.origin.lines(head.host, talk.requests.forwarded) + VIA[head.minor])

    def take(self, answer: ResponseHead) -> bytes:
        talk = self.talk
        assert self.server is not None
        if answer.located:
            answer = hiding.relocated(answer, self.balancer.pool, self.asked.host, talk.site.scheme)
        if self.ask is not None:
            found = self.consult(self.ask, answer)
            if isinstance(found, Reply):
                self.answer = answer._replace(persistent=answer.persistent and answer.body == NO_BODY)
                return self._say_instead(found)
            answer = found
        if not answer.dated:
            self.more += talk.outside.date()
        if self.session.pins:
            self.more += self.balancer.pin(self.server, self.session)
        self.begin_answer(answer)
        return write.response_head(answer, self.head.minor, talk.persistent, self.more)

    def served(self) -> None:
        if self.server is not None:
            self.balancer.pool.served(self.server)

    def by(self) -> tuple[str, int]:
        return (self.last.name, len(self.tried) + 1) if self.last is not None else ("-", 0)

    # When it goes wrong.

    def fail(self, failure: Failure) -> None:
        self.failure = failure
        repeat = self.may_repeat(failure.again)
        idled = failure is failures.LOST and self.reused and not self.heard
        if repeat and idled:
            self._anew()
            return
        server = self.server
        self.part(keep=False)
        if server is not None:
            self.balancer.counts.failed(server, failure)
            if failure.blame and not idled:
                self.balancer.pool.failed(server, failure.blame, passive=True)
        if repeat and server is not None and self._affordable(failure):
            self.tried += (server,)
            self.choose()
            self.balancer.counts.of(server).retried += self.last is not server
        else:
            self.talk.fail(failure)

    def _affordable(self, failure: Failure) -> bool:
        """Whether the pool's policy allows one try more. A full row is no try: nothing was asked of that server."""
        if failure is failures.FULL:
            return True
        return len(self.tried) + 1 < self.balancer.policy.tries and self.balancer.budget.spend()

    def _anew(self) -> None:
        """A kept connection was closed under us (RFC 9112 9.3.1): same server, same decision, fresh connection."""
        assert self.server is not None
        self.balancer.counts.of(self.server).stale += 1
        self.talk.outside.part_upstream(keep=False)
        self.open = self.reused = False
        self.dial(fresh=True)

    def part(self, keep: bool) -> None:
        """Let go of the backend: its connection, and its unit. Safe to call again."""
        if self.server is not None:
            server, self.server = self.server, None
            self.balancer.counts.ended(server, self)
            self.open = self.reused = False
            self.talk.upstream_held = self.talk.upstream_full = False
            self.talk.outside.part_upstream(keep)
            self.balancer.pool.release(self.unit, server)
            if self.balancer.gates is not None:
                if self.queued_s:
                    self._waited(server)
                self.balancer.leave(server, self.admitted)

    def __repr__(self) -> str:
        where = self.server.name if self.server else "nobody"
        return f"<Exchange {self.head.method.decode()} {self.head.target.decode()} at {where}>"
