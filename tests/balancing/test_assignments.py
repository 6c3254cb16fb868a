"""Assignments remember: who is active where, who is dormant, and what is forgotten when."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancing import Assignments, Pool, Server
from tests.balancing.pools import pool, unit


@pytest.fixture
def it() -> Assignments:
    return Assignments(pool())


def place(it: Assignments, count: int) -> list[Server]:
    """Units 0, 1, ...; round robin gives them s1, s2, s3, s1, ..."""
    return [it.assign(unit(number))[0] for number in range(count)]


def test_a_unit_keeps_its_server(it: Assignments) -> None:
    first, new = it.assign(unit(1))
    assert new
    assert it.assign(unit(1)) == (first, False)
    assert it.server_of(unit(1)) is first
    assert len(it) == 1


def test_an_idle_unit_is_remembered_but_not_active(it: Assignments) -> None:
    first, _ = place(it, 2)
    it.idle(unit(0))
    assert first.active == 0
    assert it.server_of(unit(0)) is None
    assert it.assign(unit(0)) == (first, True)  # it needs its flow again
    assert first.active == 1


def test_a_new_connection_of_a_dormant_unit_is_a_new_decision(it: Assignments) -> None:
    first, _ = it.assign(unit(1))
    it.idle(unit(1))
    assert it.assign(unit(1), fresh=True)[0] is not first


def test_a_repeated_syn_of_an_active_unit_is_not(it: Assignments) -> None:
    first, _ = it.assign(unit(1), fresh=True)
    assert it.assign(unit(1), fresh=True) == (first, False)


def test_a_dormant_unit_does_not_return_to_a_dead_server(it: Assignments) -> None:
    first, _ = it.assign(unit(1))
    it.idle(unit(1))
    it.pool.set_up(first, False)
    assert it.assign(unit(1))[0] is not first


@pytest.mark.parametrize("drain", ["drain", "weight 0"])
@pytest.mark.parametrize("lasting", [True, False])
def test_to_a_drained_server_only_what_has_lasted_returns(it: Assignments, drain: str, lasting: bool) -> None:
    """A TCP connection that was idle lives on there; a datagram after a while is a new conversation."""
    first, _ = it.assign(unit(1))
    it.idle(unit(1))
    if drain == "drain":
        it.pool.drain(first)
    else:
        it.pool.set_weight(first, 0)
    assert (it.assign(unit(1), lasting=lasting)[0] is first) is lasting


def test_an_active_unit_stays_on_a_drained_server_in_any_case(it: Assignments) -> None:
    first, _ = it.assign(unit(1))
    it.pool.drain(first)
    assert it.assign(unit(1), lasting=False) == (first, False)


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    it = Assignments(pool(), keep=2)
    servers = place(it, 3)
    for number in range(3):
        it.idle(unit(number))
    assert it.assign(unit(2)) == (servers[2], True)
    assert it.assign(unit(1)) == (servers[1], True)
    assert repr(it) == "<Assignments of web: 2 active, 0 dormant>"


def test_release_all_forgets_one_servers_units_and_no_others(it: Assignments) -> None:
    servers = place(it, 9)
    it.idle(unit(3))
    it.idle(unit(4))
    assert it.release_all(servers[0]) == [unit(0), unit(6)]
    assert [server.active for server in it.pool.servers.values()] == [0, 2, 3]
    assert repr(it) == "<Assignments of web: 5 active, 1 dormant>"
    it.pool.set_up(servers[0], False)
    assert it.assign(unit(4)) == (servers[4], True), "s2's dormant unit is still remembered"
    for number in (0, 3, 6):
        assert it.assign(unit(number))[0] is not servers[0]


def test_release_all_of_a_server_without_units_is_nothing(it: Assignments) -> None:
    place(it, 1)
    assert it.release_all(it.pool.servers[3]) == []
    assert len(it) == 1


def test_keep_only_sends_the_others_to_sleep(it: Assignments) -> None:
    servers = place(it, 6)
    it.keep_only({unit(1), unit(2), unit(99)})
    assert repr(it) == "<Assignments of web: 2 active, 4 dormant>"
    assert [server.active for server in it.pool.servers.values()] == [0, 1, 1]
    assert it.assign(unit(0)) == (servers[0], True), "asleep, not forgotten"
    it.keep_only([])
    assert len(it) == 0


def test_adopt_takes_over_what_another_decided(it: Assignments) -> None:
    it.adopt(unit(1), 3)
    assert it.assign(unit(1)) == (it.pool.servers[3], False)
    assert it.pool.servers[3].active == 1


def test_adopt_changes_nobody_who_is_known(it: Assignments) -> None:
    first, _ = it.assign(unit(1))
    it.adopt(unit(1), 3)
    assert it.assign(unit(1)) == (first, False)
    assert it.pool.servers[3].active == 0


def test_releasing_what_is_not_known_is_nothing(it: Assignments) -> None:
    it.release(unit(1))
    it.idle(unit(1))
    assert repr(it) == "<Assignments of web: 0 active, 0 dormant>"


STEPS = ["assign", "fresh", "brief", "idle", "release", "adopt", "keep", "leave"]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 4))))
def test_active_counts_are_the_active_units(steps: list[tuple[str, int]]) -> None:
    """Whatever happens: beside a model that only knows which units are active."""
    it = Assignments(pool())
    active: set[int] = set()
    for step, number in steps:
        match step:
            case "keep":
                it.keep_only([unit(number)])
                active &= {number}
            case "leave":
                gone = it.release_all(it.pool.servers[number % 3 + 1])
                active -= {int(one.id[0].split()[1]) for one in gone}  # type: ignore[union-attr]
            case "idle":
                it.idle(unit(number))
            case "release":
                it.release(unit(number))
            case "adopt":
                it.adopt(unit(number), 1)
            case _:
                it.assign(unit(number), fresh=step == "fresh", lasting=step != "brief")
        if step in ("idle", "release"):
            active -= {number}
        elif step not in ("keep", "leave"):
            active |= {number}
        check(it.pool, it, active)


def check(servers: Pool, it: Assignments, active: set[int]) -> None:
    owners = Counter(it.server_of(unit(number)) for number in active)
    assert None not in owners
    assert len(it) == len(active)
    assert all(server.active == owners[server] for server in servers.servers.values())
