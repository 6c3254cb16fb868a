"""Cache-Status (RFC 9211): what the cache did with a request, in one member that it appends to the response.

    layer-lab; hit; ttl=57                                  from the store
    layer-lab; hit; ttl=-3; detail=stale-while-revalidate   stale, and being revalidated
    layer-lab; fwd=uri-miss; stored; ttl=60                 forwarded, and stored
    layer-lab; fwd=uri-miss; detail=private                 forwarded, and why it was not stored
    layer-lab; fwd=stale; fwd-status=304; ttl=60            validated
    layer-lab; fwd=uri-miss; collapsed; ttl=60              another's request was waited for

A member that a cache behind us wrote stays before ours; the key is not shown.
"""

from __future__ import annotations

from enum import Enum

from l7proxy.messages import Field, field

_NAME = b"Cache-Status"
_HIT, _SELF = b"layer-lab; hit; ttl=%d", b"layer-lab; fwd=%b"


class Fwd(Enum):
    """Why a request was forwarded (RFC 9211 2.2)."""

    BYPASS = b"bypass"
    METHOD = b"method"
    URI_MISS = b"uri-miss"
    VARY_MISS = b"vary-miss"
    REQUEST = b"request"
    STALE = b"stale"


def hit(ttl_s: int, detail: bytes = b"") -> Field:
    """The field of a response from the store that is fresh for another `ttl_s`."""
    return field(_NAME, _HIT % ttl_s + (b"; detail=" + detail if detail else b""))


def unstored() -> Field:
    """The field of an answer of our own: only what is stored was asked for, and nothing fit is."""
    return field(_NAME, b"layer-lab; detail=only-if-cached")


def forwarded(fwd: Fwd, *, status: int = 0, ttl_s: int | None = None, stored: bool = False,
              collapsed: bool | None = None, detail: bytes = b"") -> Field:
    """The field of a response to a request that went on. `status`: the origin's, where it is not the client's."""
    value = _SELF % fwd.value
    if status:
        value += b"; fwd-status=%d" % status
    if stored:
        value += b"; stored"
    if collapsed is not None:
        value += b"; collapsed" if collapsed else b"; collapsed=?0"
    if ttl_s is not None:
        value += b"; ttl=%d" % ttl_s
    return field(_NAME, value + b"; detail=" + detail if detail else value)
