"""TEST DATA for and against the claims of `algorithms`: p95 of a few algorithms, by case and layer, in milliseconds."""

from __future__ import annotations

from experiments.algorithms_claims import verdicts
from experiments.rounds import EQUAL, HEAVY, TURNING, UNEQUAL, Cell, Found
from experiments.verdicts import Verdict

Latency = dict[tuple[str, str, str], float]
ROBIN, WEIGHTED, LEAST, QUICKEST = "round-robin", "weighted-round-robin", "least-connections", "least-response-time"


def found(p95_ms: Latency) -> Found:
    """Three rounds that differ by a few percent from each other."""
    run = Found()
    for cell, value in p95_ms.items():
        run.cells[cell] = Cell([[value * noise / 1000] * 20 for noise in (1.0, 1.04, 0.97)])
    return run


def run(short: float, weighted: float, long: float, slow: float, counting: float) -> list[Verdict]:
    """Round robin's p95, as times another's, in each of the cases; `counting`: least connections' where one is slow."""
    one = 100.0
    return verdicts(found({
        (EQUAL.name, "l4", ROBIN): short * one, (EQUAL.name, "l4", LEAST): one,
        (UNEQUAL.name, "l4", ROBIN): weighted * one, (UNEQUAL.name, "l4", WEIGHTED): one,
        (HEAVY.name, "l4", ROBIN): long * one, (HEAVY.name, "l4", LEAST): one,
        (HEAVY.name, "l7", ROBIN): one, (HEAVY.name, "l7", LEAST): one,
        (TURNING.name, "l7", ROBIN): slow * one, (TURNING.name, "l7", LEAST): counting * one,
        (TURNING.name, "l7", QUICKEST): one,
    }))


def refuting() -> list[Verdict]:
    """Round robin is far behind where it should be level, and level where it should be behind."""
    return run(short=1.4, weighted=1.0, long=0.95, slow=1.0, counting=0.9)


def supporting() -> list[Verdict]:
    """As the lecture has it."""
    return run(short=1.0, weighted=2.4, long=1.4, slow=2.0, counting=1.3)
