"""Plans of sessions: who comes when, and for how much work. Pure: the same seed gives the same plan.

    Traffic(utilisation, workers, ...) ──plan(seed)──► Session(at_s, client, requests), ...  ──► openloop.py plays them

People arrive whether or not those before them have been served, so arrivals don't wait for answers; within a session
one request follows the answer to another. That is a partly open system (Schroeder, Wierman, Harchol-Balter, "Open
Versus Closed: A Cautionary Tale", NSDI 2006).

    utilisation = work that arrives in a second / workers,   work of a session = its requests x service_s

Rules kept here:

1. Arrivals are a Poisson process, given their number: that many uniform times in order. Two plans that differ in
   their seed hold the same work, so rounds can be compared.
2. Lengths are stratified for the same reason: each of n sessions gets a length from another n-th of the distribution.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

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

    Raises LabError for a plan that would be empty.
    """

    utilisation: float
    workers: int
    service_s: float
    seconds: float
    clients: int
    lengths: Lengths = ONE

    def __post_init__(self) -> None:
        if self.sessions < 1 or self.clients < 1:
            raise LabError(f"{self} comes to {self.sessions} sessions of {self.clients} clients", "at least 1 of each")

    @property
    def sessions(self) -> int:
        """How many sessions there are in a plan."""
        return round(self.utilisation * self.workers * self.seconds / (self.service_s * self.lengths.mean))


@dataclass(frozen=True, slots=True)
class Session:
    """One TCP connection. at_s: when it is to begin, from the run's beginning. client: which, from 0."""

    at_s: float
    client: int
    requests: int


def plan(traffic: Traffic, seed: int) -> tuple[Session, ...]:
    """The sessions of one run, in the order in which they arrive."""
    dice, number = random.Random(seed), traffic.sessions
    times = sorted(dice.uniform(0, traffic.seconds) for _ in range(number))
    lengths = [traffic.lengths.at((n + 0.5) / number) for n in range(number)]
    dice.shuffle(lengths)
    return tuple(Session(at_s, dice.randrange(traffic.clients), length)
                 for at_s, length in zip(times, lengths, strict=True))
