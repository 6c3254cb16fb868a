"""Requests of a client: within its rate, or when to come again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.admission import Admission, RequestRate
from layerlab import LabError


def test_a_burst_may_come_at_once_and_then_the_rate():
    it = Admission(RequestRate(rate=2.0, burst=3))
    assert [it.ask("a", 10.0) is None for _ in range(5)] == [True, True, True, False, False]
    assert it.ask("b", 10.0) is None
    verdict = it.ask("a", 10.0)
    assert (verdict.status, verdict.more) == (429, b"Retry-After: 1\r\n")
    assert it.ask("a", 10.5) is None
    assert it.ask("a", 10.6) is not None


def test_retry_after_is_when_it_works():
    it = Admission(RequestRate(rate=0.1, burst=1))
    assert it.ask("a", 0.0) is None
    seconds = int(it.ask("a", 0.5).more.split()[1])
    assert it.ask("a", 0.5 + seconds) is None


@given(st.lists(st.floats(0, 2), max_size=80), st.floats(0.5, 20), st.integers(1, 5))
def test_in_no_window_more_than_its_burst_and_the_rate(pauses, rate, burst):
    it, now_s, taken = Admission(RequestRate(rate=rate, burst=burst)), 0.0, []
    for pause in pauses:
        now_s += pause
        if it.ask("a", now_s) is None:
            taken.append(now_s)
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= burst + (taken[last] - begin) * rate + 1e-6


def test_without_a_bound_nothing_is_kept():
    it = Admission()
    assert all(it.ask(f"c{number}", 0.0) is None for number in range(5000))
    assert not it._due_s


def test_who_is_within_its_bounds_again_is_forgotten():
    it = Admission(RequestRate(rate=10.0, burst=1))
    for number in range(100_000):
        assert it.ask(f"c{number}", number * 0.001) is None
    assert len(it._due_s) <= 1024


def test_another_rate_holds_for_those_who_are_there():
    it = Admission(RequestRate(rate=1.0, burst=1))
    assert it.ask("a", 0.0) is None
    it.terms = RequestRate(rate=1.0, burst=2)
    assert it.ask("a", 0.0) is None
    assert it.ask("a", 0.0) is not None


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_can_not_be_is_refused(rate):
    with pytest.raises(LabError):
        RequestRate(rate)
