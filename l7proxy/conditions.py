"""What a route asks for, found in the bytes of a request: each condition a function, made once (balancing/route.py).

     condition   reads
     host        Host, or the authority of an absolute-form target, without port (RFC 9110 7.2)
     path        the target up to "?" (RFC 3986 3.3), as balancing/path.py compares it; OPTIONS * has none
     header      all lines of that name as one list, a comma and a space between (RFC 9110 5.3): two lines are two
                 values, so they never pass for one
     cookie      all Cookie lines as one (RFC 9113 8.2.3 lets them be split), its pairs by ";" (RFC 6265 5.4); of a
                 name that is there twice the first counts, which a browser lists first for its longer path
     method      the method, in its own case (RFC 9110 9.1)

Rules kept here:

1. Pure: a head and its normal path in, yes or no out.
2. In doubt a condition is not met.
3. A condition reads what is forwarded. On a field that has a row in framing.py it is refused at start.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from balancing import Pair, Route
from l7proxy.framing import REQUEST_FIELDS
from l7proxy.messages import RequestHead, values
from l7proxy.sticky import cookie
from layerlab import LabError

Condition = Callable[[RequestHead, str], bool]


def condition(route: Route) -> Condition | None:
    """What `route` asks for besides the host, as one function; None if that is nothing. Raises LabError: rule 3."""
    found = [
        route.method and _method(route.method),
        route.path and _path(route.path),
        route.path_exact and _exact(route.path_exact),
        route.path_pattern and _pattern(route.path_pattern),
        route.header and _header(route.header),
        route.cookie and _cookie(route.cookie),
    ]
    needed = [one for one in found if one]
    if len(needed) < 2:
        return needed[0] if needed else None
    return lambda head, path: all(met(head, path) for met in needed)


def host_name(authority: bytes) -> bytes:
    """The host of host[:port], in small letters, without the dot that ends an absolute name (RFC 3986 3.2.2)."""
    host, colon, port = authority.lower().rpartition(b":")
    if not colon or b"]" in port:  # no port: the colon is one of an IPv6 address
        host = authority.lower()
    return host.removesuffix(b".")


def glob(pattern: str) -> re.Pattern[str]:
    """`pattern` (balancing/route.py) as an expression with a group for each star, which tries nothing twice.

    What a star has taken stands: within a segment all but the last are atomic and lazy, the last is bound to the
    segment's end. The leftmost place is always as good as a later one, for what follows is in the same segment.
    """
    segments, tail = (pattern[:-3], "/(.*)") if pattern.endswith("/**") else (pattern, "")
    return re.compile("/".join(map(_segment, segments.split("/"))) + tail, re.DOTALL)


def _segment(segment: str) -> str:
    first, *others = map(re.escape, segment.split("*"))
    if not others:
        return first
    *between, last = others
    return first + "".join(f"(?>([^/]*?){one})" for one in between) + rf"(?>([^/]*){last}(?=/|\Z))"


def _method(methods: tuple[str, ...]) -> Condition:
    wanted = frozenset(method.encode() for method in methods)
    return lambda head, path: head.method in wanted


def _path(wanted: str) -> Condition:
    inside = wanted if wanted.endswith("/") else wanted + "/"
    return lambda head, path: path == wanted or path.startswith(inside)


def _exact(wanted: str) -> Condition:
    return lambda head, path: path == wanted


def _pattern(wanted: str) -> Condition:
    match = glob(wanted).fullmatch
    return lambda head, path: match(path) is not None


def _header(pair: Pair) -> Condition:
    name, wanted = pair.name.encode(), pair.value.encode()
    if name in REQUEST_FIELDS:
        raise LabError(f"there is a route by {pair.name}, a field that is the proxy's own to read",
                       "one that goes on to the servers as it came", 'for Host, "host" is a condition of its own',
                       field="header")
    return lambda head, path: b", ".join(values(head.fields, name)) == wanted


def _cookie(pair: Pair) -> Condition:
    name, wanted = pair.name.encode(), pair.value.encode()
    return lambda head, path: cookie(head.fields, name) == wanted
