"""Before full servers: who waits, who goes in, who is turned away; and what trying again may cost. As transcripts."""

from __future__ import annotations

import pytest

from l7proxy.balancer import Budget, Gate, Policy
from l7proxy.limits import Wait

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def crowd(talk):
    """Several clients before one server: crowd(4, most=1, queue=2) -> conversations of one site."""
    def build(clients, servers=1, **policy):
        first = talk(servers=servers, policy=Policy(**policy))
        return [first, *(first.another() for _ in range(clients - 1))]
    return build


def test_a_full_server_lets_in_one_for_each_that_leaves_in_their_order(crowd):
    a, b, c = talks = crowd(3, most=1, queue=2)
    for it in talks:
        it.client_bytes(GET)
    assert [it.since() for it in talks] == [["dial s1", "wait CONNECT"], ["wait QUEUE"], ["wait QUEUE"]]
    a.opened()
    a.upstream_bytes(OK)
    assert (b.since(), c.since()) == (["dial s1", "wait CONNECT"], [])
    b.client_gone()
    assert c.since() == ["dial s1", "wait CONNECT"]
    c.opened()
    c.upstream_bytes(OK)
    assert a.balancer.gates == {}
    assert a.pool.servers[1].active == 0


def test_who_finds_the_row_full_is_turned_away_and_takes_nobodys_place(crowd):
    a, b, c, d = talks = crowd(4, most=1, queue=1)
    for it in talks:
        it.client_bytes(GET)
    assert [it.short() for it in talks] == [
        ["dial s1"], [], *[["drop upstream", "< HTTP/1.1 503 Service Unavailable"]] * 2]
    assert repr(*a.balancer.gates.values()) == "<Gate: 1 of 1 inside, 1 of 1 waiting>"
    assert not c.closed  # it asked for nothing wrong
    c.client_gone()
    d.client_gone()
    b.client_gone()
    a.client_gone()
    assert a.balancer.gates == {}


def test_who_waits_too_long_is_a_503_and_leaves_the_row(crowd):
    a, b, c = talks = crowd(3, most=1, queue=2)
    for it in talks:
        it.client_bytes(GET)
        it.since()
    b.timed_out(Wait.QUEUE)
    assert b.short() == ["drop upstream", "< HTTP/1.1 503 Service Unavailable"]
    a.client_gone()
    assert c.short() == ["dial s1"]
    assert b.short() == []


def test_servers_with_room_come_before_a_row(crowd):
    talks = crowd(5, servers=2, most=2, queue=9)
    for it in talks:
        it.client_bytes(GET)
    assert [it.since()[0] for it in talks] == ["dial s1", "dial s2", "dial s1", "dial s2", "wait QUEUE"]


def test_a_server_that_goes_down_sends_its_row_to_the_others(crowd):
    a, b = crowd(2, servers=1, most=1)
    for it in (a, b):
        it.client_bytes(GET)
        it.since()
    server = a.pool.servers[1]
    a.pool.set_up(server, False)
    for it in (a, b):
        it.forsaken(it.exchange, server)
    assert [it.short()[-1] for it in (a, b)] == ["< HTTP/1.1 503 Service Unavailable"] * 2
    assert a.balancer.gates == {}


def test_a_gate_whoever_leaves_twice_or_never_entered():
    gate, came = Gate(1, 1), []

    def one():
        came.append(1)

    def two():
        came.append(2)

    def three():
        came.append(3)
    assert [gate.enter(it) for it in (one, two, three)] == [True, None, False]
    gate.leave(three)
    gate.leave(one)
    gate.leave(one)
    assert came == [2]
    assert repr(gate) == "<Gate: 1 of 1 inside, 0 of 1 waiting>"


def test_a_budget_is_spent_and_earned():
    budget = Budget(0.5, burst=2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()
    for _ in range(100):
        budget.earn()
    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_retries_end_with_the_budget_and_never_exceed_the_tries(talk):
    it = talk(servers=3, policy=Policy(tries=2, retry_ratio=0, retry_burst=1))
    it.client_bytes(GET)
    it.not_opened()
    it.not_opened()
    assert it.short() == ["dial s1", "drop upstream", "dial s2", "drop upstream", "< HTTP/1.1 502 Bad Gateway"]
    it.client_bytes(GET)
    it.not_opened()
    assert it.short() == ["dial s3", "drop upstream", "< HTTP/1.1 502 Bad Gateway"]
