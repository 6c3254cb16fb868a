"""Processes give the times that were asked for, bursts are bursty, and a trace is read or refused line by line."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.arrivals import POISSON, Arrival, Arrivals, Bursts, dispersion, read_trace
from layerlab import LabError

WAYS = st.one_of(st.just(POISSON), st.builds(Bursts, st.floats(1, 50), st.floats(0.05, 3), st.floats(0.05, 0.9)))


@given(WAYS, st.integers(1, 300), st.floats(0.1, 30), st.integers(0, 9))
def test_so_many_in_order_and_in_time(way: Arrivals, number: int, seconds: float, seed: int) -> None:
    found = way.times(number, seconds, random.Random(seed))
    assert len(found) == number
    assert all(earlier <= later for earlier, later in pairwise([0.0, *found, seconds]))
    assert found == way.times(number, seconds, random.Random(seed))


def mean_dispersion(way: Arrivals) -> float:
    return fmean(dispersion(way.times(2000, 40.0, random.Random(seed)), 40.0, 0.5) for seed in range(20))


def test_bursts_are_bursty_and_a_poisson_process_is_not() -> None:
    """An index of dispersion of 1 (its standard error here is 0.04), and of many times that."""
    assert mean_dispersion(POISSON) == pytest.approx(1.0, abs=0.2)
    assert mean_dispersion(Bursts(times_rate=1.0)) == pytest.approx(1.0, abs=0.2), "a burst that is none"
    assert mean_dispersion(Bursts(times_rate=8.0, burst_s=0.5, part=0.2)) > 5


def test_a_burst_s_share_is_its_rate_s() -> None:
    """A fifth of the time at four times the rate is half of all: 4 x 0.2 / (4 x 0.2 + 0.8)."""
    dice, found = random.Random(3), []
    for _ in range(60):
        ends, work = Bursts(times_rate=4.0, burst_s=0.2, part=0.2)._course(60.0, dice)
        steps = [(later - earlier, done - before) for (earlier, later), (before, done)
                 in zip(pairwise(ends), pairwise(work), strict=True)]
        burst = sum(done for lasts_s, done in steps if done > 2 * lasts_s)
        found.append(burst / work[-1])
    assert fmean(found) == pytest.approx(0.5, abs=0.03)


def test_a_trace_is_read_in_the_order_of_its_times(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("seconds,client,requests\n1.5,1,2\n\n0.25,0,1\n")
    assert read_trace(path) == (Arrival(0.25, 0, 1), Arrival(1.5, 1, 2))


@pytest.mark.parametrize(("text", "words"), [
    ("", "begins with ''"), ("time,client\n", "begins with 'time,client'"),
    ("seconds,client,requests\n", "no arrivals"),
    ("seconds,client,requests\n1,0,1\nsoon,0,1\n", "line 3"), ("seconds,client,requests\n1,0\n", "line 2"),
    ("seconds,client,requests\n-1,0,1\n", "line 2"), ("seconds,client,requests\nnan,0,1\n", "line 2"),
    ("seconds,client,requests\n1,-1,1\n", "line 2"), ("seconds,client,requests\n1,0,0\n", "line 2"),
])
def test_what_can_t_be_replayed_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(LabError, match=words):
        read_trace(path)


def test_a_trace_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="can't be read"):
        read_trace(tmp_path / "none.csv")
