"""One request and its answer: choose a backend, open, send, answer.

     choose ──dial──► opened ──request──► ANSWER ──head──► RELAY ──end──► finished
       ▲                │ failed            │ failed         │ failed
       └──another one───┴──(failures.py)────┘                └──► the client's connection is reset

Rules kept here:

1. No sockets and no clock: `outside` is asked for both.
2. A request is tried again only while not a byte of its answer has come and not a byte of its body has gone.
3. A unit that was assigned is released exactly once, whatever happens.
4. Nothing is read faster than it can be sent on: bytes wait in the reader, and the sender is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing import NoBackend, Pool, Server, Unit
from l7proxy import failures, write
from l7proxy.failures import IDEMPOTENT, Again, Failure
from l7proxy.limits import Wait
from l7proxy.messages import CHUNKED, END, NO_BODY, RequestHead, ResponseHead
from l7proxy.outside import Close
from l7proxy.refusal import Refused

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation


class Exchange:
    """A request on its way.

    heard:  a byte of the answer has come.         answer: the head of the final answer, once it has come.
    sent:   the whole request has gone.            reused: on a connection that served another one before.
    """

    __slots__ = ("answer", "body_begun", "failure", "head", "heard", "open", "pool",
                 "rechunked", "reused", "sent", "server", "talk", "tried", "unit")

    def __init__(self, talk: Conversation, head: RequestHead, pool: Pool, unit: Unit) -> None:
        self.talk, self.head, self.pool, self.unit = talk, head, pool, unit
        self.server: Server | None = None
        self.tried: tuple[Server, ...] = ()
        self.failure = failures.NOBODY
        self.answer: ResponseHead | None = None
        self.open = self.reused = self.heard = self.body_begun = self.rechunked = False
        self.sent = head.body == NO_BODY

    # Towards the backend.

    def choose(self) -> None:
        """Let the pool decide, and dial; when nobody is left, answer with the last failure."""
        try:
            self.server = self.pool.assign(self.unit, self.tried)
        except NoBackend:
            self.talk.answer(self.failure.status, self.failure.why)
            return
        self.dial(fresh=False)

    def dial(self, fresh: bool) -> None:
        """Get a connection to the chosen server."""
        assert self.server is not None
        if self.talk.outside.dial(self.server, fresh):
            self.opened(reused=True)
        else:
            self.talk.outside.wait(Wait.CONNECT)

    def opened(self, reused: bool) -> None:
        """There is a connection: send the head, and what has come of the body."""
        talk, head = self.talk, self.head
        self.open, self.reused = True, reused
        talk.responses.expect(head.method)
        talk.outside.to_upstream(write.request_head(head, talk.client))
        if self.sent:
            talk.outside.wait(Wait.ANSWER)
        else:
            talk.outside.wait(Wait.BODY)
            self.pump_request()

    def pump_request(self) -> None:
        """Send on what has come of the request's body. A body that is malformed ends everything."""
        if not self.open or self.sent or self.talk.upstream_full:
            return
        try:
            pieces = self._request_pieces()
        except Refused as refused:
            self.talk.refuse(refused)
            return
        if pieces:
            self.body_begun = True
            self.talk.outside.to_upstream(b"".join(pieces))
        if self.talk.requests.ended and not self.sent:
            self.talk.close(Close.FLUSH)  # an incomplete request, and nobody to complete it (RFC 9112 8)
        elif pieces or self.sent:
            self.talk.outside.wait(Wait.ANSWER if self.sent else Wait.BODY)

    def _request_pieces(self) -> list[bytes]:
        """What can be read of the body now, framed for the backend."""
        chunked, pieces, requests = self.head.body == CHUNKED, [], self.talk.requests
        while (event := requests.next()) is not None:
            if event is END:
                self.sent = True
                if chunked:
                    pieces.append(write.LAST_CHUNK)
                break
            assert isinstance(event, bytes)
            pieces.append(write.chunk(event) if chunked else event)
        return pieces

    # From the backend.

    def pump_response(self) -> None:
        """Send on what has come of the answer, in one piece; malformed, it is a failure."""
        talk, pieces = self.talk, []
        responses, done = talk.responses, False
        try:
            while not done and (event := responses.next()) is not None:
                if type(event) is bytes:
                    pieces.append(write.chunk(event) if self.rechunked else event)
                elif event is END:
                    done = True
                    if self.rechunked:
                        pieces.append(write.LAST_CHUNK)
                else:
                    assert isinstance(event, ResponseHead)
                    done = self._answer(event, pieces)
        except Refused:
            self.fail(failures.MALFORMED)
            return
        if pieces:
            talk.outside.to_client(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if done:
            self.finish()
        elif self.answer is not None:
            talk.outside.wait(Wait.RELAY)

    def _answer(self, answer: ResponseHead, pieces: list[bytes]) -> bool:
        """A head has come; return whether it is the whole answer. HTTP/1.0 knows no 1xx (RFC 9110 15.2)."""
        minor, talk = self.head.minor, self.talk
        if answer.interim:
            if minor:
                pieces.append(write.response_head(answer, minor, True))
            return False
        self.answer = answer
        self.rechunked = write.rechunked(answer, minor)
        framed = minor >= 1 or answer.body >= NO_BODY
        talk.persistent = talk.persistent and framed
        pieces.append(write.response_head(answer, minor, talk.persistent))
        return answer.body == NO_BODY

    def finish(self) -> None:
        """The answer is complete. An answer before the request's end leaves neither connection usable."""
        talk, answer = self.talk, self.answer
        keep = self.sent and answer is not None and answer.persistent and not talk.responses.buffer
        if self.server is not None:
            self.pool.served(self.server)
        self.part(keep)
        talk.finished(self.sent)

    def upstream_gone(self, clean: bool) -> None:
        """The backend's connection has ended (by a reset, if not `clean`): the answer's end, or a failure."""
        if clean:
            self.talk.responses.end()
        self.pump_response()
        if self.talk.exchange is self:
            self.fail(failures.LOST)

    def forsaken(self) -> None:
        """Its server is down, or was removed: what has come of the answer counts, the rest is not waited for."""
        if self.open:
            self.pump_response()
        if self.talk.exchange is self:
            self.fail(failures.DOWN if self.open else failures.FORSAKEN)

    # When it goes wrong.

    def fail(self, failure: Failure) -> None:
        """No answer from this server, or not all of it: another try, or an answer of our own."""
        self.failure = failure
        repeat = self._may_repeat(failure.again)
        idled = failure is failures.LOST and self.reused and not self.heard
        if repeat and idled:
            self._anew()
            return
        server = self.server
        self.part(keep=False)
        if server is not None and failure.blame and not idled:
            self.pool.failed(server, failure.blame, passive=True)
        if repeat and server is not None:
            self.tried += (server,)
            self.choose()
        else:
            self.talk.answer(failure.status, failure.why)

    def _may_repeat(self, again: Again) -> bool:
        """Whether this request may be sent once more: rule 2, and RFC 9110 9.2.2."""
        if self.heard or self.body_begun or again is Again.NEVER:
            return False
        return again is Again.ALWAYS or self.head.method in IDEMPOTENT

    def _anew(self) -> None:
        """A kept connection was closed under us (RFC 9112 9.3.1): same server, same decision, fresh connection."""
        self.talk.outside.part_upstream(keep=False)
        self.open = self.reused = False
        self.dial(fresh=True)

    def part(self, keep: bool) -> None:
        """Let go of the backend: its connection, and its unit. Safe to call again."""
        if self.server is not None:
            self.talk.outside.part_upstream(keep)
            self.pool.release(self.unit, self.server)
            self.server, self.open = None, False

    def __repr__(self) -> str:
        where = self.server.name if self.server else "nobody"
        return f"<Exchange {self.head.method.decode()} {self.head.target.decode()} at {where}>"
