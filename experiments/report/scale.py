"""The tables of `scale`: what is said of them is the experiment's own."""

from __future__ import annotations

from experiments.report.section import Reading, Rows
from experiments.scale import contradictions, moral, moral_of_limits, moral_of_power, moral_of_prices


def read(rows: Rows) -> Reading:
    """At equal load: who answered sooner."""
    return Reading(moral(rows), as_predicted=not contradictions(rows))


def read_power(rows: Rows) -> Reading:
    """Flooded: who does how much."""
    return Reading(moral_of_power(rows))


def read_prices(rows: Rows) -> Reading:
    """What a core costs."""
    return Reading(moral_of_prices())


def read_limits(rows: Rows) -> Reading:
    """What passes, where servers take no time."""
    return Reading(moral_of_limits(rows))


def read_latency(rows: Rows) -> Reading:
    """Of the distribution nothing is predicted but what theory draws beside it."""
    return Reading("All percentiles that the requests carry; theory beside them.")
