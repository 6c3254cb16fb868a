"""One request and its answer on their way between two connections, whoever chose where to.

     dial ──► opened ──request──► ANSWER ──head──► RELAY ──end──► finished
        │ failed            │ failed           │ failed
        └──► fail, which is of whoever chose   └──► the client's connection is reset
                            │ 101, or CONNECT
                            └──► TUNNEL: bytes both ways, until one side ends

     Relay ◄── Exchange           to a server of a pool (exchange.py)
           ◄── Follower           nowhere: it waits for another's answer (caching.py)
           ◄── forward.Fetch      to wherever the client wants (forward/fetch.py)

Rules kept here:

1. No sockets and no clock: `outside` is asked for both.
2. Nothing is read faster than it can be sent on: bytes wait in the reader, and the sender is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing import Server
from l7proxy import failures, write
from l7proxy.cache import Ask, Recording, Reply
from l7proxy.failures import IDEMPOTENT, Again, Failure
from l7proxy.limits import Wait
from l7proxy.messages import CHUNKED, NO_BODY, RequestHead, ResponseHead
from l7proxy.outside import Close, Fetched
from l7proxy.refusal import Refused

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation

_BODILESS = frozenset((b"GET", b"HEAD"))


class Relay:
    """A request on its way.

    asked:  the head as its client said it; head: as it goes to the backend.
    heard:  a byte of the answer has come.         answer: the head of the final answer, once it has come.
    sent:   the whole request has gone.            reused: on a connection that served another one before.
    tunnel: another protocol is spoken.            all_heard: and its server says no more.
    server: of a pool, who serves it now; None where there is no pool.
    more:   field lines of ours for the answer.    octets: how many have gone to the client; octets_up: to the backend.
    note: a word for the log.
    ask:    the cache that is told what comes.     recording: the body on its way into it.
    instead: it had something better to say than the backend.
    """

    # What most requests never change stands here, not in each of them.
    server: Server | None = None
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
    more: bytes = b""
    note: str = ""
    ask: Ask | None = None
    recording: Recording | None = None
    instead: bool = False

    def __init__(self, talk: Conversation, head: RequestHead) -> None:
        self.talk, self.asked, self.head = talk, head, head
        self.sent = head.body == NO_BODY

    # What whoever chose says.

    def dial(self, fresh: bool) -> None:
        """Get a connection to where it goes."""
        raise NotImplementedError

    def request(self) -> bytes:
        """The request's head, as it is sent."""
        raise NotImplementedError

    def take(self, answer: ResponseHead) -> bytes:
        """The head of the final answer has come; return it as the client reads it."""
        raise NotImplementedError

    def fail(self, failure: Failure) -> None:
        """No answer from there, or not all of it: another try, or an answer of our own."""
        raise NotImplementedError

    def part(self, keep: bool) -> None:
        """Let go of the connection. Safe to call again."""
        raise NotImplementedError

    def served(self) -> None:
        """The answer is complete."""

    def by(self) -> tuple[str, int]:
        """Who answered, and how many were asked: for the log."""
        return "-", 0

    def fetched(self) -> Fetched | None:
        """What a forward proxy's log says besides."""
        return None

    def overdue(self) -> None:
        """What another one's answer was waited for has taken too long."""

    def body(self, data: bytes, done: bool) -> bytes:
        """A piece of the answer's body has come, its last if `done`; return it as the client reads it."""
        if self.recording is not None:
            self.recording.write(data)
        return write.chunks(data, self.talk.responses.trailers if done else None) if self.rechunked else data

    # Towards the other side.

    def opened(self, reused: bool) -> None:
        """There is a connection: send the head, and what has come of the body."""
        talk, head = self.talk, self.head
        self.open, self.reused = True, reused
        talk.responses.expect(head.method, head.upgrade)
        data = self.request()
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

    # And back.

    def pump_response(self) -> None:
        """Send on what has come of the answer, in one piece; malformed, it is a failure."""
        talk = self.talk
        try:
            out, done = self._response_data()
        except Refused as refused:
            self.fail(failures.not_http(refused))
            return
        if out:
            self.octets += len(out)
            talk.outside.to_client(out)
        if done:
            self._end_answer()
        elif self.answer is not None:
            talk.outside.wait(Wait.TUNNEL if self.tunnel else Wait.RELAY)
            if self.tunnel and talk.requests.buffer:
                self.pump_request()  # the client has not waited for the switch

    def _response_data(self) -> tuple[bytes, bool]:
        """What has come of the answer, as the client reads it, and whether that was the last of it. Raises Refused."""
        responses, out, done = self.talk.responses, b"", False
        while self.answer is None and (event := responses.next()) is not None:
            assert isinstance(event, ResponseHead)
            out += self._answer(event)
            done = (event.body == NO_BODY and event.status >= 200) or self.instead
        if self.answer is not None and not done:
            data, done = responses.body()
            out += self.body(data, done)
        return out, done

    def _end_answer(self) -> None:
        """All of the answer has come; of a tunnel, all that its server says."""
        if self.recording is not None:
            self.recording.end()
        if self.tunnel and not self.sent:
            self.all_heard = True
            self.talk.outside.end_client()
        else:
            self.finish()

    def _answer(self, answer: ResponseHead) -> bytes:
        """A head has come; return it as the client reads it. HTTP/1.0 knows no 1xx (RFC 9110 15.2)."""
        if answer.status < 200 and answer.status != 101:
            return self.interim(answer) if self.head.minor else b""
        return self.take(answer)

    def interim(self, answer: ResponseHead) -> bytes:
        """The head of an answer that another one follows, as the client reads it."""
        return write.response_head(answer, self.head.minor, True)

    def begin_answer(self, answer: ResponseHead) -> None:
        """It is this one: what it means for the client's connection, and for how the rest is read."""
        minor = self.head.minor
        self.answer, self.status = answer, answer.status
        self.rechunked = write.rechunked(answer, minor)
        if answer.status == 101:
            self.switch()
        elif not self.sent or (not minor and answer.body < NO_BODY):
            self.talk.persistent = False  # it may end before the request has, or only as the connection does

    def switch(self) -> None:
        """Another protocol is spoken from here on."""
        self.tunnel, self.sent, self.talk.persistent = True, False, False
        self.talk.requests.tunnel()

    def consult(self, ask: Ask, answer: ResponseHead) -> ResponseHead | Reply:
        """Tell the cache what has come: it is for the client, and perhaps recorded; or the cache has a better one."""
        found = ask.answered(answer, self.talk.outside.now())
        if isinstance(found, Reply):
            return found
        head, self.recording = found
        self.note = word(head)
        return head

    def _say_instead(self, reply: Reply) -> bytes:
        """What the cache has is what the client reads: the backend said that it is still right, or failed."""
        self.instead, self.status, self.note = True, reply.head.status, word(reply.head)
        return write.response_head(reply.head, self.head.minor, self.talk.persistent, self.more) + reply.body

    def stale(self) -> bool:
        """Nobody has answered: say what the cache has, if that is allowed, and be done; return whether it was."""
        assert self.ask is not None
        reply = self.ask.failed(self.talk.outside.now())
        if reply is None:
            return False
        self.talk.persistent = self.talk.persistent and self.sent
        data = self._say_instead(reply)
        self.octets += len(data)
        self.talk.outside.to_client(data)
        self.talk.finished(self.sent)
        return True

    def say(self, status: int, data: bytes, sent: bool, note: str) -> None:
        """Answer ourselves, and be done. data: all of it; sent: the request was read to the end; note: for the log."""
        self.status, self.octets, self.note = status, len(data), note
        self.talk.outside.to_client(data)
        self.talk.site.counts.answered(status)
        self.talk.finished(sent)

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
        self.served()
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

    def may_repeat(self, again: Again) -> bool:
        """Whether this request may be sent once more: no byte has come or gone, and RFC 9110 9.2.2."""
        if self.heard or self.body_begun or again is Again.NEVER:
            return False
        return again is Again.ALWAYS or self.head.method in IDEMPOTENT


def word(head: ResponseHead) -> str:
    """What the cache did, in a word for the log: the first that Cache-Status says (RFC 9211 2)."""
    said = next((value for name, value, _ in reversed(head.fields) if name == b"cache-status"), b"")
    return [*said.split(b"; "), b""][1].decode()
