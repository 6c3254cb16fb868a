"""Jain's index: its paper's own properties, and the cases that the lab reads it by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.fairness import jain, servers_used, shares

LOADS = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any)


@given(LOADS)
def test_it_lies_between_one_server_doing_everything_and_all_doing_the_same(loads: list[int]) -> None:
    index = jain(loads)
    assert 1 / len(loads) - 1e-9 <= index <= 1 + 1e-9


@given(LOADS, st.floats(1e-200, 1e200))
def test_it_has_no_unit(loads: list[int], scale: float) -> None:
    assert jain([load * scale for load in loads]) == pytest.approx(jain(loads))


@given(LOADS, st.randoms(use_true_random=False))
def test_the_order_of_the_servers_does_not_matter(loads: list[int], dice) -> None:
    shuffled = dice.sample(loads, len(loads))
    assert jain(shuffled) == pytest.approx(jain(loads))


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 1000))
def test_with_k_of_n_servers_used_equally_it_is_k_out_of_n(used: int, idle: int, load: int) -> None:
    assert jain([load] * used + [0] * idle) == pytest.approx(used / (used + idle))


def test_a_value_worked_out_by_hand() -> None:
    assert jain([1, 2, 3]) == pytest.approx(36 / (3 * 14))


def test_where_nothing_was_carried_there_is_no_fairness() -> None:
    assert jain([0, 0, 0]) is None


@pytest.mark.parametrize("loads", [[], [-1, 2], [float("inf")], [float("nan"), 1]])
def test_what_is_no_load_is_refused(loads: list[float]) -> None:
    with pytest.raises(ValueError, match="loads"):
        jain(loads)


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 10**6), min_size=1))
def test_shares_are_parts_of_a_whole(counts: dict[str, int]) -> None:
    parts = shares(counts)
    assert list(parts) == list(counts)
    assert sum(parts.values()) == pytest.approx(1 if any(counts.values()) else 0)
    assert servers_used(counts) == sum(part > 0 for part in parts.values())
