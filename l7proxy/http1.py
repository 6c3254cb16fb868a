"""Bytes in, events out: one reader per direction of an HTTP/1.1 connection.

     feed(b"GET / HT") next() -> None        more bytes first
     feed(b"TP/1.1..") next() -> <Request GET / @example 2 fields, 5 bytes, keep>
                       next() -> b"hello"    then END

Rules kept here:

1. Pull, not push: nothing is parsed before `next` asks, so a reader can be left alone while its bytes can't
   be sent on, and pipelined requests wait in the buffer.
2. llhttp reads heads only, and only whole ones that passed `check_octets`; where a body ends is ours (body.py).
3. However the bytes are split into `feed` calls, the events are the same (pieces of a body joined).
"""

from __future__ import annotations

import re

from httptools import (
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
    HttpResponseParser,
)

from l7proxy.body import Body, body_reader
from l7proxy.framing import REQUEST_FIELDS, RESPONSE_FIELDS, Section, check_octets
from l7proxy.limits import Limits
from l7proxy.messages import CHUNKED, END, NO_BODY, UNTIL_CLOSE, End, RequestHead, ResponseHead
from l7proxy.refusal import REQUEST_DIAGNOSES, RESPONSE_DIAGNOSES, UNKNOWN_METHOD, Refused, diagnose
from l7proxy.target import resolve

Event = RequestHead | ResponseHead | bytes | End
_CR = 13
_BARE = re.compile(rb"\r(?!\n|\Z)|(?<!\r)\n")


class Reader:
    """What both directions share: a buffer, and whether a head or a body comes next.

    buffer: bytes that have come; those before `_at` are read. Empty as soon as all of them are.
    """

    skips_empty_lines = False

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.ended = False
        self.buffer = b""
        self._at = 0
        self._body: Body | None = None

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        if self.buffer:
            data = self.buffer[self._at:] + data
            self._at = 0
        self.buffer = data

    def end(self) -> None:
        """No more bytes will come."""
        self.ended = True

    @property
    def buffered(self) -> int:
        """How many bytes have come and are not read yet."""
        return len(self.buffer) - self._at

    def next(self) -> Event | None:
        """The next event, or None if more bytes are needed for it. Raises Refused; nothing can be read after that."""
        if self._body is None:
            return self._head() if self.buffer else None
        event, at = self._body.take(self.buffer, self._at)
        self._read_to(at)
        if event is END or (event is None and self.ended and self._body.cut()):
            self._body = None
            return END
        return event

    def _read_to(self, at: int) -> None:
        if at == len(self.buffer):
            self.buffer, self._at = b"", 0
        else:
            self._at = at

    def _head(self) -> Event | None:
        """The next whole head, and set up the reader of its body."""
        buffer, at = self.buffer, self._at
        if buffer[at] == _CR and self.skips_empty_lines:
            return self._empty_line()
        end = buffer.find(b"\r\n\r\n", at)
        if end < 0:
            self._partial(buffer[at:])
            return None
        head = buffer[at:end + 4]
        if len(head) > self.limits.head_bytes:
            self._partial(head)
        check_octets(head, self.limits)
        self._read_to(end + 4)
        event = self._parse(head)
        if event.body != NO_BODY:
            self._body = body_reader(event.body, self.limits)
        return event

    def _empty_line(self) -> Event | None:
        """One before a request is skipped (RFC 9112 2.2); what only begins like one is malformed."""
        begun = self.buffer[self._at:self._at + 2]
        if begun == b"\r":
            return None
        if begun != b"\r\n":
            raise Refused(400, "bare CR or LF", "RFC 9112 2.2")
        self._read_to(self._at + 2)
        return self.next()

    def _partial(self, begun: bytes) -> None:
        """Refuse a head that can't become whole any more: sooner than its end, for its end may never come."""
        most = self.limits.head_bytes
        if _BARE.search(begun[:most]):
            raise Refused(400, "bare CR or LF", "RFC 9112 2.2")
        if len(begun) >= most:
            long_line = b"\r\n" not in begun[:most]
            raise Refused(*((414, "request-line too long", "RFC 9112 3") if long_line
                            else (431, "header section too large", "RFC 6585 5")))

    def _parse(self, head: bytes) -> RequestHead | ResponseHead:
        raise NotImplementedError


class RequestReader(Reader):
    """A client's side of its connection."""

    skips_empty_lines = True

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._section = Section(REQUEST_FIELDS)
        self._parser = HttpRequestParser(self._section)

    def _parse(self, head: bytes) -> RequestHead:
        section, parser = self._section, self._parser
        section.reset()
        try:
            parser.feed_data(head)
        except HttpParserUpgrade:  # Upgrade and CONNECT: llhttp stops, we go on without switching (RFC 9110 7.8)
            self._parser = HttpRequestParser(section)
        except HttpParserInvalidMethodError:  # llhttp knows a fixed list of methods
            raise diagnose(head, REQUEST_DIAGNOSES + UNKNOWN_METHOD, "malformed request-line") from None
        except HttpParserError as error:
            raise section.refused or diagnose(head, REQUEST_DIAGNOSES, str(error)) from None
        return self._decide(head, parser.get_method(), section)

    def _decide(self, head: bytes, method: bytes, section: Section) -> RequestHead:
        """The head, from what llhttp found and what the section's rules noted."""
        target, host, body, minor = section.target, section.host, section.length, 1
        if len(target) > self.limits.target_bytes:
            raise Refused(414, "request-target too long", "RFC 9112 3")
        if not head.startswith(b"%b %b HTTP/1.1\r\n" % (method, target)):  # every octet of the line is accounted for
            minor = _older(head, method, target)
        if section.noted:
            section.verdict()
            body = section.body
        if target[0] != _SLASH or b"#" in target or method == b"TRACE":
            target, host = resolve(method, target, host)
        if minor == 0:
            _check_old(section)
        elif section.host is None:
            raise Refused(400, "no Host", "RFC 9112 3.2")
        if body != NO_BODY:
            self._parser = HttpRequestParser(section)  # the old one waits for a body that it is not going to see
        return RequestHead(method, target, host or b"", minor, section.kept, body, section.persists(minor))


_SLASH = 47


def _older(head: bytes, method: bytes, target: bytes) -> int:
    """The minor version of a request-line that is not HTTP/1.1's: 0, or it is refused (RFC 9112 3)."""
    if head.startswith(b"%b %b HTTP/1.0\r\n" % (method, target)):
        return 0
    raise diagnose(head, REQUEST_DIAGNOSES, "malformed request-line")


def _check_old(section: Section) -> None:
    """HTTP/1.0 has no transfer codings (RFC 9112 6.1) and no Expect (RFC 9110 10.1.1)."""
    if section.coded:
        raise Refused(400, "Transfer-Encoding in HTTP/1.0", "RFC 9112 6.1")
    section.kept = [field for field in section.kept if field[0] != b"Expect"]


class ResponseReader(Reader):
    """A backend's side of its connection; `expect` says what it answers. Its refusals are 502s to the client."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._section = Section(RESPONSE_FIELDS)
        self.expect(b"GET")

    def expect(self, method: bytes) -> None:
        """A request was sent: its answer, on this or on a new connection, comes next.

        llhttp can't be told that an answer to HEAD has no body, or that this is another connection: each answer
        gets a parser of its own.
        """
        self._method = method
        self.buffer, self._at, self._body, self.ended = b"", 0, None, False
        self._parser = HttpResponseParser(self._section)

    def _parse(self, head: bytes) -> ResponseHead:
        section, parser = self._section, self._parser
        section.reset()
        try:
            parser.feed_data(head)
        except HttpParserUpgrade:  # 101, or Upgrade in passing: judged by the status
            self._parser = HttpResponseParser(section)
        except HttpParserError as error:
            raise section.refused or diagnose(head, RESPONSE_DIAGNOSES, str(error)) from None
        return self._decide(head, parser.get_status_code(), section)

    def _decide(self, head: bytes, status: int, section: Section) -> ResponseHead:
        minor = _STATUS_LINES.get(head[:9])
        if minor is None or not head[9:12].isdigit() or not 100 <= status <= 599:
            raise Refused(502, "malformed status-line", "RFC 9112 4")
        if status == 101:
            raise Refused(502, "101 without an Upgrade asked for", "RFC 9110 15.2.2")
        if section.noted:
            section.verdict()
        if section.coded and minor == 0:
            raise Refused(502, "Transfer-Encoding in HTTP/1.0", "RFC 9112 6.1")
        body = self._body_of(status, section)
        keep = section.persists(minor) and body != UNTIL_CLOSE
        return ResponseHead(status, minor, section.kept, body, section.length, keep)

    def _body_of(self, status: int, section: Section) -> int:
        """RFC 9112 6.3, its rules in their order."""
        if self._method == b"HEAD" or status < 200 or status in (204, 304):
            return NO_BODY
        if section.coded:
            return CHUNKED
        return UNTIL_CLOSE if section.length == NO_BODY else section.length


_STATUS_LINES = {b"HTTP/1.1 ": 1, b"HTTP/1.0 ": 0}
