"""The table `proxy`: ours beside its peers, and whether it reaches what it must.

What is predicted, and the sentences, are the benchmark's own (benchmarks/proxy_words.py).
"""

from __future__ import annotations

from benchmarks.proxy_words import busy, contradictions, reached
from experiments.report.section import Reading, Rows


def read(rows: Rows) -> Reading:
    """How many figures reach what they must; then who was not busy."""
    return Reading(reached(rows), tuple(filter(None, (busy(rows),))), not contradictions(rows))
