"""Source hash: the same client, the same server; and how many clients move when a server leaves."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancing import Unit
from tests.balancing.pools import WEIGHTS, moved, pool, spread, unit


@given(weights=WEIGHTS, keys=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_it_is_a_function_of_the_key(weights: list[int], keys: list[int]) -> None:
    first, second = pool("source-hash", weights), pool("source-hash", weights)
    assert [first.assign(unit(key)).name for key in keys] == [second.assign(unit(key)).name for key in keys]


def test_it_reads_the_key_and_not_the_rest_of_the_unit() -> None:
    servers = pool("source-hash", [1] * 5)
    assert len({servers.assign(Unit(("10.0.1.1", port), b"\x0a\x00\x01\x01")).name for port in range(50)}) == 1


def test_it_survives_a_restart() -> None:
    """Not Python's own hash(), which is salted in every process."""
    servers = pool("source-hash", [1, 1, 1])
    assert "".join(servers.assign(unit(n)).name[1] for n in range(12)) == "221111123222"


@pytest.mark.parametrize("weights", [(1, 1), (2, 1), (5, 1, 1), (9, 3, 3, 1)])
def test_it_follows_the_weights(weights: tuple[int, ...]) -> None:
    """Each server's number of 3,000 keys is within five standard deviations of a binomial."""
    chosen = Counter(pool("source-hash", weights).assign(unit(n)).name for n in range(3000))
    for number, weight in enumerate(weights, start=1):
        assert abs(chosen[f"s{number}"] - 3000 * weight / sum(weights)) <= spread(3000, weight / sum(weights))


def test_a_slow_start_moves_nobody() -> None:
    """A client that moved for a few seconds would lose its session twice."""
    servers = pool("source-hash", [1, 1])
    before = [servers.assign(unit(n)) for n in range(50)]
    servers.servers[2].effective_weight = 0.1
    assert [servers.assign(unit(n)) for n in range(50)] == before


@pytest.mark.parametrize("size", [2, 3, 5, 10, 50])
def test_when_a_server_leaves_nearly_everybody_moves(size: int) -> None:
    """Modulo forgets its past: of n equal servers' clients (n - 1)/n move, though only 1/n had to.

    By the Chinese remainder theorem a key's remainders by n and by n - 1 are independent. Of their n (n - 1) pairs,
    n - 1 name the same server before and after: one for each that stays. So 1/n of the keys stay. Which ones do is
    the hash's, so of 2,000 keys as many move, to within five standard deviations of a binomial.
    """
    keys = range(2000)
    for gone in {1, size // 2 + 1, size}:
        stranded, needlessly = moved(pool("source-hash", [1] * size), gone, keys)
        assert abs(stranded - len(keys) / size) <= spread(len(keys), 1 / size)
        assert abs(stranded + needlessly - len(keys) * (size - 1) / size) <= spread(len(keys), 1 / size)
