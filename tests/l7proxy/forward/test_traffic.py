"""Bandwidth shared out, in a simulated network: shares, nobody starved, nothing above what there is."""

from __future__ import annotations

import heapq
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l7proxy.forward.traffic import BURST_S, GRACE_S, LONGEST_S, Shaper, Share
from layerlab import LabError

MB = 1_000_000.0
PIECE = 8_192


class Flow:
    """One connection that sends pieces as fast as it may, or, with `pause_s`, one now and then."""

    def __init__(self, client, piece=PIECE, pause_s=0.0, begin_s=0.0, end_s=1e9):
        self.client, self.piece, self.pause_s, self.begin_s, self.end_s = client, piece, pause_s, begin_s, end_s
        self.waited_s = 0.0


def simulate(shaper, flows, until_s, latency_s=0.0):
    """What went when, as [(time, client, octets)]. latency_s: how late the engine asks again."""
    number, sent = itertools.count(), []
    queue = [(flow.begin_s, next(number), flow, flow.begin_s) for flow in flows]
    heapq.heapify(queue)
    while queue and queue[0][0] < until_s:
        now_s, _, flow, since_s = heapq.heappop(queue)
        if now_s > flow.end_s:
            shaper.leave(flow.client)
            continue
        wait_s = shaper.take(flow.client, flow.piece, now_s)
        if wait_s:
            assert wait_s <= LONGEST_S
            heapq.heappush(queue, (now_s + wait_s + latency_s, next(number), flow, since_s))
            continue
        sent.append((now_s, flow.client, flow.piece))
        flow.waited_s = max(flow.waited_s, now_s - since_s)
        again_s = max(now_s, since_s + flow.pause_s) if flow.pause_s else now_s
        heapq.heappush(queue, (again_s, next(number), flow, again_s))
    return sent


def rates(sent, since_s, until_s):
    """Octets a second of each client."""
    found = {}
    for at_s, client, octets in sent:
        if since_s <= at_s < until_s:
            found[client] = found.get(client, 0) + octets / (until_s - since_s)
    return found


def most(sent, window_s):
    """The most octets in any window of so many seconds."""
    best = total = first = 0
    for at_s, _, octets in sent:
        total += octets
        while sent[first][0] < at_s - window_s:
            total -= sent[first][2]
            first += 1
        best = max(best, total)
    return best


def check_conservation(sent, total, share, clients):
    """Rule 3 of traffic.py, in windows short and long."""
    piece = max(octets for _, _, octets in sent)
    for window_s in (0.01, 0.1, 1.0):
        bound = total * (window_s + BURST_S) + piece + clients * (share.assured * BURST_S + piece)
        assert most(sent, window_s) <= bound
        for client in {one[1] for one in sent}:
            own = [one for one in sent if one[1] == client]
            assert most(own, window_s) <= share.ceiling * (window_s + BURST_S) + piece


@pytest.mark.parametrize("latency_s", [0.0, 0.003, 0.02])
def test_one_greedy_client_against_nine_polite_ones(latency_s):
    """With 30 connections it gets what one client gets, within 10 %, and the link is used to 95 %."""
    share = Share(0.2 * MB, 10 * MB)
    flows = [Flow("greedy") for _ in range(30)] + [Flow(f"polite{number}") for number in range(9)]
    sent = simulate(Shaper(10 * MB, share), flows, 12, latency_s)
    found = rates(sent, 2, 12)
    assert sum(found.values()) > 0.95 * 10 * MB
    assert all(0.9 * MB < rate < 1.1 * MB for rate in found.values()), found
    check_conservation(sent, 10 * MB, share, 10)


@pytest.mark.parametrize(("total", "clients", "piece", "latency_s"), [
    (0.125 * MB, 10, 1_460, 0.02), (12.5 * MB, 200, 16_384, 0.002), (12.5 * MB, 10, 65_536, 0.01),
])
def test_slow_links_and_fast_ones_are_shared_alike(total, clients, piece, latency_s):
    share = Share(total / clients / 5, total)
    flows = [Flow("greedy", piece) for _ in range(30)]
    flows += [Flow(f"polite{number}", piece) for number in range(clients - 1)]
    found = rates(simulate(Shaper(total, share), flows, 12, latency_s), 2, 12)
    assert sum(found.values()) > 0.9 * total
    assert all(0.85 * total / clients < rate < 1.2 * total / clients for rate in found.values()), found


def test_what_polite_clients_leave_the_greedy_one_gets():
    """Nine who want 200 kB/s get that, and hardly wait; the tenth gets nearly all the rest."""
    share = Share(0.3 * MB, 10 * MB)
    polite = [Flow(f"polite{number}", pause_s=PIECE / (0.2 * MB), begin_s=0.001 * number) for number in range(9)]
    found = rates(simulate(Shaper(10 * MB, share), [*polite, *(Flow("greedy") for _ in range(20))], 12), 2, 12)
    assert all(found[f"polite{number}"] == pytest.approx(0.2 * MB, rel=0.02) for number in range(9))
    assert found["greedy"] > 0.95 * (10 - 9 * 0.2) * MB
    assert max(flow.waited_s for flow in polite) <= 0.02


def test_without_it_the_greedy_one_would_get_three_quarters():
    """The measure itself: shared by connections, as a link without a shaper would, 30 of 39 are the greedy one's."""
    flows = [Flow("greedy") for _ in range(30)] + [Flow(f"polite{number}") for number in range(9)]
    by_connection = Shaper(10 * MB, Share(0.01 * MB, 10 * MB))
    for number, flow in enumerate(flows):
        flow.name, flow.client = flow.client, f"connection{number}"
    found = rates(simulate(by_connection, flows, 12), 2, 12)
    greedy = sum(found[flow.client] for flow in flows if flow.name == "greedy")
    assert greedy / sum(found.values()) == pytest.approx(30 / 39, rel=0.1)


def test_shares_are_in_proportion_to_what_is_assured():
    shares = {"big": Share(1.5 * MB, 10 * MB), "small": Share(0.5 * MB, 10 * MB)}
    found = rates(simulate(Shaper(8 * MB, Share(1, 1), shares), [Flow("big"), Flow("small"), Flow("small")], 12), 2, 12)
    assert found["big"] / found["small"] == pytest.approx(3, rel=0.05)
    assert sum(found.values()) > 0.95 * 8 * MB


def test_nobody_gets_more_than_the_ceiling_though_nobody_else_is_there():
    share = Share(0.1 * MB, 1 * MB)
    sent = simulate(Shaper(10 * MB, share), [Flow("a"), Flow("a")], 10)
    assert rates(sent, 1, 10)["a"] == pytest.approx(1 * MB, rel=0.03)
    check_conservation(sent, 10 * MB, share, 1)


def test_what_is_assured_is_had_at_once_whatever_the_others_have_taken():
    share = Share(0.5 * MB, 10 * MB)
    late = Flow("late", pause_s=PIECE / (0.4 * MB), begin_s=5.0)
    simulate(Shaper(10 * MB, share), [*(Flow("greedy") for _ in range(30)), late], 10)
    assert late.waited_s < 0.02


def test_who_was_alone_for_long_is_not_made_to_pay_for_it():
    share = Share(0.1 * MB, 10 * MB)
    flows = [Flow("old"), Flow("new", begin_s=20.0)]
    sent = simulate(Shaper(10 * MB, share), flows, 30)
    found = rates(sent, 20.5, 22)
    assert found["old"] == pytest.approx(found["new"], rel=0.1)


def test_who_comes_back_has_saved_up_nothing():
    share = Share(0.1 * MB, 10 * MB)
    flows = [Flow("steady"), Flow("away", end_s=1.0), Flow("away", begin_s=10.0)]
    found = rates(simulate(Shaper(10 * MB, share), flows, 15), 10.5, 12)
    assert found["steady"] == pytest.approx(found["away"], rel=0.1)


def test_who_is_told_to_wait_and_leaves_holds_nobody_up():
    share = Share(0.1 * MB, 10 * MB)
    leavers = [Flow(f"gone{number}", end_s=1.0) for number in range(20)]
    sent = simulate(Shaper(10 * MB, share), [Flow("stays"), *leavers], 3)
    assert rates(sent, 1.5, 3)["stays"] > 0.95 * 10 * MB
    times = [at_s for at_s, client, _ in sent if client == "stays" and at_s > 1.0]
    assert max(after - before for before, after in itertools.pairwise(times)) < 0.3


def test_who_is_told_to_wait_and_is_never_seen_again_holds_nobody_up_for_long():
    shaper = Shaper(1 * MB, Share(0.001 * MB, 1 * MB))
    for name in ("vanishes", "stays"):
        while not shaper.take(name, PIECE, 0.0):
            pass
    got = simulate(shaper, [Flow("stays")], 4)
    assert rates(got, GRACE_S + 0.5, 4)["stays"] > 0.95 * MB


@pytest.mark.parametrize("pause_s", [0.0, PIECE / MB])
def test_more_assured_than_there_is_is_shared_in_proportion(pause_s):
    share = Share(1 * MB, 2 * MB)
    flows = [Flow(f"c{number}", pause_s=pause_s) for number in range(20)]
    sent = simulate(Shaper(5 * MB, share), flows, 12)
    found = rates(sent, 2, 12)
    assert sum(found.values()) < 1.05 * 5 * MB
    assert all(rate == pytest.approx(0.25 * MB, rel=0.1) for rate in found.values())


def test_a_piece_longer_than_any_burst_goes_and_is_paid_for():
    shaper = Shaper(0.1 * MB, Share(0.01 * MB, 0.1 * MB))
    sent = simulate(shaper, [Flow("a", piece=262_144), Flow("b", piece=262_144)], 60)
    found = rates(sent, 10, 60)
    assert sum(found.values()) == pytest.approx(0.1 * MB, rel=0.15)
    assert set(found) == {"a", "b"}


def test_a_debt_is_not_forgotten_by_who_stays_away():
    """A piece of ten seconds, then nothing is asked for until all others were forgotten: it is still too soon."""
    shaper = Shaper(1 * MB, Share(0.01 * MB, 0.1 * MB))
    assert shaper.take("a", 1_000_000, 0.0) == 0
    assert shaper.take("b", 1_000, 5.0) == 0
    assert shaper.take("a", 1_000, 5.1) > 0
    assert shaper.take("b", 1_000, 20.0) == 0
    assert "a" not in shaper._clients or shaper.take("a", 1_000, 20.0) == 0


def test_the_wait_is_no_longer_than_until_there_are_own_tokens():
    shaper = Shaper(1 * MB, Share(0.1 * MB, 1 * MB))
    assert shaper.take("greedy", 500_000, 0.0) == 0
    assert shaper.take("polite", 6_000, 0.0) == 0
    assert shaper.take("polite", 6_000, 0.0) == pytest.approx((6_000 - 5_000) / (0.1 * MB))
    assert shaper.take("polite", 6_000, 0.0101) == 0


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1500, 40_000), st.floats(0, 0.05), st.floats(0, 1)),
                min_size=1, max_size=15), st.floats(0.05, 0.5), st.floats(1, 4), st.floats(0, 0.01))
def test_nothing_above_what_there_is_and_nobody_starved(given_flows, assured, ceiling, latency_s):
    share = Share(assured * MB, ceiling * MB)
    flows = [Flow(f"c{client}", piece, pause_s, begin_s) for client, piece, pause_s, begin_s in given_flows]
    clients = {flow.client for flow in flows}
    sent = simulate(Shaper(2 * MB, share), flows, 3, latency_s)
    check_conservation(sent, 2 * MB, share, len(clients))
    last = {client: max(at_s for at_s, name, _ in sent if name == client) for client in clients}
    backlog_s = sum(flow.piece for flow in flows) / (2 * MB)
    assert all(at_s > 3 - 1 - 2 * backlog_s for at_s in last.values()), last


def test_what_is_kept_is_bounded_by_who_is_active():
    shaper = Shaper(10 * MB, Share(0.1 * MB, 10 * MB))
    for number in range(50_000):
        shaper.take(f"c{number}", 100, number * 0.01)
    assert len(shaper._clients) < 1000
    assert len(shaper._queue) <= len(shaper._clients) + 1


@pytest.mark.parametrize(("assured", "ceiling"), [(0, 1), (-1, 1), (2, 1), (float("nan"), 1)])
def test_a_share_that_can_not_be_is_refused(assured, ceiling):
    with pytest.raises(LabError):
        Share(assured, ceiling)
