"""The alias method: exactly the weights, whatever they are."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancing.alias import columns, draw

WEIGHTS = st.lists(st.integers(1, 65_535) | st.floats(0.01, 100), min_size=1, max_size=30)


@given(WEIGHTS)
def test_every_place_has_its_part_of_all(weights: list[float]) -> None:
    """Summed up over the columns: of its own, and what is filled up with it."""
    share: Counter[int] = Counter()
    for place, (part, other) in enumerate(columns(weights)):
        assert 0 < part <= 1
        share[place] += part / len(weights)  # type: ignore[assignment]
        share[other] += (1 - part) / len(weights)  # type: ignore[assignment]
    for place, weight in enumerate(weights):
        assert share[place] == pytest.approx(weight / sum(weights), rel=1e-6, abs=1e-12)


@given(WEIGHTS, st.floats(0, 1, exclude_max=True))
def test_every_chance_falls_on_a_place(weights: list[float], chance: float) -> None:
    assert 0 <= draw(columns(weights), chance) < len(weights)


@pytest.mark.parametrize("weights", [[5, 1, 1], [1], [3, 3], [9, 3, 3, 1]])
def test_chances_side_by_side_hit_in_proportion(weights: list[int]) -> None:
    """100 chances for each unit of weight, evenly apart: 100 hits each, to within one at each edge of a part."""
    found, number = columns(weights), 100 * sum(weights)
    hits = Counter(draw(found, (at + 0.5) / number) for at in range(number))
    assert all(abs(hits[place] - 100 * weight) <= len(weights) for place, weight in enumerate(weights))
