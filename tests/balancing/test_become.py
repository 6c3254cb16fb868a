"""Pools that become others, as a configuration that is read anew asks: what stays, what goes, what is told."""

from __future__ import annotations

from dataclasses import replace

from balancing import Changed, Drained, Event, Server
from tests.balancing.pools import CHECK, backend, pool, unit


def drained(events: list[Event]) -> list[Drained]:
    return [event for event in events if isinstance(event, Drained)]


def test_a_pool_that_becomes_another_keeps_the_servers_that_stay() -> None:
    told: list[Event] = []
    it = pool(health=CHECK, on_event=told.append)
    s1, s2, s3 = it.servers.values()
    busy = it.assign(unit(1))
    assert busy is s1
    it.failed(s2, "no answer")
    it.failed(s2, "no answer")
    left: list[Server] = []
    it.on_leave = left.append
    gone = it.become(replace(it.service, algorithm="random", backends=(backend(2, 5), backend(3), backend(4))))
    assert [server.name for server in gone] == ["s1"]
    assert not left, "who is on it ends there"
    assert it.servers[2] is s2
    assert it.servers[3] is s3
    assert (s2.up, s2.weight, [server.name for server in it.available]) == (False, 5, ["s3", "s4"])
    assert it.algorithm.name == "random"
    it.release(unit(1), busy)
    assert (busy.active, busy.available) == (0, False)
    assert [event for event in told if isinstance(event, Changed)] == [Changed("web", "was configured anew")]


def test_a_pool_that_becomes_another_in_nothing_but_weights_goes_on_where_it_was() -> None:
    it = pool()
    first = it.assign(unit(1))
    it.become(replace(it.service, backends=(backend(1), backend(2), backend(3, 2))))
    assert [it.assign(unit(number)).name for number in (2, 3, 4)] == ["s2", "s3", first.name]


def test_who_is_drained_by_becoming_another_is_told_and_who_has_units_only_later() -> None:
    told: list[Event] = []
    it = pool(on_event=told.append)
    busy = it.assign(unit(1))
    it.become(replace(it.service, backends=(backend(1, draining=True), backend(2, draining=True), backend(3))))
    assert drained(told) == [Drained("web", "s2")]
    it.release(unit(1), busy)
    assert drained(told) == [Drained("web", "s2"), Drained("web", "s1")]


def test_tests_begin_and_end_with_what_a_pool_becomes() -> None:
    it = pool(health=CHECK)
    s1 = it.servers[1]
    it.failed(s1, "no answer")
    it.failed(s1, "no answer")
    it.become(replace(it.service, health=replace(CHECK, fall=5)))
    assert not s1.up
    assert s1.vitals is not None
    assert s1.vitals.check.fall == 5
    it.become(replace(it.service, health=None))
    assert s1.up, "nobody complains any more"
    assert s1 in it.available
    it.become(replace(it.service, health=CHECK))
    assert s1.up
    assert s1.vitals is not None
