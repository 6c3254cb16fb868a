"""Where a unit goes: one small class per algorithm, the same objects at all four layers.

An algorithm is bound to a pool and offers

    choose(unit) -> Server            decides, and may advance its own state
    scores(unit) -> {name: float}     says why, changes nothing: the highest score is chosen next

Rules kept here:

1. It reads `pool.candidates` (up, undrained, not tried for this unit before; never empty when `choose` is
   called) and nothing else. They may be fewer for one decision and back at the next.
2. No randomness without a seed and no clock: same units in, same servers out.
3. A choice among n servers costs O(log n) at most: what must be looked at for all of them is looked at when the
   pool changes, and `pool.candidates` is then another tuple.
4. A new algorithm is a file here and a line in ALGORITHMS; or a file of yours, and FILE.py:CLASS (own.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing.algorithms import own
from balancing.algorithms.base import Algorithm, Stateless
from balancing.algorithms.dice import AtRandom, PowerOfTwoChoices
from balancing.algorithms.least_connections import LeastConnections
from balancing.algorithms.least_response_time import LeastResponseTime
from balancing.algorithms.maglev import Maglev
from balancing.algorithms.own import full_name, is_own
from balancing.algorithms.round_robin import RoundRobin
from balancing.algorithms.source_hash import SourceHash
from balancing.algorithms.weighted_round_robin import WeightedRoundRobin
from layerlab import choice

if TYPE_CHECKING:
    from balancing.pool import Pool

ALGORITHMS: dict[str, type[Algorithm]] = {
    algorithm.name: algorithm
    for algorithm in (RoundRobin, WeightedRoundRobin, SourceHash, LeastConnections, LeastResponseTime, Maglev,
                      PowerOfTwoChoices, AtRandom)
}


def find_algorithm(word: str) -> type[Algorithm]:
    """The algorithm that a word of ALGORITHMS, or FILE.py:CLASS, names. Raises LabError if there is none."""
    return own.load(full_name(word)) if is_own(word) else ALGORITHMS[choice("algorithm", word, ALGORITHMS)]


def bind(word: str, pool: Pool) -> Algorithm:
    """The algorithm that `word` names, bound to `pool`. Raises LabError if there is none, or it can't begin there."""
    return own.begin(full_name(word), pool) if is_own(word) else find_algorithm(word)(pool)


__all__ = ["ALGORITHMS", "Algorithm", "AtRandom", "LeastConnections", "LeastResponseTime", "Maglev",
           "PowerOfTwoChoices", "RoundRobin", "SourceHash", "Stateless", "WeightedRoundRobin", "bind", "find_algorithm",
           "full_name", "is_own"]
