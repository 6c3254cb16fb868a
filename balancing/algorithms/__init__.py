"""Where a unit goes: one small class per algorithm, the same objects at all four layers.

An algorithm is bound to a pool and offers

    choose(unit) -> Server            decides, and may advance its own state
    scores(unit) -> {name: float}     says why, changes nothing: the highest score is chosen next

Rules kept here:

1. It reads `pool.candidates` (up, not draining, not tried for this unit before; never empty when `choose` is
   called) and nothing else. They may be fewer for one decision and back at the next.
2. No randomness without a seed and no clock: same units in, same servers out.
3. A new algorithm is a file here and a line in ALGORITHMS.
"""

from balancing.algorithms.base import Algorithm
from balancing.algorithms.dice import AtRandom, PowerOfTwoChoices
from balancing.algorithms.least_connections import LeastConnections
from balancing.algorithms.maglev import Maglev
from balancing.algorithms.round_robin import RoundRobin
from balancing.algorithms.source_hash import SourceHash
from balancing.algorithms.weighted_round_robin import WeightedRoundRobin

ALGORITHMS: dict[str, type[Algorithm]] = {
    algorithm.name: algorithm
    for algorithm in (RoundRobin, WeightedRoundRobin, SourceHash, LeastConnections, Maglev, PowerOfTwoChoices, AtRandom)
}

__all__ = ["ALGORITHMS", "Algorithm", "AtRandom", "LeastConnections", "Maglev", "PowerOfTwoChoices", "RoundRobin",
           "SourceHash", "WeightedRoundRobin"]
