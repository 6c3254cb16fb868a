"""Squid's native access.log, so that what reads Squid's logs reads ours.

    time.ms          ms client   code/status   bytes method URL                     user hierarchy/peer        type
    1795543070.250   12 10.0.1.1 TCP_MISS/200   1273 GET    http://shop.example/    ann  HIER_DIRECT/10.0.2.1  text/html
    1795543071.004 9120 10.0.1.1 TCP_TUNNEL/200 5120 CONNECT shop.example:443       -    HIER_DIRECT/10.0.2.1  -
    1795543071.100    0 10.0.1.2 TCP_DENIED/403  611 GET    http://ads.example/     -    HIER_NONE/-           text/html

(one space between columns, two of which are padded as Squid pads them; URLs are whole, as where Squid is told
strip_query_terms off). Rule: nobody writes a line or a column of his own: what isn't visible ASCII is written as %XX,
as Squid does.
"""

from __future__ import annotations

import re

from l7proxy.outside import Answered, Fetched

_UNSAFE = re.compile(rb"[^!-~]")
NO_URL = b"error:invalid-request"
_NOTHING = Fetched()
# What the cache did (relay.word), and whether it spoke in the place of an origin that was asked, in Squid's words.
_CACHED = {
    ("hit", False): "TCP_MEM_HIT",
    ("stale-if-error", True): "TCP_REFRESH_FAIL_OLD",
    ("fwd=stale", True): "TCP_REFRESH_UNMODIFIED",
    ("fwd=stale", False): "TCP_REFRESH_MODIFIED",
    ("fwd=request", False): "TCP_CLIENT_REFRESH_MISS",
}


def code_of(one: Answered) -> str:
    """Squid's result code."""
    what = one.fetched or _NOTHING
    if one.head is None:
        return "NONE_NONE"
    if what.denied:
        return "TCP_DENIED"
    if one.head.method == b"CONNECT":
        code = "TCP_TUNNEL" if what.tunnel else "NONE_NONE"
    else:
        code = _CACHED.get((one.note, what.instead), "TCP_MISS")
    return code + "_ABORTED" if one.note == "client_gone" else code


def line(one: Answered, ended_s: float) -> str:
    """A line of access.log, its end included. ended_s: Unix time."""
    what, head = one.fetched or _NOTHING, one.head
    peer = f"HIER_DIRECT/{one.server}" if one.server != "-" else "HIER_NONE/-"
    method, url = (head.method, what.url or head.target) if head is not None else (b"", NO_URL)
    return (f"{ended_s:.3f} {round(one.took_s * 1000):6} {one.client} {code_of(one)}/{one.status:03} {one.octets} "
            f"{_safe(method)} {_safe(url)} {_safe((what.user or '').encode())} {peer} "
            f"{_safe(what.kind.partition(b';')[0].strip())}\n")


def _safe(octets: bytes) -> str:
    """`octets` as one column."""
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], octets).decode() or "-"
