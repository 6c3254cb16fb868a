"""What to do with a request: answer it from the store, forward it, or let it wait for one like it.

    lookup(request, at)  ──► Reply   from the store           (reply.py)
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
from l7proxy.cache.entry import Entry, Key
from l7proxy.cache.fields import Index
from l7proxy.cache.freshness import bridges, satisfies
from l7proxy.cache.reply import Reply
from l7proxy.cache.status import Fwd
from l7proxy.cache.store import MOST_HITS, Store
from l7proxy.messages import NO_BODY, RequestHead

# Fields that make a GET anything but plain.
_STEERING = ORIGINS | OURS | {b"authorization", b"cache-control", b"pragma", b"range"}
_READS = frozenset((b"GET", b"HEAD"))
_SAFE = _READS | {b"OPTIONS", b"TRACE", b"PROPFIND", b"REPORT", b"SEARCH", b"QUERY"}  # IANA's registry of methods
_SOLOS = 4_096


@dataclass(frozen=True)
class Settings:
    """The bounds of one cache.

    store_bytes:   what it holds in all. object_bytes: the largest body that is stored.
    join_s:        how long a request waits for another one's answer.
    unreachable_s: how stale a response may be used when its origin can't be reached, or is failing, and the response
                   does not say itself (stale-if-error).
    """

    store_bytes: int = 64 * 2**20
    object_bytes: int = 4 * 2**20
    join_s: float = 5.0
    unreachable_s: int = 3_600


class Cache:
    """A shared HTTP cache (RFC 9111).

    wall_s:  how far the wall clock is ahead of `at`, kept right by whoever has both clocks.
    flights: what is under way and may be stored, by what it asks for, the first one first.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.store = Store(self.settings.store_bytes)
        self.wall_s = 0.0
        self.flights: dict[Key, dict[Ask, None]] = {}
        self._resources = self.store.resources
        self._solos: OrderedDict[int, None] = OrderedDict()

    def lookup(self, request: RequestHead, at: float, space: bytes = b"", waited: Join | None = None
               ) -> Reply | Ask | Join:
        """What to do with a request that came at `at`: seconds of a clock that never goes back.

        space:  what besides its URI decides where it goes (route, scheme): responses are not shared across spaces.
        waited: the Join that has ended, if it waited.
        """
        plain = request.method == b"GET" and request.body == NO_BODY and waited is None and not request.upgrade
        if plain:
            for field in request.fields:
                if field[0] in _STEERING:
                    plain = False
                    break
            else:
                resource = self._resources.get((request.host, request.target))
                if resource is not None and (entry := resource.only) is not None and at < entry.reply_until \
                        and entry.variant[0] == space:
                    if entry.hits < MOST_HITS:
                        entry.hits += 1
                    assert entry.reply is not None
                    return entry.reply
        ask = Ask(self, request, (request.host.lower(), request.target), space, at)
        return self._considered(ask, plain, waited)

    def _considered(self, ask: Ask, plain: bool, waited: Join | None) -> Reply | Ask | Join:
        """What to do with a request for which there is no reply at hand. plain: a GET without steering fields."""
        request = ask.client
        if request.method not in _READS or request.body != NO_BODY or request.upgrade:
            ask.fwd = Fwd.BYPASS if request.method in _READS else Fwd.METHOD
            return ask
        if not plain:
            ask.wish = directives.wish(ask.found)
        resource = self._resources.get(ask.key)
        if resource is not None:
            ask.entry = resource.select(ask.space, ask.found)
            ask.fwd = Fwd.VARY_MISS
        if ask.wish.no_store or (not plain and present(ORIGINS, ask.found)):
            ask.fwd, ask.entry = Fwd.REQUEST, None
        elif ask.entry is not None and (found := self._from_store(ask, ask.entry, plain, waited)):
            return found
        if ask.wish.only_if_cached:
            return reply.unstored(request)
        if waited is not None and waited.ahead.down:
            ask.collapsed, waited.until = True, 0.0
            if stale := ask.stale(ask.begun):
                return stale
        return self._forward(ask, plain, waited)

    def _from_store(self, ask: Ask, entry: Entry, plain: bool, waited: Join | None) -> Reply | None:
        """A reply; or None, and why in `ask.fwd`."""
        at, wish, policy, left, refresh = ask.begun, ask.wish, entry.policy, entry.left_at(ask.begun), None
        if policy.no_cache or not satisfies(wish, policy, entry.age_at(at), left):
            ask.fwd = Fwd.REQUEST if wish.no_cache or (left > 0 and not policy.no_cache) else Fwd.STALE
            if left > 0 or not bridges(wish, policy, left, policy.while_s):
                return None
            refresh = self._refresh(ask, entry)
        entry.hits = min(MOST_HITS, entry.hits + 1)
        if plain and left > 0:
            return entry.reply if entry.reply is not None and at < entry.reply_until else reply.plain(entry, at)
        if waited is not None:
            note = status.forwarded(waited.fwd, ttl_s=int(left), collapsed=True)
        else:
            note = status.hit(int(left), b"" if left > 0 else b"stale-while-revalidate" if refresh else b"stale")
        return reply.compose(entry, ask.client.method, ask.found, note, at, at + self.wall_s)._replace(refresh=refresh)

    def _refresh(self, asked: Ask, entry: Entry) -> Ask | None:
        """A request to freshen what is served stale (RFC 5861 3), unless one like it is under way."""
        if self._like(asked) is not None:
            return None
        fields = [it for it in asked.client.fields if it.name not in _STEERING]
        ask = Ask(self, asked.client._replace(method=b"GET", fields=fields), asked.key, asked.space, asked.begun)
        ask.fwd, ask.entry, ask.leads = Fwd.STALE, entry, True
        ask.validate()
        self.took_off(ask)
        return ask

    def _forward(self, ask: Ask, plain: bool, waited: Join | None) -> Ask | Join:
        """Ask the origin; or wait, if another does who may be answered with what does for this one too."""
        shares = ask.fwd is not Fwd.REQUEST and hash(ask.key) not in self._solos
        until = ask.begun + self.settings.join_s if waited is None else waited.until
        if shares and ask.begun < until and (ahead := self._like(ask)) is not None:
            return Join(ahead, ask, until)
        ask.collapsed = None if waited is None else False
        ask.leads = shares and (plain or (ask.client.method == b"GET" and not present(_STEERING, ask.found)))
        ask.validate()
        self.took_off(ask)
        return ask

    def _like(self, ask: Ask) -> Ask | None:
        """A request under way whose answer may do for `ask`."""
        oldest = ask.begun - self.settings.join_s
        like = (it for it in self.flights.get(ask.key, ()) if it.leads and it.begun > oldest and it.fits(ask))
        return next(like, None)

    # What the Asks tell.

    def took_off(self, ask: Ask) -> None:
        """It is under way. Safe to call again."""
        self.flights.setdefault(ask.key, {})[ask] = None

    def landed(self, ask: Ask) -> None:
        """It is settled."""
        asks = self.flights.get(ask.key)
        if asks is not None and ask in asks:
            del asks[ask]
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
