"""Where a client of a forward proxy wants to go: the request-target, read strictly (RFC 9112 3.2).

    form       example                         is
    absolute   http://Shop.Example:80/a?b      http,  shop.example, 80:  asked for /a?b, Host: shop.example
               https://[2001:db8::1]/          https, 2001:db8::1, 443:  the proxy speaks TLS to it
    authority  shop.example:443                a tunnel, and only with CONNECT
    asterisk   *                               the proxy itself (OPTIONS)
    origin     /path                           400: for a proxy, the whole URI is needed

Rules kept here:

1. A name has one spelling: small letters, no dot at the end, no escapes. An address has one: 127.1, 0x7f.1 and
   2130706433 are what some resolvers take for 127.0.0.1, so a name that ends in a number is four decimal numbers.
2. What has no meaning beyond the client's own machine is refused: userinfo (RFC 9110 4.2.4), zones (RFC 6874 4).
3. What goes on is written anew from what was read, Host as well (RFC 9112 3.2.2).
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

from balancing.form import IPAddress
from balancing.path import normal_path
from l7proxy.refusal import Diagnosis, Refused, diagnose

DEFAULT_PORTS = {b"http": 80, b"https": 443}
LONGEST_NAME = 253  # octets (RFC 1035 2.3.4), without the dot at the end
_LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_SCHEME = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*):(//)?")
_AUTHORITY = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{0,5}))?")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")  # RFC 3986 2.3


def _row(pattern: bytes, why: str, section: str) -> Diagnosis:
    return Diagnosis(re.compile(pattern), 400, why, section)


_DIAGNOSES = (
    _row(rb"@", "userinfo in the authority", "RFC 9110 4.2.4"),
    _row(rb"\A(?::|\Z)", "no host", "RFC 9110 4.2.1"),
    _row(rb"\A\[[^\]]*%", "a zone in an IPv6 address, which only its own machine knows", "RFC 6874 4"),
    _row(rb"\A\[[vV]", "an IP version that isn't known", "RFC 3986 3.2.2"),
    _row(rb"%", "an escape in the host's name", "RFC 9110 4.2.3"),
    _row(rb"\A[^\[]*:[^\]]*:", "an IPv6 address without brackets", "RFC 3986 3.2.2"),
    _row(rb":(?![0-9]{0,5}\Z)[^:\]]*\Z", "the port is not a number of at most five digits", "RFC 3986 3.2.3"),
)
_NO_AUTHORITY = Refused(400, "the authority is not host or host:port", "RFC 3986 3.2")


class Destination(NamedTuple):
    """Where a request goes.

    scheme:  http or https; empty for a tunnel.
    name:    in its one spelling; an address without brackets. address: that of the name, if it is one.
    target:  what the origin is asked for; empty for a tunnel.
    """

    scheme: bytes
    name: str
    address: IPAddress | None
    port: int
    target: bytes

    @property
    def tunnel(self) -> bool:
        """Whether this is CONNECT's: whatever goes through it is not seen."""
        return not self.scheme

    @property
    def authority(self) -> bytes:
        """What Host says; the port is left out where the scheme says it (RFC 9110 4.2.3)."""
        return _written(self.scheme, self.name, self.port)

    @property
    def url(self) -> str:
        """As it is compared: escapes of unreserved characters undone (RFC 3986 6.2.2.2). A tunnel has none."""
        if self.tunnel or self.target == b"*":
            return ""
        target = _ESCAPE.sub(_unescaped, self.target.decode("latin-1"))
        return f"{self.scheme.decode()}://{self.authority.decode()}{target}"

    @property
    def written(self) -> bytes:
        """As it is logged and shown: the URL as it was asked for, or host:port of a tunnel (RFC 9112 3.2.3)."""
        if self.tunnel:
            return self.authority
        return b"%b://%b%b" % (self.scheme, self.authority, b"" if self.target == b"*" else self.target)

    def __repr__(self) -> str:
        return f"<Destination {self.written.decode('latin-1')}>"


@lru_cache(4096)
def _written(scheme: bytes, name: str, port: int) -> bytes:
    host = f"[{name}]" if ":" in name else name
    return host.encode() if port == DEFAULT_PORTS.get(scheme) else f"{host}:{port}".encode()


def _unescaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


def destination(method: bytes, target: bytes) -> Destination | None:
    """Where this request goes; None if to the proxy itself (OPTIONS *). Raises Refused."""
    if b"#" in target:
        raise Refused(400, "a fragment in the request-target", "RFC 9112 3.2")
    if method == b"CONNECT":
        return _tunnel(target)
    if target == b"*" and method == b"OPTIONS":
        return None
    if target.startswith(b"http://"):  # as nearly everybody spells it
        return _absolute(method, b"http", target[7:])
    if target.startswith(b"/"):
        raise Refused(400, "this is a proxy: it needs the whole URI, such as http://shop.example/", "RFC 9112 3.2.2")
    scheme = _SCHEME.match(target)
    if scheme is None or scheme[2] is None:
        raise Refused(400, "a request-target in none of the four forms", "RFC 9112 3.2")
    word = scheme[1].lower()
    if word not in DEFAULT_PORTS:
        raise Refused(501, "a scheme other than http and https", "RFC 9110 4.2")
    return _absolute(method, word, target[scheme.end():])


def _tunnel(target: bytes) -> Destination:
    """host:port, both there (RFC 9110 9.3.6)."""
    name, address, port = _authority(target)
    if port is None:
        raise Refused(400, "CONNECT without a port", "RFC 9110 9.3.6")
    return Destination(b"", name, address, port, b"")


def _absolute(method: bytes, scheme: bytes, rest: bytes) -> Destination:
    end = len(rest.partition(b"/")[0].partition(b"?")[0])
    name, address, port = _authority(rest[:end])
    path = rest[end:]
    if not path and method == b"OPTIONS":
        path = b"*"  # RFC 9112 3.2.4
    elif not path.startswith(b"/"):
        path = b"/" + path
    if normal_path(path.partition(b"?")[0].decode("latin-1")) is None:
        raise Refused(400, "dot-segments in the path", "RFC 3986 5.2.4")
    return Destination(scheme, name, address, DEFAULT_PORTS[scheme] if port is None else port, path)


@lru_cache(4096)
def _authority(authority: bytes) -> tuple[str, IPAddress | None, int | None]:
    """Name, address and port of an authority; None for what isn't there (an empty port is none: RFC 3986 3.2.3)."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise diagnose(authority, _DIAGNOSES, _NO_AUTHORITY)
    port = int(found[2]) if found[2] else None
    if port is not None and not 0 < port <= 65_535:
        raise Refused(400, "the port is not one from 1 to 65535", "RFC 9110 9.3.6")
    name, address = read_host(found[1].decode())
    return name, address, port


def read_host(text: str) -> tuple[str, IPAddress | None]:
    """The one spelling of a host, and its address if it is one (IPv6 in brackets). Raises Refused."""
    try:
        if text.startswith("["):
            six = IPv6Address(text[1:-1])
            return str(six), six
        name = text.lower().removesuffix(".")
        if _NUMBER.fullmatch(name):  # rule 1
            four = IPv4Address(name)
            return str(four), four
    except AddressValueError:
        raise Refused(400, "the host is no address, and no name either", "RFC 3986 3.2.2") from None
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise Refused(400, "the host is no name", "RFC 1123 2.1")
    return name, None
