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
from l7proxy import dispatch, failures, proxystatus, write
from l7proxy.balancer import Balancer
from l7proxy.cache import Ask
from l7proxy.exchange import Exchange
from l7proxy.explain import Record
from l7proxy.failures import Failure
from l7proxy.forwarded import Origin
from l7proxy.http1 import RequestReader, ResponseReader
from l7proxy.limits import Wait
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.outside import Answered, Close, Outside, Site
from l7proxy.refusal import Refused
from l7proxy.relay import Relay
from l7proxy.witness import Witness


class Conversation:
    """What a client and the proxy say to each other.

    client: its address. origin: what its backends are told of it. began_s: when the request in hand came.
    covers: whether the certificate that it was shown is for a Host; None without TLS.
    """

    __slots__ = ("began_s", "client", "client_full", "closed", "covers", "exchange", "held", "key", "origin", "outside",
                 "peer", "persistent", "requests", "responses", "site", "upstream_full", "upstream_held", "waiting")

    def __init__(self, outside: Outside, site: Site, peer: IPv4Address | IPv6Address,
                 covers: Callable[[bytes], bool] | None = None) -> None:
        self.outside, self.site, self.covers = outside, site, covers
        self.peer, self.client, self.key = peer, str(peer), peer.packed
        self.origin = Origin(site.forwarding, self.client, site.scheme, site.forwarding.trusts(peer))
        self.requests = RequestReader(site.limits, site.requests, site.resolver)
        self.responses = ResponseReader(site.limits, site.responses)
        self.exchange: Relay | None = None
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
            self.next_requests()
        elif not self.exchange.sent:
            self.exchange.pump_request()
        if self.requests.buffer or self.held:
            self._pace_client()

    def client_end(self) -> None:
        """The client says no more, but may still listen: what it asked for whole is answered (RFC 9112 9.6)."""
        self.requests.end()
        if self.exchange is not None:
            self.exchange.pump_request()
        elif not (self.client_full and self.requests.buffer):
            self.close(Close.FLUSH)

    def client_gone(self) -> None:
        """The client's connection no longer exists."""
        self.closed = True
        self._drop_exchange("client_gone")

    def client_paused(self, full: bool) -> None:
        """The client reads slower than we send (or, with False, has caught up)."""
        self.client_full = full
        if not full:
            if self.exchange is not None and self.exchange.open:
                self.exchange.pump_response()
            self.next_requests()
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
            self.next_requests()

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
            self.next_requests()

    def upstream_end(self) -> bool:
        """The backend says no more. Return whether it may still listen: in a tunnel only."""
        exchange = self.exchange
        if exchange is None or not exchange.tunnel:
            return False
        self.responses.end()
        exchange.pump_response()
        return self.exchange is exchange

    def upstream_gone(self, clean: bool) -> None:
        """The backend's connection no longer exists; `clean` unless by an error."""
        if self.exchange is not None:
            self.exchange.upstream_gone(clean)
            self.next_requests()

    def upstream_paused(self, full: bool) -> None:
        """The backend reads slower than we send (or, with False, has caught up)."""
        self.upstream_full = full
        if not full and self.exchange is not None:
            self.exchange.pump_request()
            self._pace_client()

    # What the clock, the tests and the operator do.

    def timed_out(self, what: Wait) -> None:
        """`what` has been waited for beyond its limit."""
        exchange = self.exchange
        if exchange is not None and what is Wait.JOIN:
            exchange.overdue()
        elif exchange is None:
            if what is Wait.HEAD:
                self.refuse(_too_slow())
            else:
                self.close(Close.FLUSH)
        elif exchange.answer is not None:
            self.close(Close.FLUSH if exchange.tunnel else Close.ABORT)
        elif (failure := self._backend_late(what, exchange)) is not None:
            exchange.fail(failure)
            self.next_requests()
        else:
            self.refuse(_too_slow())

    def _backend_late(self, what: Wait, exchange: Relay) -> Failure | None:
        """What went wrong with the backend, if it wasn't the client that kept it waiting."""
        if what is Wait.TOTAL and (exchange.sent or not exchange.open):
            return failures.OVERTIME
        if what is Wait.BODY and self.upstream_full:
            return failures.SILENT
        return _BACKEND_LATE.get(what)

    def forsaken(self, exchange: Relay, server: Server) -> None:
        """`server` is down, or was removed; if `exchange` is still under way there, it is not waited for."""
        if self.exchange is exchange and exchange.server is server:
            exchange.forsaken()
            self.next_requests()

    def drain(self) -> None:
        """The proxy stops: finish the request in flight, take no other."""
        self.persistent = False
        if self.exchange is None:
            self.close(Close.FLUSH)

    # What an exchange reports.

    def finished(self, sent: bool) -> None:
        """The exchange is over and answered; `sent`: its request was read to the end."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            if exchange.ask is not None:
                exchange.over()
            if self.site.log is not None:
                self.log_answer(exchange.asked, exchange.status, exchange.octets, exchange, exchange.note)
        if sent and self.persistent and (self.requests.buffer or not self.requests.ended):
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
        if exchange.ask is not None and exchange.stale():
            return
        data = self._complaint(exchange.head, exchange.sent, failure.status, failure.why, failure.error, exchange.more)
        exchange.say(failure.status, data, exchange.sent, failure.error)

    def refuse(self, refused: Refused, head: RequestHead | None = None) -> None:
        """Answer a request that is not forwarded, or not further, and close: rule 2. head: if it could be read."""
        exchange = self.exchange
        if exchange is not None and exchange.answer is not None:
            self.close(Close.ABORT)
            return
        if exchange is None:
            self.began_s = self.outside.now()
        else:
            head = exchange.asked
        self._drop_exchange()
        self.persistent = False
        self.site.counts.answered(refused.status)
        more = self.outside.date() + proxystatus.of_refusal(refused, self.site.name) + _LATER.get(refused.status, b"")
        data = write.own_answer(refused.status, write.complaint(refused.status, str(refused)), persistent=False,
                                bodiless=head is not None and head.method == b"HEAD", more=more)
        self.outside.to_client(data)
        if self.site.log is not None:
            self.log_answer(head, refused.status, len(data), exchange, proxystatus.error_of(refused))
        self.close(Close.LINGER)

    def close(self, how: Close, note: str = "cut_short") -> None:
        """End the client's connection, and whatever is under way for it. note: for the log."""
        self._drop_exchange(note)
        if not self.closed:
            self.closed = True
            if self.held:
                self._pace_client()  # its end must be seen
            self.outside.close_client(how)

    # Inside.

    def next_requests(self) -> None:
        """Begin what has come, unless the answers so far aren't fetched: else they would pile up here.

        A loop: a request that is answered on the spot leaves room for the next one.
        """
        while self.exchange is None and self.requests.buffer and not (self.closed or self.client_full):
            try:
                head = self.requests.next()
            except Refused as refused:
                self.refuse(refused)
                return
            if head is None:
                if self.requests.ended:
                    self.close(Close.FLUSH)
                elif self.requests.buffer:
                    self._await(Wait.HEAD)
                break
            assert isinstance(head, RequestHead)
            self.waiting, self.began_s = None, self.outside.now()
            self.persistent = self.persistent and head.persistent
            dispatch.begin(self, head)
        if self.held:
            self._pace_client()

    def send(self, asked: RequestHead, head: RequestHead, balancer: Balancer, record: Record | None = None,
             ask: Ask | None = None) -> None:
        """Begin an exchange. asked: what the client said; head: what goes on; ask: who is told what comes."""
        self.outside.wait(Wait.TOTAL)
        unit = Unit((self.client, next(self.site.numbers)), self.key)
        if record is None:
            exchange = Exchange(self, head, balancer, unit)
        else:
            exchange = Witness(self, head, balancer, unit, record)
        exchange.asked, exchange.ask = asked, ask
        self.exchange = exchange
        exchange.choose()

    def complain(self, head: RequestHead, status: int, why: str, error: str, more: bytes = b"") -> None:
        """Answer without an exchange that something is wrong."""
        self.say(head, status, self._complaint(head, head.body == NO_BODY, status, why, error, more), error)

    def say(self, head: RequestHead, status: int, data: bytes, note: str = "") -> None:
        """Answer without an exchange. data: all of it; note: for the log."""
        self.outside.to_client(data)
        self.site.counts.answered(status)
        if self.site.log is not None:
            self.log_answer(head, status, len(data), None, note)
        self.finished(head.body == NO_BODY)

    def keep(self, head: RequestHead, sent: bool) -> bool:
        """Whether the connection stays after an answer of our own: if the request was read to the end (`sent`)."""
        self.persistent = self.persistent and sent and head.minor >= 1
        return self.persistent

    def _complaint(self, head: RequestHead, sent: bool, status: int, why: str, error: str, more: bytes) -> bytes:
        """An answer that says what is wrong, and whose fault it is."""
        more = self.outside.date() + proxystatus.line(error, why, self.site.name) + more
        return write.own_answer(status, write.complaint(status, why), self.keep(head, sent),
                                bodiless=head.method == b"HEAD", more=more)

    def log_answer(self, head: RequestHead | None, status: int, octets: int, exchange: Relay | None,
                   note: str) -> None:
        """Tell the log. Called only where there is one."""
        log, now_s = self.site.log, self.outside.now()
        assert log is not None
        took_s = now_s - self.began_s
        if exchange is None:
            log(Answered(self.client, head, status, octets, now_s, took_s, "-", 0, note))
        else:
            server, tries = exchange.by()
            log(Answered(self.client, head, status, octets, now_s, took_s, server, tries, note, exchange.fetched()))

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
            exchange.over()
            if note and self.site.log is not None:
                self.log_answer(exchange.asked, exchange.status, exchange.octets, exchange, note)

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


def _too_slow() -> Refused:
    return Refused(408, "the request did not come in time", "RFC 9110 15.5.9")


_LATER = dict.fromkeys((429, 503), b"Retry-After: 5\r\n")  # RFC 6585 4, RFC 9110 15.6.4
