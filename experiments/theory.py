"""Queueing theory: what a response time should be, to stand beside what was measured. Pure.

    arrivals ──Poisson, utilisation──► queue (FIFO) ──► c workers, service times of mean service_s ──► response time

    law                 servers                                  service times     source
    MMc                 one queue before c workers               exponential       Erlang 1917; Kleinrock 1975
    pollaczek_khinchine one queue before one worker              any               Pollaczek 1930, Khinchine 1932
    two_choices         many queues, the shorter of two          exponential       Mitzenmacher 2001
    usl                 no queue: the power of k workers that get in each other's way       Gunther 2007

All of them hold in the long run ("steady state"): a short run that begins with empty queues stays a little below.

Sources: A. K. Erlang, "Solution of some Problems in the Theory of Probabilities of Significance in Automatic Telephone
Exchanges", 1917. L. Kleinrock, "Queueing Systems, Volume 1: Theory", 1975. M. Mitzenmacher, "The Power of Two Choices
in Randomized Load Balancing", IEEE TPDS 12(10), 2001. N. J. Gunther, "Guerrilla Capacity Planning", 2007.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

LONGEST = 1e6  # of service times: no percentile of a queue that settles lies beyond


def erlang_c(workers: int, offered: float) -> float:
    """The part of arrivals that find all workers busy (Erlang's C formula).

    offered: the work that arrives, in workers that it would keep busy; below `workers`, or the queue never settles.

    >>> erlang_c(1, 0.5), round(erlang_c(2, 1.0), 4), round(erlang_c(10, 8.0), 4)
    (0.5, 0.3333, 0.4092)
    """
    if not 0 <= offered < workers:
        raise ValueError(f"{offered} workers' work is offered to {workers}; expected less than they can do")
    blocked = 1.0  # Erlang's B, by its recursion over workers: no factorials that overflow
    for worker in range(1, workers + 1):
        blocked = offered * blocked / (worker + offered * blocked)
    return blocked / (1 - (offered / workers) * (1 - blocked))


@dataclass(frozen=True)
class MMc:
    """One queue before some workers: M/M/c; M/M/1 with one worker.

    utilisation: the part of the time that a worker is busy, from 0 up to 1. service_s: the mean, in seconds.

    >>> MMc(1, 0.5).mean_s, round(MMc(2, 0.5).mean_s, 4), round(MMc(1, 0.5).percentile_s(95), 3)
    (2.0, 1.3333, 5.991)
    """

    workers: int
    utilisation: float
    service_s: float = 1.0

    @property
    def waits(self) -> float:
        """The part of requests that wait."""
        return erlang_c(self.workers, self.utilisation * self.workers)

    @property
    def mean_s(self) -> float:
        """The mean response time, in seconds: to wait, and to be served."""
        return self.service_s * (1 + self.waits / (self.workers * (1 - self.utilisation)))

    def longer_than(self, response_s: float) -> float:
        """The part of requests that take longer, waiting included (Kleinrock 1975, section 3.5, and its problems).

        >>> round(MMc(1, 0.5).longer_than(2.0), 4)  # exp(-(1 - utilisation) t)
        0.3679
        """
        time = response_s / self.service_s
        slack = self.workers * (1 - self.utilisation)
        # To wait and to be served are two exponentials: their convolution, which has a limit where they agree.
        both = time if math.isclose(slack, 1) else (1 - math.exp(-time * (slack - 1))) / (slack - 1)
        return math.exp(-time) * (1 + self.waits * both)

    def percentile_s(self, percent: float) -> float:
        """The time within which `percent` of requests are answered, in seconds."""
        return self.service_s * _root(lambda time: self.longer_than(time * self.service_s) - (1 - percent / 100))


def _root(falls: Callable[[float], float]) -> float:
    """Where a falling function is 0, by halving."""
    low, high = 0.0, 1.0
    while falls(high) > 0 and high < LONGEST:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falls(middle) > 0 else (low, middle)
    return high


def pollaczek_khinchine(utilisation: float, service_s: float = 1.0, variation: float = 1.0) -> float:
    """The mean response time of one worker, in seconds: M/G/1.

    variation: of service times, their variance by their mean's square: 1 for exponential ones, 0 where all are alike.

    >>> pollaczek_khinchine(0.5), pollaczek_khinchine(0.5, variation=0)  # M/M/1 and M/D/1: half the wait
    (2.0, 1.5)
    """
    if not 0 <= utilisation < 1:
        raise ValueError(f"utilisation is {utilisation}; expected from 0 up to 1")
    return service_s * (1 + utilisation / (1 - utilisation) * (1 + variation) / 2)


def two_choices_tail(utilisation: float, length: int) -> float:
    """The part of many servers that have `length` requests or more, where each goes to the shorter of two at random.

    >>> two_choices_tail(0.9, 1), round(two_choices_tail(0.9, 3), 4)  # one choice would have 0.9 ** 3 = 0.729
    (0.9, 0.4783)
    """
    return float(utilisation ** (2 ** length - 1))


def two_choices(utilisation: float, service_s: float = 1.0) -> float:
    """The mean response time in that case, in seconds, for very many servers (Mitzenmacher 2001, section 3).

    >>> round(two_choices(0.5), 4), round(two_choices(0.9), 3), round(MMc(1, 0.9).mean_s, 3)
    (1.2657, 2.614, 10.0)
    """
    if not 0 < utilisation < 1:
        raise ValueError(f"utilisation is {utilisation}; expected between 0 and 1")
    in_system = sum(two_choices_tail(utilisation, length) for length in range(1, 60))
    return service_s * in_system / utilisation  # Little's law


def usl(workers: int, contention: float, coherence: float) -> float:
    """The power of k workers on one machine, in workers that nobody hinders: Gunther's Universal Scalability Law.

    contention: the part of work that only one can do at a time; alone it is Amdahl's law.
    coherence:  what each pair costs each other, as a part of the work: with it there is a peak.

    >>> usl(8, 0, 0), round(usl(8, 0.05, 0), 2), round(usl(8, 0.05, 0.02), 2)
    (8.0, 5.93, 3.24)
    """
    return workers / (1 + contention * (workers - 1) + coherence * workers * (workers - 1))
