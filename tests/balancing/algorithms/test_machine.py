"""Every algorithm, whatever befalls its pool: a machine that does to a pool all that can be done to it.

    assign, release, drain, set_up, set_weight, add, remove, test results, time   in any order that hypothesis finds
        └──► after each step: who is chosen may be chosen, scores said so before, counts are what is held

A model stands beside the pool and knows only what was done: which units are held, and in which turn each server
was last chosen. For the algorithms that keep a heap it looks at every server, as a heap need not.
"""

from __future__ import annotations

from collections import Counter
from math import ceil

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from balancing import ALGORITHMS, Drained, Event, NoBackend, Pool, Server, Service, Unit
from balancing.algorithms.ranked import Ranked
from tests.balancing.pools import CHECK, backend, once, pool, unit

PLACES = st.integers(0, 5)  # of a server among those that there are, counted round and round
MOST_SERVERS = 6


class Machine(RuleBasedStateMachine):
    """A pool and its model. Units of a server that leaves are let go at once, or live on: a proxy's do."""

    def __init__(self, algorithm: str) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.pool: Pool = pool(algorithm, [5, 1, 1], health=CHECK, on_event=self.events.append)
        self.held: list[tuple[Unit, Server]] = []
        self.turns: Counter[int] = Counter()  # by backend id, when it was last chosen
        self.turn = self.added = 3
        self.now_s = 0.0

    @initialize(prompt=st.booleans())
    def begin(self, prompt: bool) -> None:
        self.pool.on_leave = self.let_go if prompt else lambda server: None

    def server(self, place: int) -> Server:
        servers = list(self.pool.servers.values())
        return servers[place % len(servers)]

    def let_go(self, server: Server) -> None:
        for number, owner in [pair for pair in self.held if pair[1] is server]:
            self.release((number, owner))

    def release(self, pair: tuple[Unit, Server]) -> None:
        self.held.remove(pair)
        self.pool.release(*pair)

    # -- what can be done ----------------------------------------------------------------------

    @rule(key=st.integers(0, 20), places=st.sets(PLACES, max_size=2))
    def assign(self, key: int, places: set[int]) -> None:
        avoid = [self.server(place) for place in places]
        left = [server for server in self.pool.available if server not in avoid]
        if not left:
            with pytest.raises(NoBackend):
                self.pool.assign(unit(key), avoid)
            return
        expected = None if avoid else self.expected(unit(key))
        server = self.pool.assign(unit(key), avoid)
        self.held.append((unit(key), server))
        self.turn += 1
        self.turns[server.backend.id] = self.turn
        assert server in left
        assert server.up
        assert not server.draining
        assert server.weight > 0
        assert expected is None or server in expected

    def expected(self, one: Unit) -> list[Server]:
        """Who may be chosen next, by the scores; where ties are broken by turns, only one."""
        scores = self.pool.algorithm.scores(one)
        assert self.pool.algorithm.scores(one) == scores, "asking changes something"
        assert set(scores) == {server.name for server in self.pool.available}
        best = [server for server in self.pool.available if scores[server.name] == max(scores.values())]
        if isinstance(self.pool.algorithm, Ranked):
            return [min(best, key=lambda server: (self.turns[server.backend.id], server.backend.id))]
        return best

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 99))
    def end(self, place: int) -> None:
        self.release(self.held[place % len(self.held)])

    @rule(place=PLACES, draining=st.booleans())
    def drain(self, place: int, draining: bool) -> None:
        self.pool.drain(self.server(place), draining)

    @rule(place=PLACES, up=st.booleans())
    def set_up(self, place: int, up: bool) -> None:
        self.pool.set_up(self.server(place), up)

    @rule(place=PLACES, weight=st.integers(0, 5))
    def set_weight(self, place: int, weight: int) -> None:
        self.pool.set_weight(self.server(place), weight)

    @precondition(lambda self: len(self.pool.servers) < MOST_SERVERS)
    @rule(weight=st.integers(0, 5), again=st.booleans())
    def add(self, weight: int, again: bool) -> None:
        """One more; `again`: with an id that may have been another server's."""
        self.added += 1
        number = max(self.pool.servers) + 1 if again else self.added
        if number not in self.pool.servers:
            self.pool.add(backend(number, weight, name=f"s{self.added}"))

    @precondition(lambda self: len(self.pool.servers) > 1)
    @rule(place=PLACES)
    def remove(self, place: int) -> None:
        self.pool.remove(self.server(place))

    @rule(place=PLACES, after_s=st.floats(0, 5), took_s=st.floats(0, 2))
    def test_passes(self, place: int, after_s: float, took_s: float) -> None:
        self.now_s += after_s
        self.pool.passed(self.server(place), self.now_s, took_s)

    @rule(place=PLACES)
    def test_fails(self, place: int) -> None:
        self.pool.failed(self.server(place), "refused")

    @rule(after_s=st.floats(0, 5))
    def tick(self, after_s: float) -> None:
        self.now_s += after_s
        self.pool.tick(self.now_s)

    # -- what must hold ------------------------------------------------------------------------

    @invariant()
    def active_is_what_is_held(self) -> None:
        held = Counter(id(server) for _, server in self.held)
        for server in {*self.pool.servers.values(), *(server for _, server in self.held)}:
            assert server.active == held[id(server)] >= 0

    @invariant()
    def available_are_those_who_may_be_chosen(self) -> None:
        may = [server for server in self.pool.servers.values()
               if server.up and not server.draining and server.weight > 0]
        assert list(self.pool.available) == may
        assert self.pool.candidates is self.pool.available
        assert all(server.effective_weight > 0 for server in may)

    def the_service_is_the_pool_as_it_is_configured(self) -> None:
        service = self.pool.service
        assert Service.from_json(service.to_json()) == service
        assert [server.backend for server in self.pool.servers.values()] == list(service.backends)
        assert [server.weight for server in self.pool.servers.values()] == [one.weight for one in service.backends]

    @invariant()
    def who_is_called_drained_has_nothing_left(self) -> None:
        servers = {server.name: server for server in self.pool.servers.values()}
        for event in self.events:
            if isinstance(event, Drained) and event.backend in servers:
                server = servers[event.backend]
                assert not server.active
                assert server.draining or not server.weight
        self.events.clear()

    def teardown(self) -> None:
        """From wherever it has come to, nobody starves: once all units have ended, each is chosen soon."""
        self.the_service_is_the_pool_as_it_is_configured()
        for pair in list(self.held):
            self.release(pair)
        waiting = {server: patience(self.pool, server) for server in self.pool.available}
        for turn in range(1, int(max(waiting.values(), default=0)) + 1):
            waiting.pop(once(self.pool, turn), None)
            assert not [server for server, turns in waiting.items() if turns <= turn]


def patience(found: Pool, server: Server) -> float:
    """After how many choices, on an idle pool, `server` has been chosen; infinite steps count as none.

    Rotation and least-...: whoever has waited longest is next, so each other server comes first once at most.
    Weighted round robin: `server` is due within 1/w rounds, and each other server of weight v is due at most
    v/w + 1 times meanwhile, and once more if it is behind.
    """
    name, others = found.algorithm.name, found.available
    if name in ("round-robin", "least-connections", "least-response-time"):
        return len(others)
    if name == "weighted-round-robin":
        return sum(ceil(other.effective_weight / server.effective_weight) + 2 for other in others)
    return 0  # by hash or by dice: test_every.py


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_whatever_befalls_its_pool(algorithm: str) -> None:
    run_state_machine_as_test(lambda: Machine(algorithm), settings=settings(max_examples=100, stateful_step_count=40))
