"""What every algorithm promises, whatever the pool."""

from __future__ import annotations

from collections import Counter
from math import ceil, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancing import ALGORITHMS, NoBackend, Server
from tests.balancing.pools import WEIGHTS, once, pool, spread, unit

BY_HASH = ["source-hash", "maglev"]
BY_TURNS = ["round-robin", "weighted-round-robin", "least-connections", "least-response-time"]
BY_DICE = ["random", "power-of-two-choices"]
IMPROBABLE = 1e-12

every = pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))


def test_each_is_of_one_kind() -> None:
    assert sorted(BY_HASH + BY_TURNS + BY_DICE) == sorted(ALGORITHMS)


@every
def test_it_says_what_it_is_for(algorithm: str) -> None:
    assert ALGORITHMS[algorithm].name == algorithm
    assert ALGORITHMS[algorithm].summary
    assert repr(pool(algorithm, [1]).algorithm).endswith(" of web>")


@every
@given(weights=WEIGHTS, draws=st.lists(st.integers(0, 99), min_size=1, max_size=30), down=st.sets(st.integers(1, 6)),
       draining=st.sets(st.integers(1, 6)))
def test_scores_say_who_is_next_and_change_nothing(
        algorithm: str, weights: list[int], draws: list[int], down: set[int], draining: set[int]) -> None:
    servers = pool(algorithm, weights)
    for number, server in servers.servers.items():
        servers.set_up(server, number not in down)
        servers.drain(server, number in draining)
    for draw in draws:
        if not servers.candidates:
            with pytest.raises(NoBackend):
                servers.assign(unit(draw))
            return
        scores = servers.algorithm.scores(unit(draw))
        assert servers.algorithm.scores(unit(draw)) == scores
        chosen = servers.assign(unit(draw))
        assert chosen.up
        assert not chosen.draining
        assert scores[chosen.name] == max(scores.values())


@every
@given(weights=WEIGHTS, draws=st.lists(st.integers(0, 99), min_size=1, max_size=30))
def test_who_is_asked_for_scores_goes_on_as_who_is_not(algorithm: str, weights: list[int], draws: list[int]) -> None:
    asked, left_alone = pool(algorithm, weights), pool(algorithm, weights)
    for draw in draws:
        asked.algorithm.scores(unit(draw + 1))
        assert asked.assign(unit(draw)).name == left_alone.assign(unit(draw)).name


@every
@given(weights=WEIGHTS, draws=st.lists(st.tuples(st.integers(0, 99), st.sets(st.integers(1, 6))), max_size=20))
def test_who_is_to_be_avoided_is_never_chosen(
        algorithm: str, weights: list[int], draws: list[tuple[int, set[int]]]) -> None:
    servers = pool(algorithm, weights)
    everyone = servers.candidates
    for draw, numbers in draws:
        avoid = [server for server in everyone if server.backend.id in numbers]
        if len(avoid) < len(everyone):
            assert servers.assign(unit(draw), avoid) not in avoid
        else:
            with pytest.raises(NoBackend):
                servers.assign(unit(draw), avoid)
        assert servers.candidates is everyone


@every
@given(weights=WEIGHTS, key=st.integers(0, 2**32 - 1))
def test_every_server_is_tried_once_before_nobody_is_left(algorithm: str, weights: list[int], key: int) -> None:
    servers = pool(algorithm, weights)
    tried: list[Server] = []
    for _ in weights:
        tried.append(servers.assign(unit(key), tried))
    assert len(set(tried)) == len(weights)
    with pytest.raises(NoBackend):
        servers.assign(unit(key), tried)


# -- ties ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", BY_TURNS)
@given(size=st.integers(1, 8), rounds=st.integers(1, 4))
def test_among_equals_it_goes_round(algorithm: str, size: int, rounds: int) -> None:
    """Every unit ends at once, so all servers are equal at every choice: each gets the same, to the unit."""
    servers = pool(algorithm, [1] * size)
    order = [once(servers, number).name for number in range(rounds * size)]
    assert order == [f"s{number}" for number in range(1, size + 1)] * rounds


@pytest.mark.parametrize("algorithm", BY_DICE + BY_HASH)
@pytest.mark.parametrize("size", [2, 3, 7])
def test_among_equals_dice_and_hashes_favour_nobody(algorithm: str, size: int) -> None:
    """Of 3,000 units that end at once: five standard deviations of a binomial, and 1 in 251 slots of Maglev's table."""
    servers = pool(algorithm, [1] * size)
    chosen = Counter(once(servers, number).name for number in range(3000))
    slack = 3000 / 251 if algorithm == "maglev" else 0
    for server in servers.available:
        assert abs(chosen[server.name] - 3000 / size) <= spread(3000, 1 / size) + slack


# -- nobody starves ------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", BY_TURNS)
@given(weights=WEIGHTS, warm=st.integers(0, 50))
def test_nobody_starves_where_turns_are_taken(algorithm: str, weights: list[int], warm: int) -> None:
    """All units stay. Between two choices of a server of weight w each other, of weight v, comes v/w + 1 times at most.

    By turns in proportion: two turns of it are 1/w rounds apart, and in so long a time, both ends included, there are
    v/w + 1 turns of the other. By least load: the first time it has a units and nobody is less loaded, so the other
    has a v/w or more; and is not chosen with more than (a + 1) v/w. Round robin takes all weights for equal.
    """
    servers = pool(algorithm, weights)
    for number in range(warm):
        servers.assign(unit(number))
    same = algorithm == "round-robin"
    waits = dict.fromkeys(servers.available, 0)
    for number in range(3 * sum(weights) + 20):
        chosen = servers.assign(unit(number))
        for server in waits:
            waits[server] = 0 if server is chosen else waits[server] + 1
            others = [other for other in waits if other is not server]
            assert waits[server] <= sum(1 if same else other.weight // server.weight + 1 for other in others)


@pytest.mark.parametrize("algorithm", BY_HASH + BY_DICE)
@settings(max_examples=30)
@given(weights=WEIGHTS, name=st.text("abcdefgh", min_size=1, max_size=8))
def test_nobody_starves_at_random(algorithm: str, weights: list[int], name: str) -> None:
    """A server that each choice takes with probability p is left out by N of them with probability (1 - p)^N.

    p is its part of the weights, or of the slots, which may be two less for the lightest of six; of power of two
    choices at least 1/n as long as it has nothing: then it wins when it is drawn first. N is such that this happens
    once in 10^12 tests.
    """
    servers = pool(algorithm, weights, name=name)
    least = {"power-of-two-choices": 1 / len(weights),
             "maglev": min(weights) / sum(weights) - 2 / 251}.get(algorithm, min(weights) / sum(weights))
    choices = ceil(log(IMPROBABLE / len(weights)) / log(1 - least)) if least < 1 else 1
    chosen = {servers.assign(unit(number)).name for number in range(choices)}
    assert chosen == {server.name for server in servers.available}


# -- the same law as a table of slots ------------------------------------------------------------

with_slots = pytest.mark.parametrize("algorithm", [name for name, kind in ALGORITHMS.items() if kind.has_slots()])


@with_slots
@given(weights=WEIGHTS, down=st.sets(st.integers(1, 6), max_size=5), size=st.integers(1, 300))
def test_slots_are_the_candidates_in_proportion(
        algorithm: str, weights: list[int], down: set[int], size: int) -> None:
    """Every slot is owned by a candidate, and everyone owns its part p of them.

    In a table like Maglev's to within 1 + p (n - 2) (test_maglev.py), and a thousandth where shares are counted in
    thousandths (steered.py). Side by side, as source hash has them, to within the w of the round that is cut off.
    """
    servers = pool(algorithm, weights)
    for number in down & set(servers.servers):
        servers.set_up(servers.servers[number], False)
    if not servers.candidates:
        return
    found = servers.algorithm.slots(size)
    assert len(found) == size
    assert set(found) <= set(servers.candidates)
    assert servers.algorithm.slots(size) == found, "asking changes nothing"
    shares = {server: 1 if algorithm == "round-robin" else server.weight for server in servers.candidates}
    for server, share in shares.items():
        part = share / sum(shares.values())
        slack = share if algorithm == "source-hash" else 1 + part * max(0, len(shares) - 2) + size / 1000
        assert abs(found.count(server) - size * part) <= slack


@with_slots
@given(weights=WEIGHTS, draws=st.lists(st.integers(0, 99), max_size=10))
def test_who_is_asked_for_slots_goes_on_as_who_is_not(algorithm: str, weights: list[int], draws: list[int]) -> None:
    asked, left_alone = pool(algorithm, weights), pool(algorithm, weights)
    for draw in draws:
        asked.algorithm.slots(16)
        assert asked.assign(unit(draw)).name == left_alone.assign(unit(draw)).name
