"""What the fields of a message say to the proxy itself. Request smuggling dies here.

Two readers of one byte stream must never disagree on where a message ends (RFC 9112 11.2): so a field that
says something about that is read in the strictest way, and refused when another reading is possible.

     line ──lines.py──► name, value ──► REQUEST_FIELDS / RESPONSE_FIELDS ──► Rule.read(value): once for each line
                                              │                              Rule.note(section, what it says): each time
                                              └── no row: kept, and forwarded written anew

Rules kept here:

1. What a field does is a row of a table; a row is a pair of functions that say their section.
2. `read` returns what the value says, or the Refused that it deserves; it depends on nothing but the value.
3. What is written anew by us (Host, Content-Length, Via's own line, X-Forwarded-For) is never taken from `kept`.
4. A name that a CGI program can't tell from a row's (Content_Length, RFC 3875 4.1.18) ends here (lines.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from typing import Any, NamedTuple

from l7proxy.messages import CHUNKED, NO_BODY, Field, field
from l7proxy.refusal import TOKEN, Refused

_HOST = re.compile(rb"(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]{0,5}))?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_COMMA = re.compile(rb"[ \t]*,[ \t]*")
_PROTOCOL = re.compile(TOKEN + rb"(?:/" + TOKEN + rb")?")


class Section:
    """The header section of one message while it is read, reused for the next one."""

    __slots__ = ("coded", "dated", "forwarded", "host", "kept", "length", "located", "options", "refused", "trailers",
                 "upgrade")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the last message."""
        self.kept: list[Field] = []
        self.forwarded: list[Field] = []
        self.host: bytes | None = None
        self.length = NO_BODY
        self.coded = self.dated = self.located = self.trailers = False
        self.options: frozenset[bytes] | None = None
        self.upgrade = b""
        self.refused: Refused | None = None

    def refuse(self, refused: Refused) -> None:
        """Note a refusal, if it is the first."""
        self.refused = self.refused or refused

    def verdict(self) -> None:
        """Raise what was noted, once all lines are read. Needless unless `coded` or `refused`."""
        if self.coded and self.length != NO_BODY:
            raise Refused(400, "Content-Length beside Transfer-Encoding", "RFC 9112 6.1")
        if (found := self.refused) is not None:
            raise Refused(found.status, found.why, found.section)  # anew: a known one would gather tracebacks

    @property
    def body(self) -> int:
        """How the fields delimit the body: CHUNKED, a length, or NO_BODY when they say nothing."""
        return CHUNKED if self.coded else self.length

    def drop_named(self) -> None:
        """Fields that Connection names are for this connection only (RFC 9110 7.6.1)."""
        self.kept = self.unnamed(self.kept)

    def unnamed(self, fields: list[Field]) -> list[Field]:
        """`fields` without those that Connection names: of the header or the trailer section (RFC 9110 7.6.1)."""
        options = self.options
        return [one for one in fields if one.name not in options] if options and fields else fields

    def switches(self) -> bytes:
        """The protocols of Upgrade, if Connection names it, as it must (RFC 9110 7.8)."""
        return self.upgrade if self.options and b"upgrade" in self.options else b""

    def persists(self, minor: int) -> bool:
        """Whether the connection outlives this message: RFC 9112 9.3, its list in its order."""
        options = self.options
        if options is None:
            return minor >= 1
        return b"close" not in options and (minor >= 1 or b"keep-alive" in options)


USUAL_OPTIONS = frozenset((b"close", b"keep-alive"))


class Rule(NamedTuple):
    """A row: what the value of a field says, and what is noted of it."""

    read: Callable[[bytes], Any]
    note: Callable[[Section, Any], None]


def valid_host(value: bytes) -> bool:
    """Whether `value` is uri-host [":" port] with a host in it (RFC 9110 7.2, RFC 3986 3.2.2)."""
    found = _HOST.fullmatch(value)
    return found is not None and (found[1] is None or _is_ipv6(found[1])) and int(found[2] or 0) <= 65_535


def _is_ipv6(literal: bytes) -> bool:
    try:
        IPv6Address(literal.decode())
    except ValueError:
        return False
    return True


# What values say.

def _as_it_is(value: bytes) -> bytes:
    return value


def _host(value: bytes) -> bytes | Refused:
    return value if valid_host(value) else Refused(400, "Host is not a host", "RFC 9112 3.2")


def _length(value: bytes) -> int | Refused:
    """Digits only (RFC 9110 8.6)."""
    return int(value) if _LENGTH.fullmatch(value) else Refused(400, "Content-Length is not a number", "RFC 9110 8.6")


def _coding(value: bytes) -> tuple[Refused | None]:
    """Exactly `chunked`: after another coding it can't be undone (501), before one no length is sure (RFC 9112 6.3)."""
    codings = _COMMA.split(value.lower())
    if codings == [b"chunked"]:
        return (None,)
    if b"chunked" in codings[:-1]:
        return (Refused(400, "chunked is not the last transfer coding", "RFC 9112 6.3"),)
    return (Refused(501, "a transfer coding other than chunked", "RFC 9112 6.1"),)


def _options(value: bytes) -> frozenset[bytes]:
    return frozenset(_COMMA.split(value.lower()))


def _protocols(value: bytes) -> bytes:
    """What may be switched to: never h2c, whose requests nobody here would see (RFC 9113 3.1)."""
    asked = [one for one in _COMMA.split(value) if _PROTOCOL.fullmatch(one) and not one.lower().startswith(b"h2c")]
    return b", ".join(asked)


def _expectation(value: bytes) -> Field | Refused:
    """100-continue goes on to the origin, which decides; nothing else is known (RFC 9110 10.1.1)."""
    if value.lower() != b"100-continue":
        return Refused(417, "an expectation other than 100-continue", "RFC 9110 10.1.1")
    return field(b"Expect", b"100-continue")


def _field(name: bytes) -> Callable[[bytes], Field]:
    return lambda value: field(name, value)


# What is noted.

def note_nothing(section: Section, said: object) -> None:
    """Hop-by-hop, or written anew by us: it ends here (RFC 9110 7.6.1)."""


def _note_host(section: Section, host: bytes) -> None:
    """Exactly one (RFC 9112 3.2)."""
    if section.host is not None:
        section.refuse(Refused(400, "more than one Host", "RFC 9112 3.2"))
    section.host = host


def _note_length(section: Section, length: int) -> None:
    """A second one, even the same, is refused (RFC 9112 6.3)."""
    if section.length != NO_BODY:
        section.refuse(Refused(400, "more than one Content-Length", "RFC 9112 6.3"))
    section.length = length


def _note_coding(section: Section, coding: tuple[Refused | None]) -> None:
    if section.coded:
        section.refuse(Refused(400, "more than one Transfer-Encoding", "RFC 9112 6.1"))
    elif coding[0] is not None:
        section.refuse(coding[0])
    section.coded = True


def _note_options(section: Section, options: frozenset[bytes]) -> None:
    """A list of options, in one line or several; each may name a field that is to be removed (RFC 9110 7.6.1)."""
    section.options = options if section.options is None else section.options | options


def _note_upgrade(section: Section, protocols: bytes) -> None:
    section.upgrade = b", ".join(filter(None, (section.upgrade, protocols)))


def _note_te(section: Section, codings: frozenset[bytes]) -> None:
    """Only whether trailers are taken: what codings a client takes is this connection's (RFC 9110 10.1.4)."""
    section.trailers = section.trailers or b"trailers" in codings


def _note_forwarded(section: Section, said: Field) -> None:
    """Said to us, not to the backend: those of a proxy in front are believed only if it is trusted (RFC 7239 8.1)."""
    section.forwarded.append(said)


def _note_expect(section: Section, expectation: Field) -> None:
    """Once is enough: two lines are a list of one and the same (RFC 9110 10.1.1)."""
    if expectation not in section.kept:
        section.kept.append(expectation)


def _note_date(section: Section, date: Field) -> None:
    """Kept; where it is missing, the proxy says when the answer came (RFC 9110 6.6.1)."""
    section.dated = True
    section.kept.append(date)


def _note_place(section: Section, place: Field) -> None:
    """Kept; if it is an absolute URI, it may show a server's own address."""
    section.located = section.located or b"//" in place.value
    section.kept.append(place)


DROP = Rule(_as_it_is, note_nothing)
_HOP_BY_HOP = {
    b"connection": Rule(_options, _note_options),
    b"content-length": Rule(_length, _note_length),
    b"transfer-encoding": Rule(_coding, _note_coding),
    b"upgrade": Rule(_protocols, _note_upgrade),
    **dict.fromkeys((b"keep-alive", b"proxy-connection", b"http2-settings"), DROP),
}
FORWARDED = (b"Forwarded", b"X-Forwarded-For", b"X-Forwarded-Host", b"X-Forwarded-Proto", b"X-Real-IP")
REQUEST_FIELDS: Mapping[bytes, Rule] = {
    **_HOP_BY_HOP,
    b"host": Rule(_host, _note_host),
    b"te": Rule(_options, _note_te),
    b"expect": Rule(_expectation, _note_expect),
    b"proxy-authorization": DROP,  # for the first proxy that asks for it, RFC 9110 11.7.2
    b"proxy": DROP,  # no field at all, but a CGI program finds it as HTTP_PROXY (RFC 3875 4.1.18)
    **{name.lower(): Rule(_field(name), _note_forwarded) for name in (*FORWARDED, b"Layer-Lab-Explain")},
}
RESPONSE_FIELDS: Mapping[bytes, Rule] = {
    **_HOP_BY_HOP,
    b"date": Rule(_field(b"Date"), _note_date),
    b"location": Rule(_field(b"Location"), _note_place),
    b"content-location": Rule(_field(b"Content-Location"), _note_place),
    b"refresh": Rule(_field(b"Refresh"), _note_place),
    # Which software the backends run, and where, is nobody's business.
    **dict.fromkeys((b"server", b"x-powered-by", b"x-aspnet-version", b"alt-svc", b"proxy-authenticate",
                     b"proxy-status", b"layer-lab-explanation"), DROP),
}
NO_TRAILERS = frozenset((  # what would come too late, or change how a message is read (RFC 9110 6.5.1)
    b"host", b"cache-control", b"expect", b"max-forwards", b"pragma", b"range", b"te", b"age", b"expires", b"date",
    b"location", b"retry-after", b"vary", b"warning", b"authorization", b"proxy-authenticate", b"www-authenticate",
    b"cookie", b"set-cookie", b"content-encoding", b"content-type", b"content-range", b"content-length", b"trailer",
    b"proxy-authorization", b"proxy-authentication-info", b"authentication-info"))
