"""What is counted, always: numbers that only grow, so whoever asks twice has the rate between.

     Exchange ──ended, once each──► Tally of its server ┐
                 failed, queued...                      ├ PoolCounts ┐
                 sessions ──────────────────────────────┘            ├──► GET /counters (balancing/api.py), as JSON
     Conversation ──clients, answers of our own──► DoorCounts ───────┘

     of a server     requests          that were given to it, those under way included
                     answers           of them by class, 1xx (101) to 5xx; those that have none had a failure, or a
                                       client that left
                     failures          by their row in failures.py
                     retried           that failed here, and then went elsewhere
                     octets_up, _down  of requests to it, of its answers to clients; heads and bodies
                     opened            connections that requests opened
                     saved             connections that they had not to open: one was there, and did
                     stale             connections that were there, and had just been closed (RFC 9112 9.3.1)
                     waiting           in its row now; queued: so far; waited_ms: how long these waited, in all
     of a service    the sums, but each request once, and those that are
                     unserved          no server was up
                     sessions          by whose cookie: kept, moved (their server was gone), new
     of a door       clients now and so far, TLS handshakes and how many of them resumed a session,
                     own_answers       of the proxy itself, by status: refusals, failures, redirects
                     looked            requests that the cache was asked about
                     cached            of them answered by it: no server was asked
                     cached_octets     what went to clients so: heads and bodies
                     cached_ms         how long servers took to begin these answers, when they were asked last: what
                                       clients had not to wait

Rules kept here:

1. An exchange is counted when it ends, in one call; only what is rare is counted where it happens.
2. Nothing is forgotten: what a removed server was counted stays in its service's sums.
3. Nothing grows with the traffic: there is a tally per server that is there, and one for all that are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from balancing import Pool, Server
from l7proxy.failures import NAMES, Failure
from l7proxy.sticky import Session

if TYPE_CHECKING:
    from l7proxy.exchange import Exchange


class Tally:
    """What one server has done. answers: requests that are over, by their status's first digit, 0 for those without.

    waited_s: in seconds. The other fields are as in the table above.
    """

    __slots__ = ("answers", "failures", "octets_down", "octets_up", "opened", "queued", "retried", "saved",
                 "stale", "waited_s")

    def __init__(self) -> None:
        self.answers = [0, 0, 0, 0, 0, 0]
        self.failures: dict[str, int] = {}
        self.retried = self.octets_up = self.octets_down = 0
        self.opened = self.saved = self.stale = self.queued = 0
        self.waited_s = 0.0

    def add(self, other: Tally) -> None:
        """Count what `other` counted."""
        self.answers = [sum(pair) for pair in zip(self.answers, other.answers, strict=True)]
        for name, times in other.failures.items():
            self.failures[name] = self.failures.get(name, 0) + times
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def form(self, active: int, waiting: int) -> dict[str, Any]:
        """As JSON says it. active: its units now; waiting: those of them in its row."""
        return {
            "requests": sum(self.answers) + active,
            "answers": {f"{digit}xx": self.answers[digit] for digit in range(1, 6)},
            "failures": dict(sorted(self.failures.items())), "retried": self.retried,
            "octets_up": self.octets_up, "octets_down": self.octets_down,
            "opened": self.opened, "saved": self.saved, "stale": self.stale,
            "waiting": waiting, "queued": self.queued, "waited_ms": round(1000 * self.waited_s, 3),
        }


_SUMS = ("octets_down", "octets_up", "opened", "queued", "retried", "saved", "stale", "waited_s")


class PoolCounts:
    """The tallies of a pool's servers, made when they are first needed.

    gone: of those that were removed. unserved: requests that no server could take. kept, moved, new: sessions.
    """

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.tallies: dict[Server, Tally] = {}
        self.gone = Tally()
        self.unserved = self.kept = self.moved = self.new = 0

    def of(self, server: Server) -> Tally:
        """The tally of `server`."""
        return self.tallies.get(server) or self._begin(server)

    def _begin(self, server: Server) -> Tally:
        """A tally for one that is new; those of servers that have gone make room."""
        for other in [other for other in self.tallies if not other.active and not self._has(other)]:
            self.gone.add(self.tallies.pop(other))
        tally = self.tallies[server] = Tally()
        return tally

    def _has(self, server: Server) -> bool:
        return self.pool.servers.get(server.backend.id) is server

    def ended(self, server: Server, exchange: Exchange) -> None:
        """`exchange` is done with `server`, one way or another. Called once for each: it has to cost little."""
        tally = self.of(server)
        tally.answers[exchange.status // 100] += 1
        tally.octets_up += exchange.octets_up
        tally.octets_down += exchange.octets
        if exchange.reused:
            tally.saved += 1
        elif exchange.open:
            tally.opened += 1

    def failed(self, server: Server, failure: Failure) -> None:
        """A request has failed at `server`, as the row says."""
        found, name = self.of(server).failures, NAMES[failure]
        found[name] = found.get(name, 0) + 1

    def session(self, session: Session, server: Server) -> None:
        """A request of a session that sticks has gone to `server`."""
        if session.server is server:
            self.kept += 1
        elif session.known:
            self.moved += 1
        else:
            self.new += 1

    def form(self, waiting: dict[Server, int]) -> dict[str, Any]:
        """As JSON says it: the sums, and then each server. waiting: how many stand in whose row now."""
        sums, servers = Tally(), {server: self.of(server) for server in self.pool.servers.values()}
        for tally in (self.gone, *self.tallies.values()):
            sums.add(tally)
        active = sum(server.active for server in self.tallies)
        return {
            "service": self.pool.name, **sums.form(active, sum(waiting.values())),
            "requests": sum(sums.answers) + active - sums.retried + self.unserved, "unserved": self.unserved,
            "sessions": {"kept": self.kept, "moved": self.moved, "new": self.new},
            "servers": [{"server": server.name, **tally.form(server.active, waiting.get(server, 0))}
                        for server, tally in servers.items()],
        }

    def __repr__(self) -> str:
        return f"<PoolCounts of {self.pool.name}>"


class DoorCounts:
    """What is counted of one VIP and port. clients: connections so far. own_answers: by status.

    handshakes, resumed: of TLS, with clients (RFC 8446 2.2); counted by whoever does TLS.
    """

    __slots__ = ("cached", "cached_octets", "cached_s", "clients", "handshakes", "looked", "own_answers", "resumed")

    def __init__(self) -> None:
        self.clients = self.handshakes = self.resumed = 0
        self.looked = self.cached = self.cached_octets = 0
        self.cached_s = 0.0
        self.own_answers: dict[int, int] = {}

    def spared(self, octets: int, origin_s: float) -> None:
        """The cache has answered with so much, and spared the origin's time."""
        self.cached += 1
        self.cached_octets += octets
        self.cached_s += origin_s

    def answered(self, status: int) -> None:
        """The proxy has answered by itself."""
        self.own_answers[status] = self.own_answers.get(status, 0) + 1

    def form(self, door: str, now: int) -> dict[str, Any]:
        """As JSON says it. door: its name. now: how many clients are connected."""
        return {"door": door, "clients_now": now, "clients": self.clients, "handshakes": self.handshakes,
                "resumed": self.resumed, "looked": self.looked, "cached": self.cached,
                "cached_octets": self.cached_octets, "cached_ms": round(1000 * self.cached_s, 3),
                "own_answers": {str(key): self.own_answers[key] for key in sorted(self.own_answers)}}
