"""Distributions to draw from: service times, think times, sizes. Pure.

    Law.at(part) ──► the value that this part of all values are below (the quantile)
    draw(law, number, dice) ──► so many values: one from each number-th of the law, in a shuffled order

Drawing one value from each part ("stratified sampling") makes two plans with different seeds hold nearly the same work,
so that rounds can be compared, and leaves the law as it is.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Protocol


class Law(Protocol):
    """A distribution of numbers above 0."""

    def at(self, part: float) -> float:
        """The value that `part` of all values, from 0 up to 1, are below."""

    @property
    def mean(self) -> float:
        """The mean of all values."""


@dataclass(frozen=True)
class Fixed:
    """Always the same."""

    mean: float

    def at(self, part: float) -> float:
        return self.mean


@dataclass(frozen=True)
class Exponential:
    """Without memory: what M/M/c supposes of service times.

    >>> round(Exponential(2.0).at(0.5), 3)  # the median is mean x ln 2
    1.386
    """

    mean: float

    def at(self, part: float) -> float:
        return -self.mean * math.log1p(-part)


@dataclass(frozen=True)
class Pareto:
    """Heavy-tailed between two bounds: few large values carry much of the whole.

    shape: the lower, the heavier the tail. least, most: the bounds. (Crovella, Harchol-Balter, Murta, "Task Assignment
    in a Distributed System", 1998; Barford, Crovella, "Generating Representative Web Workloads", SIGMETRICS 1998, which
    finds think times of shape 1.5 and files' sizes of shape 1.1)

    >>> Pareto(1.0, 1.0, 4.0).at(0.0), round(Pareto(1.0, 1.0, 4.0).mean, 3)
    (1.0, 1.848)
    """

    shape: float
    least: float
    most: float

    def at(self, part: float) -> float:
        return float(self.least * (1 - part * (1 - (self.least / self.most) ** self.shape)) ** (-1 / self.shape))

    @property
    def mean(self) -> float:
        whole, ratio = 1 - (self.least / self.most) ** self.shape, self.least / self.most
        if math.isclose(self.shape, 1):
            return -self.least * math.log(ratio) / whole
        return self.least * self.shape / (self.shape - 1) * (1 - ratio ** (self.shape - 1)) / whole


def draw(law: Law, number: int, dice: random.Random) -> list[float]:
    """So many values, one from each `number`-th of the law, in a shuffled order."""
    found = [law.at((place + dice.random()) / number) for place in range(number)]
    dice.shuffle(found)
    return found
