"""At random, and the better of two: fair in the long run, and how far the second look gets."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.balancing.pools import once, pool, spread, unit

DICE = ["random", "power-of-two-choices"]


@pytest.mark.parametrize("weights", [(1, 1), (2, 1), (5, 1, 1), (9, 3, 3, 1)])
def test_at_random_follows_the_weights(weights: tuple[int, ...]) -> None:
    """Each server's number of 3,000 units is within five standard deviations of a binomial."""
    servers = pool("random", weights)
    chosen = Counter(servers.assign(unit(n)).name for n in range(3000))
    for number, weight in enumerate(weights, start=1):
        assert abs(chosen[f"s{number}"] - 3000 * weight / sum(weights)) <= spread(3000, weight / sum(weights))


def test_two_choices_are_far_better_than_one() -> None:
    """1,000 units on 1,000 servers: the fullest holds ln ln n / ln 2, about 3, rather than ln n / ln ln n, about 6."""
    fullest = {}
    for algorithm in DICE:
        servers = pool(algorithm, [1] * 1000)
        for n in range(1000):
            servers.assign(unit(n))
        fullest[algorithm] = max(server.active for server in servers.servers.values())
    assert fullest["power-of-two-choices"] <= 4 < fullest["random"]


def test_of_two_the_less_loaded_for_its_weight_is_taken() -> None:
    """With two servers both are drawn, so it is least connections."""
    servers = pool("power-of-two-choices", [3, 1])
    assert Counter(servers.assign(unit(n)).name for n in range(40)) == {"s1": 30, "s2": 10}


@pytest.mark.parametrize("algorithm", DICE)
def test_they_fall_the_same_way_again(algorithm: str) -> None:
    first, second = pool(algorithm, [1, 2, 3]), pool(algorithm, [1, 2, 3])
    assert [first.assign(unit(n)).name for n in range(50)] == [second.assign(unit(n)).name for n in range(50)]


@pytest.mark.parametrize("algorithm", DICE)
def test_two_services_have_dice_of_their_own(algorithm: str) -> None:
    first, second = pool(algorithm, [1] * 5), pool(algorithm, [1] * 5, name="video")
    assert [once(first).name for _ in range(50)] != [once(second).name for _ in range(50)]


@pytest.mark.parametrize("algorithm", DICE)
def test_there_may_be_only_one(algorithm: str) -> None:
    assert once(pool(algorithm, [4])).name == "s1"
