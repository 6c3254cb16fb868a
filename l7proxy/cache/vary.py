"""Which of a resource's stored responses a request may be given (RFC 9111 4.1).

    Vary: Accept-Encoding, Foo     names    (accept-encoding, foo)
    Accept-Encoding: br,gzip       selects  (br,gzip · absent)

A response fits a request whose selecting fields are the same as those of the request it answered, where these are
taken to be the same:

    field                                                         what makes no difference
    any                                                           lines joined or apart, whitespace around commas
    Accept-Language, Accept-Encoding, Accept-Charset              the above, order, case
    Accept                                                        the first, order

(Preferences stand in q values, not in their order: RFC 9110 12.5.)
"""

from __future__ import annotations

from functools import lru_cache

from l7proxy.cache.fields import Index, members, tight

Selects = tuple[bytes | None, ...]
_ORDERLESS = frozenset((b"accept", b"accept-language", b"accept-encoding", b"accept-charset"))
_CASELESS = _ORDERLESS - {b"accept"}
_FREQUENT = 256  # octets of a value that is worth remembering


def names(fields: Index) -> tuple[bytes, ...] | None:
    """The names of the fields that a response was selected by, sorted; None for `*`: no request will fit."""
    if b"vary" not in fields:
        return ()
    found = {name.lower() for name in members(fields[b"vary"])}
    return None if b"*" in found else tuple(sorted(found))


def selects(names: tuple[bytes, ...], request: Index) -> Selects:
    """What a request's fields of these names say."""
    return tuple(_normal(name, request[name]) if name in request else None for name in names)


def _normal(name: bytes, lines: list[bytes]) -> bytes:
    value = b",".join(lines)
    if name not in _ORDERLESS:
        return tight(value)
    value = _ordered(value) if len(value) <= _FREQUENT else _ordered.__wrapped__(value)
    return value.lower() if name in _CASELESS else value


@lru_cache(maxsize=256)  # few browsers differ in these
def _ordered(value: bytes) -> bytes:
    return b",".join(sorted(b";".join(map(bytes.strip, it.split(b";"))) for it in members((value,))))
