"""Messages to bytes, written anew: nothing that came in goes out as it was.

    POST /cart HTTP/1.1            the target in origin-form, always 1.1 (RFC 9110 6.2)
    Host: shop.example             what the client said, kept
    Accept: text/html              fields in their order
    Content-Length: 12             the framing that was decided
    Forwarded: for=10.0.1.1;...    the client's address and what it asked for, ours to say (forwarded.py)
    Via: 1.1 layer-lab             RFC 9110 7.6.3; a forward proxy's is its mask's (forward/anonymity.py)
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from operator import itemgetter

from l7proxy.messages import CHUNKED, NO_BODY, UNTIL_CLOSE, Field, RequestHead, ResponseHead

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_STATUS_LINES = {code: b"HTTP/1.1 %d %b\r\n" % (code, _REASONS.get(code, b"")) for code in range(100, 600)}
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_CLOSE = b"Connection: close\r\n"
VIA = (b"Via: 1.0 layer-lab\r\n", b"Via: 1.1 layer-lab\r\n")  # by the minor version that was spoken
_line = itemgetter(2)  # of a Field


def request_head(head: RequestHead, before: bytes) -> bytes:
    """The request as the origin reads it; `before`: field lines that say who asked, and Via."""
    framing = b""
    if head.body != NO_BODY:
        framing = _CHUNKED if head.body == CHUNKED else b"Content-Length: %d\r\n" % head.body
    if head.upgrade or head.trailers:
        framing += _of_this_connection(head)
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b%b\r\n" % (
        head.method, head.target, head.host, b"".join(map(_line, head.fields)), framing, before)


def _of_this_connection(head: RequestHead) -> bytes:
    """What is asked of the next one on the way only, and so named in Connection (RFC 9110 7.6.1)."""
    if head.upgrade:
        return b"Connection: Upgrade\r\nUpgrade: %b\r\n" % head.upgrade
    return b"Connection: TE\r\nTE: trailers\r\n"


def response_head(head: ResponseHead, minor: int, persistent: bool, more: bytes = b"", named: bool = True) -> bytes:
    """The answer as the client reads it, which speaks HTTP/1.`minor`.

    persistent: its connection stays. more: field lines of ours. named: Via says layer-lab; else `fields` have it, or
    nothing has.
    """
    end = (_ENDS if named else _UNNAMED_ENDS)[head.minor, minor, persistent or head.interim]
    if head.upgrade:
        end = b"%bConnection: Upgrade\r\nUpgrade: %b\r\n\r\n" % (VIA[1] if named else b"", head.upgrade)
    fields = b"".join(map(_line, head.fields))
    return b"%b%b%b%b%b" % (_STATUS_LINES[head.status], fields, _framing(head, minor), more, end)


# Via says which HTTP the origin spoke; Connection says what HTTP/1.`minor` would not assume (RFC 9112 9.3).
_ENDS = {
    (spoken, minor, persistent): b"%b%b\r\n" % (VIA[spoken], connection)
    for spoken in (0, 1)
    for minor, persistent, connection in (
        (1, True, b""), (1, False, _CLOSE), (0, True, b"Connection: keep-alive\r\n"), (0, False, _CLOSE),
    )
}
_UNNAMED_ENDS = {key: end[len(VIA[key[0]]):] for key, end in _ENDS.items()}


def _framing(head: ResponseHead, minor: int) -> bytes:
    """HTTP/1.0 knows no chunks: there the connection's end is the body's (RFC 9112 6.1, 6.3)."""
    if head.body >= 0:
        return b"Content-Length: %d\r\n" % head.body
    if rechunked(head, minor):
        return _CHUNKED
    if head.declared != NO_BODY and not head.interim and head.status != 204:  # RFC 9110 8.6
        return b"Content-Length: %d\r\n" % head.declared
    return b""


def rechunked(head: ResponseHead, minor: int) -> bool:
    """Whether the answer's body goes to an HTTP/1.`minor` client in chunks."""
    return minor >= 1 and head.body in (CHUNKED, UNTIL_CLOSE)


def chunks(data: bytes, trailers: Sequence[Field] | None) -> bytes:
    """`data` as a chunk (RFC 9112 7.1); with `trailers`, even none, it is the last, and they follow (7.1.2)."""
    begun = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
    return begun if trailers is None else b"%b0\r\n%b\r\n" % (begun, b"".join(map(_line, trailers)))


def own_answer(status: int, body: bytes, persistent: bool, *, bodiless: bool = False, more: bytes = b"",
               kind: bytes = b"text/plain; charset=utf-8") -> bytes:
    """An answer of the proxy's own; `bodiless` for HEAD. more: field lines, Date among them. kind: a media type."""
    head = b"%b%bContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (
        _STATUS_LINES[status], more, kind, len(body), b"" if persistent else _CLOSE)
    return head if bodiless else head + body


def complaint(status: int, why: str) -> bytes:
    """What is wrong, in one line."""
    return f"{status} {_REASONS[status].decode()}: {why}\n".encode()
