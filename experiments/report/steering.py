"""The tables `steering` and `steering_course`: whether slots that follow the load settle, and where."""

from __future__ import annotations

from experiments.report.section import Reading, Rows
from experiments.steering import PERIOD_S, SLOW, contradictions, moral


def read(rows: Rows) -> Reading:
    """The three ways beside each other."""
    return Reading(moral(rows), as_predicted=not contradictions(rows))


def read_course(rows: Rows) -> Reading:
    """How long it took, as far as the rows tell."""
    return Reading(f"{SLOW}’s share of the connections, every {PERIOD_S:g} seconds, from the beginning on.")
