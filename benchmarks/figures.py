"""The figures that the data plane is held to: each a ratio to plain switching on the same bridge.

    figure ──► what is measured (paths.py) ──► must be reached, and is aimed at
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bounds import Held

PIPELINES = ("hashed", "tracked", "reactive")
UNITS = {"connections": "new connections/s", "throughput": "Mbit/s", "latency": "ms to connect"}


@dataclass(frozen=True)
class Figure(Held):
    """One figure. what: a word of UNITS. must, aim: ratios to plain switching.

    >>> FIGURES[0].met(0.9, 0.85), FIGURES[-1].met(1.5, 1.4), FIGURES[0].met(float("nan"), 0.85)
    (True, False, False)
    """

    label: str
    pipeline: str
    what: str
    must: float
    aim: float
    at_most: bool = False


FIGURES = (
    Figure("hashed new connections/s", "hashed", "connections", 0.85, 0.95),
    Figure("tracked new connections/s", "tracked", "connections", 0.68, 0.85),
    Figure("reactive new connections/s (Ryu)", "reactive", "connections", 0.11, 0.20),
    Figure("hashed throughput of long flows", "hashed", "throughput", 0.92, 0.98),
    Figure("tracked throughput of long flows", "tracked", "throughput", 0.90, 0.97),
    Figure("hashed connect latency p50, one at a time", "hashed", "latency", 1.3, 1.1, at_most=True),
    Figure("tracked connect latency p50, one at a time", "tracked", "latency", 1.4, 1.2, at_most=True),
)
