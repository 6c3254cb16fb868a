"""What an answer could tell of where it comes from, and doesn't.

     Location: http://10.0.10.1:8001/login  ──►  Location: https://shop.example/login

Fields that name software are dropped when they are read (framing.RESPONSE_FIELDS). What is left is a place: an
absolute URI of a server's own, or one whose scheme is the server's and not the client's (RFC 9110 10.2.2, 8.7).

Rules kept here:

1. A place that is none of the pool's servers, nor the host that was asked for, is another site's, and stays.
2. So does one at that host by https: who says so, means it.
"""

from __future__ import annotations

import re

from balancing import Pool
from l7proxy.messages import Field, ResponseHead, field

_PLACES = frozenset((b"location", b"content-location", b"refresh"))
_ABSOLUTE = re.compile(rb"(?i)((?:https?:)?)//(?:[^/?#@\s]*@)?([^/?#;,'\"\s]*)")


def relocated(head: ResponseHead, pool: Pool, host: bytes, scheme: bytes) -> ResponseHead:
    """`head` with every place at a server of `pool` put where the client asked: at `host`, by `scheme`."""
    ours = authorities(pool)
    kept = [_relocated(one, ours, host, scheme) if one.name in _PLACES else one for one in head.fields]
    return head._replace(fields=kept)


def authorities(pool: Pool) -> frozenset[bytes]:
    """What a URI calls the servers of `pool`: their addresses, with and without the port."""
    found: set[str] = set()
    for server in pool.servers.values():
        ip = f"[{server.backend.ip}]" if server.backend.ip.version == 6 else str(server.backend.ip)
        found |= {ip, f"{ip}:{pool.service.port_of(server.backend)}", server.name}
    return frozenset(name.lower().encode() for name in found)


def _relocated(place: Field, ours: frozenset[bytes], host: bytes, scheme: bytes) -> Field:
    """A place is at the start of Location, and after `url=` in Refresh."""
    def moved(found: re.Match[bytes]) -> bytes:
        its_scheme, authority = found[1].lower(), found[2].lower()
        own = authority in ours or (authority == host.lower() and its_scheme != b"https:")
        return b"%b://%b" % (scheme, host) if own else found[0]
    name = place.line.partition(b":")[0]
    return field(name, _ABSOLUTE.sub(moved, place.value, count=1))
