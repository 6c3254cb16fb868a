"""Where a body ends: by its length, by its last chunk, or with its connection (RFC 9112 6.3, 7.1).

      4;name=value CRLF   size in hex, extensions ignored
      Wiki CRLF           that many octets
      0 CRLF              the last chunk
      Field: value CRLF   trailers (RFC 9112 7.1.2)
      CRLF

Rules kept here:

1. `take(buffer, at)` returns (event, where to go on): a piece of the body, END, or None for "more bytes first".
2. Whatever the pieces in which bytes arrive, the same octets come out, and the same refusal at the same octet.
3. Nothing is kept but counters and trailers: a body is never in memory.
"""

from __future__ import annotations

import re
from typing import Protocol

from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.messages import END, TUNNEL, UNTIL_CLOSE, End, Field
from l7proxy.refusal import TOKEN, Refused

Step = tuple[bytes | End | None, int]


class Body(Protocol):
    """A body that is being read."""

    def take(self, buffer: bytes, at: int) -> Step:
        """The next event in `buffer` from `at`, and where the one after it starts. Raises Refused."""

    def cut(self) -> bool:
        """Whether the connection's end, now, is also the body's end."""


class LengthBody:
    """Content-Length octets (RFC 9112 6.2)."""

    __slots__ = ("left",)

    def __init__(self, length: int) -> None:
        self.left = length

    def take(self, buffer: bytes, at: int) -> Step:
        if not self.left:
            return END, at
        piece = buffer[at:at + self.left]
        self.left -= len(piece)
        return piece or None, at + len(piece)

    def cut(self) -> bool:
        return False


class UntilClose:
    """Everything until the connection ends: of messages, only an answer may be so (RFC 9112 6.3, rule 8)."""

    __slots__ = ()

    def take(self, buffer: bytes, at: int) -> Step:
        return buffer[at:] or None, len(buffer)

    def cut(self) -> bool:
        return True


_QUOTED = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_EXTENSION = rb"[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + TOKEN + rb"|" + _QUOTED + rb"))?"
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:" + _EXTENSION + rb")*\r\n")


class ChunkedBody:
    """Chunks (RFC 9112 7.1): `left` octets of this one, then its CRLF, then the next size line."""

    __slots__ = ("fields", "left", "limits", "lines", "room", "state", "trailers")

    def __init__(self, limits: Limits, lines: Lines) -> None:
        self.limits, self.lines = limits, lines
        self.left, self.room, self.fields = 0, limits.head_bytes, limits.header_count
        self.trailers: list[Field] = []
        self.state = self._size

    def take(self, buffer: bytes, at: int) -> Step:
        event: bytes | End | None = None
        while event is None:
            event, after = self.state(buffer, at)
            if event is None and after == at:
                break
            at = after
        return event, at

    def cut(self) -> bool:
        return False

    def _size(self, buffer: bytes, at: int) -> Step:
        """chunk-size, strictly hex, and no more digits than a length may have (RFC 9112 7.1)."""
        line = _line(buffer, at, self.limits.chunk_line_bytes, _LONG_LINE)
        if line is None:
            return None, at
        found = _SIZE_LINE.fullmatch(line)
        if found is None:
            raise Refused(400, "malformed chunk-size line", "RFC 9112 7.1")
        self.left = int(found[1], 16)
        self.state = self._data if self.left else self._trailer
        return None, at + len(line)

    def _data(self, buffer: bytes, at: int) -> Step:
        piece = buffer[at:at + self.left]
        self.left -= len(piece)
        if not self.left:
            self.state = self._data_end
        return piece or None, at + len(piece)

    def _data_end(self, buffer: bytes, at: int) -> Step:
        """The CRLF after a chunk's data; a length that lies is seen here."""
        end = buffer[at:at + 2]
        if not b"\r\n".startswith(end):
            raise Refused(400, "chunk data longer than its size", "RFC 9112 7.1")
        if len(end) < 2:
            return None, at
        self.state = self._size
        return None, at + 2

    def _trailer(self, buffer: bytes, at: int) -> Step:
        """The trailer section: read like fields, bounded like a head; what must not stand there is dropped."""
        line = _line(buffer, at, self.room, _LARGE_TRAILER)
        if line is None:
            return None, at
        if line == b"\r\n":
            return END, at + 2
        if not line.endswith(b"\r\n"):
            raise Refused(400, "bare LF", "RFC 9112 2.2")
        field = self.lines.trailer(line[:-2])
        if field is not None:
            self.trailers.append(field)
        self.room -= len(line)
        self.fields -= 1
        if self.fields < 0:
            raise Refused(*_LARGE_TRAILER)
        return None, at + len(line)


_LONG_LINE = 400, "a chunk-size line that is too long", "RFC 9112 7.1.1"
_LARGE_TRAILER = 431, "trailer section too large", "RFC 6585 5"


def _line(buffer: bytes, at: int, most: int, otherwise: tuple[int, str, str]) -> bytes | None:
    """The line of at most `most` octets that starts at `at`, its LF included; None while it is not whole."""
    end = buffer.find(b"\n", at, at + most)
    if end < 0:
        if len(buffer) - at >= most:
            raise Refused(*otherwise)
        return None
    return buffer[at:end + 1]


def body_reader(body: int, limits: Limits, lines: Lines) -> Body:
    """The reader for a head's `body` (messages.py), which is not NO_BODY; `lines` reads trailers."""
    if body >= 0:
        return LengthBody(body)
    return UntilClose() if body in (UNTIL_CLOSE, TUNNEL) else ChunkedBody(limits, lines)
