"""One client connection: its requests, one after another, and what is answered when there is no exchange.

     client_bytes ──► requests (http1) ──head──► Exchange ──finished──► the next request, or the end
                          └──Refused──► an answer of our own, and the end

Rules kept here:

1. One exchange at a time: pipelined requests wait unread and are answered in order (RFC 9112 9.3.2).
2. After a request that was refused nothing more is read from its connection: what follows may be part of it.
3. Every public method is an event; it leaves the connection either waiting for something bounded or closed.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from balancing import Server, Unit
from l7proxy import failures, write
from l7proxy.balancer import Balancer
from l7proxy.config import Answer
from l7proxy.exchange import Exchange
from l7proxy.failures import Failure
from l7proxy.forwarded import Origin
from l7proxy.http1 import RequestReader, ResponseReader
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.outside import Answered, Close, Outside, Site
from l7proxy.refusal import Refused
from l7proxy.routing import said


class Conversation:
    """What a client and the proxy say to each other.

    client: its address. origin: what its backends are told of it. began_s: when the request in hand came.
    covers: whether the certificate that it was shown is for a Host; None without TLS.
    """

    __slots__ = ("began_s", "client", "client_full", "closed", "covers", "exchange", "held", "key", "origin", "outside",
                 "persistent", "requests", "responses", "site", "upstream_full", "upstream_held", "waiting")

    def __init__(self, outside: Outside, site: Site, peer: IPv4Address | IPv6Address,
                 covers: Callable[[bytes], bool] | None = None) -> None:
        self.outside, self.site, self.covers = outside, site, covers
        self.client, self.key = str(peer), peer.packed
        self.origin = Origin(site.forwarding, self.client, site.scheme, site.forwarding.trusts(peer))
        self.requests = RequestReader(site.limits, site.requests)
        self.responses = ResponseReader(site.limits, site.responses)
        self.exchange: Exchange | None = None
        self.persistent = True
        self.waiting: Wait | None = None
        self.began_s = 0.0
        self.closed = self.held = self.upstream_held = self.client_full = self.upstream_full = False
        self._await(Wait.IDLE)

    # What the client does.

    def client_bytes(self, data: bytes) -> None:
        """Bytes have come from the client."""
        if self.closed:
            return
        self.requests.feed(data)
        if self.exchange is None:
            self._next_requests()
        elif not self.exchange.sent:
            self.exchange.pump_request()
        if self.requests.buffer or self.held:
            self._pace_client()

    def client_end(self) -> None:
        """The client says no more, but may still listen: what it asked for whole is answered (RFC 9112 9.6)."""
        self.persistent = False
        self.requests.end()
        if self.exchange is None:
            self.close(Close.FLUSH)
        else:
            self.exchange.pump_request()

    def client_gone(self) -> None:
        """The client's connection no longer exists."""
        self.closed = True
        self._drop_exchange("client_gone")

    def client_paused(self, full: bool) -> None:
        """The client reads slower than we send (or, with False, has caught up)."""
        self.client_full = full
        if not full and self.exchange is not None and self.exchange.open:
            self.exchange.pump_response()
            self._next_requests()
        self._pace_upstream()

    # What the backend does.

    def opened(self) -> None:
        """The connection that was dialled is open."""
        if self.exchange is not None:
            self.exchange.opened(reused=False)
            self._pace_client()

    def not_opened(self, failure: Failure = failures.REFUSED) -> None:
        """The connection that was dialled could not be opened."""
        if self.exchange is not None:
            self.exchange.fail(failure)
            self._next_requests()

    def upstream_bytes(self, data: bytes) -> None:
        """Bytes have come from the backend."""
        exchange = self.exchange
        assert exchange is not None
        exchange.heard = True
        self.responses.feed(data)
        if self.client_full:
            self._pace_upstream()
            return
        exchange.pump_response()
        if self.exchange is None and self.requests.buffer:
            self._next_requests()

    def upstream_gone(self, clean: bool) -> None:
        """The backend's connection no longer exists; `clean` unless by an error."""
        if self.exchange is not None:
            self.exchange.upstream_gone(clean)
            self._next_requests()

    def upstream_paused(self, full: bool) -> None:
        """The backend reads slower than we send (or, with False, has caught up)."""
        self.upstream_full = full
        if not full and self.exchange is not None:
            self.exchange.pump_request()
            self._pace_client()

    # What the clock, the tests and the operator do.

    def timed_out(self, what: Wait) -> None:
        """`what` has been waited for beyond its limit."""
        if what in _BACKEND_LATE and self.exchange is not None:
            self.exchange.fail(_BACKEND_LATE[what])
            self._next_requests()
        elif what is Wait.HEAD or (what in (Wait.BODY, Wait.TOTAL) and self._unanswered()):
            self.refuse(Refused(408, "the request did not come in time", "RFC 9110 15.5.9"))
        else:
            self.close(Close.ABORT if what in (Wait.RELAY, Wait.TOTAL) else Close.FLUSH)

    def _unanswered(self) -> bool:
        """Whether a request is still being read, and nothing of its answer has gone."""
        return self.exchange is not None and not self.exchange.sent and self.exchange.answer is None

    def forsaken(self, exchange: Exchange, server: Server) -> None:
        """`server` is down, or was removed; if `exchange` is still under way there, it is not waited for."""
        if self.exchange is exchange and exchange.server is server:
            exchange.forsaken()
            self._next_requests()

    def drain(self) -> None:
        """The proxy stops: finish the request in flight, take no other."""
        self.persistent = False
        if self.exchange is None:
            self.close(Close.FLUSH)

    # What an exchange reports.

    def finished(self, sent: bool) -> None:
        """The exchange is over and answered; `sent`: its request was read to the end."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None and self.site.log is not None:
            self._log(exchange.asked, exchange.status, exchange.octets, exchange, exchange.note)
        self.upstream_held = False
        if sent and self.persistent:
            self._await(Wait.IDLE)
        else:
            self.close(Close.FLUSH if sent and not self.requests.buffer else Close.LINGER)

    def fail(self, failure: Failure) -> None:
        """Answer the exchange's request ourselves; if half an answer has gone already, reset instead."""
        exchange = self.exchange
        assert exchange is not None
        if exchange.answer is not None:
            self.close(Close.ABORT)
            return
        exchange.octets = self._answer(exchange.head, exchange.sent, failure.status, failure.why, failure.error)
        exchange.status, exchange.note = failure.status, failure.error
        self.finished(exchange.sent)

    def refuse(self, refused: Refused) -> None:
        """Answer a request that is not forwarded, or not further, and close: rule 2."""
        exchange = self.exchange
        if exchange is not None and exchange.answer is not None:
            self.close(Close.ABORT)
            return
        self._drop_exchange()
        self.persistent = False
        data = write.own_answer(refused.status, write.complaint(refused.status, str(refused)), persistent=False,
                                more=self.outside.date() + proxy_status("http_request_error"))
        self.outside.to_client(data)
        if self.site.log is not None:
            self._log(exchange.asked if exchange else None, refused.status, len(data), exchange, "http_request_error")
        self.close(Close.LINGER)

    def close(self, how: Close) -> None:
        """End the client's connection, and whatever is under way for it."""
        self._drop_exchange("cut_short")
        if not self.closed:
            self.closed = True
            self.outside.close_client(how)

    # Inside.

    def _next_requests(self) -> None:
        """Begin what has come. A loop: a request that is answered on the spot leaves room for the next one."""
        while self.exchange is None and not self.closed and self.requests.buffer:
            try:
                head = self.requests.next()
            except Refused as refused:
                self.refuse(refused)
                return
            if head is None:
                self._await(Wait.HEAD if self.requests.buffer else Wait.IDLE)
                break
            assert isinstance(head, RequestHead)
            self._begin(head)
        if self.held:
            self._pace_client()

    def _begin(self, head: RequestHead) -> None:
        """Set up the exchange of one request."""
        self.waiting = None
        site = self.site
        self.began_s = self.outside.now()
        self.persistent = self.persistent and head.persistent
        if head.body > site.limits.body_bytes:
            self.refuse(Refused(413, "the request's body is too large", "RFC 9110 15.5.14"))
            return
        if not head.host:  # only HTTP/1.0 may leave it out
            head = head._replace(host=site.authority)
        elif self.covers is not None and not self.covers(head.host):
            self._answer_at_once(head, 421, "the certificate here is not for that host", "http_request_error")
            return
        route = site.route_of(head)
        if route is None:
            self._answer_at_once(head, 404, "no service here takes such a request", "destination_not_found")
        elif type(route.action) is Balancer:
            self._forward(head, head._replace(target=route.rewrite(head)) if route.rewrite else head, route.action)
        else:
            self._answer_as_written(head, *said(route, head))

    def _forward(self, asked: RequestHead, head: RequestHead, balancer: Balancer) -> None:
        """To one of the balancer's servers."""
        self.outside.wait(Wait.TOTAL)
        unit = Unit((self.client, next(self.site.numbers)), self.key)
        self.exchange = exchange = Exchange(self, head, balancer, unit)
        exchange.asked = asked
        exchange.choose()

    def _answer_as_written(self, head: RequestHead, answer: Answer, more: bytes) -> None:
        """Answer what the routing table says. more: field lines."""
        sent = head.body == NO_BODY
        self.persistent = self.persistent and sent and head.minor >= 1
        data = write.own_answer(answer.status, answer.body, self.persistent, bodiless=head.method == b"HEAD",
                                more=self.outside.date() + more, kind=answer.content_type.encode())
        self.outside.to_client(data)
        if self.site.log is not None:
            self._log(head, answer.status, len(data), None, "")
        self.finished(sent)

    def _answer_at_once(self, head: RequestHead, status: int, why: str, error: str) -> None:
        """Answer without an exchange."""
        sent = head.body == NO_BODY
        octets = self._answer(head, sent, status, why, error)
        if self.site.log is not None:
            self._log(head, status, octets, None, error)
        self.finished(sent)

    def _answer(self, head: RequestHead, sent: bool, status: int, why: str, error: str) -> int:
        """Answer ourselves; the connection stays if the request was read to the end (`sent`). Return the octets."""
        self.persistent = self.persistent and sent and head.minor >= 1
        data = write.own_answer(status, write.complaint(status, why), self.persistent,
                                bodiless=head.method == b"HEAD", more=self.outside.date() + proxy_status(error))
        self.outside.to_client(data)
        return len(data)

    def _log(self, head: RequestHead | None, status: int, octets: int, exchange: Exchange | None, note: str) -> None:
        """Tell the log. Called only where there is one."""
        log, now_s = self.site.log, self.outside.now()
        assert log is not None
        server, tries = "-", 0
        if exchange is not None and exchange.last is not None:
            server, tries = exchange.last.name, len(exchange.tried) + 1
        log(Answered(self.client, head, status, octets, now_s, now_s - self.began_s, server, tries, note))

    def _await(self, what: Wait) -> None:
        """Wait for the client; a head that comes in drops does not start its limit anew."""
        if self.exchange is None and not self.closed and self.waiting is not what:
            self.waiting = what
            self.outside.wait(what)

    def _drop_exchange(self, note: str = "") -> None:
        """What is under way ends without an answer, or in the midst of it. note: for the log; "" if it knows."""
        if self.exchange is not None:
            exchange, self.exchange = self.exchange, None
            exchange.part(keep=False)
            if note and self.site.log is not None:
                self._log(exchange.asked, exchange.status, exchange.octets, exchange, note)

    def _pace_client(self) -> None:
        """Hold the client while it is far ahead of what can be sent on."""
        held = self.requests.buffered > self.site.limits.read_ahead_bytes and not self.closed
        if held is not self.held:
            self.held = held
            self.outside.hold_client(held)

    def _pace_upstream(self) -> None:
        """Hold the backend while the client is behind."""
        held = self.client_full and self.exchange is not None and self.exchange.open
        if held is not self.upstream_held:
            self.upstream_held = held
            self.outside.hold_upstream(held)

    def __repr__(self) -> str:
        return f"<Conversation with {self.client}: {self.exchange or ('closed' if self.closed else 'idle')}>"


_BACKEND_LATE = {Wait.QUEUE: failures.LATE, Wait.CONNECT: failures.UNREACHABLE, Wait.ANSWER: failures.SILENT}


def proxy_status(error: str) -> bytes:
    """The field line that says whose fault an answer of ours is (RFC 9209 2.1)."""
    return b"Proxy-Status: layer-lab; error=%b\r\n" % error.encode()
