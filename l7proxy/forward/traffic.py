"""Bandwidth: each client's assured rate, and what the others leave, in fair parts. A token bucket that borrows (HTB).

                        total 10 MB/s                 what nobody has used
                 ┌──────────┼──────────┐                      ▲ borrow, in turn
            assured 1    assured 1   assured 1 MB/s           │
            ceiling 8    ceiling 8   ceiling 8         own tokens used up

     take(client, octets, now)   0.0: they may go, and are counted      0.012: not yet; ask again in 12 ms

Rules kept here:

1. A client with tokens of its own goes ahead, whatever the others do; those used up, it borrows from the total while
   that has tokens; beyond its ceiling it waits.
2. Of those who want to borrow, it is the turn of whoever has borrowed least, in proportion to what is assured to them
   (start-time fair queueing, Goyal 1996), give or take what goes in TURN_S. Who comes back after a pause has saved up
   nothing.
3. In any window of t seconds: of one client no more than ceiling x (t + burst_s) and one piece; of all of them no more
   than total x (t + burst_s), one piece, and for each the burst of what is assured and one piece. (Up to the last that
   was borrowed there were tokens; after it goes only what is assured.)
4. If more is assured to those who are there than there is, each has its part of what there is.
5. Whoever is told to wait, and then leaves, or is not back GRACE_S after that, keeps nobody waiting any more.
6. Who has not asked for IDLE_S, and has no debts, is forgotten: what is kept is bounded by who is active.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from layerlab import LabError

BURST_S = 0.05         # how much of a rate may come at once, where nothing else is said
TURN_S = 0.01          # how far ahead of the others one may borrow
SOONEST_S = 0.002      # a wait is at least so long, and at most LONGEST_S
LONGEST_S = 0.25
GRACE_S = 1.0          # how late one may come back and still have a turn: a busy machine is late with everything
PAUSE_S = 0.5
IDLE_S = 2.0


@dataclass(frozen=True)
class Share:
    """Of one client, in octets a second. ceiling: what it never gets more than."""

    assured: float
    ceiling: float

    def __post_init__(self) -> None:
        if not 0 < self.assured <= self.ceiling:
            raise LabError(f"{self.assured:.0f} bytes/s are assured and {self.ceiling:.0f} the ceiling",
                           "more than 0 assured, and no more than the ceiling",
                           field="ceiling" if self.assured > 0 else "assured")


class _Client:
    """One client's buckets, in octets; below zero they are in debt. level: what it has borrowed, by its share."""

    __slots__ = ("asked_s", "at_s", "ceiling", "level", "own", "queued", "share", "waits_until_s")

    def __init__(self, share: Share, level: float, now_s: float, burst_s: float) -> None:
        self.share, self.level = share, level
        self.own, self.ceiling = share.assured * burst_s, share.ceiling * burst_s
        self.at_s = self.asked_s = now_s
        self.waits_until_s = -1.0
        self.queued = False

    def over(self, now_s: float, burst_s: float) -> bool:
        """Whether nothing would be lost if it were forgotten: its buckets are full."""
        passed_s = now_s - self.asked_s
        return passed_s > IDLE_S and self.ceiling + (passed_s - burst_s) * self.share.ceiling > 0


class Shaper:
    """The bandwidth of one direction. total: octets a second. share: of a client that has none of its own.

    burst_s: how many seconds' worth of a rate may come at once.
    """

    def __init__(self, total: float, share: Share, shares: Mapping[str, Share] | None = None,
                 burst_s: float = BURST_S) -> None:
        self._be(total, share, shares, burst_s)
        self._tokens = total * burst_s
        self._at_s: float | None = None
        self._clients: dict[str, _Client] = {}
        self._assured = 0.0                               # to all who are there
        self._queue: list[tuple[float, str]] = []         # levels of those who wait, maybe of some who no longer do
        self._level = 0.0                                 # of whoever was served last: virtual time
        self._swept_s = 0.0

    def _be(self, total: float, share: Share, shares: Mapping[str, Share] | None, burst_s: float) -> None:
        self.total, self.share, self.shares, self.burst_s = total, share, shares or {}, burst_s
        self._turn = total * TURN_S

    def become(self, total: float, share: Share, shares: Mapping[str, Share] | None = None,
               burst_s: float = BURST_S) -> None:
        """Let other rates hold from now on. Who is there keeps its debts, and its place among those who borrow."""
        self._be(total, share, shares, burst_s)
        for name, client in self._clients.items():
            client.share = self.shares.get(name, share)
        self._assured = sum(client.share.assured for client in self._clients.values())

    def take(self, name: str, octets: int, now_s: float) -> float:
        """0 if `octets` of the client `name` may go now: they are counted. Else in how many seconds to ask again."""
        client = self._clients.get(name) or self._enter(name, now_s)
        self._refill(client, now_s)
        if now_s - client.asked_s > PAUSE_S:
            client.level = max(client.level, self._level)
        client.asked_s = now_s
        if client.ceiling <= 0:
            return _bounded(-client.ceiling / client.share.ceiling)
        if client.own > 0:
            client.own -= octets
        elif self._tokens <= 0:
            return self._wait(name, client, -self._tokens / self.total, now_s)
        elif not self._borrow(client, octets, now_s):
            return self._wait(name, client, len(self._queue) * TURN_S, now_s)
        client.ceiling -= octets
        self._tokens -= octets
        return 0.0

    def leave(self, name: str) -> None:
        """The client `name` has nothing more to send for now."""
        if client := self._clients.get(name):
            client.waits_until_s = -1.0

    def _refill(self, client: _Client, now_s: float) -> None:
        passed_s = now_s - (now_s if self._at_s is None else self._at_s)
        self._at_s = now_s
        self._tokens = min(self._tokens + passed_s * self.total, self.total * self.burst_s)
        passed_s, client.at_s = now_s - client.at_s, now_s
        assured, ceiling = client.share.assured, client.share.ceiling
        client.own = min(client.own + passed_s * self._own_rate(client), assured * self.burst_s)
        client.ceiling = min(client.ceiling + passed_s * ceiling, ceiling * self.burst_s)

    def _own_rate(self, client: _Client) -> float:
        """What is assured to the client, in octets a second: rule 4."""
        return client.share.assured * min(1.0, self.total / self._assured)

    def _borrow(self, client: _Client, octets: int, now_s: float) -> bool:
        """Whether it is the client's turn: nobody who waits has borrowed much less (rule 2). Then it has borrowed."""
        least = self._least(now_s)
        if least is not None and client.level > least + self._turn / client.share.assured:
            return False
        self._level = max(self._level, client.level if least is None else min(least, client.level))
        client.level += octets / client.share.assured
        return True

    def _least(self, now_s: float) -> float | None:
        """The lowest level of those who wait."""
        queue = self._queue
        while queue:
            level, name = queue[0]
            client = self._clients.get(name)
            if client is None or client.waits_until_s < now_s:
                heapq.heappop(queue)
                if client is not None:
                    client.queued = False
            elif client.level > level:
                heapq.heapreplace(queue, (client.level, name))
            else:
                return level
        return None

    def _wait(self, name: str, client: _Client, seconds: float, now_s: float) -> float:
        """Put the client among those who wait: until then, or until it has tokens of its own."""
        wait_s = _bounded(min(seconds, -client.own / self._own_rate(client)))
        if not client.queued:
            client.queued = True
            heapq.heappush(self._queue, (client.level, name))
        client.waits_until_s = now_s + wait_s + GRACE_S
        return wait_s

    def _enter(self, name: str, now_s: float) -> _Client:
        if now_s >= self._swept_s + IDLE_S:
            self._swept_s = now_s
            self._clients = {one: kept for one, kept in self._clients.items() if not kept.over(now_s, self.burst_s)}
            self._assured = sum(client.share.assured for client in self._clients.values())
        client = self._clients[name] = _Client(self.shares.get(name, self.share), self._level, now_s, self.burst_s)
        self._assured += client.share.assured
        return client

    def __repr__(self) -> str:
        return f"<Shaper {self.total:g} B/s: {len(self._clients)} clients>"


def _bounded(seconds: float) -> float:
    return min(max(seconds, SOONEST_S), LONGEST_S)
