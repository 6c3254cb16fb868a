"""Question: least connections inside the switch follows the load once a second. Does it settle, and how near does it
come to deciding every connection exactly?

Prediction: one of three servers takes three times as long as the others. The controller that decides every connection
(`reactive`) gives it little at once; the switch's slots (`tracked`) come to about the same share within some ten
seconds, and stay there: the share swings no more than chance has it, connections being placed by a hash. Round robin's
slots never learn of it, and the slow server's queue grows.

Method: one lab, L4, and three copies of each of the three ways, every copy with a VIP and queues of its own on every
server (a port), so that all run at once on the same sessions: an open loop of Poisson arrivals, one request each
(openloop.py). What a server was given is what answered. Of the second half, when the loop should have settled:

    share     the slow server's part of the connections
    swing     how much that part goes up and down from one PERIOD_S to the next, as times what chance alone would do
              (the standard deviation of a binomial)
    p95_ms    of all requests of that half, from when each was meant to begin

The claims: a round is a copy, or one period of a copy, held against the other way's copy with the same sessions.
"""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean, mean
from typing import Any

from balancing import Service
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.lab import RUNS, Lab
from experiments.margins import percentile_ms
from experiments.openloop import Call, play, visits
from experiments.services import service
from experiments.sessions import Traffic, plan
from experiments.verdicts import Claim, Rule, Verdict, of_ratios, of_rounds

SLOW, SLOWNESS = "srv1", 3.0
SERVERS, WORKERS, CLIENTS = 3, 4, 24
SERVICE_S, UTILISATION = 0.2, 0.42  # of all workers, were none slow: 0.42 x 12 / 0.2 = 25.2 sessions a second for each
COPIES = 3                          # of each way, all at once
PERIOD_S = 2.0
FIRST_PORT = 8200
EXACT, STEERED, BLIND = WAYS = (
    ("reactive", "least-connections"), ("tracked", "least-connections"), ("tracked", "round-robin"))
NEAR, STEADY = 0.1, 2.0  # how far the share may be from the exact one's; how far it may swing

SETTLES = Claim(0, "slots that follow the load settle: the share swings little more than chance has it", Rule(
    "swing², period by period of the second half", "<", STEADY ** 2))
COMES_NEAR = Claim(0, "they come near to what deciding every connection gives the slow server", Rule(
    "its share by the slots − its share by the exact way, period by period", "<", NEAR))
WORTH_IT = Claim(0, "slots that follow the load answer sooner than slots that don’t", Rule(
    "p95 by least connections / p95 by round robin, per copy", "<", 1))
CLAIMS = (SETTLES, COMES_NEAR, WORTH_IT)

Way = tuple[str, str]  # realisation, algorithm
Copies = Sequence[Sequence[Call]]  # what was called, copy by copy
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Size:
    """For how many seconds sessions arrive."""

    seconds: float = 32.0  # longer, and whoever stands in the overrun server's queue gives up


QUICK, FULL = Size(seconds=12.0), Size()


def lab_for(say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up."""
    found = [_service(number, *one) for number, one in enumerate((way, copy) for copy in range(COPIES) for way in WAYS)]
    ports = (*RUNS[""], *(one.port or 0 for one in found))
    return Lab("flat", found, clients=CLIENTS, servers=SERVERS, workers=WORKERS, apart=True, runs={"": ports},
               say=lambda words: say(f"steering: {words}"))


def _service(number: int, way: Way, copy: int) -> Service:
    realisation, algorithm = way
    one = service("l4", number, servers=SERVERS, algorithm=algorithm, realisation=realisation, health=None)
    port = FIRST_PORT + number
    backends = tuple(dataclasses.replace(backend, port=port) for backend in one.backends)
    return dataclasses.replace(one, name=name_of(way, copy), port=port, backends=backends)


def name_of(way: Way, copy: int) -> str:
    """The service that is a way's copy, from 0."""
    return f"{' '.join(way)} copy {copy + 1}"


def measure(lab: Lab, size: Size, seed: int) -> dict[Way, list[list[Call]]]:
    """All copies at once, the same sessions to one of each way. Raises LabError if the lab doesn't take them."""
    lab.set_capacity(SLOW, slowness=SLOWNESS)
    traffic = Traffic(UTILISATION, SERVERS * WORKERS, SERVICE_S, size.seconds, CLIENTS)
    dice = random.Random(seed)
    wanted = []
    for copy in range(COPIES):
        sessions = plan(traffic, dice.randrange(2**32))
        for one in (lab.by_name(name_of(way, copy)) for way in WAYS):
            wanted += visits(sessions, lab.clients(), (str(one.vip), one.port or 0), path=f"/?sleep={SERVICE_S}",
                             label=one.name)
    dice.shuffle(wanted)
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in play(wanted):
        calls[call.visit.label].append(call)
    return {way: [calls[name_of(way, copy)] for copy in range(COPIES)] for way in WAYS}


# -- what comes of it --------------------------------------------------------------------------


def course(calls: Mapping[Way, Copies], seconds: float) -> list[dict[str, object]]:
    """The table `steering_course`: the slow server's share of all copies' connections, period by period."""
    shares = {way: shares_of(list(chain(*calls[way])), seconds) for way in WAYS}
    return [{"second": (number + 1) * PERIOD_S, **{" ".join(way): round(shares[way][number], 3) for way in WAYS}}
            for number in range(int(seconds / PERIOD_S))]


def shares_of(calls: Sequence[Call], seconds: float) -> list[float]:
    """The slow server's part of what was answered, by the period in which it was asked."""
    periods: list[list[bool]] = [[] for _ in range(int(seconds / PERIOD_S))]
    for call in calls:
        if call.server and (number := int(call.at_s / PERIOD_S)) < len(periods):
            periods[number].append(call.server == SLOW)
    return [mean(period) if period else 0.0 for period in periods]


def settled(calls: Sequence[Call], seconds: float) -> list[float]:
    """The same of the second half."""
    return shares_of(calls, seconds)[int(seconds / PERIOD_S / 2):]


def swings(calls: Sequence[Call], seconds: float) -> list[float]:
    """Of each period of a copy's second half: how far its share is from their mean, squared, as times what chance has.

    Chance: the variance of a binomial, less what a mean of the same few periods takes of it.
    """
    shares = settled(calls, seconds)
    share = fmean(shares)
    chance = share * (1 - share) * (len(shares) - 1) / max(1, len(_half(calls, seconds)))
    return [(one - share) ** 2 / chance if chance else 0.0 for one in shares]


def _half(calls: Sequence[Call], seconds: float) -> list[Call]:
    return [call for call in calls if call.at_s >= seconds / 2]


def rows(calls: Mapping[Way, Copies], seconds: float, packet_ins: Mapping[Way, int]) -> list[dict[str, object]]:
    """The table `steering`: one row a way, of the second half."""
    return [{"realisation": way[0], "algorithm": way[1], **_row(calls[way], seconds), "packet_ins": packet_ins[way]}
            for way in WAYS]


def _row(copies: Copies, seconds: float) -> dict[str, object]:
    took_s = [call.took_s for calls in copies for call in _half(calls, seconds)]
    swing = fmean(one for calls in copies for one in swings(calls, seconds)) ** 0.5
    return {"connections": sum(map(len, copies)), "failed": sum(bool(call.error) for call in chain(*copies)),
            "share": round(fmean(one for calls in copies for one in settled(calls, seconds)), 3),
            "swing": round(swing, 2),
            "p50_ms": round(percentile_ms(took_s, 50), 1), "p95_ms": round(percentile_ms(took_s, 95), 1)}


def verdicts(calls: Mapping[Way, Copies], seconds: float) -> list[Verdict]:
    """What came of CLAIMS."""
    exact, steered, blind = (calls[way] for way in WAYS)
    off = [one - other for mine, theirs in zip(steered, exact, strict=True)
           for one, other in zip(settled(mine, seconds), settled(theirs, seconds), strict=True)]
    return [SETTLES.judge(of_rounds(one for copy in steered for one in swings(copy, seconds))),
            COMES_NEAR.judge(of_rounds(off)),
            WORTH_IT.judge(of_ratios((_p95_ms(mine, seconds), _p95_ms(theirs, seconds))
                                     for mine, theirs in zip(steered, blind, strict=True)))]


def _p95_ms(calls: Sequence[Call], seconds: float) -> float:
    return percentile_ms([call.took_s for call in _half(calls, seconds)], 95)


def contradictions(table: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    found = {(row["realisation"], row["algorithm"]): row for row in table}
    exact, steered, blind = (found[way] for way in WAYS)
    off = abs(steered["share"] - exact["share"])
    return [words for holds, words in (
        (off <= NEAR, f"the slots' share for the slow server is {off:.2f} off the exact one's"),
        (steered["swing"] <= STEADY, f"its share swings {steered['swing']:.1f} times as much as chance has it"),
        (steered["p95_ms"] < blind["p95_ms"], "slots that follow the load answered no sooner than those that don't"),
        (not any(row["failed"] for row in table), "connections failed"),
    ) if not holds]


def moral(table: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(table))}. " if contradictions(table) else ""
    words = "; ".join(map(_words, table))
    return f"{wrong}What the slow server was given in the second half: {words}."


def _words(row: Mapping[str, Any]) -> str:
    return (f"{row['realisation']} {row['algorithm']} {row['share']:.2f} of the connections, swing {row['swing']:.1f}, "
            f"p95 {row['p95_ms']:.0f} ms, {row['packet_ins']} packet-ins")


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Two tables of one run: what it came to, and its course."""
    found: list[Rows] = []

    def came_to(options: Options, display: Display) -> Part:
        size = QUICK if options.quick else FULL
        with lab_for(display.say) as lab:
            display.say(f"steering: {size.seconds:g} s of sessions")
            calls = measure(lab, size, options.seed)
            asked = {way: sum(len(lab.events("PacketIn", name_of(way, copy))) for copy in range(COPIES))
                     for way in WAYS}
        table = rows(calls, size.seconds, asked)
        found.append(course(calls, size.seconds))
        return Part("steering", table, moral(table), not contradictions(table),
                    verdicts=verdicts(calls, size.seconds))

    def went(options: Options, display: Display) -> Part:
        return Part("steering_course", found[0], f"{SLOW}'s share of the connections, every {PERIOD_S:g} s.")

    return came_to, went
