"""A forward proxy's request that the cache is asked about first (l7proxy/cache/, l7proxy/caching.py).

     rules ──ALLOW──────────────────────────────► lookup ──Reply──► filters ──► mask ──► the client
          └──RESOLVE, an address ──► guard ──────►   │ Ask ──► names, guard, dial ──► answer ──┬──► the store
                                                     │ Join: wait (caching.Follower)           └──► filters ──► mask

Rules kept here:

1. A hit is no way around the rules: they are asked each time, by each client. If one goes by addresses, or the host is
   one, the addresses are found out and guarded first, as if it were dialled.
2. What is asked for is known by scheme, authority and target; the cache is shown the request as the origin would be, so
   that Vary means what it says.
3. What is stored is what the origin said: filters and mask come behind the store.
4. A stored Set-Cookie is another client's, and is not handed on; what a 304 says to this one is.
5. A proxy that is not to be seen (elite) says neither Cache-Status nor the Age of what it has stored. Date stays, from
   which a client knows the age all the same (apparent_age, RFC 9111 4.2.3); an origin's own Age, on what was just
   fetched, is the origin's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from l7proxy.cache import Ask, Join, Reply
from l7proxy.caching import follow
from l7proxy.forward.destination import Destination
from l7proxy.forward.filtered import Filtered, unranged
from l7proxy.forward.filters import Blocked
from l7proxy.forward.verdict import Outcome, Verdict
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, Field, RequestHead, ResponseHead
from l7proxy.relay import word

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation
    from l7proxy.forward.face import ForwardFace

STEP_BYTES = 16_384  # of what is stored, through a filter at a time: it may unpack to a hundred times as much
_OURS = b"layer-lab; "  # cache/status.py
_UNRESOLVED = frozenset(("dns_error", "dns_timeout"))  # names.py


class Instead(Exception):
    """What is stored is the answer. keep: whether the origin's connection is; cookies: what it said to this client."""

    def __init__(self, reply: Reply, keep: bool, cookies: list[Field]) -> None:
        super().__init__()
        self.reply, self.keep, self.cookies = reply, keep, cookies


class Cached(Filtered):
    """A request and the cache.

    sure: the rules let it go wherever that is, and the cache was not asked yet. plain: the request as the origin would
    see it, without conditions of ours. cache_status: what the cache said of it.
    stored: a body from the store, of which `at` octets have gone. origin_s: Reply's.
    """

    sure: bool = False
    begun: bytes = b""
    stored: bytes | None = None
    at: int = 0
    origin_s: float = 0.0
    cache_status: bytes = b""

    def __init__(self, talk: Conversation, face: ForwardFace, head: RequestHead, goal: Destination) -> None:
        super().__init__(talk, face, head, goal)
        cache = talk.site.cache
        assert cache is not None
        self.cache, self.plain = cache, head

    # Towards the store, or the origin.

    def allowed(self, verdict: Verdict) -> None:
        self.sure = verdict.outcome is Outcome.ALLOW and self.goal.address is None and not self.goal.tunnel
        super().allowed(verdict)

    def find(self) -> None:
        if self.sure:
            self.sure = False
            self.plain = self.masked()
            self.ask_cache()
        else:
            super().find()

    def go(self) -> None:
        if self.goal.tunnel or self.ask is not None:
            self.next()
        else:
            self.plain = self.masked()
            self.ask_cache()

    def ask_cache(self) -> None:
        """Do as the cache says."""
        self.talk.site.counts.looked += 1
        follow(self.talk, self.asked, self, self.look(None))

    def look(self, waited: Join | None) -> Reply | Ask | Join:
        """What the cache has, or says (caching.Errand)."""
        return self.cache.lookup(self.plain, self.talk.outside.now(), self.goal.scheme, waited)

    def send(self, ask: Ask) -> None:
        """Ask the origin (caching.Errand)."""
        self.talk.exchange = self
        self.ask, self.head = ask, ask.request
        if self.left:
            self.next()
        else:
            super().find()

    def whole(self) -> None:
        self.again()
        self.ask, self.stored, self.open = None, None, False
        self.plain = self.head = unranged(self.plain)
        self.ask_cache()

    # And back.

    def take(self, answer: ResponseHead) -> bytes:
        if self.ask is None:
            return super().take(answer)
        found = self.consult(self.ask, answer)
        if isinstance(found, Reply):
            bodiless = answer.body == NO_BODY
            keep = answer.persistent and bodiless and not self.talk.responses.buffer
            raise Instead(found, keep, [one for one in answer.fields if bodiless and one.name == b"set-cookie"])
        return super().take(self._told(found))

    def _told(self, head: ResponseHead) -> ResponseHead:
        """The head as far as its client may know of the cache."""
        last = head.fields[-1] if head.fields else None
        if last is not None and last.name == b"cache-status" and last.value.startswith(_OURS):
            self.cache_status = last.value
            if not self.face.terms.anonymity.named:
                return head._replace(fields=head.fields[:-1])
        return head

    def pump_response(self) -> None:
        if self.stored is not None:
            self._pump_stored()
            return
        try:
            super().pump_response()
        except Instead as instead:
            self.part(instead.keep)
            self.serve(instead.reply, instead.cookies)

    def serve(self, reply: Reply, cookies: Sequence[Field] = ()) -> None:
        """Answer from the store (caching.Errand). cookies: that the origin has just set."""
        talk = self.talk
        talk.exchange = self
        if reply.refresh is not None:
            talk.outside.aside(partial(refresh, self, reply.refresh))
        self.note, self.origin_s = word(reply.head), reply.origin_s
        self.open, self.stored, self.at = True, reply.body, 0
        talk.persistent = talk.persistent and self.sent
        head = self._told(reply.head)
        hidden = (b"set-cookie",) if self.face.terms.anonymity.named else (b"set-cookie", b"age")
        fields = [one for one in head.fields if one.name not in hidden]
        try:
            self.begun = super().take(head._replace(fields=[*fields, *cookies]))
        except Blocked as blocked:
            self.stopped(blocked)
            return
        self._pump_stored()

    def _pump_stored(self) -> None:
        """Send on what is stored: at once, or through a filter, a step at a time."""
        talk, stored = self.talk, self.stored
        assert stored is not None
        step = len(stored) if self.through is None else STEP_BYTES
        piece = stored[self.at:self.at + step]
        self.at += len(piece)
        done = self.at == len(stored)
        try:
            out = self.begun + self.body(piece, done)
        except Blocked as blocked:
            self.stopped(blocked)
            return
        self.begun = b""
        if out:
            self.octets += len(out)
            talk.outside.to_client(out)
        if done:
            self._stored_has_gone()
        else:
            talk.outside.wait(Wait.RELAY)
            talk.outside.soon(self._further)

    def _further(self) -> None:
        """The next step, unless the client has gone, or is behind: then it goes on once it has caught up."""
        talk = self.talk
        if talk.exchange is self and not talk.client_full:
            self._pump_stored()
            talk.next_requests()

    def _stored_has_gone(self) -> None:
        if not self.tries:
            self.talk.site.counts.spared(self.octets, self.origin_s)
        self.talk.finished(self.sent)

    def trailers(self) -> list[Field]:
        return super().trailers() if self.stored is None else []

    # When it goes wrong.

    def stale(self) -> bool:
        assert self.ask is not None
        reply = self.ask.failed(self.talk.outside.now())
        if reply is not None:
            self.serve(reply)
        return reply is not None

    def deny(self, said: Verdict) -> None:
        if said.error in _UNRESOLVED and self.ask is not None and self.answer is None and self.stale():
            return
        super().deny(said)


def refresh(found: Cached, ask: Ask, talk: Conversation) -> None:
    """Ask the origin anew for what was served stale, as `found`'s client may. talk: one without a client."""
    talk.persistent = False
    talk.began_s = talk.outside.now()
    fetch = Cached(talk, found.face, found.asked._replace(method=b"GET"), found.goal)
    fetch.user = found.user
    talk.outside.wait(Wait.TOTAL)
    fetch.send(ask)
