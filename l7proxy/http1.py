"""Bytes in, events out: one reader per direction of an HTTP/1.1 connection.

     feed(b"GET / HT") next() -> None        more bytes first
     feed(b"TP/1.1..") next() -> <Request GET / @example 2 fields, 5 bytes, keep>
                       next() -> b"hello"    then END

Rules kept here:

1. Pull, not push: nothing is parsed before `next` asks, so a reader can be left alone while its bytes can't
   be sent on, and pipelined requests wait in the buffer.
2. Only whole heads are read, line by line, each by one strict expression; where a body ends is body.py's.
3. However the bytes are split into `feed` calls, the events are the same (pieces of a body joined).
"""

from __future__ import annotations

import re

from l7proxy.body import Body, ChunkedBody, LengthBody, body_reader
from l7proxy.framing import USUAL_OPTIONS, Section
from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.messages import END, NO_BODY, TUNNEL, UNTIL_CLOSE, End, Field, RequestHead, ResponseHead
from l7proxy.refusal import METHODS, REQUEST_DIAGNOSES, RESPONSE_DIAGNOSES, TOKEN, Refused, diagnose
from l7proxy.target import TUNNEL_OR_ECHO, Resolver, resolve

Event = RequestHead | ResponseHead | bytes | End
_CR, _SLASH = 13, 47
_EMPTY_LINES = re.compile(rb"(?:\r\n)*")
_BARE = re.compile(rb"\r(?!\n|\Z)|(?<!\r)\n")
_REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-~]+) HTTP/1\.([01])")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: [\t \x21-\x7e\x80-\xff]*)?")
_ODD = re.compile(rb"[#\\%]|/\.")
_PLAIN = METHODS - TUNNEL_OR_ECHO


class Reader:
    """What both directions share: a buffer, and whether a head or a body comes next.

    buffer:   bytes that have come; those before `_at` are read. Empty as soon as all of them are.
    _looked:  how many octets of a head that is not whole were looked at, so that none is for each drop that comes.
    trailers: the trailer fields of the last body.
    """

    skips_empty_lines = False

    def __init__(self, limits: Limits, lines: Lines) -> None:
        self.limits, self.lines = limits, lines
        self.ended = False
        self.buffer = b""
        self.trailers: list[Field] = []
        self._section = Section()
        self._at = self._looked = 0
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
        body = self._body
        if body is None:
            return self._head() if self.buffer else None
        event, at = body.take(self.buffer, self._at)
        self._read_to(at)
        if event is END or (event is None and self.ended and body.cut()):
            self._body = None
            if isinstance(body, ChunkedBody):
                self.trailers = self._section.unnamed(body.trailers)
            return END
        return event

    def body(self) -> tuple[bytes, bool]:
        """All that has come of the body under way, in one piece, and whether it ends there. Raises Refused."""
        body, buffer, at = self._body, self.buffer, self._at
        if type(body) is LengthBody:  # most bodies, and most of them come whole
            left = body.left
            piece = buffer[at:at + left]
            body.left = left = left - len(piece)
            self._read_to(at + len(piece))
            if not left:
                self._body = None
            return piece, not left
        pieces: list[bytes] = []
        while (event := self.next()) is not None:
            if event is END:
                return b"".join(pieces), True
            assert isinstance(event, bytes)
            pieces.append(event)
        return b"".join(pieces), False

    def _read_to(self, at: int) -> None:
        if at == len(self.buffer):
            self.buffer, self._at = b"", 0
        else:
            self._at = at

    def _head(self) -> Event | None:
        """The next whole head, and set up the reader of its body."""
        if self.buffer[self._at] == _CR and self.skips_empty_lines and not self._skip_empty_lines():
            return None
        buffer, at = self.buffer, self._at
        end = buffer.find(b"\r\n\r\n", at + self._looked)
        if end < 0:
            self._partial(buffer[at:])
            return None
        if end + 4 - at > self.limits.head_bytes:
            self._partial(buffer[at:end + 4])
        lines = buffer[at:end].split(b"\r\n")
        self._read_to(end + 4)
        self._looked = 0
        try:
            event = self._parse(lines)
        except Refused:
            self._refuse_bare(buffer, at, end + 2)  # it would have been seen first, had the head come in drops
            raise
        if event.body != NO_BODY:
            self.trailers = []
            self._body = body_reader(event.body, self.limits, self.lines)
        return event

    def _skip_empty_lines(self) -> bool:
        """Those before a request are skipped (RFC 9112 2.2). Return whether something else has come."""
        found = _EMPTY_LINES.match(self.buffer, self._at)
        at = found.end() if found else self._at
        more = self.buffer[at:at + 2]
        self._read_to(at)
        if len(more) == 2 and more[0] == _CR:
            raise Refused(400, "bare CR or LF", "RFC 9112 2.2")
        return more not in (b"", b"\r")

    def _partial(self, begun: bytes) -> None:
        """Refuse a head that can't become whole any more: sooner than its end, for its end may never come."""
        most = self.limits.head_bytes
        self._refuse_bare(begun, self._looked, most)
        self._looked = max(0, len(begun) - 3)
        if len(begun) >= most:
            long_line = b"\r\n" not in begun[:most]
            raise Refused(*((414, "request-line too long", "RFC 9112 3") if long_line
                            else (431, "header section too large", "RFC 6585 5")))

    def _refuse_bare(self, head: bytes, start: int, end: int) -> None:
        """A CR or LF alone is a line's end to some, and none to others (RFC 9112 2.2)."""
        if _BARE.search(head, start, end):
            raise Refused(400, "bare CR or LF", "RFC 9112 2.2") from None

    def _parse(self, lines: list[bytes]) -> RequestHead | ResponseHead:
        raise NotImplementedError

    def _fields(self, lines: list[bytes]) -> Section:
        """The header section, whose first line was another."""
        section = self._section
        if len(lines) > self.limits.header_count:
            raise Refused(431, "too many field lines", "RFC 6585 5")
        self.lines.read(lines, section)
        if section.options is not None and not section.options <= USUAL_OPTIONS:
            section.drop_named()
        return section


class RequestReader(Reader):
    """A client's side of its connection. resolver: what becomes of targets other than plain paths (target.py)."""

    skips_empty_lines = True

    def __init__(self, limits: Limits, lines: Lines, resolver: Resolver = resolve) -> None:
        super().__init__(limits, lines)
        self._resolve = resolver

    def _parse(self, lines: list[bytes]) -> RequestHead:
        line = lines.pop(0)
        found = _REQUEST_LINE.fullmatch(line)
        if found is None:
            raise diagnose(line, REQUEST_DIAGNOSES, Refused(400, "malformed request-line", "RFC 9112 3"))
        method, target, version = found.groups()
        if method not in METHODS:
            raise Refused(501, "a method that is not known", "RFC 9110 9.1")
        if len(target) > self.limits.target_bytes:
            raise Refused(414, "request-target too long", "RFC 9112 3")
        section = self._fields(lines)
        host = section.host
        if target[0] != _SLASH or method not in _PLAIN or _ODD.search(target):
            target, host = self._resolve(method, target, host)
        if version == b"0":
            return self._old(method, target, host, section)
        if section.host is None:
            raise Refused(400, "no Host", "RFC 9112 3.2")
        body = section.body
        upgrade = section.switches() if section.upgrade and body == NO_BODY else b""
        return RequestHead(method, target, host or b"", 1, section.kept, body, section.persists(1), upgrade,
                           section.trailers)

    def _old(self, method: bytes, target: bytes, host: bytes | None, section: Section) -> RequestHead:
        """HTTP/1.0 has no transfer codings (RFC 9112 6.1), no Expect (RFC 9110 10.1.1) and no Upgrade (7.8)."""
        if section.coded:
            raise Refused(400, "Transfer-Encoding in HTTP/1.0", "RFC 9112 6.1")
        kept = [field for field in section.kept if field.name != b"expect"]
        return RequestHead(method, target, host or b"", 0, kept, section.length, section.persists(0))

    @property
    def forwarded(self) -> list[Field]:
        """What the last request said to us alone: of those before its client, which is to be believed only of a
        trusted peer, and whether it wants an explanation (explain.py).
        """
        return self._section.forwarded

    def tunnel(self) -> None:
        """Another protocol is spoken from here on: whatever comes is its own (RFC 9110 7.8)."""
        self._body = body_reader(TUNNEL, self.limits, self.lines)


class ResponseReader(Reader):
    """A backend's side of its connection; `expect` says what it answers. Its refusals are 502s to the client."""

    def __init__(self, limits: Limits, lines: Lines) -> None:
        super().__init__(limits, lines)
        self.expect(b"GET")

    def tunnel(self) -> None:
        """No answer is expected: whatever comes is for the client (RFC 9110 9.3.6)."""
        self.expect(b"CONNECT")
        self._body = body_reader(TUNNEL, self.limits, self.lines)

    def expect(self, method: bytes, upgrade: bytes = b"") -> None:
        """A request was sent: its answer, on this or on a new connection, comes next.

        upgrade: the protocols that it asked for, one of which a 101 may switch to.
        """
        self._method, self._upgrade, self._interims = method, upgrade, 0
        self.buffer, self._at, self._looked, self._body, self.ended = b"", 0, 0, None, False

    def _parse(self, lines: list[bytes]) -> ResponseHead:
        line = lines.pop(0)
        minor, status = _known_status.get(line) or _status(line)
        section = self._fields(lines)
        if section.coded and minor == 0:
            raise Refused(502, "Transfer-Encoding in HTTP/1.0", "RFC 9112 6.1")
        body, keep = section.body, section.persists(minor)
        if status < 200:
            self._check_interim(body)
            if status == 101:
                return self._switch(section, minor)
        if status == 204 and body not in (NO_BODY, 0):
            keep = False  # it has no content (RFC 9112 6.1, RFC 9110 8.6): whoever says otherwise may send some
        if self._method == b"HEAD" or status < 200 or status in (204, 304):  # RFC 9112 6.3, its rules in their order
            body = NO_BODY
        elif body == NO_BODY:
            body, keep = UNTIL_CLOSE, False
        return ResponseHead(status, minor, section.kept, body, section.length, keep, b"", section.located,
                            section.dated)

    def _check_interim(self, body: int) -> None:
        """An interim answer ends with its head (RFC 9112 6.1, RFC 9110 8.6), and a final one follows (15.2)."""
        self._interims += 1
        if self._interims > self.limits.interim_answers:
            raise Refused(502, "too many interim answers", "RFC 9110 15.2")
        if body not in (NO_BODY, 0):
            raise Refused(502, "an interim answer that says it has a body", "RFC 9112 6.1")

    def _switch(self, section: Section, minor: int) -> ResponseHead:
        """101: to one of the protocols that were asked for, or it is no answer (RFC 9110 7.8, 15.2.2)."""
        protocol = section.switches() if minor else b""
        if not protocol or protocol.lower() not in self._upgrade.lower().split(b", "):
            raise Refused(502, "101 without an Upgrade asked for", "RFC 9110 15.2.2")
        return ResponseHead(101, 1, section.kept, TUNNEL, NO_BODY, False, protocol)


_known_status: dict[bytes, tuple[int, int]] = {}


def _status(line: bytes) -> tuple[int, int]:
    """Minor version and status of a status-line (RFC 9112 4), and remember the line if it is a usual one."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise diagnose(line, RESPONSE_DIAGNOSES, Refused(502, "malformed status-line", "RFC 9112 4"))
    said = int(found[1]), int(found[2])
    if len(line) < 64 and len(_known_status) < 256:
        _known_status[line] = said
    return said
