"""When sessions arrive: evenly at random, in bursts, or as a trace has it. Pure.

    POISSON     ·  ··    ·   ·· ·   ·    · ·  ·      at any time, whatever came before
    Bursts      · ·········   ·    ·  ··········     a Poisson process that has two rates and switches between them
    read_trace  as in a file                         replayed: seconds, client, requests

A process is given its number of arrivals: that many times of it, in order, so that plans hold the same work. For a
Poisson process those are uniform times; for one whose rate changes, times that are uniform in the work so far.

Source of Bursts: the two-state Markov-modulated Poisson process (W. Fischer, K. Meier-Hellstern, "The Markov-modulated
Poisson process (MMPP) cookbook", Performance Evaluation 18, 1993).
"""

from __future__ import annotations

import bisect
import csv
import itertools
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from layerlab import LabError

COLUMNS = ("seconds", "client", "requests")


class Arrivals(Protocol):
    """A way to arrive."""

    def times(self, number: int, seconds: float, dice: random.Random) -> list[float]:
        """So many times from 0 up to `seconds`, in order."""


@dataclass(frozen=True)
class Poisson:
    """At any time alike."""

    def times(self, number: int, seconds: float, dice: random.Random) -> list[float]:
        return sorted(dice.uniform(0, seconds) for _ in range(number))


POISSON = Poisson()


@dataclass(frozen=True)
class Bursts:
    """Two rates by turns, each for an exponential time.

    times_rate: the rate in a burst, as times that between two. burst_s: how long a burst is in the mean, in seconds.
    part:       the part of the time that is burst, from 0 up to 1.
    """

    times_rate: float = 5.0
    burst_s: float = 0.5
    part: float = 0.2

    def times(self, number: int, seconds: float, dice: random.Random) -> list[float]:
        ends, work = self._course(seconds, dice)
        return sorted(_when(dice.uniform(0, work[-1]), ends, work) for _ in range(number))

    def _course(self, seconds: float, dice: random.Random) -> tuple[list[float], list[float]]:
        """Where the rate changes, from 0 on, and how much has been due until then."""
        ends, work = [0.0], [0.0]
        burst, calm_s = dice.random() < self.part, self.burst_s * (1 - self.part) / self.part
        while ends[-1] < seconds:
            lasts_s = min(dice.expovariate(1 / (self.burst_s if burst else calm_s)), seconds - ends[-1])
            work.append(work[-1] + lasts_s * (self.times_rate if burst else 1.0))
            ends.append(ends[-1] + lasts_s)
            burst = not burst
        return ends, work


def _when(due: float, ends: list[float], work: list[float]) -> float:
    """The time at which so much has been due."""
    place = min(bisect.bisect_right(work, due), len(work) - 1)
    part = (due - work[place - 1]) / ((work[place] - work[place - 1]) or 1)
    return ends[place - 1] + part * (ends[place] - ends[place - 1])


def dispersion(times: list[float], seconds: float, window_s: float) -> float:
    """How bursty arrivals are: the variance of their number in a window by its mean; about 1 for a Poisson process.

    (Cox, Lewis, "The Statistical Analysis of Series of Events", 1966: the index of dispersion for counts)
    """
    windows = int(seconds / window_s)
    counts = [0] * windows
    for time in times:
        if (place := int(time / window_s)) < windows:
            counts[place] += 1
    mean = sum(counts) / windows
    return sum((count - mean) ** 2 for count in counts) / windows / mean if mean else 0.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """One line of a trace: when, in seconds from its beginning; which client, from 0; how many requests."""

    at_s: float
    client: int
    requests: int


def read_trace(path: Path) -> tuple[Arrival, ...]:
    """A trace from a CSV file whose first line is `seconds,client,requests`, in the order of its times.

    Raises LabError, with the number of the line, for what can't be replayed.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"the trace {path} can't be read: {error}", "a CSV file") from None
    header, *rest = csv.reader(lines) if lines else [[]]
    if tuple(map(str.strip, header)) != COLUMNS:
        raise LabError(f"the trace {path} begins with {','.join(header)!r}", "the columns", ",".join(COLUMNS))
    found = [_arrival(path, number, row) for number, row in zip(itertools.count(2), rest, strict=False) if row]
    if not found:
        raise LabError(f"the trace {path} has no arrivals", "at least one line below its columns", "0.25,0,1")
    return tuple(sorted(found, key=lambda one: one.at_s))


def _arrival(path: Path, number: int, row: list[str]) -> Arrival:
    try:
        seconds, client, requests = row
        one = Arrival(float(seconds), int(client), int(requests))
    except ValueError:
        one = Arrival(-1.0, 0, 0)
    if not (0 <= one.at_s < float("inf") and one.client >= 0 and one.requests >= 1):
        raise LabError(f"line {number} of the trace {path} is {','.join(row)!r}",
                       "seconds from 0, a client from 0, one request or more", "0.25,0,1")
    return one
