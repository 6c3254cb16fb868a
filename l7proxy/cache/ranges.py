"""Parts of what is stored whole (RFC 9110 14).

    Range: bytes=0-4        206, Content-Range: bytes 0-4/11
    Range: bytes=-2         the last two
    Range: bytes=0-1,5-     206, multipart/byteranges, a part for each
    Range: bytes=11-        416, Content-Range: bytes */11
    anything else           all of it: a Range that is not understood is ignored (14.2)

Ranges that overlap, or are many, cost more than they save (14.2): all of it.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from l7proxy.messages import Field, field

MOST_RANGES = 8
_SPEC = rb"(?:[0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})"
_RANGE = re.compile(rb"bytes=[ \t]*(%b(?:[ \t]*,[ \t]*%b)*)[ \t]*" % (_SPEC, _SPEC), re.IGNORECASE)


class Part(NamedTuple):
    """What is answered in place of the whole: `fields` take the place of the whole's fields of the same names."""

    status: int
    fields: list[Field]
    body: bytes


def part(value: bytes, body: bytes, content_type: bytes | None) -> Part | None:
    """The part of `body` that a Range field asks for; None for all of it."""
    wanted = _wanted(value, len(body))
    if wanted is None:
        return None
    if not wanted:
        return Part(416, [field(b"Content-Range", b"bytes */%d" % len(body))], b"")
    if len(wanted) == 1:
        first, last = wanted[0]
        return Part(206, [field(b"Content-Range", b"bytes %d-%d/%d" % (first, last, len(body)))], body[first:last + 1])
    return _parts(wanted, body, content_type)


def _wanted(value: bytes, length: int) -> list[tuple[int, int]] | None:
    """The first and last octets of each satisfiable range, in the client's order."""
    found = _RANGE.fullmatch(value)
    if found is None:
        return None
    wanted = []
    for spec in found[1].split(b","):
        begin, _, end = spec.strip(b" \t").partition(b"-")
        first = int(begin) if begin else max(0, length - int(end))
        last = min(int(end), length - 1) if begin and end else length - 1
        if begin and end and int(end) < int(begin):
            return None  # invalid, and so all of it (14.1.1)
        if first <= last:
            wanted.append((first, last))
    ordered = sorted(wanted)
    apart = all(one[1] < other[0] for one, other in pairwise(ordered))
    return wanted if apart and len(wanted) <= MOST_RANGES else None


def _parts(wanted: list[tuple[int, int]], body: bytes, content_type: bytes | None) -> Part:
    """multipart/byteranges (RFC 9110 14.6)."""
    boundary = b"layer-lab"
    while boundary in body:
        boundary += b"-%d" % len(boundary)
    kind = b"Content-Type: %b\r\n" % content_type if content_type else b""
    pieces = [b"--%b\r\n%bContent-Range: bytes %d-%d/%d\r\n\r\n%b\r\n"
              % (boundary, kind, first, last, len(body), body[first:last + 1]) for first, last in wanted]
    return Part(206, [field(b"Content-Type", b"multipart/byteranges; boundary=" + boundary)],
                b"".join(pieces) + b"--%b--\r\n" % boundary)
