"""How evenly a load is shared: Jain's fairness index.

    J(x) = (x1 + … + xn)² / (n · (x1² + … + xn²))

With k of n servers sharing everything equally and the rest idle, J = k/n: read it as "the share of
the servers that is really used". It needs no unit, and the order of the servers doesn't matter.

Source: R. Jain, D. Chiu, W. Hawe, "A Quantitative Measure of Fairness and Discrimination for
Resource Allocation in Shared Computer Systems", DEC Research Report TR-301, 1984.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping


def jain(loads: Iterable[float]) -> float | None:
    """Jain's index of what each server carries, in any one unit.

    loads: one number for every server, the idle ones too: leaving them out hides what is asked for.
    Returns a number from 1/n (one server does everything) to 1 (all do the same); None where no
    server carries anything, because nothing was shared fairly or unfairly.
    Raises ValueError for no servers, or a load that is negative or not finite.
    """
    values = list(loads)
    if not values or not all(0 <= value < math.inf for value in values):
        raise ValueError(f"loads are {values!r}, expected one finite number from 0 for every server")
    most = max(values)
    if most == 0:
        return None
    scaled = [value / most for value in values]  # the index is scale-free, and squares can't overflow so
    return math.fsum(scaled) ** 2 / (len(scaled) * math.fsum(value * value for value in scaled))


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Each server's part of the whole, 0 to 1, in the order given; all 0 where nothing was counted."""
    total = sum(counts.values())
    return {server: count / total if total else 0.0 for server, count in counts.items()}


def servers_used(counts: Mapping[str, int]) -> int:
    """How many servers carried anything at all."""
    return sum(count > 0 for count in counts.values())
