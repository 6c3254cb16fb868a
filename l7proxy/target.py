"""The request-target: which of its four forms it has, and what of it goes to the origin (RFC 9112 3.2).

    form       example                      goes on as
    origin     /path?query                  itself
    absolute   http://host:80/path?query    /path?query, and the host in Host's place
    authority  host:443                     never: CONNECT is refused
    asterisk   *                            itself, and only with OPTIONS

A path that two servers could take for different ones goes nowhere: dot-segments, in clear or in disguise, are
refused (balancing/path.py), and so are escapes that stand for nothing, or for the octet at which C ends a string.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from balancing.path import normal_path
from l7proxy.framing import valid_host
from l7proxy.refusal import Refused

TUNNEL_OR_ECHO = frozenset((b"CONNECT", b"TRACE"))
Resolver = Callable[[bytes, bytes, bytes | None], tuple[bytes, bytes | None]]
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


def resolve(method: bytes, target: bytes, host: bytes | None) -> tuple[bytes, bytes | None]:
    """Return (target, host) as they go to the origin, or raise Refused.

    An absolute-form target's authority takes the place of what Host says (RFC 9112 3.2.2).
    """
    if method in TUNNEL_OR_ECHO:
        raise Refused(501, f"{method.decode()} is not for a reverse proxy", "RFC 9110 9.3.6")
    if b"#" in target:
        raise Refused(400, "a fragment in the request-target", "RFC 9112 3.2")
    if target.startswith(b"/"):
        return _unambiguous(target), host
    if target == b"*" and method == b"OPTIONS":
        return target, host
    if target[:7].lower() == b"http://":
        return _absolute(method, target[7:])
    raise Refused(400, "a request-target in none of the four forms", "RFC 9112 3.2")


def _absolute(method: bytes, rest: bytes) -> tuple[bytes, bytes]:
    """Split what follows http:// into (target, authority); userinfo is refused (RFC 9110 4.2.4)."""
    ends = [place for place in (rest.find(b"/"), rest.find(b"?")) if place >= 0]
    end = min(ends, default=len(rest))
    authority, path = rest[:end], rest[end:]
    if not valid_host(authority):
        raise Refused(400, "the absolute target's authority is not a host", "RFC 9110 4.2.4")
    if not path and method == b"OPTIONS":
        return b"*", authority  # RFC 9112 3.2.4
    return _unambiguous(path if path.startswith(b"/") else b"/" + path), authority


def _unambiguous(target: bytes) -> bytes:
    """`target`, unless its path could be read in two ways (RFC 3986 2.1, 6.2.2.3)."""
    path = target.partition(b"?")[0].decode("latin-1")
    if "%" in path and _BROKEN.search(path):
        raise Refused(400, "an escape in the path that is none", "RFC 3986 2.1")
    if normal_path(path) is None:
        raise Refused(400, "dot-segments in the path", "RFC 3986 5.2.4")
    return target
