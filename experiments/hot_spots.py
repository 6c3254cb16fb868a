"""Question: does a server become a hot spot? How much more than its fair share has the fullest of them?

Prediction (bins.py): who takes turns or takes the least loaded server fills all of them alike; two random choices are
one or two connections worse, however many there are; one random choice leaves the fullest far above the others. A hash
of the client is a random choice of *clients*, so it gets worse the fewer of them carry the traffic, and behind one NAT
one server has it all. Nobody at L4 helps against a few connections that carry much: a connection is placed before it
shows what it will carry. At L7, where each request is placed, they are no matter.

Method: eight servers, every algorithm as a service of its own at L4, and round robin at L7. All services get the same
connections, opened at about the same time and held: who answers on each is who has it. In each round

    clients alike      48 addresses, an equal number of connections each
    heavy hitters      the same, but 3 of them make 60 % of the connections
    one NAT            all connections come from one address
    heavy connections  those of `clients alike` again: as many as there are servers make 13 requests, all others 1

    fullest  requests of the fullest server / fair share; mean of the rounds, and its range
    theory   what balls in bins say of it. None for least response time: nothing in them depends on who answers tests
             soonest. What it does beside least connections comes of noise in its measurements

What was closed is let go of before more are opened: a reset that is lost would count as a connection for a minute.
Which addresses are taken, and which are heavy, is drawn anew in each round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean

from balancing import ALGORITHMS
from experiments import bins
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.held import (
    ALIKE,
    ELEPHANTS,
    FULL,
    HITTERS,
    NAT,
    ONE_BY_ONE,
    QUICK,
    SERVERS,
    TESTED,
    Load,
    lab_for,
    measure,
)
from experiments.verdicts import Claim, Rule, Verdict, of_rounds

HOT = 1.25       # times its fair share: from there on a server is called a hot spot
LITTLE = 1.1     # how far the measured may lie above theory
LOG_LOG = math.log(math.log(SERVERS)) / math.log(2)
CONSTANT = 1.0   # connections, which the theory of two choices leaves open

TURNS = ("round-robin", "weighted-round-robin", "least-connections")
HASHES = ("source-hash", "maglev")
TWO = "power-of-two-choices"
LAWS: dict[str, Callable[[bins.Weights, int], float]] = {
    **dict.fromkeys(TURNS, bins.unseen(bins.in_turn)), TWO: bins.unseen(bins.two_choices), "random": bins.at_random,
    **dict.fromkeys(HASHES, bins.at_random), ONE_BY_ONE: lambda weights, servers: sum(weights) / servers,
}

_FULLEST = "fullest server / fair share"
EVEN = Claim(3, "no server becomes a hot spot, with clients alike",
             Rule(f"{_FULLEST}, the worst of its kind", "<", HOT),
             only_if="servers take turns or the least loaded is taken, not at random or by hash")
HIT = Claim(3, "no server becomes a hot spot, with a few clients that carry most",
            Rule(f"{_FULLEST}, the worst of its kind", "<", HOT), only_if="the client isn't hashed")
NATTED = Claim(3, "no server becomes a hot spot, with all clients behind one NAT",
               Rule(f"{_FULLEST}, the worst of its kind", "<", HOT), only_if="the client isn't hashed")
QUICKEST = Claim(3, "least response time makes no hot spot among servers that are equally quick",
                 Rule(_FULLEST, "<", HOT))
LUMPS = Claim(3, "no server becomes a hot spot, with a few connections that carry most",
              Rule(f"{_FULLEST}, round robin", "<", HOT),
              only_if="requests are placed one by one (L7), not connections (L4)")
AS_BINS = Claim(0, "random choice fills the fullest server no more than balls in bins say",
                Rule("measured / theory", "<", LITTLE))
AS_CHOICES = Claim(0, "two choices keep it within ln ln n / ln 2 of the fair share, and one more",
                   Rule("connections above the fair share", "<", round(LOG_LOG + CONSTANT, 2)))

Found = Sequence[Load]


def ratio(load: Load) -> float:
    """How many times its fair share the fullest server had."""
    return max(load.share.values()) * len(load.share) / sum(load.share.values())


def theory(load: Load) -> float | None:
    """The same by balls in bins; None where they say nothing."""
    law = LAWS.get(load.algorithm)
    weights = load.clients if load.algorithm in HASHES else load.connections
    return law(weights, SERVERS) * SERVERS / sum(weights) if law else None


def ratios(found: Found, situation: str, algorithm: str) -> list[float]:
    """Round by round."""
    return [ratio(load) for load in found if (load.situation, load.algorithm) == (situation, algorithm)]


def worst(found: Found, situation: str, algorithms: Sequence[str]) -> list[float]:
    """Round by round, of whoever did worst in it."""
    return [max(one) for one in zip(*(ratios(found, situation, name) for name in algorithms), strict=True)]


def verdicts(found: Found) -> list[Verdict]:
    """What came of the claims, in a run of two rounds or more."""
    against = [ratio(load) / (theory(load) or math.inf) for load in found
               if (load.situation, load.algorithm) == (ALIKE, "random")]
    above = [max(load.share.values()) - sum(load.share.values()) / SERVERS for load in found
             if (load.situation, load.algorithm) == (ALIKE, TWO)]
    of = {(situation, kind): of_rounds(worst(found, situation, kind))
          for situation in (ALIKE, HITTERS, NAT) for kind in (TURNS, HASHES, ("random", *HASHES))}
    return [
        EVEN.judge(of[ALIKE, TURNS], beyond=of[ALIKE, ("random", *HASHES)]),
        HIT.judge(of[HITTERS, TURNS], beyond=of[HITTERS, HASHES]),
        NATTED.judge(of[NAT, TURNS], beyond=of[NAT, HASHES]),
        QUICKEST.judge(of_rounds(ratios(found, ALIKE, TESTED) + ratios(found, HITTERS, TESTED))),
        LUMPS.judge(of_rounds(ratios(found, ELEPHANTS, ONE_BY_ONE)),
                    beyond=of_rounds(ratios(found, ELEPHANTS, "round-robin"))),
        AS_BINS.judge(of_rounds(against)),
        AS_CHOICES.judge(of_rounds(above)),
    ]


def rows(found: Found) -> list[dict[str, object]]:
    """The table `hot_spots`: situation by situation."""
    return [_row([load for load in found if (load.situation, load.algorithm) == (situation, algorithm)])
            for situation in (ALIKE, HITTERS, NAT, ELEPHANTS) for algorithm in (*ALGORITHMS, ONE_BY_ONE)]


def _row(loads: Found) -> dict[str, object]:
    measured, said = [ratio(load) for load in loads], [theory(load) for load in loads]
    last = loads[-1]
    return {"situation": last.situation, "algorithm": last.algorithm, "rounds": len(loads),
            "connections": len(last.connections), "clients": len(last.clients), "requests": sum(last.share.values()),
            "fullest": round(fmean(measured), 3), "fullest_low": round(min(measured), 3),
            "fullest_high": round(max(measured), 3),
            "theory": None if None in said else round(fmean(value or 0 for value in said), 3), "share": last.share,
            "unanswered": sum(load.unanswered for load in loads)}


def contradictions(table: Sequence[dict[str, object]]) -> list[str]:
    """What must not be in any run, a clause each; what may come out either way is for the verdicts."""
    return [f"{row['unanswered']} requests were not answered ({row['situation']}, {row['algorithm']})"
            for row in table if row["unanswered"]]


def moral(table: Sequence[dict[str, object]]) -> str:
    """What is to be seen, in the run's own figures."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(table))}. " if contradictions(table) else ""
    cells = {(row["situation"], row["algorithm"]): row["fullest"] for row in table}
    figures = "; ".join(f"{situation}: " + ", ".join(f"{name} {cells[situation, name]}" for name in
                                                     ("round-robin", TWO, "random", "source-hash", TESTED))
                        for situation in dict.fromkeys(row["situation"] for row in table))
    return f"{wrong}How many times its fair share the fullest of {SERVERS} servers had. {figures}."


def part(options: Options, display: Display) -> Part:
    """Measure it, in a lab of its own."""
    size = QUICK if options.quick else FULL
    with lab_for(display.say) as lab:
        found = list(measure(lab, size, options.seed, display.say))
    table = rows(found)
    return Part("hot_spots", table, moral(table), not contradictions(table), verdicts=verdicts(found),
                shown=[{name: row[name] for name in ("situation", "algorithm", "fullest", "fullest_low", "fullest_high",
                                                     "theory")} for row in table])
