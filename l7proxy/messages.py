"""What is said on a connection, as values: request head, response head, body data, end.

    bytes ──http1.Reader──►  RequestHead · bytes · bytes · END  ──write.request_head──►  bytes

Rules kept here:

1. A head holds what was decided about a message, never its raw bytes: fields that concern one connection
   only (RFC 9110 7.6.1) and the framing fields are not in `fields`, the decision is in `body`.
2. A head whose body is NO_BODY is the whole message; after any other come pieces of `bytes`, then END.
3. Heads are tuples: as immutable as a frozen dataclass and made in a quarter of its time, twice per request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

# How a body is delimited (RFC 9112 6.3): by a Content-Length of n >= 0 octets, or one of these.
NO_BODY: Final = -1
CHUNKED: Final = -2
UNTIL_CLOSE: Final = -3
TUNNEL: Final = -4  # after 101 (RFC 9110 7.8): whatever comes until the connection ends, both ways
_BODY_NAMES = {NO_BODY: "no body", CHUNKED: "chunked", UNTIL_CLOSE: "until close", TUNNEL: "tunnel"}


class Field(NamedTuple):
    """A field of a header or trailer section.

    name: in small letters, for comparing. value: without the whitespace around it.
    line: as it is written anew, its CRLF included, the name in the letters it came in.
    """

    name: bytes
    value: bytes
    line: bytes

    def __repr__(self) -> str:
        return repr(self.line.decode("latin-1").rstrip())


def field(name: bytes, value: bytes) -> Field:
    """A field of our own."""
    return Field(name.lower(), value, b"%b: %b\r\n" % (name, value))


def values(fields: Sequence[Field], name: bytes) -> Iterator[bytes]:
    """The values of the lines with the field name `name`, which is given in small letters."""
    return (value for key, value, _ in fields if key == name)


class End(Enum):
    """The end of a message's body."""

    END = "END"

    def __repr__(self) -> str:
        return self.value


END: Final = End.END


class RequestHead(NamedTuple):
    """A request without its body.

    target:     in origin-form or asterisk-form (RFC 9112 3.2), as it goes to the origin.
    host:       what Host says, or the authority of an absolute-form target.
    minor:      the client's HTTP/1 minor version.
    persistent: the client's connection may serve another request (RFC 9112 9.3).
    upgrade:    the protocols that the client would rather speak (RFC 9110 7.8).
    trailers:   the client takes trailer fields (TE: trailers, RFC 9110 10.1.4).
    """

    method: bytes
    target: bytes
    host: bytes
    minor: int
    fields: list[Field]
    body: int
    persistent: bool
    upgrade: bytes = b""
    trailers: bool = False

    def __repr__(self) -> str:
        return f"<Request {self.method.decode()} {self.target.decode()} @{self.host.decode()} {_tail(self)}>"


class ResponseHead(NamedTuple):
    """A response without its body.

    declared:   the Content-Length of an answer that has no body itself (to HEAD, or 304), else NO_BODY.
    persistent: the origin's connection may serve another request.
    upgrade:    the protocol that is spoken from here on, in a 101.
    located:    a field of it names a place by an absolute URI (RFC 9110 10.2.2).
    dated:      it says when it was made (RFC 9110 6.6.1).
    """

    status: int
    minor: int
    fields: list[Field]
    body: int
    declared: int
    persistent: bool
    upgrade: bytes = b""
    located: bool = False
    dated: bool = True

    @property
    def interim(self) -> bool:
        """Whether the final answer is still to come (RFC 9110 15.2)."""
        return self.status < 200 and self.status != 101

    def __repr__(self) -> str:
        return f"<Response {self.status} {_tail(self)}>"


def _tail(head: RequestHead | ResponseHead) -> str:
    body = _BODY_NAMES.get(head.body, f"{head.body} bytes")
    return f"{len(head.fields)} fields, {body}, {'keep' if head.persistent else 'close'}"
