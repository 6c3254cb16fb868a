"""Least connections: whoever has least to do, for what it can do."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.balancing.pools import WEIGHTS, pool, unit


@given(weights=WEIGHTS, busy=st.lists(st.integers(0, 9), min_size=6, max_size=6))
def test_it_takes_the_least_loaded(weights: list[int], busy: list[int]) -> None:
    servers = pool("least-connections", weights)
    for server, active in zip(servers.servers.values(), busy, strict=False):
        server.active = active
    loads = {server.name: server.active / server.weight for server in servers.candidates}
    assert loads[servers.assign(unit(1)).name] == min(loads.values())


@given(weights=WEIGHTS, cycles=st.integers(1, 3))
def test_units_that_stay_are_shared_by_weight(weights: list[int], cycles: int) -> None:
    """Filled up level, like water: after whole cycles everyone has exactly its weight's part."""
    servers = pool("least-connections", weights)
    chosen = Counter(servers.assign(unit(n)).name for n in range(cycles * sum(weights)))
    assert chosen == {f"s{n}": cycles * weight for n, weight in enumerate(weights, start=1)}


def test_who_sits_on_long_sessions_is_spared() -> None:
    servers = pool("least-connections", [1, 1])
    servers.assign(unit(0))
    servers.assign(unit(1))
    short = servers.assign(unit(2))
    servers.release(unit(2), short)
    for _ in range(3):
        servers.take(servers.servers[1])
    assert [servers.assign(unit(n)).name for n in range(3)] == ["s2", "s2", "s2"]


def test_the_last_units_of_a_drained_server_end_without_a_stumble() -> None:
    """Weight 0 is no divisor: whoever can't be chosen has no load to be compared."""
    servers = pool("least-connections", [1, 1])
    drained = servers.assign(unit(1))
    servers.set_weight(drained, 0)
    other = servers.assign(unit(2))
    servers.release(unit(1), drained)
    assert servers.assign(unit(3)) is other
