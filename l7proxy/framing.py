"""The checks that decide where a message ends and what of it goes on. Request smuggling dies here.

Two readers of one byte stream must never disagree on where a message ends (RFC 9112 11.2). llhttp is
strict about most of it, but what it lets through, and what a later release of it might, is checked here.

     on_header(name, value) ──► REQUEST_FIELDS / RESPONSE_FIELDS ──► rule: check it, note it, drop it
                                        └── no row: kept, and forwarded as it is

Rules kept here:

1. What a field does is a row of a table; a row is a function that says its section.
2. A rule never raises (llhttp is on the stack): it notes the first refusal, `verdict` raises it.
3. What is written anew by us (Host, Content-Length, Via's own line, X-Forwarded-For) is never taken from `kept`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from l7proxy.limits import Limits
from l7proxy.messages import CHUNKED, NO_BODY, Field
from l7proxy.refusal import Refused

_TEXT = bytes(octet for octet in range(256) if octet >= 0x20 and octet != 0x7F) + b"\t"
_HOST = re.compile(rb"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_OPTIONS = re.compile(rb"[ \t]*,[ \t]*")


class Section:
    """The header section of one message while it is read, reused for the next one."""

    __slots__ = ("coded", "host", "kept", "length", "noted", "options", "refused", "rules", "target")

    # What llhttp need not tell us. Said, because httptools asks each new parser's owner, and a missing attribute costs
    # an exception: a microsecond per answer.
    on_message_begin = on_headers_complete = on_message_complete = None
    on_status = on_body = on_chunk_header = on_chunk_complete = None

    def __init__(self, rules: Mapping[bytes, Callable[[Section, bytes], None]]) -> None:
        self.rules = rules
        self.reset()

    def reset(self) -> None:
        """Forget the last message."""
        self.target = b""
        self.kept: list[Field] = []
        self.host: bytes | None = None
        self.length = NO_BODY
        self.coded = self.noted = False
        self.options: frozenset[bytes] | None = None
        self.refused: Refused | None = None

    def on_url(self, target: bytes) -> None:
        """llhttp: the request-target, or a further piece of it."""
        self.target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """llhttp: a field line. OWS after the value is no part of it (RFC 9112 5.1), and llhttp leaves it on."""
        rule = self.rules.get(name.lower())
        if rule is None:
            self.kept.append((name, value.rstrip()))
        else:
            rule(self, value.rstrip())

    def refuse(self, status: int, why: str, section: str) -> None:
        """Note a refusal, if it is the first."""
        self.refused = self.refused or Refused(status, why, section)
        self.noted = True

    def verdict(self) -> None:
        """Raise what was noted; then apply what only the whole section shows. Needless unless `noted`."""
        if self.coded and self.length != NO_BODY:
            raise Refused(400, "Content-Length beside Transfer-Encoding", "RFC 9112 6.1")
        if self.refused:
            raise self.refused
        if self.options is not None and self.options - _USUAL_OPTIONS:
            self._drop_named(self.options)

    def _drop_named(self, options: frozenset[bytes]) -> None:
        """Fields that Connection names are for this connection only (RFC 9110 7.6.1)."""
        self.kept = [field for field in self.kept if field[0].lower() not in options]

    @property
    def body(self) -> int:
        """How the fields delimit the body: CHUNKED, a length, or NO_BODY when they say nothing."""
        return CHUNKED if self.coded else self.length

    def persists(self, minor: int) -> bool:
        """Whether the connection outlives this message: RFC 9112 9.3, its list in its order."""
        options = self.options
        if options is None:
            return minor >= 1
        return b"close" not in options and (minor >= 1 or b"keep-alive" in options)


_USUAL_OPTIONS = frozenset((b"close", b"keep-alive"))
_FREQUENT = {option: frozenset((option,)) for option in _USUAL_OPTIONS}


def check_octets(head: bytes, limits: Limits) -> None:
    """Refuse octets that two parsers could read differently; `head` ends with its empty line.

    Bare CR or LF (RFC 9112 2.2), obs-fold (5.2), NUL and other controls (RFC 9110 5.5), too many lines.
    """
    lines = head.count(b"\r\n")
    rest = head.translate(None, _TEXT)
    if rest != b"\r\n" * lines:  # with as many CRLFs in it as pairs are left, none of either stands alone
        raise Refused(400, *(("a control character", "RFC 9110 5.5") if rest.strip(b"\r\n")
                             else ("bare CR or LF", "RFC 9112 2.2")))
    if b"\n " in head or b"\n\t" in head:
        raise Refused(400, "a field line that is folded (obs-fold)", "RFC 9112 5.2")
    if lines - 2 > limits.header_count:
        raise Refused(431, "too many field lines", "RFC 6585 5")


def valid_host(value: bytes) -> bool:
    """Whether `value` is uri-host [":" port] with a host in it (RFC 9110 7.2, RFC 3986 3.2.2)."""
    return _HOST.fullmatch(value) is not None


# The rows.

def drop(section: Section, value: bytes) -> None:
    """Hop-by-hop, or written anew by us: it ends here (RFC 9110 7.6.1)."""


def host(section: Section, value: bytes) -> None:
    """Exactly one, and valid (RFC 9112 3.2)."""
    if section.host is not None:
        section.refuse(400, "more than one Host", "RFC 9112 3.2")
    elif not valid_host(value):
        section.refuse(400, "Host is not a host", "RFC 9112 3.2")
    section.host = value


def content_length(section: Section, value: bytes) -> None:
    """Digits only; a second one, even the same, is refused (RFC 9110 8.6, RFC 9112 6.3)."""
    if not _LENGTH.fullmatch(value):
        section.refuse(400, "Content-Length is not a number", "RFC 9110 8.6")
    elif section.length != NO_BODY:
        section.refuse(400, "more than one Content-Length", "RFC 9112 6.3")
    else:
        section.length = int(value)


def transfer_encoding(section: Section, value: bytes) -> None:
    """Exactly `chunked`, once; other codings are not understood (RFC 9112 6.1: 501)."""
    if section.coded:
        section.refuse(400, "more than one Transfer-Encoding", "RFC 9112 6.1")
    elif value.lower() != b"chunked":
        section.refuse(501, "a transfer coding other than chunked", "RFC 9112 6.1")
    section.coded = section.noted = True


def connection(section: Section, value: bytes) -> None:
    """A list of options; each may name a field that is to be removed (RFC 9110 7.6.1)."""
    named = _FREQUENT.get(value) or frozenset(_OPTIONS.split(value.lower()))
    section.noted = True
    section.options = named if section.options is None else section.options | named


def expect(section: Section, value: bytes) -> None:
    """100-continue goes on to the origin, which decides; nothing else is known (RFC 9110 10.1.1)."""
    if value.lower() != b"100-continue":
        section.refuse(417, "an expectation other than 100-continue", "RFC 9110 10.1.1")
    section.kept.append((b"Expect", b"100-continue"))


_HOP_BY_HOP = {
    b"connection": connection,
    b"content-length": content_length,
    b"transfer-encoding": transfer_encoding,
    **dict.fromkeys((b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade", b"http2-settings"), drop),
}
REQUEST_FIELDS: Mapping[bytes, Callable[[Section, bytes], None]] = {
    **_HOP_BY_HOP,
    b"host": host,
    b"expect": expect,
    b"proxy-authorization": drop,  # for the first proxy that asks for it, RFC 9110 11.7.2
    b"forwarded": drop,            # said by whoever is in front of us: not to be believed (RFC 7239 8.1)
    b"x-forwarded-for": drop,
}
RESPONSE_FIELDS: Mapping[bytes, Callable[[Section, bytes], None]] = {
    **_HOP_BY_HOP,
    b"server": drop,               # which software the backends run is nobody's business
}
