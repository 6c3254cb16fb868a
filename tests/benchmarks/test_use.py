"""A pool in use is a pool: what is timed is real, and the same for everyone."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.algorithms import KINDS
from benchmarks.use import UNITS_A_SERVER, WEIGHTS, Use
from benchmarks.yardsticks import YARDSTICKS


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("algorithm", KINDS)
def test_after_a_sample_the_pool_holds_what_is_held(algorithm: str, weights: str) -> None:
    use = Use(algorithm, weights, 10, seed=1)
    use.lives = 100
    assert use.sample() > 0
    assert len(use.held) == UNITS_A_SERVER * 10
    held = Counter(server.name for _, server in use.held)
    assert {server.name: server.active for server in use.pool.available if server.active} == held
    assert use.pool.algorithm.name == algorithm
    assert all(server.response_s for server in use.pool.available)


def test_weights_are_as_they_are_called() -> None:
    for weights, found in {"equal": {1}, "1 to 5": {1, 2, 3, 4, 5}}.items():
        assert {server.weight for server in Use("round-robin", weights, 10, seed=1).pool.available} == found


def test_everyone_begins_with_the_same_pool() -> None:
    first, second = Use("maglev", "1 to 5", 10, seed=1), Use("random", "1 to 5", 10, seed=1)
    assert [(unit, server.name) for unit, server in first.held] == [(unit, server.name) for unit, server in second.held]


def test_a_sample_is_made_as_long_as_is_asked_for() -> None:
    """Of the pool that fills a large table first, too: the table is no part of a life."""
    use = Use("maglev", "equal", 3, seed=1)
    use.warm_up(0.01)
    assert use.lives > 100, "a life takes some microseconds, and a hundredth of a second was asked for"


@pytest.mark.parametrize("word", YARDSTICKS)
def test_a_yardstick_is_an_algorithm(word: str) -> None:
    use = Use(word, "equal", 5, seed=1)
    unit = use.held[0][0]
    scores = use.pool.algorithm.scores(unit)
    assert scores[use.pool.algorithm.choose(unit).name] == max(scores.values())
    assert YARDSTICKS[word].summary
    assert YARDSTICKS[word].bound
