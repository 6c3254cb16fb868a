"""Servers judged by tests, for real: what the tests ask, what they find, and what clients see of it: nothing."""

from __future__ import annotations

import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.l7proxy.conftest import HEALTHY, service
from tests.outside import wait_until

# Patient where a busy machine could be taken for a dead server; quick where a server is to be found dead.
PATIENT = {"interval_s": 0.1, "timeout_s": 10, "rise": 2, "fall": 2, "slow_start_s": 0}
QUICK = PATIENT | {"timeout_s": 2}
ONCE = PATIENT | {"interval_s": 3600}  # the first test, and no other while the test runs


def ports(servers):
    return [server.server_address[1] for server in servers]


def served(url, times=30):
    """Who answered; every request is answered by 200."""
    answers = [requests.get(url, timeout=60) for _ in range(times)]
    assert {answer.status_code for answer in answers} == {200}
    return {answer.headers.get("X-Served-By") or answer.headers["X-Server"] for answer in answers}


def healed(origin):
    origin.health = HEALTHY


def test_a_test_is_a_whole_request_of_its_own(proxy, origins):
    health = PATIENT | {"path": "/health"}
    proxy(ports(origins), health=health)
    wait_until(lambda: all(len(origin.probes) > 1 for origin in origins), "two tests of each server")
    line, *fields = origins[0].probes[0]
    assert line == "GET /health HTTP/1.1"
    assert dict(fields) == {"Host": "127.0.0.1:1", "User-Agent": "layer-lab-probe", "Accept": "*/*",
                            "Connection": "close"}


def test_a_test_can_ask_for_a_site_by_its_name(proxy, origins):
    proxy(ports(origins), health=PATIENT | {"host": "shop.example:8080"})
    wait_until(lambda: origins[0].probes, "a test")
    assert dict(origins[0].probes[0][1:])["Host"] == "shop.example:8080"


def test_without_a_health_check_nobody_is_tested(proxy, origins):
    web = proxy(ports(origins))
    served(web.url)
    assert [origin.probes for origin in origins] == [[], [], []]


@pytest.mark.parametrize(("health", "why"), [
    (b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "status 500"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsick", "'healthy' is not in its body"),
    (b"hello\r\n\r\n", "not valid HTTP: malformed status-line (RFC 9112 4)"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhealthy", "closed before its answer was whole"),
    (b"", "closed before its answer was whole"),
])
def test_who_answers_wrongly_is_down_until_it_answers_rightly(proxy, origins, health, why):
    web = proxy(ports(origins), health=PATIENT | {"body": "healthy"})
    origins[1].health = health
    assert web.wait_for("Down")["backend"] == "s2"
    assert web.wait_for("Down")["why"] == why
    assert served(web.url) == {"s1", "s3"}
    healed(origins[1])
    web.wait_for("Up", backend="s2")
    assert served(web.url) == {"s1", "s2", "s3"}


def test_a_killed_server_gets_nothing_until_it_is_back(proxy, programs):
    web = proxy([program.port for program in programs], health=PATIENT)
    over = threading.Event()

    def ask():
        """One keep-alive client after another request; a GET is never the worse for a dead server."""
        with requests.Session() as session:
            codes = []
            while not over.is_set():
                codes.append(session.get(web.url, timeout=60).status_code)
            return codes

    with ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(ask) for _ in range(8)]
        try:
            web.wait_for("Assigned", 50, backend="s1")
            programs[0].kill()
            web.wait_for("Down", backend="s1")
            web.wait_for("Assigned", 500)
            programs[0].start()
            web.wait_for("Up", backend="s1")
            before = len([it for it in web.events() if it["event"] == "Assigned" and it["backend"] == "s1"])
            web.wait_for("Assigned", before + 20, backend="s1")
        finally:
            over.set()
        assert {code for one in asked for code in one.result(60)} == {200}
    assert web.stop() == (0, "")
    events = web.events()
    down, up = (next(place for place, it in enumerate(events) if it["event"] == kind) for kind in ("Down", "Up"))
    assert not [it for it in events[down:up] if it["event"] == "Assigned" and it["backend"] == "s1"]
    assert all(it["backend"] == "s1" for it in events if it["event"] in ("Down", "Up"))
    assert_all_are_released(events)


def assert_all_are_released(events):
    assert units(events, "Assigned") == units(events, "Released")


def units(events, kind):
    return sorted((it["unit"], it["backend"]) for it in events if it["event"] == kind)


def test_a_stopped_process_is_found_and_its_clients_are_answered_by_others(proxy, programs):
    """Its kernel goes on accepting: only a test that wants an answer finds out."""
    web = proxy([program.port for program in programs], health=QUICK)
    served(f"{web.url}/")
    programs[0].process.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(30) as clients:
            answers = list(clients.map(lambda _: requests.get(web.url, timeout=60), range(30)))
        assert {answer.status_code for answer in answers} == {200}
        assert web.wait_for("Down")["backend"] == "s1"
        assert web.wait_for("Down")["why"] == "no answer within 2 s"
    finally:
        programs[0].process.send_signal(signal.SIGCONT)
    web.wait_for("Up", backend="s1")
    assert served(web.url) == {"s1", "s2", "s3"}


def at_once(web, origin, *asks):
    """Begin requests that wait at `origin`, the only one that takes any; return what becomes of them."""
    clients = ThreadPoolExecutor(len(asks))
    found = [clients.submit(ask, f"{web.url}/wait", timeout=60) for ask in asks]
    wait_until(lambda: origin.requests == len(asks), "the requests to be in flight")
    clients.shutdown(wait=False)
    return found


def only(web, *names):
    """Drain the others."""
    for name in ("s1", "s2", "s3"):
        web.api("PATCH", f"/services/web/backends/{name}", {"draining": name not in names})


def post(url, timeout):
    return requests.post(url, data=b"x", timeout=timeout)


def test_what_is_in_flight_at_a_server_that_hangs_is_answered_if_it_may_be_repeated(proxy, origins):
    web = proxy(ports(origins), health=QUICK)
    only(web, "s1")
    got, posted = at_once(web, origins[0], requests.get, post)
    only(web, "s2")
    elsewhere, = at_once(web, origins[1], requests.get)
    origins[0].awake.clear()
    assert web.wait_for("Down")["backend"] == "s1"
    assert posted.result(60).status_code == 504
    wait_until(lambda: origins[1].requests == 2, "the GET to be asked once more")
    assert not elsewhere.done()
    origins[1].go_on.set()
    assert [one.result(60).headers["X-Served-By"] for one in (got, elsewhere)] == ["s2", "s2"]
    assert web.stop() == (0, "")
    assert_all_are_released(web.events())


def read_all(client):
    while client.recv(65_536):
        pass


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_half_an_answer_of_a_server_that_goes_down_is_a_reset(proxy, origins, version):
    web = proxy(ports(origins), health=PATIENT)
    with web.connect() as client:
        client.sendall(f"GET /half HTTP/{version}\r\nHost: a\r\n\r\n".encode())
        assert origins[0].entered.wait(30)
        client.recv(1)
        origins[0].health = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
        with pytest.raises(ConnectionResetError):
            read_all(client)


def test_its_idle_connections_are_closed_and_no_others(proxy, origins):
    web = proxy(ports(origins), health=PATIENT)
    with requests.Session() as session:
        for _ in range(3):
            session.get(web.url, timeout=60)
        origins[0].health = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
        web.wait_for("Down", backend="s1")
        wait_until(lambda: not kept(origins[0]), "the idle connection to be closed")
        before = [kept(origin) for origin in origins[1:]]
        assert before == [1, 1]
        for _ in range(4):
            session.get(web.url, timeout=60)
        assert [origin.connections for origin in origins[1:]] == [1, 1]


def kept(origin):
    """How many connections of clients' requests an origin has open."""
    return sum(connection.counted for connection in list(origin.open))


def test_nobody_up_is_a_503_and_never_a_wait(proxy, origins, dead):
    web = proxy([*ports(origins)[:2], dead], health=QUICK | {"fall": 1})
    only(web, "s1")
    got, posted = at_once(web, origins[0], requests.get, post)
    only(web, "s2")
    origins[0].awake.clear()
    origins[1].awake.clear()
    web.wait_for("Down", 3)
    assert {one.result(60).status_code for one in (got, posted)} == {504}
    answers = [requests.get(web.url, timeout=60), post(web.url, timeout=60)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "no server is up" in answers[0].text


def test_failing_clients_take_a_server_down_without_waiting_for_a_test(proxy, origins):
    web = proxy(ports(origins), health=ONCE)
    wait_until(lambda: all(origin.probes for origin in origins), "the first test of each")
    origins[0].shutdown()
    origins[0].server_close()
    assert served(web.url, 12) == {"s2", "s3"}
    assert web.wait_for("Down") == web.wait_for("Down") | {
        "backend": "s1", "why": "a client's request: connection refused"}
    assert len([it for it in web.events() if it["event"] == "Assigned" and it["backend"] == "s1"]) == ONCE["fall"]


def test_clients_who_hang_up_take_nobody_down(proxy, origins):
    web = proxy(ports(origins), health=ONCE | {"fall": 1})
    for number in range(1, 7):
        with web.connect() as client:
            client.sendall(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until(lambda sent=number: sum(origin.requests for origin in origins) == sent, "the request to arrive")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close by reset
    web.wait_for("Released", 6)
    assert served(web.url, 3) == {"s1", "s2", "s3"}
    assert not [it for it in web.events() if it["event"] == "Down"]


def test_a_server_of_two_pools_is_judged_by_each_and_leaves_only_one(proxy, origins):
    """One asks for a body that is there, the other for one that isn't: the same program, and the same connections."""
    shared = ports(origins)[:1]
    video = service(shared, id=2, name="video", route={"path": "/bytes"}, health=ONCE | {"body": "healthy"})
    web = proxy(ports(origins)[:2], first=[video], health=PATIENT | {"body": "fine"})
    with requests.Session() as session:
        assert session.get(f"{web.url}/bytes/2", timeout=60).status_code == 200
        web.wait_for("Down", 2, service="web")
        for _ in range(3):
            assert session.get(f"{web.url}/bytes/2", timeout=60).status_code == 200
        assert session.get(web.url, timeout=60).status_code == 503
    assert origins[0].connections == 1
    assert not [it for it in web.events() if it["event"] == "Down" and it["service"] == "video"]


def test_a_server_that_is_back_starts_slowly(proxy, origins):
    web = proxy(ports(origins), health=PATIENT | {"slow_start_s": 3600}, algorithm="weighted-round-robin")
    origins[0].health = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
    web.wait_for("Down", backend="s1")
    healed(origins[0])
    web.wait_for("Up", backend="s1")
    weights = (server["effective_weight"] for server in web.api("GET", "/services/web")[1]["servers"])
    assert list(weights) == [pytest.approx(0.1, abs=0.05), 1, 1]


def test_a_server_that_is_back_has_its_whole_weight_in_the_end(proxy, origins):
    web = proxy(ports(origins), health=PATIENT | {"slow_start_s": 0.5})
    origins[0].health = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
    web.wait_for("Down", backend="s1")
    healed(origins[0])
    web.wait_for("Up", backend="s1")
    wait_until(lambda: web.api("GET", "/services/web")[1]["servers"][0]["effective_weight"] == 1, "its whole weight")


def test_slow_tests_are_under_way_side_by_side_and_bounded(proxy, origins):
    web = proxy(ports(origins)[:2], health=PATIENT | {"fall": 3, "timeout_s": 60})
    wait_until(lambda: origins[0].probes, "a first test")
    origins[0].awake.clear()
    wait_until(lambda: len(origins[0].open) == 3, "three tests at a time")
    before = len(origins[1].probes)
    wait_until(lambda: len(origins[1].probes) > before + 5, "tests of the other server")
    assert len(origins[0].open) == 3
    assert web.stop() == (0, "")


def test_tests_that_were_not_answered_leave_no_connection_open(proxy, origins):
    web = proxy(ports(origins)[:1], health=PATIENT | {"timeout_s": 0.05})
    origins[0].awake.clear()
    wait_until(lambda: len(origins[0].open) > 20, "many tests")  # the server doesn't notice that they have ended
    assert sockets(web) < 15
    assert web.stop() == (0, "")


def sockets(web):
    """How many sockets the proxy has open."""
    found = [os.readlink(link) for link in Path(f"/proc/{web.process.pid}/fd").iterdir() if link.is_symlink()]
    return sum(target.startswith("socket:") for target in found)
