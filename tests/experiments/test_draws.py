"""Laws have the mean and the quantiles that they say, and what is drawn from them follows them."""

from __future__ import annotations

import doctest
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import draws
from experiments.draws import Exponential, Fixed, Law, Pareto, draw

LAWS = (Fixed(3.0), Exponential(0.2), Pareto(1.5, 0.5, 50.0), Pareto(1.0, 1.0, 9.0), Pareto(1.1, 300.0, 1e6))


def test_their_examples() -> None:
    assert doctest.testmod(draws).failed == 0


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_the_mean_is_that_of_the_quantiles(law: Law) -> None:
    found = [law.at((n + 0.5) / 100_000) for n in range(100_000)]
    assert found == sorted(found)
    assert fmean(found) == pytest.approx(law.mean, rel=2e-3)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_what_is_drawn_is_one_from_each_part_in_no_order(law: Law) -> None:
    found = draw(law, 200, random.Random(1))
    for place, value in enumerate(sorted(found)):
        assert law.at(place / 200) <= value + 1e-9
        assert value <= law.at(min((place + 1) / 200, 1 - 1e-12)) + 1e-9
    assert found == draw(law, 200, random.Random(1))
    assert isinstance(law, Fixed) or found not in (sorted(found), draw(law, 200, random.Random(2)))


@given(st.floats(0.3, 3.0), st.floats(0.01, 10.0), st.floats(1.5, 1000.0), st.floats(0, 0.999999))
def test_a_bounded_tail_keeps_its_bounds(shape: float, least: float, times: float, part: float) -> None:
    law = Pareto(shape, least, least * times)
    assert law.least <= law.at(part) * (1 + 1e-9)
    assert law.at(part) <= law.most * (1 + 1e-9)
