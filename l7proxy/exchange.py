"""One request and its answer: choose a backend, open, send, answer.

     choose ──room?──► dial ──► opened ──request──► ANSWER ──head──► RELAY ──end──► finished
       ▲      (row)      │ failed            │ failed           │ failed
       └──another one────┴──(failures.py)────┘                  └──► the client's connection is reset
                                             │ 101
                                             └──► TUNNEL: bytes both ways, until one side ends

Rules kept here:

1. No sockets and no clock: `outside` is asked for both.
2. A request is tried again only while not a byte of its answer has come and not a byte of its body has gone, and
   within its pool's budget.
3. A unit that was assigned is released exactly once, whatever happens.
4. Nothing is read faster than it can be sent on: bytes wait in the reader, and the sender is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing import NoBackend, Server, Unit
from l7proxy import failures, hiding, write
from l7proxy.balancer import Balancer
from l7proxy.cache import Ask, Recording, Reply
from l7proxy.failures import IDEMPOTENT, Again, Failure
from l7proxy.limits import Wait
from l7proxy.messages import CHUNKED, NO_BODY, RequestHead, ResponseHead
from l7proxy.outside import Close
from l7proxy.refusal import Refused
from l7proxy.sticky import NO_SESSION

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation

_BODILESS = frozenset((b"GET", b"HEAD"))


class Exchange:
    """A request on its way.

    asked:  the head as its client said it; head: as it goes to the backend.
    heard:  a byte of the answer has come.         answer: the head of the final answer, once it has come.
    sent:   the whole request has gone.            reused: on a connection that served another one before.
    tunnel: another protocol is spoken.            all_heard: and its server says no more.
    server: who serves it now; last: who did last.
    more:   field lines of ours for the answer.    octets: how many have gone to the client; octets_up: to the backend.
    note: a word for the log.                      queued_s: since when it waits in the row.
    ask:    the cache that is told what comes.     recording: the body on its way into it.
    instead: it had something better to say than the backend.
    """

    # What most requests never change stands here, not in each of them.
    server: Server | None = None
    last: Server | None = None
    answer: ResponseHead | None = None
    open: bool = False
    reused: bool = False
    heard: bool = False
    body_begun: bool = False
    rechunked: bool = False
    tunnel: bool = False
    all_heard: bool = False
    took: int = 0
    octets: int = 0
    octets_up: int = 0
    status: int = 0
    queued_s: float = 0.0
    more: bytes = b""
    note: str = ""
    ask: Ask | None = None
    recording: Recording | None = None
    instead: bool = False

    def __init__(self, talk: Conversation, head: RequestHead, balancer: Balancer, unit: Unit) -> None:
        self.talk, self.asked, self.head, self.balancer, self.unit = talk, head, head, balancer, unit
        self.tried: tuple[Server, ...] = ()
        self.failure = failures.NOBODY
        self.session = NO_SESSION
        self.sent = head.body == NO_BODY
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
        inside = balancer.gate(server).enter(self.admitted)
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

    def opened(self, reused: bool) -> None:
        """There is a connection: send the head, and what has come of the body."""
        talk, head = self.talk, self.head
        self.open, self.reused = True, reused
        talk.responses.expect(head.method, head.upgrade)
        data = write.request_head(head, talk.origin.lines(head.host, talk.requests.forwarded))
        self.octets_up += len(data)
        talk.outside.to_upstream(data)
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
            data = self._request_data()
        except Refused as refused:
            self.talk.refuse(refused)
            return
        if data:
            self.body_begun = True
            self.octets_up += len(data)
            self.talk.outside.to_upstream(data)
        if self.talk.requests.ended and not self.sent:
            self.talk.close(Close.FLUSH)  # an incomplete request, and nobody to complete it (RFC 9112 8)
        elif self.tunnel:
            self._pump_tunnel()
        elif data or self.sent:
            self.talk.outside.wait(
                Wait.RELAY if self.answer is not None else Wait.ANSWER if self.sent else Wait.BODY)

    def _pump_tunnel(self) -> None:
        """Another protocol's bytes have gone, or its client says no more: then it has ended, if its server has."""
        if self.sent and self.all_heard:
            self.finish()
            return
        self.talk.outside.wait(Wait.TUNNEL)
        if self.sent:
            self.talk.outside.end_upstream()

    def _request_data(self) -> bytes:
        """What has come of the body, framed for the backend. Raises Refused."""
        requests = self.talk.requests
        data, self.sent = requests.body()
        self.took += len(data)
        if self.head.body != CHUNKED:
            return data
        if self.took > self.talk.site.limits.body_bytes:
            raise Refused(413, "the request's body is too large", "RFC 9110 15.5.14")
        return write.chunks(data, requests.trailers if self.sent else None)

    # From the backend.

    def pump_response(self) -> None:
        """Send on what has come of the answer, in one piece; malformed, it is a failure."""
        talk, out, done = self.talk, b"", False
        responses = talk.responses
        try:
            while self.answer is None and (event := responses.next()) is not None:
                assert isinstance(event, ResponseHead)
                out += self._answer(event)
                done = (event.body == NO_BODY and event.status >= 200) or self.instead
            if self.answer is not None and not done:
                data, done = responses.body()
                if self.recording is not None:
                    self.recording.write(data)
                out += write.chunks(data, responses.trailers if done else None) if self.rechunked else data
        except Refused as refused:
            self.fail(failures.not_http(refused))
            return
        if out:
            self.octets += len(out)
            talk.outside.to_client(out)
        if done and self.recording is not None:
            self.recording.end()
        if done and self.tunnel and not self.sent:
            self.all_heard = True
            talk.outside.end_client()
        elif done:
            self.finish()
        elif self.answer is not None:
            talk.outside.wait(Wait.TUNNEL if self.tunnel else Wait.RELAY)
            if self.tunnel and talk.requests.buffer:
                self.pump_request()  # the client has not waited for the switch

    def _answer(self, answer: ResponseHead) -> bytes:
        """A head has come; return it as the client reads it. HTTP/1.0 knows no 1xx (RFC 9110 15.2)."""
        minor, talk, status = self.head.minor, self.talk, answer.status
        if status < 200 and status != 101:
            return write.response_head(answer, minor, True) if minor else b""
        assert self.server is not None
        if answer.located:
            answer = hiding.relocated(answer, self.balancer.pool, self.asked.host, talk.site.scheme)
        if self.ask is not None:
            found = self.ask.answered(answer, talk.outside.now())
            if isinstance(found, Reply):
                self.answer = answer._replace(persistent=answer.persistent and answer.body == NO_BODY)
                return self._say_instead(found)
            answer, self.recording = found
            self.note = word(answer)
        if not answer.dated:
            self.more += talk.outside.date()
        if self.session.pins:
            self.more += self.balancer.pin(self.server, self.session)
        self.answer, self.status = answer, status
        self.rechunked = write.rechunked(answer, minor)
        if status == 101:
            self.tunnel, self.sent, talk.persistent = True, False, False
            talk.requests.tunnel()
        elif not minor and answer.body < NO_BODY:
            talk.persistent = False  # there the connection's end is the body's
        return write.response_head(answer, minor, talk.persistent, self.more)

    def _say_instead(self, reply: Reply) -> bytes:
        """What the cache has is what the client reads: the backend said that it is still right, or failed."""
        self.instead, self.status, self.note = True, reply.head.status, word(reply.head)
        return write.response_head(reply.head, self.head.minor, self.talk.persistent, self.more) + reply.body

    def stale(self) -> bool:
        """Nobody has answered: say what the cache has, if that is allowed; return whether it was."""
        assert self.ask is not None
        reply = self.ask.failed(self.talk.outside.now())
        if reply is None:
            return False
        self.talk.persistent = self.talk.persistent and self.sent
        data = self._say_instead(reply)
        self.octets += len(data)
        self.talk.outside.to_client(data)
        return True

    def over(self) -> None:
        """No more will come of it. Safe to call again."""
        if self.recording is not None:
            self.recording.abort()
        if self.ask is not None:
            self.ask.abandoned()

    def finish(self) -> None:
        """The answer is complete. An answer before the request's end leaves neither connection usable.

        Nor is the backend's kept if it has not taken all of the request, or may have taken its body for another one,
        as some do that expect none (RFC 9110 9.3.1, 9.3.2).
        """
        talk, answer, head = self.talk, self.answer, self.head
        keep = self.sent and answer is not None and answer.persistent and not talk.responses.buffer
        if keep and head.body != NO_BODY:
            keep = not talk.upstream_full and head.method not in _BODILESS
        if self.server is not None:
            self.balancer.pool.served(self.server)
        self.part(keep)
        talk.finished(self.sent)

    def upstream_gone(self, clean: bool) -> None:
        """The backend's connection has ended (by a reset, if not `clean`): the answer's end, or a failure."""
        if clean and not self.all_heard:
            self.talk.responses.end()
        self.pump_response()
        if self.talk.exchange is self:
            self.fail(failures.HALF if self.heard else failures.LOST)

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

    def _may_repeat(self, again: Again) -> bool:
        """Whether this request may be sent once more: rule 2, and RFC 9110 9.2.2."""
        if self.heard or self.body_begun or again is Again.NEVER:
            return False
        return again is Again.ALWAYS or self.head.method in IDEMPOTENT

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


def word(head: ResponseHead) -> str:
    """What the cache did, in a word for the log: the first that Cache-Status says (RFC 9211 2)."""
    said = next((value for name, value, _ in reversed(head.fields) if name == b"cache-status"), b"")
    return [*said.split(b"; "), b""][1].decode()
