"""Plans of sessions: who comes when, and for how much work. Pure: the same seed gives the same plan.

    Traffic(utilisation, workers, ...) ──plan(seed)──► Session(at_s, client, requests, ...), ... ──► openloop.py
    read_trace(FILE.csv) ──replay──────────────────►

People arrive whether or not those before them have been served, so arrivals don't wait for answers; within a session
one request follows the answer to another. That is a partly open system (Schroeder, Wierman, Harchol-Balter, "Open
Versus Closed: A Cautionary Tale", NSDI 2006).

    utilisation = work that arrives in a second / workers,   work of a session = its requests x service_s

Rules kept here:

1. Arrivals are a Poisson process, given their number: that many uniform times in order. Two plans that differ in
   their seed hold the same work, so rounds can be compared.
2. Lengths are stratified for the same reason: each of n sessions gets a length from another n-th of the distribution.
   So are service times, think times and sizes, where they are drawn (draws.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from experiments.arrivals import POISSON, Arrival, Arrivals
from experiments.draws import Law, draw
from layerlab import LabError


@dataclass(frozen=True)
class Lengths:
    """How many requests sessions have: 1 each, or a bounded Pareto distribution, rounded down.

    shape: the lower, the heavier the tail; below 2 few long sessions carry much of the work.
    most:  the longest. (Crovella, Harchol-Balter, Murta, "Task Assignment in a Distributed System", 1998)
    """

    shape: float = 1.0
    most: int = 1

    def at(self, part: float) -> int:
        """The length that a `part` of sessions, from 0 up to 1, are shorter than."""
        end = self.most + 1
        return min(self.most, int((1 - part * (1 - end ** -self.shape)) ** (-1 / self.shape)))

    @property
    def mean(self) -> float:
        """Requests of a session, in the mean: the sum of the chances that it is at least so long."""
        end = (self.most + 1) ** -self.shape
        return sum((length ** -self.shape - end) / (1 - end) for length in range(1, self.most + 1))


ONE = Lengths()


@dataclass(frozen=True)
class Traffic:
    """A kind of traffic.

    utilisation: how busy the workers are, if nobody ever waits while one is free; from 0 up to 1.
    workers:     how many requests all servers together can serve at a time.
    service_s:   how long a request keeps a worker, in seconds.
    seconds:     for how long sessions arrive.
    clients:     how many hosts they come from, at random.
    arrivals:    how they come (arrivals.py).
    services:    the law of service times, of mean service_s; None where the server's own, or the path, says it.
    thinks:      the law of what passes between an answer and a session's next request, in seconds; None for nothing.
    sizes:       the law of answers' sizes, in bytes; None for as they come.

    Raises LabError for a plan that would be empty.
    """

    utilisation: float
    workers: int
    service_s: float
    seconds: float
    clients: int
    lengths: Lengths = ONE
    arrivals: Arrivals = POISSON
    services: Law | None = None
    thinks: Law | None = None
    sizes: Law | None = None

    def __post_init__(self) -> None:
        if self.sessions < 1 or self.clients < 1:
            raise LabError(f"{self} comes to {self.sessions} sessions of {self.clients} clients", "at least 1 of each")

    @property
    def sessions(self) -> int:
        """How many sessions there are in a plan."""
        return round(self.utilisation * self.workers * self.seconds / (self.service_s * self.lengths.mean))


@dataclass(frozen=True, slots=True)
class Session:
    """One TCP connection. at_s: when it is to begin, from the run's beginning. client: which, from 0.

    services_s, sizes: of each request, what it asks of the server, in seconds and bytes; thinks_s: after each answer
    but the last. Empty where the plan doesn't say.
    """

    at_s: float
    client: int
    requests: int
    services_s: tuple[float, ...] = ()
    thinks_s: tuple[float, ...] = ()
    sizes: tuple[int, ...] = ()

    def paths(self, path: str = "/") -> tuple[str, ...]:
        """What is asked for, request by request, in the server's words: PATH?sleep=SECONDS&bytes=N.

        >>> Session(0.0, 0, 2, services_s=(0.1, 0.2), sizes=(300, 4000)).paths()
        ('/?sleep=0.100000&bytes=300', '/?sleep=0.200000&bytes=4000')
        """
        sleeps = [f"sleep={service_s:.6f}" for service_s in self.services_s] or [""] * self.requests
        sizes = [f"bytes={size}" for size in self.sizes] or [""] * self.requests
        wishes = ("&".join(filter(None, pair)) for pair in zip(sleeps, sizes, strict=True))
        return tuple(f"{path}{'&' if '?' in path else '?'}{words}" if words else path for words in wishes)


def plan(traffic: Traffic, seed: int) -> tuple[Session, ...]:
    """The sessions of one run, in the order in which they arrive."""
    dice, number = random.Random(seed), traffic.sessions
    times = traffic.arrivals.times(number, traffic.seconds, dice)
    lengths = [traffic.lengths.at((n + 0.5) / number) for n in range(number)]
    dice.shuffle(lengths)
    arrivals = [Arrival(at_s, dice.randrange(traffic.clients), length)
                for at_s, length in zip(times, lengths, strict=True)]
    return _dressed(arrivals, traffic, dice)


def replay(trace: Iterable[Arrival], clients: int, speed: float = 1.0) -> tuple[Session, ...]:
    """A trace as sessions: `speed` times as fast as it was, its clients dealt out to so many hosts."""
    return tuple(Session(one.at_s / speed, one.client % clients, one.requests) for one in trace)


def _dressed(arrivals: list[Arrival], traffic: Traffic, dice: random.Random) -> tuple[Session, ...]:
    """Arrivals with all that is drawn for their requests."""
    requests = sum(one.requests for one in arrivals)
    services, thinks, sizes = (
        _values(law, requests, dice) for law in (traffic.services, traffic.thinks, traffic.sizes))
    return tuple(Session(one.at_s, one.client, one.requests, _next(services, one.requests),
                         _next(thinks, one.requests)[1:], tuple(map(int, _next(sizes, one.requests))))
                 for one in arrivals)


def _values(law: Law | None, number: int, dice: random.Random) -> Iterator[float] | None:
    return iter(draw(law, number, dice)) if law else None


def _next(values: Iterator[float] | None, number: int) -> tuple[float, ...]:
    return tuple(next(values) for _ in range(number)) if values else ()
