"""Squid's native access.log, so that what reads Squid's logs reads ours; and the same as JSON.

    time.ms          ms client   code/status   bytes method URL                     user hierarchy/peer        type
    1795543070.250   12 10.0.1.1 TCP_MISS/200   1273 GET    http://shop.example/    ann  HIER_DIRECT/10.0.2.1  text/html
    1795543071.004 9120 10.0.1.1 TCP_TUNNEL/200 5120 CONNECT shop.example:443       -    HIER_DIRECT/10.0.2.1  -
    1795543071.100    0 10.0.1.2 TCP_DENIED/403  611 GET    http://ads.example/     -    HIER_NONE/-           text/html

(one space between columns, two of which are padded as Squid pads them). Rule: nobody writes a line or a column of his
own: what isn't visible ASCII is written as %XX, as Squid does.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_UNSAFE = re.compile(rb"[^!-~]")
NO_URL = b"error:invalid-request"


class Transaction(NamedTuple):
    """One answer, for the log.

    ended_s: Unix time. took_s: from the head to the end. client: its address. code: how it was answered (code_of).
    octets: that went to the client. url: Destination.written; empty for what was no request. user: who has shown who he
    is. peer: the address that was dialled; empty if none was. kind: Content-Type of the answer. rule: what denied it.
    """

    ended_s: float
    took_s: float
    client: str
    code: str
    status: int
    octets: int
    method: bytes
    url: bytes
    user: str | None = None
    peer: str = ""
    kind: bytes = b""
    rule: str = ""


# What the cache says of an answer (Cache-Status, RFC 9211) in Squid's words, the first that is found.
_CACHED = (
    (b"; hit", b"detail=stale-if-error", "TCP_REFRESH_FAIL_OLD"),
    (b"; hit", b"", "TCP_MEM_HIT"),
    (b"fwd=stale", b"fwd-status=304", "TCP_REFRESH_UNMODIFIED"),
    (b"fwd=stale", b"", "TCP_REFRESH_MODIFIED"),
    (b"fwd=request", b"", "TCP_CLIENT_REFRESH_MISS"),
)


def code_of(*, denied: bool = False, tunnel: bool = False, malformed: bool = False, aborted: bool = False,
            cached: bytes = b"") -> str:
    """Squid's result code. malformed: it was no request. aborted: the client went away. cached: a Cache-Status."""
    if malformed:
        code = "NONE_NONE"
    elif denied:
        code = "TCP_DENIED"
    elif tunnel:
        code = "TCP_TUNNEL"
    else:
        code = next((code for one, other, code in _CACHED if one in cached and other in cached), "TCP_MISS")
    return code + "_ABORTED" if aborted and not malformed else code


def line(one: Transaction) -> str:
    """A line of access.log, its end included."""
    peer = f"HIER_DIRECT/{one.peer}" if one.peer else "HIER_NONE/-"
    return (f"{one.ended_s:.3f} {round(one.took_s * 1000):6} {one.client} {one.code}/{one.status:03} {one.octets} "
            f"{_safe(one.method)} {_safe(one.url or NO_URL)} {_safe((one.user or '').encode())} {peer} "
            f"{_safe(one.kind.partition(b';')[0].strip())}\n")


def as_json(one: Transaction) -> str:
    """The same as a line of JSON, in the names of accesslog.py where it has them."""
    return json.dumps({
        "time": round(one.ended_s, 6), "client": one.client, "user": one.user, "method": _plain(one.method),
        "url": _plain(one.url), "status": one.status, "octets": one.octets, "took_s": round(one.took_s, 6),
        "code": one.code, "server": one.peer or "-", "type": _plain(one.kind), "rule": one.rule}) + "\n"


def _plain(octets: bytes) -> str:
    return octets.decode("latin-1")


def _safe(octets: bytes) -> str:
    """`octets` as one column."""
    return _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], octets).decode() or "-"
