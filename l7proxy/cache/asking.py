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
from l7proxy.cache.conditional import ORIGINS
from l7proxy.cache.directives import NO_WISH
from l7proxy.cache.entry import Entry, Key, Variant, dated
from l7proxy.cache.fields import Index, index
from l7proxy.cache.freshness import bridges
from l7proxy.cache.reply import Reply
from l7proxy.cache.status import Fwd
from l7proxy.cache.storable import Case, refusal
from l7proxy.messages import NO_BODY, RequestHead, ResponseHead

if TYPE_CHECKING:
    from l7proxy.cache.cache import Cache

FAILURES = frozenset((500, 502, 503, 504))  # RFC 5861 4
# Not a reason to let the next ones wait for nothing: it was this request's, or this moment's.
_PASSING = frozenset((b"request-no-store", b"authorization", b"not-modified", b"spoiled"))
_INSTEAD = frozenset((200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 410))  # the resource is now this
_UNTRIED = frozenset((Fwd.METHOD, Fwd.BYPASS))  # nothing is stored of these, which needs no explanation
# An answer in which none of these stands is never stored (storable.py: status, no-use).
_SAYING = frozenset((b"cache-control", b"cdn-cache-control", b"expires", b"last-modified", b"etag"))


class Relay(NamedTuple):
    """The origin's answer is the client's. recording: told of its body, if it is to be stored."""

    head: ResponseHead
    recording: Recording | None


class Ask:
    """Forward `request`, and say what came of it. Exactly one of answered, failed and abandoned is the end of it.

    entry:    what the store has that does not do as it is. validates: `request` has our conditions in it.
    leads:    others may wait for this one. begun: when it was made. down: the origin has failed.
    """

    __slots__ = ("_found", "begun", "cache", "client", "collapsed", "down", "entry", "fwd", "key", "leads",
                 "request", "settled", "space", "spoiled", "validates", "variant", "waiters", "wish")

    def __init__(self, cache: Cache, client: RequestHead, key: Key, space: bytes, begun: float) -> None:
        self.cache, self.client, self.key, self.space, self.begun = cache, client, key, space, begun
        self.request, self.wish, self.fwd = client, NO_WISH, Fwd.URI_MISS
        self.validates = self.leads = self.settled = self.spoiled = self.down = False
        self.entry: Entry | None = None
        self.variant: Variant | None = None
        self.collapsed: bool | None = None
        self.waiters: list[Join] | None = None
        self._found: Index | None = None

    @property
    def found(self) -> Index:
        """The request's fields, read when first needed: for most that are forwarded, that is never."""
        if self._found is None:
            self._found = index(self.client.fields)
        return self._found

    def validate(self) -> None:
        """Ask a GET's origin whether the stored one is still right, if that has a validator (RFC 9111 4.3.1)."""
        if self.entry is not None and self.client.method == b"GET" and not conditional.present(ORIGINS, self.found):
            fields = conditional.conditioned(self.client.fields, self.entry)
            if fields is not None:
                self.request, self.validates = self.client._replace(fields=fields), True

    # What came of it.

    def answered(self, answer: ResponseHead, at: float) -> Reply | Relay:
        """The head of the final answer, or a 101, has come; a Reply means that its body, if any, is not wanted."""
        if answer.status == 101:
            return Relay(answer, None)
        found = index(answer.fields)
        answer = dated(answer, found, at + self.cache.wall_s)
        if self.fwd is Fwd.METHOD:
            self.cache.succeeded(self, answer.status, found)
        elif self.entry is not None:
            if answer.status == 304 and self.validates:
                return self._validated(self.entry, answer, found, at)
            if answer.status in FAILURES and (stale := self.stale(at, answer.status)):
                return stale
            if answer.status == 200 and self.client.method == b"HEAD":
                if answer.declared in (NO_BODY, len(self.entry.body)) and conditional.identifies(found, self.entry):
                    return self._validated(self.entry, answer, found, at)
                self.cache.store.remove(self.entry)
        return self._relayed(answer, found, at)

    def failed(self, at: float) -> Reply | None:
        """Nobody answered. A Reply if a stale one may be used, else the caller says what went wrong."""
        self.down = True
        stale = self.stale(at)
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
            if self.waiters:
                self._wake(self.waiters)

    # How.

    def _validated(self, entry: Entry, answer: ResponseHead, found: Index, at: float) -> Reply:
        """The stored one is right, and updated if it is the one that the answer is about (RFC 9111 4.3.4)."""
        if conditional.identifies(found, entry):
            entry, *_ = (self._freshened(old, answer, at) for old in self.cache.store.alike(entry))
        else:
            self.cache.store.remove(entry)
        self.settle()
        note = status.forwarded(self.fwd, status=answer.status, ttl_s=int(entry.left_at(at)), collapsed=self.collapsed)
        return reply.compose(entry, self.client.method, self.found, note, at, at + self.cache.wall_s)

    def _freshened(self, old: Entry, answer: ResponseHead, at: float) -> Entry:
        """`old` with the answer's fields: in its place, unless they say that it is not to be stored."""
        store, head = self.cache.store, old.updated(answer)
        found = index(head.fields)
        varies = vary.names(found) != old.variant[1]
        variant = self._variant(found) if varies else old.variant
        new = Entry(self.key, variant, head, found, at - self.begun, at, at + self.cache.wall_s).filled(old.body)
        keep = new.useful_at(at) and not self._refused(b"GET", head, found) and (not varies or old is self.entry)
        if varies or not keep:
            store.remove(old)
        if keep:
            store.put(new)
        return new

    def stale(self, at: float, came: int = 0) -> Reply | None:
        """The stored one in place of a failure (`came`: its status), if that is allowed (RFC 9111 4.2.4, 4.3.3)."""
        entry = self.entry
        if entry is None:
            return None
        stated = entry.policy.if_error_s
        window = self.cache.settings.unreachable_s if stated is None else stated
        if not bridges(self.wish, entry.policy, entry.left_at(at), window):
            return None
        self.down = True
        self.settle()
        note = status.forwarded(self.fwd, status=came, ttl_s=int(entry.left_at(at)), collapsed=self.collapsed,
                                detail=b"stale-if-error")
        return reply.compose(entry, self.client.method, self.found, note, at, at + self.cache.wall_s)

    def _relayed(self, answer: ResponseHead, found: Index, at: float) -> Relay:
        """The answer is the client's, and perhaps the store's too."""
        why = self._refused(self.client.method, answer, found)
        if not why:
            entry = Entry(self.key, self._variant(found), answer, found, at - self.begun, at, at + self.cache.wall_s)
            if entry.useful_at(at):
                return self._recorded(answer, entry, at)
            why = b"no-use"
        if why not in _PASSING:
            if self.entry is not None and answer.status in _INSTEAD:
                self.cache.store.remove(self.entry)  # outdated, and what took its place is not stored
            if self.leads:
                self.cache.solo(self.key)
        self.settle()
        note = status.forwarded(self.fwd, collapsed=self.collapsed, detail=why if self.fwd not in _UNTRIED else b"")
        return Relay(answer._replace(fields=[*answer.fields, note]), None)

    def _recorded(self, answer: ResponseHead, entry: Entry, at: float) -> Relay:
        """It is to be stored: those it won't fit need not wait for its end."""
        self.variant = entry.variant
        self.cache.took_off(self)  # a POST is under way from here on only: its own success spoils nothing of it
        if self.waiters:
            unfit = [join for join in self.waiters if not self.fits(join.ask)]
            self.waiters = [join for join in self.waiters if join not in unfit]
            self._wake(unfit)
        note = status.forwarded(self.fwd, ttl_s=int(entry.left_at(at)), stored=True, collapsed=self.collapsed)
        return Relay(answer._replace(fields=[*answer.fields, note]), Recording(self, entry, answer.body))

    def _refused(self, method: bytes, answer: ResponseHead, found: Index) -> bytes:
        """Why an answer to `method` is not stored; empty if it is, unless it proves to be of no use."""
        if self.spoiled:
            return b"spoiled"
        if self.fwd is Fwd.BYPASS or found.keys().isdisjoint(_SAYING):
            return b"no-use"
        if answer.body > self.cache.settings.object_bytes:
            return b"too-large"
        return refusal(Case(method, self.key, self.found, self.wish, answer.status, found, directives.policy(found)))

    def _variant(self, found: Index) -> Variant:
        names = vary.names(found) or ()
        return self.space, names, vary.selects(names, self.found)

    def fits(self, other: Ask) -> bool:
        """Whether another request may hope to be served by what this one brings, as far as is known."""
        if self.variant is None:
            return other.space == self.space
        names = self.variant[1]
        return self.variant == (other.space, names, vary.selects(names, other.found))

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
    beyond `until`.
    """

    __slots__ = ("ahead", "ask", "bound_s", "fwd", "until", "wake")

    def __init__(self, ahead: Ask, ask: Ask, until: float) -> None:
        self.ahead, self.ask, self.fwd, self.until = ahead, ask, ask.fwd, until
        self.bound_s = until - ask.begun
        self.wake: Callable[[], object] | None = None
        if ahead.waiters is None:
            ahead.waiters = []
        ahead.waiters.append(self)

    def leave(self) -> None:
        """Wait no longer."""
        self.wake = None
        self.until = 0.0
        self.ahead.waiters = [join for join in self.ahead.waiters or () if join is not self]
