"""TEST DATA: faults that are noticed by whose test they stop, and otherwise."""

from __future__ import annotations

from balancing import LAYERS
from experiments.failover import SEEN_BY, verdicts
from experiments.outages import Outcome
from experiments.verdicts import Verdict


def outcomes(*, as_predicted: bool, units_moved: int) -> list[Outcome]:
    """One round of all faults at all layers."""
    return [Outcome(layer, fault, 1.5 if (layer in seen) is as_predicted else None, 200, 5, units_moved, 1.0)
            for fault, seen in SEEN_BY.items() for layer in LAYERS]


def refuting() -> list[Verdict]:
    """Just what should be noticed is not, and everybody is moved."""
    return verdicts(outcomes(as_predicted=False, units_moved=3))


def supporting() -> list[Verdict]:
    """As predicted; one round is enough."""
    return verdicts(outcomes(as_predicted=True, units_moved=0))
