"""Responses made of what is stored: the whole, a part, or that it has not changed (RFC 9111 4, RFC 9110 13.2.2).

    a client's condition fails ──► 304, with the fields that may have changed (RFC 9110 15.4.5)
    GET with Range             ──► 206 or 416 (ranges.py)
    HEAD                       ──► the head, with the length that GET would give
    otherwise                  ──► all of it

Each says its Age, and what the cache did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from l7proxy import write
from l7proxy.cache import conditional, ranges, status
from l7proxy.cache.directives import FOREVER_S
from l7proxy.cache.entry import JOINED_BYTES, Entry
from l7proxy.cache.fields import Index
from l7proxy.messages import NO_BODY, Field, RequestHead, ResponseHead, field

if TYPE_CHECKING:
    from l7proxy.cache.asking import Ask

_BODILESS = frozenset((204, 205, 304))
# What a client that has the body has as well: left off a 304.
_METADATA = frozenset((b"content-encoding", b"content-language", b"content-md5", b"content-range", b"content-type",
                       b"last-modified"))


class Reply(NamedTuple):
    """A response from the store. wire: all of it as bytes for a persistent HTTP/1.1 client, or empty.

    refresh: an Ask that is to be made meanwhile, without a client, to freshen what was served.
    origin_s: how long the origin took to begin its answer, when it was asked last; 0 for what it never said.
    """

    head: ResponseHead
    body: bytes
    wire: bytes = b""
    refresh: Ask | None = None
    origin_s: float = 0.0


def plain(entry: Entry, at: float) -> Reply:
    """All of a fresh response, for a GET that asks nothing special; made once a second at most."""
    reply = _whole(entry, b"GET", status.hit(int(entry.left_at(at))), at)
    if len(reply.body) <= JOINED_BYTES:
        reply = reply._replace(wire=write.response_head(reply.head, 1, True) + reply.body)
    # Until Age changes; as lifetimes are whole seconds, that is never later than the end of its freshness.
    entry.reply, entry.reply_until = reply, at + 1 - entry.age_at(at) % 1
    return reply


def compose(entry: Entry, method: bytes, request: Index, note: Field, at: float, wall: float) -> Reply:
    """What a request is answered from `entry`; `note` is the Cache-Status."""
    if conditional.not_modified(request, entry, wall):
        kept = [it for it in entry.fields if it.name not in _METADATA
                or (entry.etag is None and it.name == b"last-modified")]
        head = ResponseHead(304, entry.minor, [*kept, _age(entry, at), note], NO_BODY, NO_BODY, True)
        return Reply(head, b"", origin_s=entry.at - entry.asked_at)
    if b"range" in request and method == b"GET" and entry.status == 200:
        part = ranges.part(request[b"range"][0], entry.body, entry.content_type)
        if part is not None and conditional.range_holds(request, entry, wall):
            return _partial(entry, part, note, at)
    return _whole(entry, method, note, at)


def _whole(entry: Entry, method: bytes, note: Field, at: float) -> Reply:
    body, declared = entry.body, NO_BODY
    length = len(body)
    if method == b"HEAD":
        body, declared = b"", length
    if method == b"HEAD" or entry.status in _BODILESS:
        length = NO_BODY
    fields = [*entry.fields, _age(entry, at), note]
    head = ResponseHead(entry.status, entry.minor, fields, length, declared, True)
    return Reply(head, body, origin_s=entry.at - entry.asked_at)


def _partial(entry: Entry, part: ranges.Part, note: Field, at: float) -> Reply:
    names = {it.name for it in part.fields}
    fields = [*(it for it in entry.fields if it.name not in names), *part.fields, _age(entry, at), note]
    head = ResponseHead(part.status, entry.minor, fields, len(part.body), NO_BODY, True)
    return Reply(head, part.body, origin_s=entry.at - entry.asked_at)


def _age(entry: Entry, at: float) -> Field:
    return field(b"Age", b"%d" % min(entry.age_at(at), FOREVER_S))


def unstored(request: RequestHead) -> Reply:
    """504: only what is stored was asked for, and nothing fit is (RFC 9111 5.2.1.7)."""
    body = b"504 Gateway Timeout: only-if-cached, and nothing that fits is stored\n"
    fields = [field(b"Content-Type", b"text/plain; charset=utf-8"), status.unstored()]
    if request.method == b"HEAD":
        return Reply(ResponseHead(504, 1, fields, NO_BODY, len(body), True), b"")
    return Reply(ResponseHead(504, 1, fields, len(body), NO_BODY, True), body)
