"""Validators, both ways: a client's conditions against the store, and our own towards the origin (RFC 9111 4.3).

    the client asks               the store holds           answer
    If-None-Match: "a", W/"b"     ETag: "b"                 304 (weak comparison, RFC 9110 13.1.2)
    If-None-Match: anything else                            200, whatever If-Modified-Since says (13.2.2)
    If-Modified-Since: date       Last-Modified <= date     304; without Last-Modified its Date counts (4.3.2)
    If-Range: "a"                 ETag: "a"                 the range (strong comparison, 13.1.5), else all of it
    If-Match, If-Unmodified-Since                           for the origin alone: forwarded (4.3.2)

Only what is stored as a success is compared (RFC 9110 13.2.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from l7proxy.cache import httpdate
from l7proxy.cache.fields import Index
from l7proxy.messages import Field, field

if TYPE_CHECKING:
    from l7proxy.cache.entry import Entry

ORIGINS = frozenset((b"if-match", b"if-unmodified-since"))
OURS = frozenset((b"if-none-match", b"if-modified-since"))
_TAGS = re.compile(rb'(?:W/)?"[^"]*"|[^\s,"]+')  # a backslash in an entity-tag escapes nothing (RFC 9110 8.8.3)


def weakly(tag: bytes) -> bytes:
    """What of an entity-tag counts in a weak comparison (RFC 9110 8.8.3.2)."""
    return tag.removeprefix(b"W/")


def not_modified(request: Index, entry: Entry, wall: float) -> bool:
    """Whether a client that may have the response already need not be sent it."""
    if not 200 <= entry.status < 300:
        return False
    if b"if-none-match" in request:
        tags = [weakly(tag) for line in request[b"if-none-match"] for tag in _TAGS.findall(line)]
        return b"*" in tags or (entry.etag is not None and weakly(entry.etag) in tags)
    if b"if-modified-since" in request:
        since = httpdate.parse(request[b"if-modified-since"][0], wall)
        return since is not None and (entry.date if entry.modified is None else entry.modified) <= since
    return False


def range_holds(request: Index, entry: Entry, wall: float) -> bool:
    """Whether If-Range, if there is one, lets Range count: the client has a part of the same bytes."""
    if b"if-range" not in request:
        return True
    value = request[b"if-range"][0]
    if value.endswith(b'"'):
        return value == entry.etag and not value.startswith(b"W/")
    return entry.modified is not None and httpdate.parse(value, wall) == entry.modified < entry.date


def conditioned(fields: list[Field], entry: Entry) -> list[Field] | None:
    """A request's fields with our conditions in place of the client's; None if `entry` has no validator (4.3.1)."""
    ours: list[Field] = []
    if entry.etag is not None:
        ours.append(field(b"If-None-Match", entry.etag))
    if entry.last_modified is not None:
        ours.append(field(b"If-Modified-Since", entry.last_modified))
    return [it for it in fields if it.name not in OURS] + ours if ours else None


def identifies(answer: Index, entry: Entry) -> bool:
    """Whether the validators of a 304, or of a 200 to HEAD, are those of `entry` (RFC 9111 4.3.4, 4.3.5).

    A 304 with no validator at all means what was asked for, as we ask for one stored response at a time.
    """
    if b"etag" in answer:
        tag = answer[b"etag"][0]
        if not tag.startswith(b"W/"):
            return tag == entry.etag
        return entry.etag is not None and weakly(tag) == weakly(entry.etag)
    return b"last-modified" not in answer or answer[b"last-modified"][0] == entry.last_modified


def present(names: Iterable[bytes], request: Index) -> bool:
    """Whether a request has one of these fields."""
    return not request.keys().isdisjoint(names)
