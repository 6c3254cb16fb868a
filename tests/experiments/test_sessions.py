"""Plans hold the work that was asked for, come when a Poisson process would, and are the same for the same seed."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.arrivals import Arrival, Bursts
from experiments.draws import Exponential, Pareto
from experiments.sessions import Lengths, Session, Traffic, plan, replay
from layerlab import LabError

TRAFFIC = Traffic(utilisation=0.65, workers=3, service_s=0.02, seconds=20.0, clients=40)
SHAPES = st.floats(0.5, 3.0)
MOST = st.integers(1, 60)


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    assert plan(TRAFFIC, 1) == plan(TRAFFIC, 1)
    assert plan(TRAFFIC, 1) != plan(TRAFFIC, 2)


@given(SHAPES, MOST, st.integers(0, 5))
def test_every_plan_holds_the_work_that_was_asked_for(shape: float, most: int, seed: int) -> None:
    """To within one longest session, or a twentieth where lengths are so few that rounding them down shows."""
    traffic = Traffic(0.65, 3, 0.02, 20.0, 40, Lengths(shape, most))
    work_s = sum(session.requests for session in plan(traffic, seed)) * traffic.service_s
    wanted_s = traffic.utilisation * traffic.workers * traffic.seconds
    assert work_s == pytest.approx(wanted_s, rel=0.05, abs=most * traffic.service_s)


@given(SHAPES, MOST)
def test_lengths_follow_their_law(shape: float, most: int) -> None:
    """P(length >= n) of the bounded Pareto distribution, read off 10,000 quantiles; and so the mean."""
    lengths = Lengths(shape, most)
    found = [lengths.at((n + 0.5) / 10_000) for n in range(10_000)]
    assert found == sorted(found)
    assert 1 <= found[0] <= found[-1] <= most
    end = (most + 1) ** -shape
    for n in range(1, most + 1):
        assert 1 - bisect_left(found, n) / 10_000 == pytest.approx((n ** -shape - end) / (1 - end), abs=2e-4)
    assert lengths.mean == pytest.approx(mean(found), abs=2e-4 * most)


def test_a_tail_is_heavy_where_few_sessions_carry_much() -> None:
    lengths = sorted((session.requests for session in plan(Traffic(0.65, 3, 0.002, 60.0, 40, Lengths(1.2, 1000)), 1)),
                     reverse=True)
    assert sum(lengths[: len(lengths) // 20]) > sum(lengths) / 3, "a twentieth of them, more than a third of the work"


def test_arrivals_are_in_order_within_their_time_and_from_every_client() -> None:
    found = plan(TRAFFIC, 3)
    times = [session.at_s for session in found]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < TRAFFIC.seconds
    assert {session.client for session in found} == set(range(40))


def test_gaps_are_those_of_a_poisson_process() -> None:
    """Exponential gaps: P(gap > t) is e^(-rate t). Kolmogorov's bound for 1 in 1,000, so the seed can't have been lucky
    in more than one of 1,000; a plan with even gaps is off by 0.6."""
    times = [session.at_s for session in plan(Traffic(0.65, 30, 0.02, 20.0, 40), 4)]
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(times))
    rate = len(times) / 20.0
    off = max(abs((n + 1) / len(gaps) - (1 - math.exp(-rate * gap))) for n, gap in enumerate(gaps))
    assert off < 1.95 / math.sqrt(len(gaps))


def test_a_plan_of_nobody_is_refused() -> None:
    with pytest.raises(LabError, match="0 sessions"):
        Traffic(0.65, 3, 10.0, 1.0, 40)


def test_what_is_drawn_for_requests_is_there_for_each_of_them() -> None:
    traffic = Traffic(0.65, 3, 0.02, 20.0, 40, Lengths(1.2, 20), arrivals=Bursts(), services=Exponential(0.02),
                      thinks=Pareto(1.5, 0.1, 30.0), sizes=Pareto(1.1, 300.0, 100_000.0))
    found = plan(traffic, 5)
    for one in found:
        assert len(one.services_s) == len(one.sizes) == len(one.thinks_s) + 1 == one.requests
    services = [service_s for one in found for service_s in one.services_s]
    assert mean(services) == pytest.approx(0.02, rel=0.02)
    assert found == plan(traffic, 5)


def test_a_trace_is_replayed_as_fast_as_wished() -> None:
    trace = [Arrival(0.5, 7, 2), Arrival(1.0, 3, 1)]
    assert replay(trace, clients=4, speed=2.0) == (Session(0.25, 3, 2), Session(0.5, 3, 1))


def test_a_session_asks_in_the_server_s_words() -> None:
    assert Session(0.0, 0, 2).paths("/a") == ("/a", "/a")
    assert Session(0.0, 0, 1, services_s=(0.25,), sizes=(9,)).paths("/a?b=1") == ("/a?b=1&sleep=0.250000&bytes=9",)
