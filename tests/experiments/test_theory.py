"""Formulas against each other and against textbooks; and the lab's own queue (capacity.py), simulated, against them."""

from __future__ import annotations

import doctest
import heapq
import itertools
import math
import random
from collections.abc import Callable
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import theory
from experiments.server.capacity import Capacity, Job
from experiments.theory import MMc, erlang_c, pollaczek_khinchine, two_choices, two_choices_tail, usl

UTILISATIONS = st.floats(0.05, 0.95)
RUNS, EACH, WARM = 12, 2500, 400  # independent runs, jobs in each, and how many of them come before it has settled
FIVE_SIGMA = 5.0                  # one of two million


def test_its_examples() -> None:
    assert doctest.testmod(theory).failed == 0


@pytest.mark.parametrize(("workers", "offered", "waits"), [  # printed tables of Erlang C
    (1, 0.8, 0.8), (2, 1.5, 0.6429), (3, 2.0, 0.4444), (5, 4.0, 0.5541), (10, 8.0, 0.4092), (100, 90.0, 0.2169),
])
def test_erlang_c_is_as_in_the_tables(workers: int, offered: float, waits: float) -> None:
    assert erlang_c(workers, offered) == pytest.approx(waits, abs=2e-4)


@given(UTILISATIONS)
def test_one_worker_is_m_m_1_however_it_is_reckoned(utilisation: float) -> None:
    one = MMc(1, utilisation)
    assert one.mean_s == pytest.approx(1 / (1 - utilisation))
    assert one.mean_s == pytest.approx(pollaczek_khinchine(utilisation))
    for percent in (50, 95, 99.9):
        assert one.percentile_s(percent) == pytest.approx(-math.log(1 - percent / 100) / (1 - utilisation), rel=1e-6)


@given(st.integers(1, 40), UTILISATIONS)
def test_the_mean_is_the_area_under_the_tail(workers: int, utilisation: float) -> None:
    queue = MMc(workers, utilisation)
    end = 20 / min(1, workers * (1 - utilisation))
    tail = [queue.longer_than(n * end / 1000) for n in range(1001)]
    area = end / 1000 * (sum(tail) - (tail[0] + tail[-1]) / 2)
    assert area == pytest.approx(queue.mean_s, rel=2e-3)


@given(st.integers(2, 64), UTILISATIONS)
def test_one_large_server_is_sooner_than_many_small_ones_and_two_choices_lie_between(
        workers: int, utilisation: float) -> None:
    assert 1 <= MMc(workers, utilisation).mean_s < MMc(1, utilisation).mean_s
    assert 1 < two_choices(utilisation) < MMc(1, utilisation).mean_s


@pytest.mark.parametrize(("utilisation", "mean"), [(0.5, 1.2657), (0.7, 1.6145), (0.8, 1.9475), (0.9, 2.6141)])
def test_two_choices_are_as_in_mitzenmacher_s_table(utilisation: float, mean: float) -> None:
    assert two_choices(utilisation) == pytest.approx(mean, abs=2e-4)
    assert two_choices_tail(utilisation, 2) == pytest.approx(utilisation ** 3)


@given(st.integers(1, 200), st.floats(0, 0.5), st.floats(0.001, 0.1))
def test_hindrance_has_a_peak_and_one_worker_has_none(workers: int, contention: float, coherence: float) -> None:
    assert usl(1, contention, coherence) == 1
    assert usl(workers, contention, coherence) <= usl(workers, contention, 0) <= workers
    peak = math.sqrt((1 - contention) / coherence)  # Gunther 2007, section 4.4
    assert usl(workers, contention, coherence) <= usl(1, contention, coherence) * peak / (
        1 + contention * (peak - 1) + coherence * peak * (peak - 1)) + 1e-9


@pytest.mark.parametrize("bad", [lambda: erlang_c(2, 2.0), lambda: pollaczek_khinchine(1.0), lambda: two_choices(1.0)])
def test_what_never_settles_is_refused(bad: Callable[[], float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        bad()


class Clock:
    """A time of its own, which jumps to whatever is due next."""

    def __init__(self) -> None:
        self.now_s, self._due, self._count = 0.0, list[tuple[float, int, Callable[[], object]]](), itertools.count()

    def call_at(self, when_s: float, what: Callable[..., object], *arguments: object) -> None:
        heapq.heappush(self._due, (when_s, next(self._count), lambda: what(*arguments)))

    def run(self) -> None:
        while self._due:
            self.now_s, _, what = heapq.heappop(self._due)
            what()


def responses(dice: random.Random, queues: int, workers: int, utilisation: float, law: Callable[[], float],
              choices: int = 1) -> list[float]:
    """The response times in the lab's own queues under Poisson arrivals, each to the shortest of some at random."""
    clock, found = Clock(), list[float]()
    every = [Capacity(workers, lambda: clock.now_s, clock.call_at) for _ in range(queues)]
    at_s = 0.0
    for _ in range(EACH):
        at_s += dice.expovariate(utilisation * workers * queues)
        clock.call_at(at_s, _arrive, clock, every, choices, dice, law(), found)
    clock.run()
    return found[WARM:]


def _arrive(clock: Clock, every: list[Capacity], choices: int, dice: random.Random, service_s: float,
            found: list[float]) -> None:
    at_s = clock.now_s
    chosen = min(dice.sample(every, choices), key=lambda one: one.active + one.queued)
    chosen.submit(Job(lambda job: found.append(clock.now_s - at_s), service_s))


@pytest.mark.parametrize(("queues", "workers", "utilisation", "scv", "choices", "expected"), [
    (1, 1, 0.6, 1, 1, MMc(1, 0.6).mean_s),
    (1, 4, 0.7, 1, 1, MMc(4, 0.7).mean_s),
    (4, 1, 0.6, 1, 1, MMc(1, 0.6).mean_s),
    (1, 1, 0.6, 0, 1, pollaczek_khinchine(0.6, variation=0)),
    (100, 1, 0.7, 1, 2, two_choices(0.7)),
])
def test_the_lab_s_queue_is_the_theory_s(queues: int, workers: int, utilisation: float, scv: int, choices: int,
                                         expected: float) -> None:
    """Means of independent runs, and theory within five standard errors of theirs; and 3 % for what only holds in the
    limit: for runs without end, and for servers without number."""
    dice = random.Random(7)
    law = (lambda: dice.expovariate(1.0)) if scv else (lambda: 1.0)
    means = [fmean(responses(dice, queues, workers, utilisation, law, choices)) for _ in range(RUNS)]
    error = stdev(means) / math.sqrt(RUNS)
    assert abs(fmean(means) - expected) < FIVE_SIGMA * error + 0.03 * expected


def test_its_percentiles_are_the_theory_s() -> None:
    dice, queue = random.Random(8), MMc(4, 0.7)
    found = [one for _ in range(RUNS) for one in responses(dice, 1, 4, 0.7, lambda: dice.expovariate(1.0))]
    for percent in (50, 95, 99):
        bound = queue.percentile_s(percent)
        part = sum(one > bound for one in found) / len(found)
        assert part == pytest.approx(1 - percent / 100, rel=0.25)
