"""The table `algorithms_speed`: how a choice's time grows with the servers.

What is predicted, and the sentences, are the benchmark's own (benchmarks/speed_words.py): a run says the same on paper.
"""

from __future__ import annotations

from benchmarks.speed_words import beside_the_scan, contradictions, growth, own_part, small_pools
from experiments.report.section import Reading, Rows


def read(rows: Rows) -> Reading:
    """The growth; then how far it is from looking at every server, where that still wins, and what is the pool's."""
    words = beside_the_scan(rows), small_pools(rows), own_part(rows)
    return Reading(growth(rows), tuple(filter(None, words)), not contradictions(rows))
