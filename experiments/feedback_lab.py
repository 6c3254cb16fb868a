"""The lab of `feedback`, and its rounds: every way to choose, all at once, before and after a server slows down.

                       ┌ srv1, 1 worker
    clients ── VIP ── proxy ── srv2, 2 workers        in a round:  as weights say it │ srv3 takes 4 times as long
                       └ srv3, 4 workers                           0 s               T                          2 T

Each way has VIPs of its own, and for each VIP queues of its own on every server (a port). There are REPLICAS of all of
it, with sessions of their own: a round is so many repetitions. What is asked and made of it stands in feedback.py.
"""

from __future__ import annotations

import dataclasses
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from balancing import HealthCheck, Service
from experiments.lab import RUNS, Lab
from experiments.openloop import Call, play, visits
from experiments.rounds import introduce
from experiments.services import service
from experiments.sessions import Traffic, plan
from experiments.usage import Usage

REPLICAS = 2         # of every way, at the same time
WORKERS = (1, 2, 4)  # of each server; these are the weights, too
CLIENTS, FIRST_PORT = 12, 9100
SERVICE_S, UTILISATION = 0.1, 0.4
TEST_S = 0.005       # what a test asks of a worker, in seconds
SLOW, SLOWNESS = "srv3", 4.0
PERIOD_S = 0.2       # of the course of shares
PATIENCE_S = 3.0     # then a client gives up: who stands in a herd need not be waited for
WARM_S = 0.4         # what isn't counted: queues are empty, and no test has come back
FRESH_S, STALE_S = 0.1, 1.0  # from one test of a server to its next
STEADY, CHANGED = PHASES = ("steady", "changed")
ALONE = f"{Path(__file__).resolve().with_name('quickest.py')}:Quickest"


@dataclass(frozen=True)
class Way:
    """A way to choose. interval_s: from a test of a server to its next; 0 for no tests."""

    name: str
    algorithm: str
    interval_s: float = 0.0


WEIGHTS = Way("weights", "weighted-round-robin")
FRESH, STALE = Way("tests alone", ALONE, FRESH_S), Way("tests alone, stale", ALONE, STALE_S)
BUSY = Way("tests x busy", "least-response-time", FRESH_S)
BUSY_STALE = Way("tests x busy, stale", "least-response-time", STALE_S)
WAYS = (WEIGHTS, FRESH, STALE, BUSY, BUSY_STALE)


@dataclass(frozen=True)
class Size:
    """How many rounds, and for how many seconds sessions arrive in each of a round's two phases."""

    rounds: int = 6
    seconds: float = 6.0


QUICK, FULL = Size(rounds=3, seconds=2.0), Size()


@dataclass
class Found:
    """All that a run has found. calls: by way, repetition by repetition. seconds: of a phase. cpu: the part of the
    machine that the lab used in its busiest round; busy: that anybody used.
    """

    seconds: float
    calls: list[Mapping[str, Sequence[Call]]] = field(default_factory=list)
    cpu: float = 0.0
    busy: float = 0.0


def lab_for(say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up."""
    found = [_service(number, replica, way)
             for number, (replica, way) in enumerate((replica, way) for replica in range(REPLICAS) for way in WAYS)]
    ports = (*RUNS[""], *(backend.port or 0 for one in found for backend in one.backends[:1]))
    return Lab("flat", found, clients=CLIENTS, servers=len(WORKERS), workers=1, apart=True, service_time_s=TEST_S,
               runs={"": ports}, say=lambda words: say(f"feedback: {words}"))


def _service(number: int, replica: int, way: Way) -> Service:
    health = HealthCheck(interval_s=way.interval_s, timeout_s=5.0, half_life_s=0.01, path="/_probe") \
        if way.interval_s else None  # so short a half-life that only the last test counts
    one = service("l7", number, servers=len(WORKERS), algorithm=way.algorithm, weights=WORKERS, health=health)
    backends = tuple(dataclasses.replace(backend, port=FIRST_PORT + number) for backend in one.backends)
    return dataclasses.replace(one, name=f"{replica} {way.name}", backends=backends)


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Found:
    """All rounds. Raises LabError."""
    dice, found = random.Random(seed), Found(size.seconds)
    introduce(lab)
    for server, workers in zip(lab.topo.server_names(), WORKERS, strict=True):
        lab.set_capacity(server, workers=workers)
    for number in range(1, size.rounds + 1):
        say(f"feedback: round {number} of {size.rounds}")
        usage = Usage({**lab.pids(), **{name: lab.processes[name].pid for name in lab.topo.server_names()},
                       "load": os.getpid()})
        found.calls += _round(lab, size.seconds, dice)
        cpu, busy = usage.parts()
        found.cpu, found.busy = max(found.cpu, cpu), max(found.busy, busy)
    return found


def _round(lab: Lab, seconds: float, dice: random.Random) -> list[Mapping[str, Sequence[Call]]]:
    """The same sessions to every way of a replica; halfway one server slows down. Returns, by replica, calls by way."""
    traffic = Traffic(UTILISATION, sum(WORKERS), SERVICE_S, 2 * seconds, CLIENTS)
    plans = [plan(traffic, dice.randrange(2**32)) for _ in range(REPLICAS)]
    wanted = [visit for one in lab.services for visit in visits(
        plans[int(one.name.partition(" ")[0])], lab.clients(), (str(one.vip), one.port or 0),
        path=f"/?sleep={SERVICE_S}", label=one.name)]
    dice.shuffle(wanted)
    calls: list[dict[str, list[Call]]] = [defaultdict(list) for _ in range(REPLICAS)]
    lab.set_capacity(SLOW, slowness=1)
    with ThreadPoolExecutor(1) as aside:
        turning = aside.submit(_slow_down, lab, seconds)
        for call in play(wanted, PATIENCE_S):
            replica, _, way = call.visit.label.partition(" ")
            calls[int(replica)][way].append(call)
        turning.result()
    lab.set_capacity(SLOW, slowness=1)
    return list(calls)


def _slow_down(lab: Lab, after_s: float) -> None:
    time.sleep(after_s)
    lab.set_capacity(SLOW, slowness=SLOWNESS)


# -- what a round came to ----------------------------------------------------------------------


def of_phase(calls: Sequence[Call], phase: str, seconds: float) -> list[Call]:
    """The calls that were meant to begin in a phase; not those at its beginning, nor, as they end in the other, those
    at the first one's end. Who gave up is among them, with as long as he waited.
    """
    begin, end = (WARM_S, seconds - SERVICE_S * SLOWNESS) if phase == STEADY else (seconds, 2 * seconds)
    return [call for call in calls if begin <= call.at_s < end]


def shares(calls: Sequence[Call], begin_s: float, end_s: float) -> list[float]:
    """The largest server's part of what was answered, period by period of when it was asked."""
    periods: list[list[bool]] = [[] for _ in range(round((end_s - begin_s) / PERIOD_S))]
    for call in calls:
        place = int((call.at_s - begin_s) / PERIOD_S)
        if call.server and 0 <= place < len(periods):
            periods[place].append(call.server == SLOW)
    return [fmean(period) if period else 0.0 for period in periods]


def swing(calls: Sequence[Call], begin_s: float, end_s: float) -> float:
    """How far that part is, period by period, from what it would be by its weight: the root mean square, as times what
    chance alone would make of it (a binomial's standard deviation).
    """
    found, weight = shares(calls, begin_s, end_s), WORKERS[-1] / sum(WORKERS)
    a_period = len([one for one in calls if begin_s <= one.at_s < end_s]) / len(found)
    off = fmean((share - weight) ** 2 for share in found)
    return float((off / (weight * (1 - weight) / a_period)) ** 0.5)
