"""Weighted round robin: exact over every round, near the fair share at every moment, and no bursts.

What is proved here is proved of a pool whose weights stand still, from its first unit on.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from balancing import Pool
from balancing.algorithms.weighted_round_robin import Turns
from tests.balancing.pools import CHECK, WEIGHTS, once, pool, unit


def run(servers: Pool, choices: int) -> list[str]:
    return [servers.assign(unit(number)).name for number in range(choices)]


@given(weights=WEIGHTS, earlier=st.integers(0, 20), cycles=st.integers(1, 3))
def test_weights_are_met_exactly_over_every_cycle(weights: list[int], earlier: int, cycles: int) -> None:
    """However many whole cycles have gone before."""
    servers = pool("weighted-round-robin", weights)
    run(servers, earlier * sum(weights))
    assert Counter(run(servers, cycles * sum(weights))) == {
        f"s{number}": cycles * weight for number, weight in enumerate(weights, start=1)}


@given(weight=st.integers(1, 65_535), equals=st.integers(1, 100), place=st.integers(0, 99),
       rounds=st.integers(0, 10**8))
def test_turns_keep_to_their_round_for_ever(weight: int, equals: int, place: int, rounds: int) -> None:
    """After a hundred million rounds, too: a turn is reckoned from the first, so that errors don't add up."""
    turns = Turns((place % equals + 0.5) / equals / weight, weight)
    for taken in (rounds * weight, (rounds + 1) * weight - 1):  # the round's first turn, and its last
        turns.taken = taken - 1
        turns.take(0.0)
        assert rounds < turns.due < rounds + 1


def test_five_to_one_to_one_is_interleaved() -> None:
    assert "".join(name[1] for name in run(pool("weighted-round-robin", [5, 1, 1]), 14)) == "1211131" * 2


def test_five_to_one_to_one_never_has_more_than_three_in_a_row() -> None:
    chosen = run(pool("weighted-round-robin", [5, 1, 1]), 7 * 200)
    assert max(len(list(group)) for _, group in groupby(chosen)) == 3


@given(weights=st.lists(st.integers(1, 50), min_size=1, max_size=12), choices=st.integers(1, 400))
def test_every_prefix_is_near_the_fair_share(weights: list[int], choices: int) -> None:
    """After m choices server i has had its fair share p m, p = w/W, to within 1 + p G/2, G the different weights.

    Proof. Its turns are due at (f + k)/w, k = 0, 1, ...; f = (place + 1/2)/g for the g servers of its weight. So up to
    time t it has floor(w t + 1 - f) turns, which is w t + d with -f <= d <= 1 - f, also where of the turns due at t
    itself only some count. The g servers of a weight together have turns at (1/2 + k)/(g w): they are like one server
    with f = 1/2, and together they are d' off g w t, |d'| <= 1/2. Turns are served as they are due. So with t the
    time of the m-th, m = W t + D with |D| <= G/2, and

        c - p m  =  (w t + d) - (w/W)(W t + D)  =  d - p D,     so  -f - p G/2  <=  c - p m  <=  1 - f + p G/2.

    It doesn't grow with the number of servers. (Below 1 can always be had: Tijdeman, "The chairman assignment
    problem", Discrete Mathematics 32, 1980; for the price of looking at all servers for each choice.)
    """
    total, kinds = sum(weights), len(set(weights))
    places, count = Counter[int](), Counter[str]()
    bounds = {}
    for number, weight in enumerate(weights, start=1):
        start = Fraction(2 * places[weight] + 1, 2 * weights.count(weight))
        slack = Fraction(weight * kinds, 2 * total)
        bounds[f"s{number}"] = (Fraction(weight, total), -start - slack, 1 - start + slack)
        places[weight] += 1
    for chosen, name in enumerate(run(pool("weighted-round-robin", weights), choices), start=1):
        count[name] += 1
        for server, (share, low, high) in bounds.items():
            assert low <= count[server] - share * chosen <= high


def test_who_is_passed_over_has_no_claim_to_a_burst() -> None:
    """s1 fails every unit and the others take it. When it works again, it gets its share and not what it missed."""
    servers = pool("weighted-round-robin", [9, 1])
    for number in range(100):
        servers.assign(unit(number), [servers.assign(unit(number))])
    assert "s2" in [once(servers).name for _ in range(12)]


def test_who_was_away_has_no_claim_to_a_burst() -> None:
    servers = pool("weighted-round-robin", [1, 1])
    servers.set_up(servers.servers[1], False)
    run(servers, 100)
    servers.set_up(servers.servers[1], True)
    assert Counter(run(servers, 10)) == {"s1": 5, "s2": 5}


@given(weights=st.lists(st.integers(1, 9), min_size=2, max_size=5), before=st.integers(0, 40), place=st.integers(0, 4),
       weight=st.integers(1, 9))
def test_a_new_weight_is_met_from_then_on(weights: list[int], before: int, place: int, weight: int) -> None:
    """Everyone's next turn is due within 1/w rounds, the changed one's too, so in three rounds there are 3 w of them.

    To within one: turns that are due at the very end of the third round may fall to either side of it.
    """
    servers = pool("weighted-round-robin", weights)
    run(servers, before)
    servers.set_weight(servers.servers[place % len(weights) + 1], weight)
    now = {server.name: server.weight for server in servers.available}
    chosen = Counter(run(servers, 3 * sum(now.values())))
    assert all(abs(chosen[name] - 3 * share) <= 1 for name, share in now.items())


def test_a_slow_start_is_followed() -> None:
    """Back at 0 s, four seconds to its full weight: a quarter of it after one, half after two."""
    servers = pool("weighted-round-robin", [4, 4], health=CHECK)
    slow = servers.servers[2]
    for _ in range(2):
        servers.failed(slow, "refused")
    for _ in range(2):
        servers.passed(slow, 0.0, 0.01)
    for now_s, part in ((1.0, 0.25), (2.0, 0.5), (4.0, 1.0), (9.0, 1.0)):
        servers.tick(now_s)
        assert abs(Counter(run(servers, 100))["s2"] - 100 * part / (1 + part)) <= 1
