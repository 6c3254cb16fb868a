"""A request that goes on to the origin, and what becomes of the answer.

                                   ┌─ 304 to our condition ──► Reply: the stored one, freshened (RFC 9111 4.3.4)
     Ask ──request──► answered(head) ─ 5xx ─┐  stale may be used ──► Reply (RFC 5861 4)
      │                            └─ any ──┴─► Relay: pass it on ── recording ──► write · write · end ──► stored
      ├── failed()     nobody answered: a stale Reply, or nothing
      └── abandoned()  the client left: no more will be heard

Whichever it is, it is settled once, and those who waited for it (Join) are woken: they look up again, and are served
from the store, or go on their own.

Rule: an unsafe request's success spoils what was asked for before it: that answer may be the old one (RFC 9111 4.4).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from l7proxy.cache import conditional, directives, reply, status, vary
from l7proxy.cache.directives import Wish
from l7proxy.cache.entry import Entry, Key, Variant, dated
from l7proxy.cache.fields import Index, index
from l7proxy.cache.freshness import bridges
from l7proxy.cache.reply import Reply
from l7proxy.cache.status import Fwd
from l7proxy.cache.storable import Case, refusal
from l7proxy.messages import RequestHead, ResponseHead

if TYPE_CHECKING:
    from l7proxy.cache.cache import Cache

FAILURES = frozenset((500, 502, 503, 504))  # RFC 5861 4
# Not a reason to let the next ones wait for nothing: it was this request's, or this moment's.
_PASSING = frozenset((b"", b"request-no-store", b"authorization", b"not-modified", b"spoiled"))
# An answer in which none of these stands is never stored (storable.py: status, no-use).
_SAYING = frozenset((b"cache-control", b"cdn-cache-control", b"expires", b"last-modified", b"etag"))


class Relay(NamedTuple):
    """The origin's answer is the client's. recording: told of its body, if it is to be stored."""

    head: ResponseHead
    recording: Recording | None


class Ask:
    """Forward `request`, and say what came of it. Exactly one of answered, failed and abandoned is the end of it.

    entry:    what the store has that does not do as it is. validates: `request` has our conditions in it.
    leads:    others may wait for this one. begun: the steady time when it was made.
    """

    __slots__ = ("begun", "cache", "client", "collapsed", "entry", "found", "fwd", "key", "leads", "request", "settled",
                 "space", "spoiled", "validates", "variant", "waiters", "wish")

    def __init__(self, cache: Cache, client: RequestHead, key: Key, space: bytes, found: Index, wish: Wish, fwd: Fwd,
                 entry: Entry | None, begun: float) -> None:
        self.cache, self.client, self.key, self.space, self.found = cache, client, key, space, found
        self.wish, self.fwd, self.entry, self.begun = wish, fwd, entry, begun
        self.request, self.validates = client, False
        self.leads = self.settled = self.spoiled = False
        self.collapsed: bool | None = None
        self.variant: Variant | None = None
        self.waiters: list[Join] = []

    def validate(self) -> None:
        """Ask whether the stored one is still right, if it has a validator (RFC 9111 4.3.1)."""
        fields = conditional.conditioned(self.client.fields, self.entry) if self.entry is not None else None
        if fields is not None:
            self.request, self.validates = self.client._replace(fields=fields), True

    # What came of it.

    def answered(self, answer: ResponseHead, now: float) -> Reply | Relay:
        """The head of the final answer has come, at `now`; a Reply means that its body, if any, is not wanted."""
        at, found = self.cache.clock.at(now), index(answer.fields)
        answer = dated(answer, found, now)
        if self.fwd is Fwd.METHOD:
            self.cache.succeeded(self, answer.status, found)
        elif self.entry is not None:
            if answer.status == 304 and self.validates:
                return self._validated(self.entry, answer, found, at, now)
            if answer.status in FAILURES and (stale := self._stale(answer.status, at, now)):
                return stale
            if answer.status == 200 and self.client.method == b"HEAD":
                if self.entry.usable_with(answer):
                    return self._validated(self.entry, answer, found, at, now)
                self.cache.store.remove(self.entry)
        return self._relayed(answer, found, at, now)

    def failed(self, now: float) -> Reply | None:
        """Nobody answered. A Reply if a stale one may be used, else the caller says what went wrong."""
        stale = self._stale(0, self.cache.clock.at(now), now)
        self.settle()
        return stale

    def abandoned(self) -> None:
        """No more will be heard of it. Safe to call again, and after the end."""
        self.settle()

    def settle(self) -> None:
        """It is over: whoever waits goes on. Safe to call again."""
        if not self.settled:
            self.settled = True
            self.cache.landed(self)
            self._wake(self.waiters)

    # How.

    def _validated(self, entry: Entry, answer: ResponseHead, found: Index, at: float, now: float) -> Reply:
        """The stored one is right. What does not concern it updates nothing, and it is not kept (RFC 9111 4.3.4)."""
        came = answer.status
        self.cache.store.remove(entry)
        if conditional.identifies(found, entry):
            head = entry.updated(answer)
            new, why = self._entry(head, index(head.fields), at, now)
            entry = new.filled(entry.body)
            if not why:
                self.cache.store.put(entry)
        self.settle()
        note = status.forwarded(self.fwd, status=came, ttl_s=int(entry.left_at(at)), collapsed=self.collapsed)
        return reply.compose(entry, self.client.method, self.found, note, at, now)

    def _stale(self, came: int, at: float, now: float) -> Reply | None:
        """The stored one in place of a failure, if that is allowed (RFC 9111 4.2.4, 4.3.3)."""
        entry = self.entry
        if entry is None:
            return None
        stated = entry.policy.if_error_s
        window = self.cache.settings.unreachable_s if stated is None else stated
        if not bridges(self.wish, entry.policy, entry.left_at(at), window):
            return None
        self.settle()
        note = status.forwarded(self.fwd, status=came, ttl_s=int(entry.left_at(at)), collapsed=self.collapsed,
                                detail=b"stale-if-error")
        return reply.compose(entry, self.client.method, self.found, note, at, now)

    def _relayed(self, answer: ResponseHead, found: Index, at: float, now: float) -> Relay:
        entry, why = None, b"spoiled" if self.spoiled else b"no-use"
        if self.fwd is not Fwd.BYPASS and not self.spoiled and not found.keys().isdisjoint(_SAYING):
            entry, why = self._entry(answer, found, at, now)
            if answer.body > self.cache.settings.object_bytes:
                why = b"too-large"
        if entry is not None and not why:
            return self._recorded(answer, entry, at)
        if self.entry is not None and answer.status < 500 and answer.status not in (206, 304):
            self.cache.store.remove(self.entry)  # outdated, and what took its place is not stored
        if self.leads and why not in _PASSING:
            self.cache.solo(self.key)
        self.settle()
        note = status.forwarded(self.fwd, collapsed=self.collapsed,
                                detail=b"" if self.fwd in (Fwd.METHOD, Fwd.BYPASS) else why)
        return Relay(answer._replace(fields=[*answer.fields, note]), None)

    def _recorded(self, answer: ResponseHead, entry: Entry, at: float) -> Relay:
        """It is to be stored: those it won't fit need not wait for its end."""
        self.variant = entry.variant
        unfit = [join for join in self.waiters if not self.fits(join.space, join.found)]
        self.waiters = [join for join in self.waiters if join not in unfit]
        self._wake(unfit)
        note = status.forwarded(self.fwd, ttl_s=int(entry.left_at(at)), stored=True, collapsed=self.collapsed)
        return Relay(answer._replace(fields=[*answer.fields, note]), Recording(self, entry, answer.body))

    def _entry(self, answer: ResponseHead, found: Index, at: float, now: float) -> tuple[Entry, bytes]:
        """What would be stored, and why it isn't."""
        names = vary.names(found) or ()
        variant = self.space, names, vary.selects(names, self.found)
        policy = directives.policy(found)
        entry = Entry(self.key, variant, answer, found, policy, at - self.begun, at, now)
        method = b"GET" if self.client.method == b"HEAD" and self.entry is not None else self.client.method
        why = refusal(Case(method, self.key, self.found, self.wish, answer.status, found, policy, entry.left_at(at)))
        return entry, why or (b"spoiled" if self.spoiled else b"")

    def fits(self, space: bytes, found: Index) -> bool:
        """Whether a request may hope to be served by what this one brings, as far as is known."""
        if self.variant is None:
            return space == self.space
        names = self.variant[1]
        return self.variant == (space, names, vary.selects(names, found))

    def _wake(self, joins: list[Join]) -> None:
        for join in joins:
            if join.wake is not None:
                join.wake()

    def __repr__(self) -> str:
        return f"<Ask {self.client.method.decode()} {self.key[1].decode('latin-1')}, {self.fwd.value.decode()}>"


class Recording:
    """The body of an answer on its way into the store. It gives up by itself when it grows too large."""

    __slots__ = ("_ask", "_declared", "_entry", "_pieces", "_size")

    def __init__(self, ask: Ask, entry: Entry, declared: int) -> None:
        self._ask, self._entry, self._declared = ask, entry, declared
        self._pieces: list[bytes] | None = []
        self._size = 0

    def write(self, piece: bytes) -> None:
        """A piece of the body has come."""
        if self._pieces is None:
            return
        cache = self._ask.cache
        if self._size + len(piece) > cache.settings.object_bytes or not cache.store.reserve(len(piece)):
            cache.solo(self._ask.key)
            self.abort()
            return
        self._size += len(piece)
        self._pieces.append(piece)

    def end(self) -> None:
        """The body has come whole: store it, if nothing has happened to its resource meanwhile."""
        pieces, ask = self._pieces, self._ask
        whole = self._declared < 0 or self._size == self._declared
        if pieces is not None and whole and not ask.spoiled:
            self._drop()
            if ask.cache.store.put(self._entry.filled(b"".join(pieces))):
                ask.cache.shared(ask.key)
        self.abort()

    def abort(self) -> None:
        """No more comes: an incomplete response is not stored (RFC 9111 3.3). Safe to call again, and after the end."""
        self._drop()
        self._ask.settle()

    def _drop(self) -> None:
        if self._pieces is not None:
            self._ask.cache.store.release(self._size)
            self._pieces = None


class Join:
    """Somebody asks for the same already. Set `wake`; once it is called, look up again, with this as `waited`.

    bound_s: how long to wait at most; after that, leave() and look up again. Who waited is never kept waiting anew
    beyond `until`, a steady time.
    """

    __slots__ = ("ask", "bound_s", "found", "fwd", "space", "until", "wake")

    def __init__(self, ask: Ask, space: bytes, found: Index, fwd: Fwd, at: float, until: float) -> None:
        self.ask, self.space, self.found, self.fwd, self.until = ask, space, found, fwd, until
        self.bound_s = until - at
        self.wake: Callable[[], object] | None = None
        ask.waiters.append(self)

    def leave(self) -> None:
        """Wait no longer."""
        self.wake = None
        self.until = 0.0
        if self in self.ask.waiters:
            self.ask.waiters.remove(self)
