"""The tables of `feedback`: what is said of them is the experiment's own."""

from __future__ import annotations

from experiments.feedback import contradictions, moral
from experiments.feedback_lab import PERIOD_S, SLOW
from experiments.report.section import Reading, Rows


def read(rows: Rows) -> Reading:
    """Before and after the change."""
    return Reading(moral(rows), as_predicted=not contradictions(rows))


def read_course(rows: Rows) -> Reading:
    """One repetition, as it went."""
    return Reading(f"{SLOW}’s share of the answers in one repetition, every {PERIOD_S:g} s; halfway it slows down.")


def read_latency(rows: Rows) -> Reading:
    """Nothing is predicted of single percentiles."""
    return Reading("All percentiles that the requests carry, before and after.")
