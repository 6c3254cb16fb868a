"""What `scale` claims, and how verdicts are read off its rounds. Pure; the rules stand before anything is measured.

The power of workers that hinder each other, and prices, are put in: what restates them says so. What is found out is
whether servers behind a balancer deliver what they have, until when, and whether response times are as theory has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments import prices
from experiments.scale_lab import BLIND, HINDERED, KS, LOOKING, MOST, PLAIN, REACTIVE, UP
from experiments.verdicts import Claim, Interval, Rule, Verdict, of_ratios, of_rounds

WHOLE = 0.9  # a server's part that counts as all of it
ROOM = "servers, and not what stands before them, are what is slow"

POWER = Claim(1, f"{MOST} workers on one machine do less than half of what {MOST} machines would, as they are told to "
                 "hinder each other",
              Rule(f"power of {MOST} workers on one machine, in workers", "<", MOST / 2), by_construction=True)
BOUGHT = Claim(1, "by a price list, a core costs more in a larger chip",
               Rule("price a core, largest by smallest", ">", 1.0), by_construction=True)
HIRED = Claim(1, "by a price list, a core costs more in a larger rented machine",
              Rule("price a core, largest by smallest", ">", 1.0),
              by_construction=True)
OUT = {way: Claim(1, f"{MOST} servers behind {words} do {MOST} times what one does",
                  Rule("what each of them does, as a part of one alone", ">", WHOLE), only_if=ROOM)
       for way, words in ((BLIND, "L4's switch"), (LOOKING, "L7's proxy"))}
CONTROLLER = Claim(0, "of the balancers, the controller that is asked for each connection is the first limit",
                   Rule("its new connections a second, by the proxy's", "<", 1.0))
PROXY = Claim(0, "the proxy is a limit before the switch is",
              Rule("its new connections a second, by the switch's", "<", 1.0))
SOONER = Claim(0, "one server with 2, 4 or 8 workers answers sooner than as many servers, chosen blindly",
               Rule("p95 of the many, by that of the one", ">", 1.0))
LOOKS = Claim(0, "who looks at two servers before he chooses, chooses better than who is blind",
              Rule("p95 of his choices in queues on paper, by the other's", "<", 1.0))
PAPER = Claim(0, "the lab's queues do what queues do: the same requests on paper take about as long",
              Rule("mean response time, by that on paper", "<", 1.15))
BOOK = Claim(0, "M/M/k and k times M/M/1 are what one large and k small servers are",
             Rule("how far the mean response time is off theory's, as a part of it", "<", 0.25))


@dataclass(frozen=True)
class Round:
    """What one round came to.

    power:    when flooded, in workers, by way (at MOST workers; UP at one).
    p95_ms:   at equal load, by way and number of workers; each number has sessions of its own, so each is a repetition.
    choices_ms: the same where queues on paper are given the choices that were made: without what a layer itself costs.
    paper, book: the mean response time as times that on paper, and as times theory's.
    limit:    new connections a second to servers that take no time, by way and number of servers.
    """

    power: Mapping[str, float]
    p95_ms: Mapping[tuple[str, int], float]
    choices_ms: Mapping[tuple[str, int], float]
    paper: float
    book: float
    limit: Mapping[tuple[str, int], float]


def verdicts(rounds: Sequence[Round]) -> list[Verdict]:
    """Every claim's, from all rounds."""
    return [
        POWER.judge(of_rounds(one.power[HINDERED] / one.power[UP] for one in rounds)),
        BOUGHT.judge(_listed(prices.growth(prices.CHIPS))),
        HIRED.judge(_listed(prices.growth(prices.RENTED))),
        *(claim.judge(of_rounds(one.power[way] / MOST / one.power[UP] for one in rounds),
                      of_rounds(one.limit[way, MOST] / MOST / one.limit[way, 1] for one in rounds))
          for way, claim in OUT.items()),
        CONTROLLER.judge(_beside([one.limit for one in rounds], REACTIVE, LOOKING, (1, MOST))),
        PROXY.judge(_beside([one.limit for one in rounds], LOOKING, BLIND, (1, MOST))),
        SOONER.judge(_beside([one.p95_ms for one in rounds], BLIND, UP, KS[1:])),
        LOOKS.judge(_beside([one.choices_ms for one in rounds], LOOKING, BLIND, KS[1:])),
        PAPER.judge(of_rounds(one.paper for one in rounds)),
        BOOK.judge(off_one(of_rounds(one.book for one in rounds))),
    ]


def _beside(rounds: Sequence[Mapping[tuple[str, int], float]], way: str, other: str,
            numbers: Sequence[int]) -> Interval:
    """How many times the other's figure a way's is; each number of workers in each round is a repetition."""
    return of_ratios((one[way, k], one[other, k]) for one in rounds for k in numbers)


def _listed(figure: float) -> Interval:
    """A figure that is looked up: nothing about it is uncertain but whether the list is right."""
    return Interval(round(figure, 3), round(figure, 3), round(figure, 3), "a price list")


def off_one(found: Interval) -> Interval:
    """How far a figure that should be 1 is off it, whichever way.

    >>> off_one(Interval(0.9, 0.8, 1.05, "3 rounds"))
    Interval(figure=0.1, low=0.0, high=0.2, of='3 rounds')
    """
    ends = [abs(end - 1) for end in (found.low, found.high)]
    nearest = 0.0 if found.low <= 1 <= found.high else min(ends)
    return Interval(round(abs(found.figure - 1), 3), round(nearest, 3), round(max(ends), 3), found.of)


LIMITED = (PLAIN, BLIND, LOOKING, REACTIVE)  # as they stand in the table `balancer_limit`
