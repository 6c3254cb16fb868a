"""What the table `hot_spots` says of loads, and that connections are really where it counts them."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from balancing import ALGORITHMS, check_services
from experiments.held import (
    ALIKE,
    CLIENTS,
    ELEPHANTS,
    EXTRA,
    HITTERS,
    HITTERS_NUMBER,
    NAT,
    ONE_BY_ONE,
    SERVERS,
    Load,
    Size,
    lab_for,
    measure,
    owners,
    services,
)
from experiments.hot_spots import HASHES, TURNS, contradictions, moral, ratio, rows, theory, worst

SITUATIONS = (ALIKE, HITTERS, NAT, ELEPHANTS)


def load(algorithm: str = "random", situation: str = ALIKE, most: int = 20, unanswered: int = 0) -> Load:
    """80 requests on 8 servers, of 8 clients."""
    share = {f"srv{n}": most if n == 1 else (80 - most) // 7 for n in range(1, SERVERS + 1)}
    share["srv8"] += 80 - sum(share.values())
    return Load(situation, algorithm, share, [1] * 80, [10] * 8, unanswered)


def table(**changed: int) -> list[dict[str, object]]:
    return rows([load(algorithm, situation, **changed) for situation in SITUATIONS
                 for algorithm in (*ALGORITHMS, ONE_BY_ONE)])


def test_the_fullest_is_held_against_a_fair_share() -> None:
    assert ratio(load(most=20)) == 2.0
    assert ratio(load(most=10)) == 1.0


def test_a_hash_of_the_client_throws_clients_and_random_choice_throws_connections() -> None:
    by_connection, by_client = theory(load("random")), theory(load("source-hash"))
    assert by_connection is not None
    assert by_client is not None
    assert 1.5 < by_connection < 2 < by_client
    assert theory(load("round-robin")) == theory(load(ONE_BY_ONE)) == 1.0
    assert theory(load("least-response-time")) is None


def test_the_worst_of_a_kind_is_taken_in_each_round() -> None:
    found = [load(name, most=most) for most in (10, 20) for name in HASHES[:1]] + [
        load(name, most=most) for most in (20, 10) for name in HASHES[1:]]
    assert worst(found, ALIKE, HASHES) == [2.0, 2.0]


def test_the_table_has_a_row_for_each_and_says_what_was_not_answered() -> None:
    assert len(table()) == len(SITUATIONS) * (len(ALGORITHMS) + 1)
    assert contradictions(table()) == []
    assert "clients alike: round-robin 2.0" in moral(table())
    assert len(contradictions(table(unanswered=1))) == len(table())


def test_a_few_hitters_have_most_connections_and_behind_a_nat_one_address_has_all() -> None:
    dice = random.Random(1)
    counts = Counter(owners(HITTERS, 960, dice))
    assert len(counts) == CLIENTS
    assert sum(count for _, count in counts.most_common(HITTERS_NUMBER)) == 0.6 * 960
    assert set(Counter(owners(ALIKE, 960, dice)).values()) == {960 // CLIENTS}
    assert set(owners(NAT, 24, dice)) == {0}


def test_every_algorithm_has_a_service_at_l4_and_one_is_at_l7() -> None:
    found = check_services(services())
    assert {one.name for one in found if one.layer == "l4"} == set(ALGORITHMS)
    assert [one.name for one in found if one.layer == "l7"] == [ONE_BY_ONE]


@pytest.mark.live
def test_connections_are_where_they_are_counted() -> None:
    with lab_for() as lab:
        found = list(measure(lab, Size(rounds=1, connections=32), seed=3))
    cells = {(one.situation, one.algorithm): one for one in found}
    assert set(cells) == {(situation, name) for situation in SITUATIONS for name in (*ALGORITHMS, ONE_BY_ONE)}
    for one in found:
        assert one.unanswered == 0, one
        assert sum(one.share.values()) == sum(one.connections) == sum(one.clients), one
    for situation in (ALIKE, HITTERS, NAT):
        for name in (*TURNS, ONE_BY_ONE):
            assert max(cells[situation, name].share.values()) == 32 // SERVERS // (4 if situation == NAT else 1), name
    for name in HASHES:
        assert ratio(cells[NAT, name]) == SERVERS, "one client, one server"
    assert ratio(cells[ELEPHANTS, ONE_BY_ONE]) == 1.0
    assert max(cells[ELEPHANTS, "round-robin"].share.values()) >= 32 // SERVERS + EXTRA, "a connection stays whole"
