"""A conversation and the cache: what is answered from the store, what goes on, what waits for another's answer.

     lookup ──► Reply ──► errand.serve: answered, without an origin   (l7proxy/cache/ says which, and why)
        ▲   ├─► Ask   ──► errand.send:  it goes on, and tells the cache what came
        │   └─► Join  ──► a Follower in the exchange's place ──woken, or waited too long──┐
        └─────────────────────────────────────────────────────────────────────────────────┘

     Errand ◄── PoolErrand          of the reverse proxy: to a server of a pool
            ◄── forward.Cached      of the forward proxy (forward/cached.py)

     Reply.refresh ──► another conversation, which has no client (Outside.aside): RFC 5861 3

Rule: whoever is woken by another's answer goes on in the loop's next round, not in the midst of that one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from l7proxy import write
from l7proxy.balancer import Balancer
from l7proxy.cache import Ask, Cache, Join, Reply
from l7proxy.explain import Record, line
from l7proxy.failures import Failure
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.relay import Relay, word

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation


class Errand(Protocol):
    """A request that the cache is asked about."""

    def look(self, waited: Join | None) -> Reply | Ask | Join:
        """Ask the cache. waited: for whom it has waited."""

    def serve(self, reply: Reply) -> None:
        """Answer it with this."""

    def send(self, ask: Ask) -> None:
        """Let it go on."""


def follow(talk: Conversation, asked: RequestHead, errand: Errand, found: Reply | Ask | Join) -> None:
    """Do as the cache has found: answer from the store, forward, or wait. asked: as the client said it."""
    if type(found) is Reply:
        errand.serve(found)
    elif type(found) is Ask:
        errand.send(found)
    else:
        assert isinstance(found, Join)
        talk.exchange = Follower(talk, asked, errand, found)
        talk.outside.wait(Wait.TOTAL)
        talk.outside.wait(Wait.JOIN)


class PoolErrand:
    """A request that would go to a server of a pool.

    asked:  as its client said it; head: as it would go on. space: responses are not shared across spaces.
    record: where it is explained, if it asked for that.
    """

    def __init__(self, talk: Conversation, cache: Cache, asked: RequestHead, head: RequestHead, balancer: Balancer,
                 space: bytes, record: Record | None) -> None:
        self.talk, self.cache, self.asked, self.head = talk, cache, asked, head
        self.balancer, self.space, self.record = balancer, space, record

    def look(self, waited: Join | None) -> Reply | Ask | Join:
        return self.cache.lookup(self.head, self.talk.outside.now(), self.space, waited)

    def serve(self, reply: Reply) -> None:
        serve(self.talk, self.asked, reply, self.record)
        if reply.refresh is not None:
            self.talk.outside.aside(partial(refresh, ask=reply.refresh, balancer=self.balancer))

    def send(self, ask: Ask) -> None:
        self.talk.send(self.asked, ask.request, self.balancer, self.record, ask)


def serve(talk: Conversation, asked: RequestHead, reply: Reply, record: Record | None = None) -> None:
    """Answer from the store; the connection stays if the request was read to the end."""
    sent, more = asked.body == NO_BODY, b""
    talk.persistent = talk.persistent and sent
    note = "hit" if reply.wire else word(reply.head)
    if record is not None:
        record.cache, record.status, record.ended_s = note, reply.head.status, talk.outside.now()
        more = line(record)
    data = reply.wire if talk.persistent and asked.minor and not more else b""
    data = data or write.response_head(reply.head, asked.minor, talk.persistent, more) + reply.body
    talk.outside.to_client(data)
    talk.site.counts.spared(len(data), reply.origin_s)
    if talk.site.log is not None:
        talk.log_answer(asked, reply.head.status, len(data), None, note)
    talk.finished(sent)


def refresh(talk: Conversation, ask: Ask, balancer: Balancer) -> None:
    """Ask the origin anew for what was served stale. talk: one without a client."""
    talk.persistent = False
    talk.began_s = talk.outside.now()
    talk.send(ask.client, ask.request, balancer, None, ask)


class Follower(Relay):
    """Waits for another's answer, in the place of an exchange of its own. It is at no server."""

    def __init__(self, talk: Conversation, asked: RequestHead, errand: Errand, join: Join) -> None:
        super().__init__(talk, asked)
        self.errand, self.join = errand, join
        join.wake = partial(talk.outside.soon, self.go_on)

    def overdue(self) -> None:
        """It has waited long enough."""
        self.join.leave()
        self.go_on()

    def go_on(self) -> None:
        """Look up again, if the client is still there."""
        talk = self.talk
        if talk.exchange is self:
            talk.exchange = None
            follow(talk, self.asked, self.errand, self.errand.look(self.join))
            talk.next_requests()

    def fail(self, failure: Failure) -> None:
        self.talk.fail(failure)

    def part(self, keep: bool) -> None:
        """There is nothing to let go of."""

    def over(self) -> None:
        self.join.leave()
