"""TEST DATA: the table `algorithms_speed` as it comes out of times that are given and were measured by nobody."""

from __future__ import annotations

from typing import Any

from benchmarks.algorithms import KINDS, Size, rows
from benchmarks.use import WEIGHTS

SERVERS = (3, 30, 300, 3000)


def given(grows: float, scan: float = 300.0, **others: float) -> list[dict[str, Any]]:
    """The table of times that are given: with 3,000 servers an algorithm takes `grows` times what it takes with 3."""
    def times(name: str, servers: int) -> list[float]:
        grown = scan if name == "min-scan" else others.get(name.replace("-", "_"), grows)
        base = 500.0 if name == "min-scan" else 1000.0
        return [noise * base * grown ** (SERVERS.index(servers) / 3) for noise in (1.0, 0.9, 1.1)]

    found = {(name, weights, servers): times(name, servers)
             for name in KINDS for weights in WEIGHTS for servers in SERVERS}
    return rows(found, Size(servers=SERVERS))
