"""TEST DATA for and against the claims of `compare`: those of its parts."""

from __future__ import annotations

from experiments.verdicts import Verdict
from tests.experiments.claims import cost, crowd, distinguish, ladder


def refuting() -> list[Verdict]:
    """Of all of them."""
    return [verdict for one in (ladder, distinguish, cost, crowd) for verdict in one.refuting()]


def supporting() -> list[Verdict]:
    """Of all of them."""
    return [verdict for one in (ladder, distinguish, cost, crowd) for verdict in one.supporting()]
