"""Rounds: every case once in each, in an order of its own; and what is made of the numbers."""

from __future__ import annotations

import doctest
import gc
from functools import partial

import pytest

from benchmarks import rounds
from benchmarks.rounds import interleave, quiet, spread


def order(seed: int, count: int = 4) -> list[str]:
    """In which order the cases a to e come up."""
    found: list[str] = []

    def take(case: str) -> float:
        found.append(case)
        return float(len(found))

    interleave({case: partial(take, case) for case in "abcde"}, count, seed)
    return found


def test_every_case_comes_once_in_every_round() -> None:
    found = order(seed=1)
    assert [sorted(found[start:start + 5]) for start in range(0, 20, 5)] == [list("abcde")] * 4


def test_the_order_is_another_one_each_round_and_the_same_for_a_seed() -> None:
    found = order(seed=1)
    assert len({tuple(found[start:start + 5]) for start in range(0, 20, 5)}) > 1
    assert order(seed=1) == found
    assert order(seed=2) != found


def test_numbers_stand_in_the_order_of_the_rounds() -> None:
    said: list[str] = []
    count = iter(range(100))
    found = interleave({"a": lambda: float(next(count)), "b": lambda: -1.0}, 3, 1, said.append)
    assert found["a"] == sorted(found["a"])
    assert found["b"] == [-1.0] * 3
    assert said == ["round 1 of 3", "round 2 of 3", "round 3 of 3"]


def test_a_figure_is_its_median_and_its_range() -> None:
    assert spread("ns", [5, 1, 2]) == {"ns": 2, "ns_low": 1, "ns_high": 5}
    assert doctest.testmod(rounds).failed == 0


def test_no_garbage_is_collected_while_it_is_quiet_and_afterwards_as_before() -> None:
    with quiet():
        assert not gc.isenabled()
        with quiet():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), quiet():
        1 / 0  # noqa: B018
    assert gc.isenabled()
