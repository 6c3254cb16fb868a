"""The two that throw dice: at random, and the better of two at random. Seeded, so a run can be had again.

Balls into bins: with n balls in n bins thrown at random the fullest holds about ln n / ln ln n; where each goes
to the emptier of two, about ln ln n / ln 2 (Azar, Broder, Karlin, Upfal, "Balanced Allocations", 1999). That small
step from one choice to two is most of what least-connections gains, for the price of looking at two servers.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm, by_weight
from balancing.algorithms.least_connections import load
from balancing.alias import Column, columns, draw

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class Dice(Algorithm):
    """What both share: `throw` draws candidates, the least loaded of them serves.

    Score: for those that the next throw will draw, minus their load; for the others, minus infinity.
    """

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._dice = Random(pool.name)

    def throw(self, dice: Random) -> list[Server]:
        """Draw from the candidates."""
        raise NotImplementedError

    def choose(self, unit: Unit) -> Server:
        return min(self.throw(self._dice), key=load)

    def scores(self, unit: Unit) -> dict[str, float]:
        copy = Random()
        copy.setstate(self._dice.getstate())
        drawn = self.throw(copy)
        return {server.name: -load(server) if server in drawn else float("-inf") for server in self.pool.candidates}


class AtRandom(Dice):
    """Each server with a probability in proportion to its weight. O(1), by the alias method (balancing/alias.py)."""

    name = "random"
    summary = "at random, in proportion to the weights; the baseline to beat"
    bound = "O(1)"
    reads_active = False

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self._of: tuple[Server, ...] = ()
        self._columns: list[Column] = []

    def throw(self, dice: Random) -> list[Server]:
        candidates = self.pool.candidates
        if self._of is not candidates:
            self._of = candidates
            self._columns = columns([server.effective_weight for server in candidates])
        return [candidates[draw(self._columns, dice.random())]]

    def slots(self, size: int) -> list[Server]:
        return by_weight({server: server.weight for server in self.pool.candidates}, size)


class PowerOfTwoChoices(Dice):
    """The less loaded, for its weight, of two servers drawn at random. O(1)."""

    name = "power-of-two-choices"
    summary = "the less loaded of two at random; nearly least-connections, at any size"
    bound = "O(1)"

    def throw(self, dice: Random) -> list[Server]:
        candidates = self.pool.candidates
        if len(candidates) == 1:
            return [candidates[0]]
        one, other = int(dice.random() * len(candidates)), int(dice.random() * (len(candidates) - 1))
        return [candidates[one], candidates[other + (other >= one)]]  # the second is drawn from the others
