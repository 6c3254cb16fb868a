"""Pools count, assignments remember."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from balancing import Assigned, Assignments, Backend, Event, Pool, Released, Service, Unit, ndjson


def make(events: list[Event] | None = None, keep: int = 65_536) -> tuple[Pool, Assignments]:
    backends = tuple(Backend(n, f"s{n}", f"10.0.3.{n}", "02:00:00:02:00:01") for n in (1, 2, 3))  # type: ignore[arg-type]
    service = Service(1, "web", "10.0.0.100", "l4", backends, port=80)  # type: ignore[arg-type]
    pool = Pool(service, events.append if events is not None else None)
    return pool, Assignments(pool, keep)


def unit(number: int) -> Unit:
    return Unit(("10.0.1.1", number), b"\x0a\x00\x01\x01")


def test_a_pool_can_be_read() -> None:
    pool, _ = make()
    pool.assign(unit(1))
    pool.set_up(pool.servers[2], False)
    pool.drain(pool.servers[3])
    assert repr(pool) == "<Pool web: s1 w=1 active=1, s2 down, s3 w=1 active=0 draining>"


def test_decisions_and_releases_are_events_in_order() -> None:
    events: list[Event] = []
    pool, _ = make(events)
    pool.release(unit(7), pool.assign(unit(7)))
    assert events == [Assigned("web", "10.0.1.1 7", "s1"), Released("web", "10.0.1.1 7", "s1")]
    assert json.loads(ndjson(events[0], 1.5)) == {
        "t": 1.5, "event": "Assigned", "service": "web", "unit": "10.0.1.1 7", "backend": "s1"}


def test_a_unit_keeps_its_server() -> None:
    _, assignments = make()
    first, new = assignments.assign(unit(1))
    assert new
    assert assignments.assign(unit(1)) == (first, False)
    assert len(assignments) == 1


def test_an_idle_unit_is_remembered_but_not_active() -> None:
    pool, assignments = make()
    first, _ = assignments.assign(unit(1))
    assignments.assign(unit(2))
    assignments.idle(unit(1))
    assert first.active == 0
    assert assignments.assign(unit(1)) == (first, True)  # it needs its flow again
    assert first.active == 1
    assert pool.servers[1] is first


def test_a_new_connection_of_a_dormant_unit_is_a_new_decision() -> None:
    _, assignments = make()
    first, _ = assignments.assign(unit(1))
    assignments.idle(unit(1))
    assert assignments.assign(unit(1), fresh=True)[0] is not first


def test_a_repeated_syn_of_an_active_unit_is_not() -> None:
    _, assignments = make()
    first, _ = assignments.assign(unit(1), fresh=True)
    assert assignments.assign(unit(1), fresh=True) == (first, False)


def test_a_dormant_unit_does_not_return_to_a_dead_server() -> None:
    pool, assignments = make()
    first, _ = assignments.assign(unit(1))
    assignments.idle(unit(1))
    pool.set_up(first, False)
    assert assignments.assign(unit(1))[0] is not first


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    _, assignments = make(keep=2)
    servers = [assignments.assign(unit(n))[0] for n in range(3)]
    for n in range(3):
        assignments.idle(unit(n))
    assert assignments.assign(unit(2)) == (servers[2], True)
    assert assignments.assign(unit(1)) == (servers[1], True)
    assert repr(assignments) == "<Assignments of web: 2 active, 0 dormant>"


@given(st.lists(st.tuples(st.sampled_from(["assign", "fresh", "idle", "release", "adopt"]), st.integers(0, 4))))
def test_active_counts_are_the_active_units(steps: list[tuple[str, int]]) -> None:
    pool, assignments = make()
    active: set[int] = set()
    for step, number in steps:
        match step:
            case "assign" | "fresh":
                assignments.assign(unit(number), fresh=step == "fresh")
            case "adopt":
                assignments.adopt(unit(number), 1)
            case "idle":
                assignments.idle(unit(number))
            case "release":
                assignments.release(unit(number))
        active = active - {number} if step in ("idle", "release") else active | {number}
        assert sum(server.active for server in pool.servers.values()) == len(active) == len(assignments)
