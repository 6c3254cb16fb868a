"""What is counted, as transcripts: after them every number is the one that it must be."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from balancing import Backend, Pool
from l7proxy.balancer import Balancer, Policy
from l7proxy.counters import PoolCounts
from l7proxy.limits import Wait
from l7proxy.sticky import Sticky
from tests.l7proxy.conftest import Recorder, Talk, service

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GONE = b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"
TALLIED = ("requests", "failures", "retried", "opened", "saved", "stale", "waiting", "queued", "waited_ms")


def counted(it):
    """What is not zero of the service's sums, and of each server."""
    def short(form):
        found = {name: form[name] for name in TALLIED if form[name]}
        answers = {name: times for name, times in form["answers"].items() if times}
        return found | answers | {name: form[name] for name in ("unserved",) if form.get(name)}
    form = it.balancer.form()
    servers = {one["server"]: short(one) for one in form["servers"]}
    return short(form), {name: found for name, found in servers.items() if found}


def ask(it, answer=OK, raw=GET):
    it.client_bytes(raw)
    if not it.exchange.open:
        it.opened()
    it.upstream_bytes(answer)


def another(it):
    """One more client of the same place."""
    return Talk(Recorder(), it.site, ip_address("10.0.1.2"))


def test_requests_answers_and_connections(talk):
    it = talk(servers=2)
    it.outside.idle = ["s1"]
    ask(it)
    ask(it, GONE)
    assert counted(it) == (
        {"requests": 2, "opened": 1, "saved": 1, "2xx": 1, "4xx": 1},
        {"s1": {"requests": 1, "saved": 1, "2xx": 1}, "s2": {"requests": 1, "opened": 1, "4xx": 1}})


def test_what_is_under_way_is_a_request_and_no_answer_yet(talk):
    it = talk()
    it.client_bytes(GET)
    assert counted(it)[1] == {"s1": {"requests": 1}}
    it.client_gone()
    assert counted(it)[1] == {"s1": {"requests": 1}}


def test_octets_are_those_that_were_sent(talk):
    it = talk(servers=1)
    ask(it, raw=POST)
    script = it.since()
    form = it.balancer.form()["servers"][0]
    assert form["octets_up"] == sum(len(step) - 2 for step in script if step.startswith("> "))
    assert form["octets_down"] == sum(len(step) - 2 for step in script if step.startswith("< "))
    assert form["octets_up"] > len("hello")


def test_a_retry_counts_at_both_and_the_request_once(talk):
    it = talk(servers=2)
    it.client_bytes(GET)
    it.not_opened()
    it.opened()
    it.upstream_bytes(OK)
    assert counted(it) == (
        {"requests": 1, "failures": {"refused": 1}, "retried": 1, "opened": 1, "2xx": 1},
        {"s1": {"requests": 1, "failures": {"refused": 1}, "retried": 1},
         "s2": {"requests": 1, "opened": 1, "2xx": 1}})
    assert it.site.counts.own_answers == {}


def test_a_connection_that_was_closed_under_us_saved_nothing(talk):
    it = talk(servers=1)
    it.outside.idle = ["s1"]
    it.client_bytes(GET)
    it.upstream_gone(clean=True)
    it.opened()
    it.upstream_bytes(OK)
    assert counted(it)[0] == {"requests": 1, "opened": 1, "stale": 1, "2xx": 1}


def test_own_answers_are_counted_by_status(talk):
    it = talk(servers=1)
    it.client_bytes(GET)
    it.not_opened()
    it.pool.set_up(it.pool.servers[1], False)
    it.client_bytes(GET)
    it.client_bytes(b"GET / HTTP/1.1\r\n\r\n")
    assert it.site.counts.form("door", now=1) == {
        "door": "door", "clients_now": 1, "clients": 0, "handshakes": 0, "resumed": 0,
        "looked": 0, "cached": 0, "cached_octets": 0, "cached_ms": 0.0,
        "own_answers": {"400": 1, "502": 1, "503": 1}}
    assert counted(it)[0] == {"requests": 2, "failures": {"refused": 1}, "unserved": 1}


def test_a_row_and_how_long_it_is_waited_in(talk):
    it = talk(servers=1, policy=Policy(most=1, queue=1))
    late, turned_away = another(it), another(it)
    for one in (it, late, turned_away):
        one.outside.now = lambda: it.outside.clock
    it.outside.clock = 1.0
    it.client_bytes(GET)
    late.client_bytes(GET)
    assert counted(it)[0] == {"requests": 2, "waiting": 1, "queued": 1}
    turned_away.client_bytes(GET)
    assert turned_away.short()[-1] == "< HTTP/1.1 503 Service Unavailable"
    assert counted(it)[0]["waiting"] == 1, "who is turned away takes nobody's place with him"
    assert late.short() == []
    it.outside.clock = 1.25
    it.opened()
    it.upstream_bytes(OK)
    assert late.short() == ["dial s1"]
    assert counted(it)[0] == {"requests": 3, "failures": {"full": 1}, "opened": 1, "2xx": 1, "queued": 1,
                              "waited_ms": 250.0}


def test_who_gives_up_in_the_row_has_waited_too(talk):
    it = talk(servers=1, policy=Policy(most=1, queue=1))
    late = another(it)
    late.outside.now = lambda: late.outside.clock
    it.client_bytes(GET)
    late.outside.clock = 3.0
    late.client_bytes(GET)
    late.outside.clock = 8.0
    late.timed_out(Wait.QUEUE)
    assert counted(it)[0] == {"requests": 2, "failures": {"late": 1}, "queued": 1, "waited_ms": 5000.0}


def sessions(it):
    return {what: times for what, times in it.balancer.form()["sessions"].items() if times}


def test_sessions_are_new_then_kept_then_moved(talk):
    it = talk(servers=3, policy=Policy(sticky=Sticky("own", "lab", b"secret")))

    def visit(cookie=b""):
        ask(it, raw=GET.replace(b"\r\n\r\n", b"\r\nCookie: %b\r\n\r\n" % cookie) if cookie else GET)
        (answer,) = [step for step in it.since() if step.startswith("< ")]
        return answer.partition("Set-Cookie: ")[2].partition(";")[0].encode()
    cookie = visit()
    assert sessions(it) == {"new": 1}
    assert visit(cookie) == b""
    assert sessions(it) == {"new": 1, "kept": 1}
    it.pool.set_up(it.pool.servers[1], False)
    moved = visit(cookie)
    assert moved != cookie
    assert sessions(it) == {"new": 1, "kept": 1, "moved": 1}
    it.pool.remove(it.pool.servers[int(moved.partition(b"=")[2].partition(b".")[0])])
    visit(moved)
    assert sessions(it) == {"new": 1, "kept": 1, "moved": 2}
    visit(b"lab=2.forged")
    assert sessions(it) == {"new": 2, "kept": 1, "moved": 2}


def test_a_server_that_was_removed_stays_in_the_sums_and_takes_no_room(talk):
    it = talk(servers=2)
    ask(it)
    for number in range(50):
        it.pool.add(Backend(100 + number, f"n{number}", "127.0.0.1", port=9000 + number))
        ask(it)
        ask(it)
        ask(it)
        it.pool.remove(it.pool.server(f"n{number}"))
    sums, servers = counted(it)
    assert sums["requests"] == sums["2xx"] == 151
    assert list(servers) == ["s1", "s2"]
    assert sum(one["requests"] for one in servers.values()) < 151
    assert len(it.balancer.counts.tallies) <= 3


def test_who_is_removed_while_it_serves_is_still_counted(talk):
    it = talk(servers=1)
    it.pool.add(Backend(9, "s9", "127.0.0.1", port=9000))
    it.client_bytes(GET)
    it.opened()
    leaving = it.exchange.server
    it.pool.remove(leaving)
    it.pool.add(Backend(10, "s10", "127.0.0.1", port=9001))
    it.balancer.form()  # the new one has a tally from now on, and the old one has it still
    it.upstream_bytes(OK)
    assert counted(it)[0] == {"requests": 1, "opened": 1, "2xx": 1}


def test_another_policy_goes_on_counting():
    pool = Pool(service([8001]))
    before = Balancer(pool)
    before.counts.unserved += 1
    assert Balancer(pool, Policy(most=1), before.counts).form()["unserved"] == 1


@pytest.mark.parametrize("status", [101, 204, 304, 599])
def test_every_status_has_a_class(talk, status):
    it = talk(servers=1)
    it.client_bytes(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
    it.opened()
    more = b"Connection: Upgrade\r\nUpgrade: x\r\n" if status == 101 else b"Content-Length: 0\r\n"
    it.upstream_bytes(b"HTTP/1.1 %d X\r\n%b\r\n" % (status, more))
    it.client_gone()
    assert counted(it)[0][f"{status // 100}xx"] == 1


def test_it_has_a_name():
    assert repr(PoolCounts(Pool(service([8001])))) == "<PoolCounts of web>"
