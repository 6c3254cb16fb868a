"""Lanes in their turns, with a clock of their own: who goes when, and that nobody is forgotten."""

from __future__ import annotations

import heapq
import itertools
import math
from ipaddress import ip_address

import pytest

from l7proxy.forward.shaped import Waiting, client_of
from l7proxy.forward.traffic import BURST_S, Share
from l7proxy.forward.turns import PIECE, Lane, Way

MB = 1_000_000.0


class Clock:
    """call_later and now, in simulated time. step_s: a busy machine's: whatever is late is as late as that."""

    def __init__(self):
        self.now_s, self._later, self._number, self.step_s = 0.0, [], itertools.count(), 0.0

    def now(self):
        return self.now_s

    def later(self, seconds, call):
        heapq.heappush(self._later, (self.now_s + seconds, next(self._number), call))

    def _at(self, at_s):
        return math.ceil(at_s / self.step_s) * self.step_s if self.step_s else at_s

    def run(self, until_s):
        while self._later and self._at(self._later[0][0]) <= until_s:
            at_s, _, call = heapq.heappop(self._later)
            self.now_s = max(self.now_s, self._at(at_s))
            call()
        self.now_s = until_s

    @property
    def idle(self):
        return not self._later


class Queue(Lane):
    """A lane with so many octets to send."""

    def __init__(self, client, octets):
        super().__init__(client)
        self.left, self.sent, self.full, self.fault = octets, 0, False, None

    def ready(self):
        return 0 if self.full else self.left

    def go(self, octets):
        self.left -= octets
        self.sent += octets
        if self.fault:
            raise self.fault


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def way(clock):
    """1 MB/s assured, 4 in all."""
    it = Way(clock.later, clock.now)
    it.become(4 * MB, Share(1 * MB, 4 * MB))
    return it


def test_a_clients_connections_get_the_same(way, clock):
    lanes = [Queue("a", 100 * MB) for _ in range(7)]
    for lane in lanes:
        way.ask(lane)
    clock.run(2.0)
    sent = [lane.sent for lane in lanes]
    assert sum(sent) > 7 * MB
    assert max(sent[1:]) - min(sent) <= PIECE
    assert max(sent) - min(sent) <= 4 * MB * BURST_S + 2 * PIECE  # the first alone found the bucket full


@pytest.mark.parametrize("step_s", [0.0, 0.03, 0.15])
def test_many_connections_get_no_more_than_one(way, clock, step_s):
    clock.step_s = step_s
    greedy, polite = [Queue("a", 100 * MB) for _ in range(20)], Queue("b", 100 * MB)
    for lane in (*greedy, polite):
        way.ask(lane)
    clock.run(6.0)
    assert polite.sent == pytest.approx(sum(lane.sent for lane in greedy), rel=0.15)


def test_all_goes_and_nothing_is_left_behind(way, clock):
    lanes = [Queue(f"c{number % 3}", 1_000 * number) for number in range(1, 40)]
    for lane in lanes:
        way.ask(lane)
    clock.run(10.0)
    assert [lane.sent for lane in lanes] == [1_000 * number for number in range(1, 40)]
    assert clock.idle
    assert not any(lane.queued for lane in lanes)
    assert not way._rows


def test_who_is_full_keeps_nobody_waiting_and_comes_back(way, clock):
    full, other = Queue("a", 3 * MB), Queue("a", 3 * MB)
    full.full = True
    for lane in (full, other):
        way.ask(lane)
    clock.run(2.0)
    assert (full.sent, other.sent) == (0, 3 * MB)
    full.full = False
    way.ask(full)
    clock.run(4.0)
    assert full.sent == 3 * MB


def test_what_goes_wrong_in_one_holds_up_no_other(way, clock):
    bad, good = Queue("a", 1 * MB), Queue("a", 1 * MB)
    bad.fault = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        way.ask(bad)
    bad.left, bad.fault = 0, None
    way.ask(good)
    clock.run(2.0)
    assert good.sent == 1 * MB


def test_another_user_of_a_connection_waits_in_his_own_row(way, clock):
    lane = Queue("10.0.1.1", 2 * MB)
    way.ask(lane)
    lane.client = "ann"
    clock.run(2.0)
    assert lane.sent == 2 * MB
    assert "ann" in way._shaper._clients


def test_other_rates_hold_for_who_waits(way, clock):
    lane = Queue("a", 1000 * MB)
    way.become(None, Share(0.1 * MB, 0.1 * MB))
    way.ask(lane)
    clock.run(1.0)
    assert lane.sent <= 0.1 * MB * 1.05 + PIECE
    way.become(None, Share(2 * MB, 2 * MB))
    before = lane.sent
    clock.run(2.5)
    assert 1.9 * MB <= lane.sent - before <= 2 * MB * 1.55 + PIECE
    way.free()
    clock.run(4.0)
    assert lane.sent == 1000 * MB


def test_a_debt_outlives_a_reload(way, clock):
    lane = Queue("a", 100 * MB)
    way.ask(lane)
    for _ in range(200):  # a burst for each would be 200 x 0.2 MB
        way.become(4 * MB, Share(1 * MB, 4 * MB))
        clock.run(clock.now_s + 0.001)
    assert lane.sent <= 4 * MB * (0.2 + 0.05) + PIECE


def test_waiting_octets_come_out_as_they_went_in():
    waiting, said = Waiting(), bytes(range(256)) * 10
    for start in range(0, len(said), 100):
        waiting.add(said[start:start + 100])
    waiting.add(b"")
    taken = [waiting.take(octets) for octets in (1, 99, 100, 250, 1000, 1110)]
    assert (b"".join(taken), waiting.octets) == (said, 0)


def test_of_ipv6_the_network_counts():
    assert client_of(ip_address("2001:db8::1")) == client_of(ip_address("2001:db8::ffff:1")) == "2001:db8::/64"
    assert client_of(ip_address("10.0.1.1")) == "10.0.1.1"
