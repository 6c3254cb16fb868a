"""The theory of balls in bins, held against real throws of seeded dice."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest

from experiments.bins import at_random, in_turn, two_choices, unseen


def fullest(weights: list[float], servers: int, choices: int, dice: random.Random) -> float:
    """Throw them all; each into the least full (by number) of so many random bins."""
    load, number = [0.0] * servers, [0] * servers
    for weight in weights:
        place = min(dice.sample(range(servers), choices), key=number.__getitem__)
        load[place] += weight
        number[place] += 1
    return max(load)


def mean_of(weights: list[float], servers: int, choices: int) -> float:
    dice = random.Random(7)
    return fmean(fullest(weights, servers, choices, dice) for _ in range(200))


@pytest.mark.parametrize("weights", [[1.0] * 400, [1.0] * 3000, [1.0] * 300 + [20.0] * 40],
                         ids=("few", "many", "uneven"))
def test_random_throws_come_near_the_law_and_not_above_it(weights: list[float]) -> None:
    measured, said = mean_of(weights, 8, choices=1), at_random(weights, 8)
    fair = sum(weights) / 8
    assert 0.6 * (said - fair) < measured - fair < 1.05 * (said - fair)


@pytest.mark.parametrize("units", [400, 3000])
def test_of_two_choices_the_gap_does_not_grow_with_the_units(units: int) -> None:
    assert abs(mean_of([1.0] * units, 8, choices=2) - two_choices(units, 8)) < 1


def test_who_takes_turns_is_at_most_one_apart() -> None:
    assert [in_turn(units, 8) for units in (80, 81, 88)] == [10, 11, 11]


def test_one_unit_is_never_split() -> None:
    assert at_random([50.0], 8) == 50.0
    assert unseen(in_turn)([1.0] * 7 + [51.0], 8) == 1 + 50.0


def test_what_a_rule_does_not_see_is_thrown_at_random() -> None:
    heavy = [1.0] * 392 + [13.0] * 8
    assert unseen(in_turn)(heavy, 8) == 50 + at_random([12.0] * 8, 8)
    assert math.isclose(unseen(two_choices)([1.0] * 96, 8), two_choices(96, 8))
