"""Rounds: everything is measured once, in a shuffled order, and again, so that a busy moment slows all alike.

    round 1   b  a  d  c          ratios are taken within a round;
    round 2   d  b  a  c          reported are the median over the rounds, and the lowest and highest
    round 3   a  c  d  b
"""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import TypeVar

Case = TypeVar("Case")


def interleave(cases: Mapping[Case, Callable[[], float]], rounds: int, seed: int,
               say: Callable[[str], object] = lambda words: None) -> dict[Case, list[float]]:
    """What each case came to in each round: one number a round, in the order of the rounds."""
    dice = random.Random(seed)
    found: dict[Case, list[float]] = {case: [] for case in cases}
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        for case in dice.sample(list(cases), len(cases)):
            found[case].append(cases[case]())
    return found


def spread(name: str, values: Sequence[float], digits: int = 0) -> dict[str, float]:
    """The columns of one figure: NAME, the median; NAME_low and NAME_high, the range.

    >>> spread("ms", [3.0, 1.0, 2.25], 1)
    {'ms': 2.2, 'ms_low': 1.0, 'ms_high': 3.0}
    """
    ends = {name: median(values), f"{name}_low": min(values), f"{name}_high": max(values)}
    return {column: round(value, digits) for column, value in ends.items()}


@contextmanager
def quiet() -> Iterator[None]:
    """No garbage collection while time is taken (as timeit does it): its pauses are nobody's."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
