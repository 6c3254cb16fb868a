"""Pools: what is done to them, what follows, and in which order it is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from balancing import (
    Assigned,
    Changed,
    Down,
    Drained,
    Event,
    NoBackend,
    Pool,
    Released,
    Server,
    Up,
    ndjson,
)
from layerlab import LabError
from tests.balancing.pools import CHECK, backend, pool, unit


class Told:
    """A pool of s1, s2 and s3, with all that it tells: events, and servers whose units must be let go."""

    def __init__(self, **options: object) -> None:
        self.events: list[Event] = []
        self.left: list[Server] = []
        self.pool: Pool = pool(health=CHECK, on_event=self.events.append, **options)  # type: ignore[arg-type]
        self.pool.on_leave = self.left.append
        self.first = self.pool.servers[1]

    def news(self) -> list[Event]:
        """What was told since the last time."""
        found, self.events[:] = list(self.events), []
        return found

    def fail(self, server: Server) -> None:
        for _ in range(CHECK.fall):
            self.pool.failed(server, "refused")

    def rise(self, server: Server, now_s: float = 0.0) -> None:
        for _ in range(CHECK.rise):
            self.pool.passed(server, now_s, 0.01)

    def hold(self, count: int) -> Callable[[], None]:
        """Give s1 some units; what is returned ends one of them."""
        for _ in range(count):
            self.pool.take(self.first)
        return lambda: self.pool.release(unit(0), self.first)


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_pool_can_be_read(told: Told) -> None:
    told.pool.assign(unit(1))
    told.pool.set_up(told.pool.servers[2], False)
    told.pool.drain(told.pool.servers[3])
    assert repr(told.pool) == "<Pool web: s1 w=1 active=1, s2 down, s3 w=1 active=0 draining>"
    assert [server.state for server in told.pool.servers.values()] == ["up", "down", "draining"]


def test_decisions_and_releases_are_events_in_order(told: Told) -> None:
    told.pool.release(unit(7), told.pool.assign(unit(7)))
    events = told.news()
    assert events == [Assigned("web", "unit 7", "s1"), Released("web", "unit 7", "s1")]
    assert json.loads(ndjson(events[0], 1.5)) == {
        "t": 1.5, "event": "Assigned", "service": "web", "unit": "unit 7", "backend": "s1"}


def test_who_listens_to_nothing_is_told_nothing() -> None:
    quiet = pool(health=CHECK)
    server = quiet.assign(unit(1))
    quiet.drain(server)
    quiet.release(unit(1), server)
    assert server.active == 0


# -- health --------------------------------------------------------------------------------------


def test_down_and_up_are_told_once(told: Told) -> None:
    told.fail(told.first)
    told.fail(told.first)
    assert told.news() == [Down("web", "s1", "refused")]
    told.rise(told.first)
    told.rise(told.first)
    assert told.news() == [Up("web", "s1")]


def test_down_is_told_before_its_units_are_let_go(told: Told) -> None:
    server = told.pool.assign(unit(1))
    told.pool.on_leave = lambda left: told.pool.release(unit(1), left)
    told.news()
    told.fail(server)
    assert told.news() == [Down("web", "s1", "refused"), Released("web", "unit 1", "s1")]


def test_who_has_to_go_is_gone_before_its_units_are_let_go(told: Told) -> None:
    """So that who asks for a server in the same moment gets another one."""
    seen = []
    told.pool.on_leave = lambda left: seen.append(left in told.pool.available)
    told.fail(told.first)
    told.pool.remove(told.pool.servers[2])
    assert seen == [False, False]


def test_the_scores_are_those_of_the_decision_that_would_be_taken_and_change_nothing() -> None:
    found = pool()
    for _ in range(2):
        assert found.scores(unit(1)) == {"s1": 0.0, "s2": -1.0, "s3": -2.0}
        assert found.scores(unit(1), [found.servers[1]]) == {"s2": 0.0, "s3": -1.0}
    assert found.scores(unit(1), list(found.servers.values())) == {}
    assert found.assign(unit(1)).name == "s1"


def test_nobody_is_left() -> None:
    alone = Told(weights=[1])
    alone.fail(alone.first)
    with pytest.raises(NoBackend, match="no server of 'web' can take unit 1") as caught:
        alone.pool.assign(unit(1))
    assert caught.value.expected == "one that is up and not draining"
    alone.rise(alone.first)
    assert alone.pool.assign(unit(1)) is alone.first


def test_without_a_health_check_nobody_goes_down() -> None:
    servers = pool()
    for _ in range(10):
        servers.failed(servers.servers[1], "refused")
        servers.passed(servers.servers[1], 0.0, 0.01)
    assert servers.servers[1].up
    assert servers.servers[1].response_s is None
    servers.tick(1.0)
    assert servers.servers[1].effective_weight == 1


def test_a_server_that_comes_back_starts_slowly(told: Told) -> None:
    told.pool.set_weight(told.first, 8)
    told.fail(told.first)
    told.rise(told.first, 100.0)
    weights = []
    for after_s in (0.0, 1.0, 2.0, 4.0, 9.0):
        told.pool.tick(100.0 + after_s)
        weights.append(told.first.effective_weight)
    assert weights == [0.8, 2.0, 4.0, 8.0, 8.0]
    assert told.first.weight == 8


def test_a_new_weight_in_a_slow_start_keeps_the_part_reached(told: Told) -> None:
    told.pool.set_weight(told.first, 8)
    told.fail(told.first)
    told.rise(told.first, 100.0)
    told.pool.tick(102.0)
    told.pool.set_weight(told.first, 2)
    assert told.first.effective_weight == 1.0


# -- draining ------------------------------------------------------------------------------------

TO_DRAIN = {"drain": lambda it: it.pool.drain(it.first), "weight 0": lambda it: it.pool.set_weight(it.first, 0)}
to_drain = pytest.mark.parametrize("drain", TO_DRAIN.values(), ids=TO_DRAIN)


def drained(events: list[Event]) -> list[Drained]:
    return [event for event in events if isinstance(event, Drained)]


@to_drain
def test_drained_is_told_once_when_the_last_unit_is_gone(told: Told, drain: Callable[[Told], None]) -> None:
    end = told.hold(3)
    drain(told)
    for active in (2, 1):
        end()
        assert told.first.active == active
        assert not drained(told.news())
    end()
    assert told.news() == [Released("web", "unit 0", "s1"), Drained("web", "s1")]
    assert not told.left, "its units ended by themselves"


@to_drain
def test_drained_is_told_at_once_where_there_is_none(told: Told, drain: Callable[[Told], None]) -> None:
    drain(told)
    first, second = told.news()
    assert isinstance(first, Changed)
    assert second == Drained("web", "s1")


@to_drain
def test_asking_again_tells_it_no_second_time(told: Told, drain: Callable[[Told], None]) -> None:
    drain(told)
    told.news()
    for again in TO_DRAIN.values():
        again(told)
    assert not drained(told.news())


@to_drain
def test_a_server_that_is_down_can_be_drained(told: Told, drain: Callable[[Told], None]) -> None:
    told.fail(told.first)
    told.news()
    drain(told)
    assert drained(told.news()) == [Drained("web", "s1")]


@to_drain
def test_a_draining_server_that_dies_is_drained(told: Told, drain: Callable[[Told], None]) -> None:
    end = told.hold(1)
    drain(told)
    told.pool.on_leave = lambda left: end()
    told.news()
    told.fail(told.first)
    assert told.news() == [Down("web", "s1", "refused"), Released("web", "unit 0", "s1"), Drained("web", "s1")]


@to_drain
def test_a_draining_server_gets_nothing_new(told: Told, drain: Callable[[Told], None]) -> None:
    drain(told)
    assert {told.pool.assign(unit(number)).name for number in range(6)} == {"s2", "s3"}


def test_who_is_undrained_in_time_was_never_drained(told: Told) -> None:
    end = told.hold(1)
    told.pool.drain(told.first)
    told.pool.drain(told.first, False)
    end()
    assert not drained(told.news())
    assert "s1" in {told.pool.assign(unit(number)).name for number in range(3)}


def test_a_lighter_server_that_is_down_is_not_drained(told: Told) -> None:
    told.pool.set_weight(told.first, 5)
    told.fail(told.first)
    told.news()
    told.pool.set_weight(told.first, 3)
    assert told.news() == [Changed("web", "weight of s1 is 3")]


def test_who_was_removed_is_not_called_drained_and_does_not_come_back(told: Told) -> None:
    end = told.hold(1)
    told.pool.drain(told.first)
    told.fail(told.first)
    told.pool.remove(told.first)
    told.news()
    end()
    told.rise(told.first)
    assert told.news() == [Released("web", "unit 0", "s1")]
    assert not told.first.up


# -- what an operator does -----------------------------------------------------------------------

CHANGES: dict[str, Callable[[Told], object]] = {
    "weight of s1 is 3": lambda it: it.pool.set_weight(it.first, 3),
    "s1 takes units again": lambda it: it.pool.drain(it.first, False),
    "algorithm is maglev": lambda it: it.pool.set_algorithm("maglev"),
    "s4 was added": lambda it: it.pool.add(backend(4)),
    "s1 was removed": lambda it: it.pool.remove(it.first),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_told_in_words(told: Told, change: str) -> None:
    CHANGES[change](told)
    assert told.news() == [Changed("web", change)]


LEAVES: dict[str, Callable[[Told], object]] = {
    "its tests fail": lambda it: it.fail(it.first),
    "it is let out": lambda it: it.pool.set_up(it.first, False),
    "it is removed": lambda it: it.pool.remove(it.first),
}
STAYS: dict[str, Callable[[Told], object]] = {
    "a test fails": lambda it: it.pool.failed(it.first, "refused"),
    "a test passes": lambda it: it.pool.passed(it.first, 0.0, 0.01),
    "it is let in": lambda it: it.pool.set_up(it.first, True),
    "it is drained": lambda it: it.pool.drain(it.first),
    "it has no weight": lambda it: it.pool.set_weight(it.first, 0),
    "it has another weight": lambda it: it.pool.set_weight(it.first, 9),
    "another is added": lambda it: it.pool.add(backend(4)),
    "there is another algorithm": lambda it: it.pool.set_algorithm("random"),
    "time passes": lambda it: it.pool.tick(1.0),
    "a unit ends": lambda it: it.hold(1)(),
}


@pytest.mark.parametrize("happens", LEAVES)
def test_whose_units_must_be_let_go_is_said_once(told: Told, happens: str) -> None:
    LEAVES[happens](told)
    assert told.left == [told.first]


@pytest.mark.parametrize("happens", STAYS)
def test_whose_units_may_stay_is_left_alone(told: Told, happens: str) -> None:
    STAYS[happens](told)
    assert told.left == []


@pytest.mark.parametrize("happens", STAYS | LEAVES)
def test_who_can_be_chosen_is_another_tuple_whenever_it_changes(told: Told, happens: str) -> None:
    """What algorithms tell it by (rule 3): with what weight counts as well."""
    def who() -> list[tuple[str, float]]:
        return [(server.name, server.effective_weight) for server in told.pool.available]

    before, then = told.pool.available, who()
    (STAYS | LEAVES)[happens](told)
    assert told.pool.available is not before or who() == then
    assert told.pool.candidates is told.pool.available


def test_time_alone_changes_nothing(told: Told) -> None:
    """Or Maglev would fill its table, and a heap be built, several times a second."""
    before = told.pool.available
    for second in range(10):
        told.pool.tick(float(second))
    assert told.pool.available is before


def test_another_algorithm_leaves_units_where_they_are(told: Told) -> None:
    for number in range(7):
        told.pool.assign(unit(number))
    before = {server.name: server.active for server in told.pool.servers.values()}
    for word in ("least-connections", "weighted-round-robin", "maglev"):
        told.pool.set_algorithm(word)
        assert told.pool.service.algorithm == told.pool.algorithm.name == word
    assert {server.name: server.active for server in told.pool.servers.values()} == before


REFUSED: dict[str, tuple[Callable[[Told], object], str]] = {
    "no weight": (lambda it: it.pool.set_weight(it.first, -1), "weight"),
    "too heavy": (lambda it: it.pool.set_weight(it.first, 65_536), "weight"),
    "no such algorithm": (lambda it: it.pool.set_algorithm("robin"), "algorithm"),
    "that id again": (lambda it: it.pool.add(backend(1, name="s4")), "id"),
    "that name again": (lambda it: it.pool.add(backend(4, name="s1")), "name"),
    "no mac": (lambda it: it.pool.add(replace(backend(4), mac=None)), "mac"),
    "another family": (lambda it: it.pool.add(backend(4, ip="2001:db8::4")), "ip"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_changes_nothing(told: Told, what: str) -> None:
    do, field = REFUSED[what]
    before = told.pool.service, told.pool.algorithm, told.pool.available, list(told.pool.servers)
    with pytest.raises(LabError) as caught:
        do(told)
    assert caught.value.field == field
    assert (told.pool.service, told.pool.algorithm, told.pool.available, list(told.pool.servers)) == before
    assert told.news() == []


def test_the_last_server_stays() -> None:
    alone = Told(weights=[1])
    with pytest.raises(LabError, match="no backends"):
        alone.pool.remove(alone.first)
    assert alone.pool.assign(unit(1)) is alone.first


def test_a_server_is_found_by_its_name_or_the_nearest_is_offered(told: Told) -> None:
    assert told.pool.server("s2") is told.pool.servers[2]
    with pytest.raises(LabError, match="there is no server 's9'") as caught:
        told.pool.server("s9")
    assert caught.value.expected == "one of s1, s2, s3"


def test_a_pool_can_be_changed_while_the_students_file_is_half_written(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from balancing import Stateless\nclass Mine(Stateless):\n    def choose(self, unit):\n"
                    "        return self.pool.candidates[0]\n")
    told = Told(algorithm=f"{path}:Mine")
    path.write_text("class Mine(")
    told.pool.drain(told.first)
    assert told.pool.assign(unit(1)).name == "s2"
    with pytest.raises(LabError, match="SyntaxError"):
        told.pool.set_algorithm(f"{path}:Mine")
