"""What to do with a request: answer it from the store, forward it, or let it wait for one like it.

    lookup(request, now) ──► Reply   from the store           (reply.py)
                         ──► Ask     forward it, then say how  (asking.py)
                         ──► Join    wait, then look up again  (asking.py)

    the request, what the store has                    what is done
    another method than GET or HEAD, or a body         Ask: method, bypass
    If-Match, If-Unmodified-Since, no-store            Ask: request
    nothing stored                                     Ask: uri-miss; or Join
    stored, but for other selecting fields             Ask: vary-miss; or Join
    stored and fresh, and fresh enough for the client  Reply
    stored, stale, within stale-while-revalidate       Reply, and an Ask to make meanwhile
    stored, but the client wants it validated          Ask: request
    stored and stale, or no-cache                      Ask: stale, validating it if it can be; or Join
    one of the Asks above, and only-if-cached          Reply: 504

Rule: the common case, a plain GET for what is fresh, is one look-up in a dictionary and a reply made before.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from l7proxy.cache import directives, reply, status, storable
from l7proxy.cache.asking import Ask, Join
from l7proxy.cache.conditional import ORIGINS, OURS, present
from l7proxy.cache.directives import Wish
from l7proxy.cache.entry import Entry, Key
from l7proxy.cache.fields import Index, index
from l7proxy.cache.freshness import Steady, bridges, satisfies
from l7proxy.cache.reply import Reply
from l7proxy.cache.status import Fwd
from l7proxy.cache.store import Store
from l7proxy.messages import NO_BODY, RequestHead

# Fields that make a GET anything but plain.
_STEERING = ORIGINS | OURS | {b"cache-control", b"pragma", b"range"}
_READS = frozenset((b"GET", b"HEAD"))
_SAFE = _READS | {b"OPTIONS", b"TRACE", b"PROPFIND", b"REPORT", b"SEARCH", b"QUERY"}  # IANA's registry of methods
_SOLOS = 4_096


@dataclass(frozen=True)
class Settings:
    """The bounds of one cache.

    bytes:         what it holds in all. object_bytes: the largest body that is stored.
    join_s:        how long a request waits for another one's answer.
    unreachable_s: how stale a response may be used when its origin can't be reached, or is failing, and the response
                   does not say itself (stale-if-error).
    """

    bytes: int = 64 * 2**20
    object_bytes: int = 4 * 2**20
    join_s: float = 5.0
    unreachable_s: int = 3_600


class Cache:
    """A shared HTTP cache (RFC 9111).

    flights: the requests for stored kinds of things that are under way, by what they ask for.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.store = Store(self.settings.bytes)
        self.clock = Steady()
        self.flights: dict[Key, list[Ask]] = {}
        self._resources = self.store.resources
        self._solos: OrderedDict[int, None] = OrderedDict()

    def lookup(self, request: RequestHead, now: float, space: bytes = b"", waited: Join | None = None
               ) -> Reply | Ask | Join:
        """What to do with a request that came at `now` (wall clock, s).

        space:  what besides its URI decides where it goes (route, scheme): responses are not shared across spaces.
        waited: the Join that has ended, if it waited.
        """
        clock = self.clock
        if now < clock.wall:
            clock.at(now)
        clock.wall = now
        at = now + clock.ahead
        resource = self._resources.get((request.host, request.target))
        if resource is not None and (entry := resource.only) is not None and at < entry.reply_until and waited is None \
                and request.method == b"GET" and request.body == NO_BODY and entry.variant[0] == space:
            for field in request.fields:
                if field[0].lower() in _STEERING:
                    break
            else:
                if entry.hits < 3:
                    entry.hits += 1
                assert entry.reply is not None
                return entry.reply
        return self._considered(request, at, now, space, waited)

    def _considered(self, request: RequestHead, at: float, now: float, space: bytes, waited: Join | None
                    ) -> Reply | Ask | Join:
        key, found = (request.host.lower(), request.target), index(request.fields)
        if request.method not in _READS or request.body != NO_BODY:
            fwd = Fwd.BYPASS if request.method in _READS else Fwd.METHOD
            return Ask(self, request, key, space, found, Wish(), fwd, None, at)
        plain = not present(_STEERING, found)
        wish = Wish() if plain else directives.wish(found)
        resource = self._resources.get(key)
        entry = None if resource is None else resource.select(space, found)
        answer = self._from_store(entry, request, found, wish, plain, at, now, space, waited)
        if isinstance(answer, Reply):
            return answer
        if wish.only_if_cached:
            return reply.unstored(request.minor)
        if answer is Fwd.URI_MISS and resource is not None:
            answer = Fwd.VARY_MISS
        return self._forward(answer, request, key, found, wish, entry, at, space, waited)

    def _from_store(self, entry: Entry | None, request: RequestHead, found: Index, wish: Wish, plain: bool,
                    at: float, now: float, space: bytes, waited: Join | None) -> Reply | Fwd:
        """A reply, or why there is none."""
        if wish.no_store or present(ORIGINS, found):
            return Fwd.REQUEST
        if entry is None:
            return Fwd.URI_MISS
        left, refresh = entry.left_at(at), None
        if entry.policy.no_cache:
            return Fwd.STALE
        if not satisfies(wish, entry.policy, entry.age_at(at), left):
            if left > 0:
                return Fwd.REQUEST
            if not bridges(wish, entry.policy, left, entry.policy.while_s):
                return Fwd.REQUEST if wish.no_cache else Fwd.STALE
            refresh = self._refresh(entry, request, found, at, space)
        entry.hits = min(3, entry.hits + 1)
        if plain and left > 0 and waited is None and request.method == b"GET":
            return entry.reply if entry.reply is not None and at < entry.reply_until else reply.plain(entry, at)
        if waited is not None:
            note = status.forwarded(waited.fwd, ttl_s=int(left), collapsed=True)
        else:
            note = status.hit(int(left), b"" if left > 0 else b"stale-while-revalidate" if refresh else b"stale")
        return reply.compose(entry, request.method, found, note, at, now)._replace(refresh=refresh)

    def _refresh(self, entry: Entry, request: RequestHead, found: Index, at: float, space: bytes) -> Ask | None:
        """A request to freshen what is served stale (RFC 5861 3), unless one like it is under way."""
        if any(ask.leads and ask.fits(space, found) for ask in self.flights.get(entry.key, ())):
            return None
        fields = [field for field in request.fields if field[0].lower() not in _STEERING]
        clean = request._replace(method=b"GET", fields=fields)
        ask = Ask(self, clean, entry.key, space, index(fields), Wish(), Fwd.STALE, entry, at)
        ask.validate()
        return self._take_off(ask, leads=True)

    def _forward(self, fwd: Fwd, request: RequestHead, key: Key, found: Index, wish: Wish, entry: Entry | None,
                 at: float, space: bytes, waited: Join | None) -> Ask | Join:
        """Ask the origin; or wait, if another does who may be answered with what does for this one too."""
        until = at + self.settings.join_s if waited is None else waited.until
        shares = fwd is not Fwd.REQUEST and hash(key) not in self._solos
        if shares and at < until:
            for ask in self.flights.get(key, ()):
                if ask.leads and ask.fits(space, found) and at - ask.begun < self.settings.join_s:
                    return Join(ask, space, found, fwd, at, until)
        ask = Ask(self, request, key, space, found, wish, fwd, entry, at)
        if waited is not None:
            ask.collapsed = False
        if request.method == b"GET" and not present(ORIGINS, found):
            ask.validate()
        own = present(OURS, found) and not ask.validates
        leads = shares and request.method == b"GET" and not own and not present((b"range", b"authorization"), found)
        return self._take_off(ask, leads)

    def _take_off(self, ask: Ask, leads: bool) -> Ask:
        ask.leads = leads
        self.flights.setdefault(ask.key, []).append(ask)
        return ask

    # What the Asks tell.

    def landed(self, ask: Ask) -> None:
        """It is settled."""
        asks = self.flights.get(ask.key)
        if asks is not None and ask in asks:
            asks.remove(ask)
            if not asks:
                del self.flights[ask.key]

    def solo(self, key: Key) -> None:
        """What this brings is not stored: let nobody wait for it, until that changes."""
        self._solos[hash(key)] = None
        if len(self._solos) > _SOLOS:
            self._solos.popitem(last=False)

    def shared(self, key: Key) -> None:
        """What this brings is stored."""
        self._solos.pop(hash(key), None)

    def succeeded(self, ask: Ask, code: int, answer: Index) -> None:
        """Another method than GET or HEAD was answered: what it may have changed is invalid (RFC 9111 4.4)."""
        if ask.client.method in _SAFE or not 200 <= code < 400:
            return
        self.invalidate(ask.key)
        for name in (b"location", b"content-location"):
            for reference in answer.get(name, ()):
                other = storable.resolved(ask.key, reference)
                if other is not None:
                    self.invalidate(other)

    def invalidate(self, key: Key) -> None:
        """Forget what is stored, and don't store what was asked for before now."""
        self.store.forget(key)
        for ask in self.flights.get(key, ()):
            ask.spoiled = True
            ask.leads = False

    def __repr__(self) -> str:
        return f"<Cache {self.store}, {sum(map(len, self.flights.values()))} under way>"
