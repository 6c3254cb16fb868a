"""Counting units by the switch's sums: what is read, and what is made of it."""

from __future__ import annotations

import pytest

from controller.cookies import Cookie, Kind
from controller.drawing import sample
from controller.gauge import Gauge, Reading


def tell(gauge: Gauge, opened: int, closed: int) -> float:
    """One period's answers; the units then."""
    assert not gauge.heard(Cookie(Kind.ACT, 1, 1), Reading(1, opened))
    assert gauge.heard(Cookie(Kind.END, 1, 1), Reading(2, closed))
    return gauge.units[1]


def test_connections_are_those_opened_less_those_closed() -> None:
    gauge = Gauge(sample("l4", "tracked"))
    assert gauge.cookies() == [Cookie(Kind.ACT, 1, 1), Cookie(Kind.END, 1, 1)]
    assert tell(gauge, 10, 2) == 8
    assert tell(gauge, 15, 4) == pytest.approx(11, abs=0.2), "but for what is forgotten in a period"


def test_what_is_not_heard_of_any_more_is_forgotten_in_time() -> None:
    gauge = Gauge(sample("l4", "tracked"))
    tell(gauge, 100, 0)
    for _ in range(60):  # one idle timeout
        units = tell(gauge, 100, 0)
    assert units == pytest.approx(100 / 2.718, rel=0.02)


def test_it_is_never_below_zero_and_a_rule_sent_anew_begins_at_zero() -> None:
    gauge = Gauge(sample("l4", "tracked"))
    assert tell(gauge, 5, 9) == 0
    assert tell(gauge, 3, 0) == 3, "both rules are new: three were opened since, none closed"


@pytest.mark.parametrize("layer", ["l2", "l3"])
def test_below_l4_units_are_the_flows_that_were_learned(layer: str) -> None:
    gauge = Gauge(sample(layer, "tracked"))
    assert gauge.cookies() == [Cookie(Kind.UNIT, 1, 1)]
    assert gauge.heard(Cookie(Kind.UNIT, 1, 1), Reading(7, 12_345))
    assert gauge.units == {1: 7}
