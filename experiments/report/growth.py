"""The table `growth`: what hashed and tracked need as servers, services and live connections grow.

What is predicted, and the sentences, are the benchmark's own (benchmarks/growth_words.py).
"""

from __future__ import annotations

from benchmarks.growth_words import contradictions, grown, lines, verdict
from experiments.report.section import Reading, Rows


def read(rows: Rows) -> Reading:
    """Whether it grew as predicted; then every line, from its first row to its last."""
    words = "; ".join(map(grown, lines(rows)))
    return Reading(verdict(rows), (f"{words}.",) if words else (), not contradictions(rows))
