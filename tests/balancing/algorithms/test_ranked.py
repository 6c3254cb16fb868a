"""The heap beneath the ranked ones: what it must not confuse, and that it doesn't grow for ever."""

from __future__ import annotations

import pytest

from tests.balancing.pools import backend, once, pool, unit

RANKED = ["weighted-round-robin", "least-connections", "least-response-time"]
pytestmark = pytest.mark.parametrize("algorithm", RANKED)


def test_who_was_removed_is_not_confused_with_who_has_its_number_now(algorithm: str) -> None:
    """A proxy's requests on a removed server end later, when another server has its id."""
    servers = pool(algorithm, [1, 1])
    units = [(unit(number), servers.assign(unit(number))) for number in range(8)]
    removed = servers.servers[2]
    servers.remove(removed)
    servers.add(backend(2, name="s3"))
    for one, server in units:
        if server is not removed:
            servers.release(one, server)
    assert {once(servers).name for _ in range(4)} == {"s1", "s3"}
    servers.release(*next(pair for pair in units if pair[1] is removed))
    assert {once(servers).name for _ in range(2)} == {"s1", "s3"}


def test_who_has_never_been_available_may_still_have_units(algorithm: str) -> None:
    """Drained from the start, with a unit that an earlier controller gave it."""
    servers = pool(algorithm, [1, 0])
    servers.take(servers.servers[2])
    assert once(servers).name == "s1"
    servers.release(unit(1), servers.servers[2])
    assert once(servers).name == "s1"


def test_old_entries_are_thrown_away(algorithm: str) -> None:
    servers = pool(algorithm, [3, 2, 1])
    for number in range(2000):
        once(servers, number)
    assert len(servers.algorithm._heap) <= 4 * 3 + 64 + 3  # type: ignore[attr-defined]
