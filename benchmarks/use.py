"""A pool in use: a few units active a server; whenever one ends, wherever it is, a new one comes.

    held   u17 on s2 │ u4 on s1 │ u92 on s3 │ ...        three a server, spread at random to begin with
              one of them, at random:  release, then assign a new unit in its place     ◄── a life; timed

So servers are busy unevenly, as with real sessions, and every algorithm hears of units that end.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from time import thread_time_ns

from balancing import ALGORITHMS, Algorithm, Backend, HealthCheck, Pool, Server, Service, Unit
from benchmarks.rounds import quiet
from benchmarks.yardsticks import YARDSTICKS

UNITS_A_SERVER = 3
KEYS = 4096  # clients
SLOWEST_S, FASTEST_S = 0.02, 0.001  # response times that tests have shown
WEIGHTS: dict[str, Callable[[int], int]] = {"equal": lambda number: 1, "1 to 5": lambda number: number % 5 + 1}
UNITS = [Unit((f"198.51.100.{number % 256}", number), number.to_bytes(4, "big")) for number in range(KEYS)]


class Use:
    """The pool of one case. algorithm: a word of ALGORITHMS or YARDSTICKS; weights: one of WEIGHTS."""

    def __init__(self, algorithm: str, weights: str, servers: int, seed: int) -> None:
        self._dice = random.Random(seed)
        self.pool = pool(servers, WEIGHTS[weights], self._dice)
        self.pool.algorithm = _kind(algorithm)(self.pool)
        self.held = [self._first(unit) for unit in self._dice.choices(UNITS, k=UNITS_A_SERVER * servers)]
        self.lives = 16  # in a sample

    def _first(self, unit: Unit) -> tuple[Unit, Server]:
        server = self._dice.choice(self.pool.available)
        self.pool.take(server)
        return unit, server

    def warm_up(self, sample_s: float) -> None:
        """Let it build what it needs, and set `lives` so that a sample takes about so many seconds."""
        self.sample()
        while (took_ns := self.lives * self.sample()) < 0.25e9 * sample_s:
            self.lives *= 4
        self.lives = max(self.lives, int(self.lives * 1e9 * sample_s / took_ns))

    def sample(self) -> float:
        """Nanoseconds of CPU that a unit's life takes: its end, and the choice for the one that comes in its place.

        The mean of `lives` of them, after some more that are not timed: what was measured before has had the cache.
        """
        self._live(self.lives // 4)
        return self._live(self.lives) / self.lives

    def _live(self, count: int) -> int:
        held, assign, release = self.held, self.pool.assign, self.pool.release
        places = self._dice.choices(range(len(held)), k=count)
        units = self._dice.choices(UNITS, k=count)
        with quiet():
            began_ns = thread_time_ns()
            for place, unit in zip(places, units, strict=True):
                release(*held[place])
                held[place] = unit, assign(unit)
            return thread_time_ns() - began_ns


def pool(servers: int, weight: Callable[[int], int], dice: random.Random) -> Pool:
    """A pool of so many servers, each with a response time measured."""
    backends = tuple(Backend(number, f"srv{number}", f"10.{number // 256}.{number % 256}.1", weight=weight(number))  # type: ignore[arg-type]
                     for number in range(1, servers + 1))
    made = Pool(Service(1, "bench", "192.0.2.1", "l7", backends, port=80, health=HealthCheck()))  # type: ignore[arg-type]
    for server in made.available:
        made.passed(server, 0.0, dice.uniform(FASTEST_S, SLOWEST_S))
    return made


def _kind(word: str) -> type[Algorithm]:
    return YARDSTICKS.get(word) or ALGORITHMS[word]
