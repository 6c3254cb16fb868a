"""One client's TCP connection: HTTP/1.1 in, answers out, in order.

    bytes ──httptools──► pending requests ──one at a time──► Capacity ──► answer ──► next

Rules kept here:

1. Pipelined requests are answered in order: the next one joins the queue for a worker only when its
   predecessor has been answered (RFC 9112, section 9.3.2).
2. A client that sends faster than it is served, or doesn't read, is read no further: backpressure.
3. Asides (asides.py) go past the queue; they and probes are not counted: looking must not change what is seen.
4. What can't be parsed gets 400, after the answers that are still owed, and ends the connection.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from typing import cast

import httptools

from experiments.endpoint import endpoint
from experiments.server.asides import PATHS, PROBE, Asides
from experiments.server.capacity import Capacity, Job
from experiments.server.counts import Counts
from experiments.server.request import Request, Wishes, read_wishes
from experiments.server.settings import Settings

MAX_PENDING = 64  # pipelined requests that may wait before the socket is read no further
OK, BAD_REQUEST = b"200 OK", b"400 Bad Request"
encode = json.JSONEncoder(ensure_ascii=False).encode


class Connection(asyncio.Protocol):
    """Answers the requests of one connection."""

    def __init__(self, settings: Settings, capacity: Capacity, counts: Counts, asides: Asides) -> None:
        self._settings, self._capacity, self._counts, self._asides = settings, capacity, counts, asides
        self._default = Wishes(settings.body_bytes, settings.service_time_s)
        self._parser = httptools.HttpRequestParser(self)
        self._pending: deque[Request] = deque()
        self._current: Request | None = None  # the one being served
        self._job: Job | None = None
        self._wanted_bytes = 0
        self._number = self._answered = 0
        self._ended = False     # no further request will be read
        self._writable = True
        self.on_message_begin()

    # ── the socket's side ────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._client_ip, self._client_port = transport.get_extra_info("peername")[:2]
        self._local_ip, self._local_port = transport.get_extra_info("sockname")[:2]
        self._local = endpoint(self._local_ip, self._local_port)
        self._counts.open += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.open -= 1
        self._pending.clear()
        if self._job:
            self._capacity.withdraw(self._job)

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # we stay with HTTP/1.1 (RFC 9110, section 7.8); that request was taken as the last
        except httptools.HttpParserError as error:
            self._take(Request("", "", [], 0, last=True, error=str(error)))

    def eof_received(self) -> bool:
        """The client sends no more; True keeps our side open for the answers still owed."""
        self._ended = True
        return self._current is not None or bool(self._pending)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._next()

    # ── the parser's side ────────────────────────────────────────────────────────────────────────

    def on_message_begin(self) -> None:
        self._target, self._headers, self._body_bytes = b"", list[tuple[str, str]](), 0

    def on_url(self, piece: bytes) -> None:
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        # Without this, curl waits a second before it sends a large body (RFC 9110, section 10.1.1).
        # Where answers are still owed it has to: a 100 would come before them.
        expects = any(name.lower() == "expect" for name, _ in self._headers)
        if expects and not self._current and not self._pending:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, piece: bytes) -> None:
        self._body_bytes += len(piece)

    def on_message_complete(self) -> None:
        method, target = self._parser.get_method().decode("latin-1"), self._target.decode("latin-1")
        last = not self._parser.should_keep_alive() or self._parser.should_upgrade()
        self._take(Request(method, target, self._headers, self._body_bytes, last))

    # ── one request after another ────────────────────────────────────────────────────────────────

    def _take(self, request: Request) -> None:
        if self._ended:
            return  # whatever follows a last request
        self._ended = request.last
        self._pending.append(request)
        if len(self._pending) == MAX_PENDING:
            self._transport.pause_reading()
        self._next()

    def _next(self) -> None:
        if self._current or not self._pending or not self._writable:
            return
        self._current = request = self._pending.popleft()
        if len(self._pending) == MAX_PENDING - 1:
            self._transport.resume_reading()
        path, _, query = request.target.partition("?")
        if request.error:
            self._refuse(request.error)
        elif path in PATHS:
            self._aside(request.method, path, query)
        else:
            self._queue(query)

    def _aside(self, method: str, path: str, query: str) -> None:
        try:
            self._write(OK, self._asides.answer(method, path, query))
        except ValueError as error:
            self._refuse(str(error))

    def _queue(self, query: str) -> None:
        try:
            wishes = read_wishes(query, self._default) if query else self._default
        except ValueError as error:
            self._refuse(str(error))
            return
        self._wanted_bytes = wishes.body_bytes
        self._job = Job(self._serve, wishes.service_time_s)
        self._capacity.submit(self._job)

    def _serve(self, job: Job) -> None:
        if self._transport.is_closing():
            return  # the client hung up while it was served
        if cast(Request, self._current).target.partition("?")[0] != PROBE:
            self._number = self._number or self._counts.number_connection()
            self._answered += 1
            self._counts.requests[self._local] += 1
        self._write(OK, self._sighting(job), self._wanted_bytes)

    def _sighting(self, job: Job) -> dict[str, object]:
        """All that can be said of the request that is being answered."""
        request = cast(Request, self._current)
        return {
            "server": self._settings.name,
            "client_ip": self._client_ip, "client_port": self._client_port,
            "local_ip": self._local_ip, "local_port": self._local_port,
            "method": request.method, "path": request.target, "headers": request.headers,
            "body_bytes": request.body_bytes,
            "connection": self._number, "request": self._answered,
            "served": job.served, "in_service": job.in_service,
        }

    def _refuse(self, why: str) -> None:
        self._write(BAD_REQUEST, {"server": self._settings.name, "error": why})

    def _write(self, status: bytes, content: dict[str, object], least_bytes: int = 0) -> None:
        request, self._current, self._job = cast(Request, self._current), None, None
        # Blanks after a JSON value are still JSON, so an answer of any size can be read as one.
        body = encode(content).encode().ljust(least_bytes - 1) + b"\n"
        last = request.last or (self._ended and not self._pending)
        head = response_head(status, self._settings.name, len(body), last)
        self._transport.write(head if request.method == "HEAD" else head + body)
        if last:
            self._transport.close()
        elif self._pending:
            asyncio.get_running_loop().call_soon(self._next)  # not at once: thousands may be pending


def response_head(status: bytes, server: str, body_bytes: int, last: bool) -> bytes:
    """An answer's status line and headers. The name is among them because HEAD has no body."""
    return b"".join((
        b"HTTP/1.1 ", status, b"\r\nDate: ", _date(int(time.time())), b"\r\nX-Server: ", server.encode(),
        b"\r\nContent-Type: application/json\r\nContent-Length: ", b"%d" % body_bytes,
        b"\r\nConnection: close\r\n\r\n" if last else b"\r\nConnection: keep-alive\r\n\r\n"))


_dates: dict[int, bytes] = {}


def _date(second: int) -> bytes:
    """`Date` (RFC 9110, section 6.6.1), formatted once a second."""
    if second not in _dates:
        _dates.clear()
        _dates[second] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second)).encode()
    return _dates[second]
