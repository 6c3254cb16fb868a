"""Messages to bytes, written anew: nothing that came in goes out as it was.

    POST /cart HTTP/1.1            the target in origin-form, always 1.1 (RFC 9110 6.2)
    Host: shop.example             what the client said, kept
    Accept: text/html              fields in their order
    Content-Length: 12             the framing that was decided
    X-Forwarded-For: 10.0.1.1      the client's address, ours to say
    Via: 1.1 layer-lab             RFC 9110 7.6.3
"""

from __future__ import annotations

from http import HTTPStatus

from l7proxy.messages import CHUNKED, NO_BODY, UNTIL_CLOSE, RequestHead, ResponseHead

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}
_STATUS_LINES = {code: b"HTTP/1.1 %d %b\r\n" % (code, _REASONS.get(code, b"")) for code in range(100, 600)}
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def request_head(head: RequestHead, client: bytes) -> bytes:
    """The request as the origin reads it; `client` is the client's address."""
    parts = [b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (head.method, head.target, head.host)]
    parts += [b"%b: %b\r\n" % field for field in head.fields]
    if head.body != NO_BODY:
        parts.append(_CHUNKED if head.body == CHUNKED else b"Content-Length: %d\r\n" % head.body)
    parts.append(b"X-Forwarded-For: %b\r\nVia: 1.%d layer-lab\r\n\r\n" % (client, head.minor))
    return b"".join(parts)


def response_head(head: ResponseHead, minor: int, persistent: bool) -> bytes:
    """The answer as the client reads it, which speaks HTTP/1.`minor`; `persistent`: its connection stays."""
    parts = [_STATUS_LINES[head.status]]
    parts += [b"%b: %b\r\n" % field for field in head.fields]
    parts.append(_framing(head, minor))
    parts.append(_ENDS[head.minor, minor, persistent or head.interim])
    return b"".join(parts)


# Via says which HTTP the origin spoke; Connection says what HTTP/1.`minor` would not assume (RFC 9112 9.3).
_ENDS = {
    (spoken, minor, persistent): b"Via: 1.%d layer-lab\r\n%b\r\n" % (spoken, connection)
    for spoken in (0, 1)
    for minor, persistent, connection in (
        (1, True, b""), (1, False, b"Connection: close\r\n"),
        (0, True, b"Connection: keep-alive\r\n"), (0, False, b"Connection: close\r\n"),
    )
}


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


def chunk(data: bytes) -> bytes:
    """One chunk (RFC 9112 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def fixed_answer(status: int, content_type: str, body: bytes, persistent: bool, *, location: bytes | None = None,
                 bodiless: bool = False) -> bytes:
    """An answer that the routing table holds, or a redirect; `bodiless` for HEAD."""
    parts = [_STATUS_LINES[status]]
    if location is not None:
        parts.append(b"Location: %b\r\n" % location)
    if body:
        parts.append(b"Content-Type: %b\r\n" % content_type.encode())
    if status not in (204, 304):  # RFC 9110 8.6
        parts.append(b"Content-Length: %d\r\n" % len(body))
    parts += [b"\r\n" if persistent else b"Connection: close\r\n\r\n", b"" if bodiless else body]
    return b"".join(parts)


def own_answer(status: int, why: str, persistent: bool, *, bodiless: bool = False) -> bytes:
    """An answer of the proxy's own, which says what is wrong in one line; `bodiless` for HEAD."""
    body = f"{status} {_REASONS[status].decode()}: {why}\n".encode()
    head = b"%bContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n%b\r\n" % (
        _STATUS_LINES[status], len(body), b"" if persistent else b"Connection: close\r\n")
    return head if bodiless else head + body
