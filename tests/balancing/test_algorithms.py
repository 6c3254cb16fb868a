"""What each algorithm promises, whatever the pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancing import ALGORITHMS, Backend, NoBackend, Pool, Server, Service, Unit
from balancing.algorithms import Maglev

WEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def pool(algorithm: str, weights: list[int]) -> Pool:
    backends = tuple(Backend(n, f"s{n}", f"10.0.{n // 256}.{n % 256}", "02:00:00:02:00:01", weight=weight)  # type: ignore[arg-type]
                     for n, weight in enumerate(weights, start=1))
    return Pool(Service(1, "web", "10.0.0.100", "l3", backends, algorithm))  # type: ignore[arg-type]


@pytest.fixture(autouse=True, scope="module")
def _small_tables() -> Iterator[None]:
    """Maglev's table of 65,537 slots takes a tenth of a second; what is said here holds for any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Maglev, "size", 251)
        yield


def unit(number: int) -> Unit:
    return Unit((f"10.0.{number // 256}.{number % 256}",), number.to_bytes(4, "big"))


@given(weights=WEIGHTS, cycles=st.integers(1, 3))
def test_round_robin_gives_everyone_the_same(weights: list[int], cycles: int) -> None:
    servers = pool("round-robin", weights)
    chosen = Counter(servers.assign(unit(n)).name for n in range(cycles * len(weights)))
    assert set(chosen.values()) == {cycles}


@given(weights=WEIGHTS, cycles=st.integers(1, 3))
def test_weights_are_met_exactly_over_a_cycle(weights: list[int], cycles: int) -> None:
    servers = pool("weighted-round-robin", weights)
    chosen = Counter(servers.assign(unit(n)).name for n in range(cycles * sum(weights)))
    assert chosen == {f"s{n}": cycles * weight for n, weight in enumerate(weights, start=1)}


def test_weighted_round_robin_interleaves() -> None:
    servers = pool("weighted-round-robin", [5, 1, 1])
    assert "".join(servers.assign(unit(n)).name[1] for n in range(14)) == "1211131" * 2


@given(weights=WEIGHTS, keys=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_source_hash_is_a_function_of_the_key(weights: list[int], keys: list[int]) -> None:
    first, second = pool("source-hash", weights), pool("source-hash", weights)
    assert [first.assign(unit(key)).name for key in keys] == [second.assign(unit(key)).name for key in keys]


def test_source_hash_reads_the_key_and_not_the_rest_of_the_unit() -> None:
    servers = pool("source-hash", [1] * 5)
    assert len({servers.assign(Unit(("10.0.1.1", port), b"\x0a\x00\x01\x01")).name for port in range(50)}) == 1


def test_source_hash_follows_the_weights() -> None:
    """2:1 over 3,000 keys: within five standard deviations of a binomial (26 each)."""
    servers = pool("source-hash", [2, 1])
    chosen = Counter(servers.assign(unit(n)).name for n in range(3000))
    assert abs(chosen["s1"] - 2000) < 5 * (3000 * 2 / 9) ** 0.5


def test_source_hash_survives_a_restart() -> None:
    """Not Python's own hash(), which is salted in every process."""
    servers = pool("source-hash", [1, 1, 1])
    assert "".join(servers.assign(unit(n)).name[1] for n in range(12)) == "221111123222"


@given(weights=WEIGHTS, busy=st.lists(st.integers(0, 9), min_size=6, max_size=6))
def test_least_connections_takes_the_least_loaded(weights: list[int], busy: list[int]) -> None:
    servers = pool("least-connections", weights)
    for server, active in zip(servers.servers.values(), busy, strict=False):
        server.active = active
    loads = {server.name: server.active / server.weight for server in servers.candidates}
    assert loads[servers.assign(unit(1)).name] == min(loads.values())


def test_a_tie_goes_to_whoever_waited_longest() -> None:
    servers = pool("least-connections", [1, 1, 1])
    order = []
    for n in range(6):
        order.append(server := servers.assign(unit(n)))
        servers.release(unit(n), server)
    assert [server.name for server in order] == ["s1", "s2", "s3"] * 2


def test_at_random_follows_the_weights() -> None:
    """2:1 over 3,000 units: within five standard deviations of a binomial (26 each)."""
    servers = pool("random", [2, 1])
    chosen = Counter(servers.assign(unit(n)).name for n in range(3000))
    assert abs(chosen["s1"] - 2000) < 5 * (3000 * 2 / 9) ** 0.5


def test_two_choices_are_far_better_than_one() -> None:
    """1,000 units on 1,000 servers: the fullest holds ln ln n / ln 2, about 3, rather than ln n / ln ln n, about 6."""
    fullest = {}
    for algorithm in ("random", "power-of-two-choices"):
        servers = pool(algorithm, [1] * 1000)
        for n in range(1000):
            servers.assign(unit(n))
        fullest[algorithm] = max(server.active for server in servers.servers.values())
    assert fullest["power-of-two-choices"] <= 4 < fullest["random"]


@pytest.mark.parametrize("algorithm", ["random", "power-of-two-choices"])
def test_dice_fall_the_same_way_again(algorithm: str) -> None:
    first, second = pool(algorithm, [1, 2, 3]), pool(algorithm, [1, 2, 3])
    assert [first.assign(unit(n)).name for n in range(50)] == [second.assign(unit(n)).name for n in range(50)]


def test_maglev_keeps_others_where_they_are_when_a_server_leaves() -> None:
    servers = pool("maglev", [1] * 5)
    before = {n: servers.assign(unit(n)).name for n in range(500)}
    servers.set_up(servers.servers[2], False)
    moved = [n for n, name in before.items() if name != "s2" and servers.assign(unit(n)).name != name]
    assert len(moved) < 500 * 0.1, "a table of 251 slots; a full one moves less than 2 %"


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
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


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
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


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
@given(weights=WEIGHTS, key=st.integers(0, 2**32 - 1))
def test_every_server_is_tried_once_before_nobody_is_left(algorithm: str, weights: list[int], key: int) -> None:
    servers = pool(algorithm, weights)
    tried: list[Server] = []
    for _ in weights:
        tried.append(servers.assign(unit(key), tried))
    assert len(set(tried)) == len(weights)
    with pytest.raises(NoBackend):
        servers.assign(unit(key), tried)


@given(size=st.integers(2, 6), dead=st.sets(st.integers(1, 6)), units=st.integers(1, 20))
def test_round_robin_keeps_its_order_through_retries(size: int, dead: set[int], units: int) -> None:
    """s2 refuses: s3 takes its unit, and then it is s1's turn. Tries, failed ones too, go round and round."""
    servers, tries = pool("round-robin", [1] * size), []
    for number in range(units):
        tried: list[Server] = []
        while len(tried) < size and (not tried or tried[-1].backend.id in dead):
            tried.append(servers.assign(unit(number), tried))
        tries += [server.backend.id for server in tried]
    assert tries == [turn % size + 1 for turn in range(len(tries))]


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_says_what_it_is_for(algorithm: str) -> None:
    assert ALGORITHMS[algorithm].name == algorithm
    assert ALGORITHMS[algorithm].summary
    assert repr(pool(algorithm, [1]).algorithm).endswith(" of web>")
