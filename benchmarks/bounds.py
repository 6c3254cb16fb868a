"""What a figure is held to: what it must reach, what it is aimed at, and which way."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from experiments.verdicts import Claim, Rule, Verdict, of_ratios


class Held:
    """What is held to a bound; a dataclass below has these fields.

    label: what it is called. must, aim: limits; None where there is none. at_most: the less the better.
    """

    label: str
    must: float | None
    aim: float | None
    at_most: bool

    @property
    def bound(self) -> str:
        """Which way `must` bounds it."""
        return "report" if self.must is None else "at most" if self.at_most else "at least"

    def met(self, value: float | None, limit: float | None) -> bool:
        """Whether a value reaches a limit, `must` or `aim`. Without a limit any value does; no value reaches none."""
        if value is None or value != value:
            return False
        return limit is None or (value <= limit if self.at_most else value >= limit)

    def judge(self, rounds: Sequence[float]) -> list[Verdict]:
        """The verdict on `must`, by the value of each round; none without a bound, or of a single round.

        The median of the rounds is what `met` is asked of; an interval needs their (geometric) mean.
        """
        if self.must is None or len(rounds) < 2 or not all(isfinite(one) and one > 0 for one in rounds):
            return []
        rule = Rule("the figure, per round", "<" if self.at_most else ">", self.must)
        return [Claim(0, f"{self.label}: {self.bound} {self.must:g}", rule).judge(
            of_ratios((one, 1.0) for one in rounds))]
