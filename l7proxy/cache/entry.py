"""A stored response: what was received, and what was worked out from it once (RFC 9111 3.1, 3.2).

     Answer ──body came whole──► Entry ──304──► Entry, freshened ──► evicted, replaced, invalidated
       └ not whole: nothing is stored (3.3)

Rule: an Entry changes in nothing but what helps to serve it (`reply`, `hits`); a 304 makes another one of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from l7proxy.cache import directives, freshness, httpdate, vary
from l7proxy.cache.fields import Index
from l7proxy.messages import ResponseHead, field

if TYPE_CHECKING:
    from l7proxy.cache.reply import Reply

Key = tuple[bytes, bytes]  # host, in lower case, and target
Variant = tuple[bytes, tuple[bytes, ...], vary.Selects]
JOINED_BYTES = 16_384  # up to here a body is kept a second time, joined to the rendered head
_ENTRY_BYTES, _FIELD_BYTES = 2_800, 170  # what Python adds, counted generously: tests/l7proxy/cache/test_store.py
# Not stored: what concerns one connection to a proxy (RFC 9111 3.1), and what is worked out anew.
_UNSTORED = frozenset((b"age", b"proxy-authenticate", b"proxy-authentication-info", b"proxy-authorization"))


class Entry:
    """A response in the store.

    age, at:  how old it was, in s, when it was received or last validated, and when that was. asked_at: when it was
              asked for. (All times but Date and Last-Modified are those of the cache's own clock.)
    lifetime: for how long it is fresh, in s.
    date, modified: Date and Last-Modified, seconds since 1970.
    reply, reply_until: what is answered to a plain GET before that time.
    hits, in_main: for eviction (store.py).
    """

    __slots__ = ("age", "asked_at", "at", "body", "content_type", "date", "etag", "fields", "hits", "in_main",
                 "key", "last_modified", "lifetime", "minor", "modified", "policy", "reply", "reply_until", "size",
                 "status", "variant")

    def __init__(self, key: Key, variant: Variant, answer: ResponseHead, found: Index, delay_s: float,
                 at: float, wall: float) -> None:
        self.key, self.variant, self.at, self.asked_at = key, variant, at, at - delay_s
        self.policy = policy = directives.policy(found)
        self.status, self.minor = answer.status, answer.minor
        unstored = _UNSTORED | policy.withheld
        self.fields = [it for it in answer.fields if it.name not in unstored]
        self.date = httpdate.parse(found[b"date"][0], wall) or int(wall)
        self.age = freshness.initial_age(found, self.date, delay_s, wall)
        self.lifetime = freshness.lifetime(policy, found, answer.status, self.date, wall)
        self.etag = found[b"etag"][0] if b"etag" in found else None
        self.last_modified = found[b"last-modified"][0] if b"last-modified" in found else None
        self.modified = None if self.last_modified is None else httpdate.parse(self.last_modified, wall)
        self.content_type = found[b"content-type"][0] if b"content-type" in found else None
        self.body, self.size, self.hits, self.in_main = b"", 0, 0, False
        self.reply: Reply | None = None
        self.reply_until = 0.0

    def filled(self, body: bytes) -> Entry:
        """Itself, with its body, and its size known."""
        self.body = body
        head = sum(len(it.name) + len(it.value) + len(it.line) for it in self.fields)
        joined = len(body) + head + 200 if len(body) <= JOINED_BYTES else 0
        names = sum(map(len, self.key)) + sum(len(it) for it in (*self.variant[1], *self.variant[2]) if it)
        self.size = _ENTRY_BYTES + len(self.fields) * _FIELD_BYTES + head + names + len(body) + joined
        return self

    def age_at(self, at: float) -> float:
        """current_age (RFC 9111 4.2.3)."""
        return self.age + at - self.at

    def left_at(self, at: float) -> float:
        """For how long it is still fresh, in s; not positive when it is stale."""
        return self.lifetime - self.age - at + self.at

    def useful_at(self, at: float) -> bool:
        """Whether it may ever be used: fresh, or with a validator."""
        fresh = self.left_at(at) > 0 and not self.policy.no_cache
        return fresh or self.etag is not None or self.last_modified is not None

    def updated(self, answer: ResponseHead) -> ResponseHead:
        """The stored head with the fields of a 304 (or of a 200 to HEAD), except for its length (RFC 9111 3.2)."""
        names = {it.name for it in answer.fields}
        kept = [it for it in self.fields if it.name not in names]
        return answer._replace(status=self.status, minor=self.minor, fields=kept + answer.fields)

    def __repr__(self) -> str:
        what = f"{self.key[1].decode('latin-1')} {self.status}"
        return f"<Entry {what}, {len(self.body)} bytes, fresh for {self.lifetime} s>"


def dated(answer: ResponseHead, found: Index, wall: float) -> ResponseHead:
    """The answer with a valid Date: when it came, if its origin does not say (RFC 9110 6.6.1). Updates `found`."""
    if b"date" in found and len(found[b"date"]) == 1 and httpdate.parse(found[b"date"][0], wall) is not None:
        return answer
    date = field(b"Date", httpdate.render(int(wall)))
    found[b"date"] = [date.value]
    return answer._replace(fields=[*(it for it in answer.fields if it.name != b"date"), date], dated=True)
