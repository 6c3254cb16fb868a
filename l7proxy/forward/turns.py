"""One direction of what clients send and get: whose turn it is, piece by piece.

     connections of ann   ●●● ──one after another──┐
     connections of bob   ●   ─────────────────────┼──► Shaper: may ann's next piece go? ──0──► it goes
                                                   │         (traffic.py)        └──0.012──► ann's row waits 12 ms
     one alarm for each client that waits ─────────┘

Rules kept here:

1. A client's connections take turns, a piece each: many of them get it no more than one.
2. A lane that can't go on now, as its other side is full, is in no row; it comes back when it can.
3. What goes wrong in one connection holds up no other one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

from l7proxy.forward.traffic import BURST_S, Shaper, Share

Later = Callable[[float, Callable[[], object]], object]
PIECE, LEAST_PIECE = 16_384, 1_024
NO_TOTAL = 2.0**50  # octets a second: more than anything that there is


class Lane(ABC):
    """One direction of one connection. client: whose it is. queued: whether it is in a row; for Way only."""

    __slots__ = ("client", "queued")

    def __init__(self, client: str) -> None:
        self.client, self.queued = client, False

    @abstractmethod
    def ready(self) -> int:
        """How many octets could go now; 0 if none, or if they would have nowhere to go."""

    @abstractmethod
    def go(self, octets: int) -> None:
        """Let so many go."""


class Way:
    """All lanes of one direction. later: the loop's call_later. now: seconds of a clock that never goes back."""

    def __init__(self, later: Later, now: Callable[[], float]) -> None:
        self._later, self._now = later, now
        self._shaper: Shaper | None = None
        self._rows: dict[str, deque[Lane]] = {}
        self.piece = PIECE

    def become(self, total: float | None, share: Share, shares: Mapping[str, Share] | None = None,
               burst_s: float = BURST_S) -> None:
        """Let these rates hold (traffic.Shaper); who is there already keeps what it owes."""
        total = total or NO_TOTAL
        if self._shaper is None:
            self._shaper = Shaper(total, share, shares, burst_s)
        else:
            self._shaper.become(total, share, shares, burst_s)
        self.piece = int(max(LEAST_PIECE, min(PIECE, share.ceiling * burst_s)))

    def free(self) -> None:
        """Let everything go as fast as it can."""
        self._shaper = None

    def ask(self, lane: Lane) -> None:
        """`lane` has something that could go."""
        if lane.queued:
            return
        lane.queued = True
        row = self._rows.get(lane.client)
        if row is not None:
            row.append(lane)
            return
        self._rows[lane.client] = deque((lane,))
        self._turn(lane.client)

    def _turn(self, client: str) -> None:
        """Let the lanes of `client` go one after another, until it has to wait, or nothing is left."""
        row = self._rows[client]
        while row:
            lane = row[0]
            octets = min(lane.ready(), self.piece)
            if not octets or lane.client != client:
                self._leave(row)
                continue
            wait_s = self._shaper.take(client, octets, self._now()) if self._shaper is not None else 0.0
            if wait_s:
                self._later(wait_s, partial(self._turn, client))
                return
            row.rotate(-1)
            try:
                lane.go(octets)
            except Exception:
                self._later(0.0, partial(self._turn, client))  # rule 3
                raise
        del self._rows[client]
        if self._shaper is not None:
            self._shaper.leave(client)

    def _leave(self, row: deque[Lane]) -> None:
        """The first of `row` has nothing to send, or is another client's now."""
        lane = row.popleft()
        lane.queued = False
        if lane.ready():
            self.ask(lane)

    def __repr__(self) -> str:
        return f"<Way: {self._shaper or 'free'}, {len(self._rows)} clients wait>"
