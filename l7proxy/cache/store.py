"""The stored responses in RAM: found by host and target, bounded in bytes, evicted by S3-FIFO.

                  hit twice or more ┌───────────────► main (90 %) ──never hit──► out
     new ──► small (10 %) ──────────┤                  ▲   └─hit: once more round─┘
                  not               └──► ghosts ───────┘ (a key that comes back soon)

S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023): most of what is asked for is asked
for once, so what comes in waits in a small queue first. A scan of the whole site flows through it and out, and leaves
main as it was. A hit costs an increment, an eviction is O(1): LRU's lists are moved at every hit, and keep a scan.

Rules kept here:

1. `used` counts everything: bodies, fields, Python's own overhead, bodies on their way (`reserve`). It never exceeds
   `bound`: room is made before anything is put in, and what can't get room is not stored.
2. Ghosts are hashes of keys; a fixed part of the bound is theirs.
"""

from __future__ import annotations

from collections import Counter, OrderedDict

from l7proxy.cache import vary
from l7proxy.cache.entry import Entry, Key, Variant
from l7proxy.cache.fields import Index

SMALL_PART, GHOST_PART, _GHOST_BYTES = 0.1, 0.02, 250
MOST_HITS = 3
_Queue = OrderedDict[Entry, None]


class Resource:
    """All that is stored of one host and target. `only`: its response, if there is one and it fits every request."""

    __slots__ = ("names", "only", "variants")

    def __init__(self) -> None:
        self.variants: dict[Variant, Entry] = {}
        self.names: Counter[tuple[bytes, ...]] = Counter()
        self.only: Entry | None = None

    def select(self, space: bytes, request: Index) -> Entry | None:
        """The latest response that fits the request (RFC 9111 4.1)."""
        fits = (self.variants.get((space, names, vary.selects(names, request))) for names in self.names)
        return max((it for it in fits if it is not None), key=lambda it: (it.date, it.at), default=None)

    def changed(self, entry: Entry, by: int) -> None:
        """`entry` was put in (by 1) or taken out (-1)."""
        names = entry.variant[1]
        self.names[names] += by
        if not self.names[names]:
            del self.names[names]
        first = next(iter(self.variants.values()), None) if len(self.variants) == 1 else None
        self.only = first if first is not None and not first.variant[1] else None


class Store:
    """What is stored, within `bound` bytes."""

    def __init__(self, bound: int) -> None:
        self.bound, self.used = bound, 0
        self.resources: dict[Key, Resource] = {}
        self._small: _Queue = OrderedDict()
        self._main: _Queue = OrderedDict()
        self._small_bytes = 0
        self._ghosts: OrderedDict[int, None] = OrderedDict()
        self._ghosts_most = int(bound * GHOST_PART) // _GHOST_BYTES
        self._room = bound - self._ghosts_most * _GHOST_BYTES

    def alike(self, entry: Entry) -> list[Entry]:
        """It, and the resource's other variants with the same strong entity-tag: the same representation."""
        resource, tag = self.resources.get(entry.key), entry.etag
        if resource is None or tag is None or tag.startswith(b"W/"):
            return [entry]
        return [entry, *(it for it in resource.variants.values() if it.etag == tag and it is not entry)]

    def put(self, entry: Entry) -> bool:
        """Store it in the place of what has the same key and variant. False if there is no room, or it is outdated."""
        resource = self.resources.get(entry.key)
        old = None if resource is None else resource.variants.get(entry.variant)
        known = hash(entry.key) in self._ghosts or (old is not None and old.in_main)
        if old is not None:
            if old.asked_at > entry.asked_at:
                return False  # what was asked for later is what the resource has become
            entry.hits = old.hits
            self.remove(old)
        if not self.reserve(entry.size):
            return False
        entry.in_main = known
        self._ghosts.pop(hash(entry.key), None)
        (self._main if known else self._small)[entry] = None
        self._small_bytes += 0 if known else entry.size
        resource = self.resources.setdefault(entry.key, Resource())
        resource.variants[entry.variant] = entry
        resource.changed(entry, 1)
        return True

    def remove(self, entry: Entry) -> None:
        """Take it out, if it is in there."""
        resource = self.resources.get(entry.key)
        if resource is None or resource.variants.get(entry.variant) is not entry:
            return
        del resource.variants[entry.variant]
        resource.changed(entry, -1)
        if not resource.variants:
            del self.resources[entry.key]
        queue = self._main if entry.in_main else self._small
        del queue[entry]
        self._small_bytes -= 0 if entry.in_main else entry.size
        self.used -= entry.size

    def forget(self, key: Key) -> None:
        """Take out all that is stored of a resource."""
        resource = self.resources.get(key)
        for entry in list(resource.variants.values()) if resource else ():
            self.remove(entry)

    def reserve(self, size: int) -> bool:
        """Count `size` bytes as used, with room made for them; False if there can't be enough."""
        if size > self._room:
            return False
        while self.used + size > self._room:
            if not self._small and not self._main:
                return False
            self._evict()
        self.used += size
        return True

    def release(self, size: int) -> None:
        """Reserved bytes are not used any more."""
        self.used -= size

    def _evict(self) -> None:
        """One step: an entry goes, or goes on in main."""
        if self._small_bytes > self._room * SMALL_PART or not self._main:
            entry = next(iter(self._small))
            if entry.hits > 1:
                self._promote(entry)
            else:
                self._haunt(entry.key)
                self.remove(entry)
            return
        entry = next(iter(self._main))
        if entry.hits:
            entry.hits -= 1
            self._main.move_to_end(entry)
        else:
            self.remove(entry)

    def _promote(self, entry: Entry) -> None:
        del self._small[entry]
        self._small_bytes -= entry.size
        self._main[entry] = None
        entry.hits, entry.in_main = 0, True

    def _haunt(self, key: Key) -> None:
        """Remember that it was here: at its second coming it goes to main at once."""
        self._ghosts[hash(key)] = None
        if len(self._ghosts) > min(self._ghosts_most, max(64, len(self._main) + len(self._small))):
            self._ghosts.popitem(last=False)

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    def __repr__(self) -> str:
        return f"<Store {len(self)} responses, {self.used} of {self.bound} bytes>"
