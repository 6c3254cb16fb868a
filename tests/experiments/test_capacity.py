"""Capacity against the textbook: a queue before k workers, first come, first served."""

from __future__ import annotations

import heapq
import itertools

from hypothesis import given
from hypothesis import strategies as st

from experiments.server.capacity import Capacity, Job

LOADS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 10)), min_size=1, max_size=40)  # arrival, service time


class Clock:
    """Simulated time in which timers fire `late` after they are due."""

    def __init__(self, late: int = 0) -> None:
        self.now, self.late, self.timers, self.order = 0, late, [], itertools.count()

    def call_at(self, when, function, *args) -> None:
        heapq.heappush(self.timers, (when + self.late, next(self.order), function, args))

    def run_to(self, when: float) -> None:
        while self.timers and self.timers[0][0] <= when:
            self.now, _, function, args = heapq.heappop(self.timers)
            function(*args)
        self.now = when


def run(load, workers, late=0):
    """Play `load` and return (jobs in order of arrival, their indexes in order of completion with the time)."""
    clock, ended, most = Clock(late), [], 0
    capacity = Capacity(workers, lambda: clock.now, clock.call_at)
    jobs = [Job(lambda job, i=i: ended.append((i, clock.now)), service) for i, (_, service) in enumerate(load)]
    for job, (arrival, _) in zip(jobs, load, strict=True):
        clock.run_to(arrival)
        capacity.submit(job)
        most = max(most, capacity.active)
        assert capacity.queued == 0 or capacity.active == workers, "somebody waits before a free worker"
    clock.run_to(10_000)
    assert capacity.active == capacity.queued == 0
    return jobs, ended, most


def textbook(load, workers):
    """When each job ends, if each takes the worker that is free first."""
    free, ends = [0] * workers, []
    for arrival, service in load:
        start = max(arrival, heapq.heappop(free))
        heapq.heappush(free, start + service)
        ends.append(start + service)
    return ends


@given(LOADS.map(sorted), st.integers(1, 4))
def test_every_job_ends_when_queueing_theory_says(load, workers) -> None:
    _, ended, _ = run(load, workers)
    assert [when for _, when in sorted(ended)] == textbook(load, workers)


@given(LOADS.map(sorted), st.integers(1, 4))
def test_jobs_are_taken_up_in_the_order_they_came_and_never_too_many(load, workers) -> None:
    jobs, ended, most = run(load, workers)
    assert [job.served for job in jobs] == list(range(1, len(jobs) + 1))
    assert most <= workers
    assert all(1 <= job.in_service <= workers for job in jobs)
    assert len(ended) == len(jobs)


def test_late_timers_don_t_make_a_loaded_server_slower() -> None:
    """Twenty jobs of 10 with one worker: the last ends at 200, and its timer 3 later. Not 60 later."""
    _, ended, _ = run([(0, 10)] * 20, workers=1, late=3)
    assert ended[-1] == (19, 203)


def test_without_a_number_of_workers_nobody_waits() -> None:
    _, ended, most = run([(0, 10)] * 50, workers=None)
    assert most == 50
    assert {when for _, when in ended} == {10}


def test_who_hangs_up_loses_the_place_in_the_queue() -> None:
    clock, ended = Clock(), []
    capacity = Capacity(1, lambda: clock.now, clock.call_at)
    first, second, third = (Job(lambda job, n=n: ended.append(n), 10) for n in "abc")
    for job in (first, second, third):
        capacity.submit(job)
    capacity.withdraw(second)
    capacity.withdraw(first)  # already in service: nobody notices
    assert repr(capacity) == "<Capacity workers=1 active=1 queued=1>"
    clock.run_to(100)
    assert ended == ["a", "c"]


def test_a_server_that_turns_slow_and_back_and_gets_workers_while_it_runs() -> None:
    clock, ended = Clock(), []
    capacity = Capacity(1, lambda: clock.now, clock.call_at)
    for name in "abcdef":
        capacity.submit(Job(lambda job, name=name: ended.append((name, clock.now)), 10))
    clock.run_to(5)
    capacity.slowness = 3.0
    clock.run_to(15)
    assert ended == [("a", 10)], "what was in service ends as it began"
    capacity.slowness = 1.0
    clock.run_to(41)
    assert ended[1:] == [("b", 40)], "c has just begun"
    capacity.set_workers(3)
    clock.run_to(100)
    assert ended[2:] == [("c", 50), ("d", 51), ("e", 51), ("f", 60)]


def test_fewer_workers_finish_what_they_have() -> None:
    clock, ended = Clock(), []
    capacity = Capacity(3, lambda: clock.now, clock.call_at)
    for name in "abcde":
        capacity.submit(Job(lambda job, name=name: ended.append((name, clock.now)), 10))
    capacity.set_workers(1)
    assert (capacity.active, capacity.queued) == (3, 2)
    clock.run_to(100)
    assert ended == [("a", 10), ("b", 10), ("c", 10), ("d", 20), ("e", 30)]


def test_ten_thousand_jobs_of_no_length_behind_a_long_one() -> None:
    """They must not be served by ten thousand calls inside each other."""
    _, ended, _ = run([(0, 5)] + [(0, 0)] * 10_000, workers=1)
    assert [i for i, _ in ended] == list(range(10_001))
