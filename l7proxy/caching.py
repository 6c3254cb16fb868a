"""A conversation and the cache: what is answered from the store, what goes on, what waits for another's answer.

     look_up ──► Reply ──► answered, without an exchange               (l7proxy/cache/ says which, and why)
        ▲    ├─► Ask   ──► an Exchange with `ask`: it tells the cache what came
        │    └─► Join  ──► a Follower in the exchange's place ──woken, or waited too long──┐
        └────────────────────────────────────────────────────────────────────────────────┘

     Reply.refresh ──► another conversation, which has no client (Outside.refresh): RFC 5861 3

Rule: whoever is woken by another's answer goes on in the loop's next round, not in the midst of that one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from balancing import Unit
from l7proxy import write
from l7proxy.balancer import Balancer
from l7proxy.cache import Ask, Cache, Join, Reply
from l7proxy.exchange import Exchange
from l7proxy.explain import Record, line
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.relay import word

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation


class Errand(NamedTuple):
    """A request that the cache is asked about.

    asked:  as its client said it; head: as it would go on. space: responses are not shared across spaces.
    record: where it is explained, if it asked for that.
    """

    asked: RequestHead
    head: RequestHead
    balancer: Balancer
    space: bytes
    record: Record | None


def look_up(talk: Conversation, cache: Cache, errand: Errand, at: float, waited: Join | None = None) -> None:
    """Answer from the store, forward, or wait. at: when, in seconds of Outside.now. waited: what was waited for."""
    found = cache.lookup(errand.head, at, errand.space, waited)
    if type(found) is Reply:
        _serve(talk, errand, found)
    elif type(found) is Ask:
        talk.send(errand.asked, found.request, errand.balancer, errand.record, found)
    else:
        assert isinstance(found, Join)
        talk.exchange = Follower(talk, cache, errand, found)
        talk.outside.wait(Wait.JOIN)


def _serve(talk: Conversation, errand: Errand, reply: Reply) -> None:
    """Answer from the store; the connection stays if the request was read to the end."""
    asked, more, record = errand.asked, b"", errand.record
    sent = asked.body == NO_BODY
    talk.persistent = talk.persistent and sent
    note = "hit" if reply.wire else word(reply.head)
    if record is not None:
        record.cache, record.status, record.ended_s = note, reply.head.status, talk.outside.now()
        more = line(record)
    data = reply.wire if talk.persistent and asked.minor and not more else b""
    data = data or write.response_head(reply.head, asked.minor, talk.persistent, more) + reply.body
    talk.outside.to_client(data)
    talk.site.counts.cached += 1
    if talk.site.log is not None:
        talk.log_answer(asked, reply.head.status, len(data), None, note)
    if reply.refresh is not None:
        talk.outside.refresh(reply.refresh, errand.balancer)
    talk.finished(sent)


def refresh(talk: Conversation, ask: Ask, balancer: Balancer) -> None:
    """Ask the origin anew for what was served stale. talk: one without a client, to which nothing is said."""
    talk.persistent = False
    talk.began_s = talk.outside.now()
    talk.outside.wait(Wait.TOTAL)
    talk.send(ask.client, ask.request, balancer, None, ask)


class Follower(Exchange):
    """Waits for another's answer, in the place of an exchange of its own. It is at no server."""

    def __init__(self, talk: Conversation, cache: Cache, errand: Errand, join: Join) -> None:
        super().__init__(talk, errand.head, errand.balancer, Unit((talk.client, 0), talk.key))
        self.cache, self.errand, self.join = cache, errand, join
        self.asked = errand.asked
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
            look_up(talk, self.cache, self.errand, talk.outside.now(), self.join)
            talk.next_requests()

    def over(self) -> None:
        self.join.leave()
