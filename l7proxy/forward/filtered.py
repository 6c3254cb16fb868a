"""A forward proxy's request whose answer goes through filters (filters.py).

     plan ──Blocked──► a page, and nobody is asked
       └─asks──► a coding that can be looked into ──► the origin
     head ──Plan.answer──Blocked──► a page in its place
       │              └──Partial──► asked for once more, and for all of it
       └► body ──Body.feed──Blocked──► a page, while nothing has gone; else the connection is reset
                     └──► what the client reads

Rules kept here:

1. What is filtered is what the client is sent, not what is stored: a filter that is new holds for what is stored, too.
2. Words are no way around by asking for parts: of a text that would be looked into all is fetched, and 200 answered,
   as any server may that is asked for a range (RFC 9110 14.2).
3. Of a tunnel only the name is filtered: nothing is decrypted.
"""

from __future__ import annotations

from l7proxy import write
from l7proxy.forward.fetch import Fetch
from l7proxy.forward.filters import Blocked, Body, Partial, Plan
from l7proxy.forward.verdict import Verdict
from l7proxy.messages import NO_BODY, Field, RequestHead, ResponseHead
from l7proxy.outside import Close

_RANGE = frozenset((b"range", b"if-range"))


class Filtered(Fetch):
    """A request and its filters. plan: those that its answer may meet. through: what its body goes through.

    kept: the answer's head, while its body is held back. before: octets that had gone when the answer came.
    """

    plan: Plan | None = None
    through: Body | None = None
    kept: bytes | None = None
    before: int = 0

    def allowed(self, verdict: Verdict) -> None:
        if self.face.filters is not None:
            try:
                self.plan = self.face.filters.plan(self.goal)
            except Blocked as blocked:
                self.deny(blocked.verdict)
                return
        super().allowed(verdict)

    def masked(self) -> RequestHead:
        head = super().masked()
        return head if self.plan is None else head._replace(fields=self.plan.asks(head.fields))

    def take(self, answer: ResponseHead) -> bytes:
        self.before = self.octets
        if self.plan is None:
            return super().take(answer)
        seen, through = self.plan.answer(answer)
        if answer.status == 101:
            return super().take(answer)
        self.through = through
        head = super().take(seen)
        if through is None or not through.held:
            return head
        self.kept = head
        return b""

    def body(self, data: bytes, done: bool) -> bytes:
        through = self.through
        if through is None:
            return super().body(data, done)
        if self.recording is not None:
            self.recording.write(data)
        pieces = [*through.feed(data), *(through.end() if done else ())]
        out = b"".join(pieces)
        if self.rechunked:
            out = write.chunks(out, through.trailers(self.trailers()) if done else None)
        if self.kept is not None and (out or done):
            out, self.kept = self.kept + out, None
        return out

    def trailers(self) -> list[Field]:
        """The trailer fields of the body that is over."""
        return self.talk.responses.trailers

    def pump_response(self) -> None:
        try:
            super().pump_response()
        except Blocked as blocked:
            self.stopped(blocked)

    def stopped(self, blocked: Blocked) -> None:
        """A filter doesn't let the answer pass."""
        ranged = any(one.name in _RANGE for one in self.head.fields)
        if isinstance(blocked, Partial) and ranged and self.head.body == NO_BODY:
            self.whole()
        elif self.kept is None and self.octets > self.before:
            self.talk.close(Close.ABORT, f"rule:{blocked.verdict.rule}")
        else:
            self.kept = self.through = None
            self.more = b""
            self.deny(blocked.verdict)

    def whole(self) -> None:
        """Ask once more, for all of it: rule 2."""
        self.again()
        self.head = unranged(self.head)
        self.dial(fresh=False)

    def again(self) -> None:
        """Nothing has been heard so far."""
        self.part(keep=False)
        self.heard = False
        self.more = b""


def unranged(head: RequestHead) -> RequestHead:
    """A request for all of what `head` asks a part of."""
    return head._replace(fields=[one for one in head.fields if one.name not in _RANGE])
