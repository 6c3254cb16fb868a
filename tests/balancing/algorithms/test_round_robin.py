"""Round robin: the same for everyone, one after another, whatever happens on the way."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from balancing import Server
from tests.balancing.pools import WEIGHTS, backend, once, pool, unit


@given(weights=WEIGHTS, cycles=st.integers(1, 3))
def test_everyone_gets_the_same(weights: list[int], cycles: int) -> None:
    servers = pool("round-robin", weights)
    chosen = Counter(servers.assign(unit(n)).name for n in range(cycles * len(weights)))
    assert set(chosen.values()) == {cycles}


@given(size=st.integers(2, 6), dead=st.sets(st.integers(1, 6)), units=st.integers(1, 20))
def test_the_order_is_kept_through_retries(size: int, dead: set[int], units: int) -> None:
    """s2 refuses: s3 takes its unit, and then it is s1's turn. Tries, failed ones too, go round and round."""
    servers, tries = pool("round-robin", [1] * size), []
    for number in range(units):
        tried: list[Server] = []
        while len(tried) < size and (not tried or tried[-1].backend.id in dead):
            tried.append(servers.assign(unit(number), tried))
        tries += [server.backend.id for server in tried]
    assert tries == [turn % size + 1 for turn in range(len(tries))]


def test_who_comes_back_begins_at_the_end() -> None:
    servers = pool("round-robin", [1, 1, 1])
    assert once(servers).name == "s1"
    servers.set_up(servers.servers[2], False)
    assert once(servers).name == "s3"
    servers.set_up(servers.servers[2], True)
    assert [once(servers).name for _ in range(4)] == ["s1", "s3", "s2", "s1"]


def test_who_is_added_begins_at_the_end_and_who_is_removed_leaves_no_gap() -> None:
    servers = pool("round-robin", [1, 1])
    assert once(servers).name == "s1"
    servers.add(backend(3))
    assert [once(servers).name for _ in range(3)] == ["s2", "s1", "s3"]
    servers.remove(servers.servers[1])
    assert [once(servers).name for _ in range(4)] == ["s2", "s3", "s2", "s3"]


def test_scores_are_the_turns_still_to_wait() -> None:
    servers = pool("round-robin", [1, 1, 1])
    once(servers)
    assert servers.algorithm.scores(unit(0)) == {"s2": -0.0, "s3": -1.0, "s1": -2.0}
