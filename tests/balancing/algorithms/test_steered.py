"""Least connections and least response time as slots: a loop that settles, on a pool that is reckoned through."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from balancing import Backend, Pool, Server, Service
from balancing.algorithms import LeastConnections, LeastResponseTime
from balancing.algorithms.steered import Steered

SLOTS = 256


def pool(algorithm: str = LeastConnections.name, weights: tuple[int, ...] = (1, 1, 1)) -> Pool:
    backends = tuple(Backend(n, f"s{n}", f"10.0.0.{n}", weight=weight)  # type: ignore[arg-type]
                     for n, weight in enumerate(weights, start=1))
    return Pool(Service(1, "web", "10.0.1.1", "l7", backends, algorithm, port=80))  # type: ignore[arg-type]


def steering(steered: Pool) -> Steered:
    assert isinstance(steered.algorithm, Steered)
    return steered.algorithm


def owned(steered: Pool) -> Counter[str]:
    return Counter(server.name for server in steering(steered).slots(SLOTS))


def play(steered: Pool, periods: int, length: float, slowness: dict[str, float], slices: int = 20) -> list[float]:
    """Units come at a steady rate, go by the slots, and last `length` periods (times a server's slowness) on average:
    a fluid of which each slice of a period moves on a little. Returns the fullest server's part of an even share,
    period by period."""
    rate, active = 60 / length, dict.fromkeys((server.name for server in steered.servers.values()), 0.0)
    found = []
    for _ in range(periods):
        parts = {name: count / SLOTS for name, count in owned(steered).items()}
        for _ in range(slices):
            for name, units in active.items():
                gone = units / (length * slowness.get(name, 1.0))
                active[name] = units + (rate * parts.get(name, 0.0) - gone) / slices
        for server in steered.servers.values():
            steered.measured(server, round(active[server.name]))
        steering(steered).steer()
        found.append(max(active.values()) * len(active) / sum(active.values()))
    return found


@pytest.mark.parametrize("length", [0.2, 1.0, 3.0, 10.0, 30.0])
def test_it_settles_without_swinging(length: float) -> None:
    """One server is four times as slow. The fullest comes within 15 % of an even share, and stays there."""
    fullest = play(pool(), 200, length, {"s3": 4.0})
    assert max(fullest[150:]) < 1.15
    climb = fullest.index(max(fullest))
    after = fullest[climb:]
    assert all(later <= earlier + 0.03 for earlier, later in pairwise(after)), "never up again"


def test_a_slow_server_ends_with_the_share_that_its_speed_is_worth() -> None:
    """As with exact least connections: equal units on all means a share in inverse proportion to their length."""
    steered = pool()
    play(steered, 200, 2.0, {"s3": 4.0})
    shares = owned(steered)
    for name, share in (("s1", 4 / 9), ("s2", 4 / 9), ("s3", 1 / 9)):
        assert abs(shares[name] / SLOTS - share) < 0.04, shares


def test_equal_servers_are_left_alone() -> None:
    steered = pool(weights=(1, 2, 4))
    before = owned(steered)
    for server, active in zip(steered.servers.values(), (10, 20, 41), strict=True):
        steered.measured(server, active)
    assert not steering(steered).steer()
    assert owned(steered) == before


def test_response_times_count_as_much_as_units() -> None:
    steered = pool(LeastResponseTime.name)
    found = {server.name: server for server in steered.servers.values()}
    times: dict[Server, float] = {found["s1"]: 0.01, found["s2"]: 0.01, found["s3"]: 0.08}

    class Slow(LeastResponseTime):
        def one(self, server: Server) -> float:
            return times[server]

    steered.algorithm = Slow(steered)
    for server in found.values():
        steered.measured(server, 10)
    before = owned(steered)
    for _ in range(5):
        assert steering(steered).steer()
    assert owned(steered)["s3"] < before["s3"] / 2


def test_nobody_is_starved_and_nobody_who_is_away_owns_a_slot() -> None:
    steered = pool()
    for _ in range(500):
        for server, active in zip(steered.servers.values(), (0, 0, 1000), strict=True):
            steered.measured(server, active)
        steering(steered).steer()
    assert owned(steered)["s3"] >= 1
    steered.set_up(steered.servers[1], False)
    assert "s1" not in owned(steered)


def test_who_is_new_begins_with_what_its_weight_is_worth_among_the_others() -> None:
    steered = pool(weights=(2, 2, 2))
    play(steered, 50, 2.0, {"s3": 4.0})
    before = owned(steered)
    steered.add(Backend(4, "s4", "10.0.0.4", weight=2))  # type: ignore[arg-type]
    assert abs(owned(steered)["s4"] - SLOTS / 4) <= 4
    assert owned(steered)["s3"] < before["s3"] + 4
