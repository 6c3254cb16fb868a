"""Least response time: units x seconds for its weight; measured by tests, and never for ever."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from balancing import Pool
from tests.balancing.pools import CHECK, once, pool, unit


def measured(*took_s: float | None) -> Pool:
    """A pool whose servers' tests took so long; None was not tested."""
    servers = pool("least-response-time", [1] * len(took_s), health=CHECK)
    for server, took in zip(servers.servers.values(), took_s, strict=True):
        if took is not None:
            servers.passed(server, 0.0, took)
    return servers


def test_at_equal_activity_the_faster_is_preferred() -> None:
    servers = measured(0.03, 0.01, 0.02)
    for server in servers.available:
        servers.take(server)
    assert servers.assign(unit(0)).name == "s2"


def test_units_that_stay_are_shared_by_speed() -> None:
    """Three times as fast, three times as many, to within the one that comes next."""
    servers = measured(0.01, 0.03)
    chosen = Counter(servers.assign(unit(n)).name for n in range(40))
    assert abs(chosen["s1"] - 30) <= 1


def test_an_idle_server_is_tried_again_however_slow_it_was() -> None:
    servers = measured(0.001, 0.001, 60.0)
    assert {servers.assign(unit(n)).name for n in range(3)} == {"s1", "s2", "s3"}
    assert "s3" not in {servers.assign(unit(n)).name for n in range(1000)}, "but not a second time"
    servers.release(unit(0), servers.servers[3])
    assert servers.assign(unit(0)).name == "s3"


def test_idle_servers_take_turns() -> None:
    servers = measured(0.5, 0.001, 0.05)
    assert [once(servers).name for _ in range(6)] == ["s1", "s2", "s3"] * 2


def test_who_was_not_measured_gets_a_unit_only_while_it_is_idle() -> None:
    servers = measured(0.01, None)
    assert [servers.assign(unit(n)).name for n in range(6)] == ["s1", "s2", "s1", "s1", "s1", "s1"]


def test_where_nobody_is_measured_it_is_least_connections() -> None:
    for health in (None, CHECK):
        servers = pool("least-response-time", [2, 1, 1], health=health)
        assert Counter(servers.assign(unit(n)).name for n in range(8)) == {"s1": 4, "s2": 2, "s3": 2}


def test_one_slow_answer_is_smoothed_and_many_are_believed() -> None:
    """The half-life is 2 s. One answer of 3 s among those of 10 ms a second counts 30 %, and is soon forgotten."""
    servers = measured(0.01, 0.01)
    wobbly = servers.servers[2]
    servers.passed(wobbly, 1.0, 3.0)
    assert wobbly.response_s == pytest.approx(0.01 * 0.5**0.5 + 3.0 * (1 - 0.5**0.5))
    for second in range(2, 60):
        servers.passed(wobbly, float(second), 0.01)
    assert wobbly.response_s == pytest.approx(0.01, abs=1e-6)
    for second in range(60, 90):
        servers.passed(wobbly, float(second), 3.0)
    assert wobbly.response_s == pytest.approx(3.0, rel=1e-3)


def test_what_a_test_shows_counts_at_once() -> None:
    servers = measured(0.01, 0.01)
    for server in servers.available:
        servers.take(server)
    servers.passed(servers.servers[1], 10.0, 1.0)
    assert servers.assign(unit(0)).name == "s2"
    servers.passed(servers.servers[2], 10.0, 9.0)
    assert servers.assign(unit(1)).name == "s1"


def test_who_comes_back_is_measured_anew() -> None:
    """How slow it was while it died says nothing of how it is now."""
    servers = pool("least-response-time", health=dataclasses.replace(CHECK, rise=1, fall=1))
    ill = servers.servers[2]
    servers.passed(ill, 0.0, 9.0)
    servers.failed(ill, "refused")
    assert ill.response_s is None
    servers.passed(ill, 1.0, 0.01)
    assert ill.response_s == 0.01
