"""TEST DATA: slots that settle and slots that don't; three copies, three periods each of the second half."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.clients import ClientHost
from experiments.openloop import Call, Visit
from experiments.steering import COPIES, PERIOD_S, SLOW, WAYS, verdicts
from experiments.verdicts import Verdict

EACH, PERIODS = 50, 6
VISIT = Visit(0.0, ClientHost("h1"), ("10.0.0.100", 80), ("/",))


def copies(shares: Sequence[float], took_s: float) -> list[list[Call]]:
    """The slow server's shares of the second half's periods; each copy a little slower than the one before."""
    return [[Call(VISIT, 1, PERIOD_S * period + 0.01 * number, 0.0, took_s + 0.01 * copy,
                  SLOW if number < shares[period % len(shares)] * EACH else "srv2")
             for period in range(PERIODS) for number in range(EACH)] for copy in range(COPIES)]


def refuting() -> list[Verdict]:
    """The slots swing between all and nothing, and answer later than those that never move."""
    ways = (copies([0.2], 0.3), copies([0.9, 0.7, 0.4], 3.0), copies([0.34], 1.5))
    return verdicts(dict(zip(WAYS, ways, strict=True)), PERIODS * PERIOD_S)


def supporting() -> list[Verdict]:
    """As predicted."""
    ways = (copies([0.2], 0.3), copies([0.22, 0.26, 0.24], 0.4), copies([0.34], 1.5))
    return verdicts(dict(zip(WAYS, ways, strict=True)), PERIODS * PERIOD_S)
