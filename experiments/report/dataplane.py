"""The table `dataplane`: each realisation beside plain switching, and whether it reaches what it must.

What is predicted, and the sentences, are the benchmark's own (benchmarks/dataplane_words.py).
"""

from __future__ import annotations

from benchmarks.dataplane_words import contradictions, flattered, found, reached
from experiments.report.section import Reading, Rows


def read(rows: Rows) -> Reading:
    """How many figures reach what they must; then every ratio, and what part of it is the switch's."""
    return Reading(reached(rows), tuple(filter(None, (found(rows), flattered(rows)))), not contradictions(rows))
