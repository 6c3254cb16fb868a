"""What the lecture claims of algorithms, by which rule each claim is judged, and what came of it. Pure.

    rounds ──► p95 of one algorithm / p95 of another, in the same round under the same sessions ──► Interval ──► Verdict

LITTLE is stated before anything is measured: a tenth more or less is no reason to choose an algorithm. Claims 7, 8 and
10 are tried at L4, where an algorithm places whole sessions, and 11 at L7, where tests wait in the program's queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from experiments.margins import percentile_ms
from experiments.rounds import EQUAL, HEAVY, RIVALS, TURNING, UNEQUAL, Case, Found
from experiments.verdicts import Claim, Interval, Rule, Verdict, of_ratios

LITTLE = 1.1  # times the other's p95

ROBIN = Claim(7, "round robin is right for equal servers",
              Rule("its p95 / that of least connections, at L4", "<", LITTLE), only_if="sessions are short")
WEIGHTED = Claim(8, "weighted round robin is right for unequal servers",
                 Rule("p95 of round robin / its own, with capacities 1:2:4 at L4", ">", LITTLE))
LEAST = Claim(10, "least connections is right for sessions of uneven length",
              Rule("p95 of round robin / its own, at L4", ">", LITTLE),
              only_if="a session is placed as a whole, not at L7")
QUICKEST = Claim(11, "least response time is right where a server turns slow",
                 Rule("p95 of round robin / its own, at L7", ">", LITTLE))
BEYOND_COUNTING = Claim(11, "there least response time is better than least connections",
                        Rule("p95 of least connections / its own, at L7", ">", LITTLE))


def verdicts(found: Found) -> list[Verdict]:
    """What came of the claims in a run that has L4 and L7; of a single round nothing can."""
    if len(found.cells[EQUAL.name, "l4", "round-robin"].took_s) < 2:
        return []
    lasting = _ratio(found, HEAVY, "l4", *RIVALS)
    return [
        ROBIN.judge(_ratio(found, EQUAL, "l4", *RIVALS), beyond=lasting),
        WEIGHTED.judge(_ratio(found, UNEQUAL, "l4", "round-robin", "weighted-round-robin")),
        LEAST.judge(lasting, beyond=_ratio(found, HEAVY, "l7", *RIVALS)),
        QUICKEST.judge(_ratio(found, TURNING, "l7", "round-robin", "least-response-time")),
        BEYOND_COUNTING.judge(_ratio(found, TURNING, "l7", "least-connections", "least-response-time")),
    ]


def _ratio(found: Found, case: Case, layer: str, one: str, other: str) -> Interval:
    """How many times the other's p95 `one` had: a pair for each round, and for each pair of copies in it."""
    both = [[*found.cells[case.name, layer, name].took_s, *found.copies[case.name, layer, name].took_s]
            for name in (one, other)]
    return of_ratios(_pairs(*both))


def _pairs(one: Iterable[Sequence[float]], other: Iterable[Sequence[float]]) -> Iterator[tuple[float, float]]:
    return ((percentile_ms(mine, 95), percentile_ms(theirs, 95)) for mine, theirs in zip(one, other, strict=True))
