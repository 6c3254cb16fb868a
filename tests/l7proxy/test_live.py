"""The proxy as a process in front of real servers, over real TCP on loopback."""

from __future__ import annotations

import signal
import socket
import threading

import pytest
import requests

SMUGGLED = [
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello", 400),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    (b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40_000, 431),
    (b"GET /" + b"y" * 40_000, 414),
]


@pytest.fixture
def web(proxy, origins):
    """A proxy before three origins."""
    return proxy([origin.server_address[1] for origin in origins])


def read_all(client):
    """Everything until the other side closes."""
    pieces = []
    while piece := client.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def test_round_robin_is_exact_on_one_client_connection(web, origins):
    with requests.Session() as session:
        answers = [session.get(web.url) for _ in range(30)]
    assert [answer.text for answer in answers] == ["s1", "s2", "s3"] * 10
    assert [origin.requests for origin in origins] == [10, 10, 10]
    assert [origin.connections for origin in origins] == [1, 1, 1]
    assert "Server" not in answers[0].headers


def test_the_events_are_the_decisions(web):
    with requests.Session() as session:
        served = [session.get(web.url).headers["X-Served-By"] for _ in range(7)]
    assert web.stop() == (0, "")
    events = web.events()
    assert events[0]["event"] == "Ready"
    assert [event["backend"] for event in events if event["event"] == "Assigned"] == served
    assert [event["unit"] for event in events if event["event"] == "Released"] == [
        f"127.0.0.1 {number}" for number in range(1, 8)]


def test_what_the_origin_reads_is_written_anew(web):
    fields = {"X-Forwarded-For": "6.6.6.6", "Connection": "X-Private", "X-Private": "1", "X-Public": "2"}
    line, *seen = requests.get(f"{web.url}/headers", headers=fields).json()
    assert line == "GET /headers HTTP/1.1"
    seen = dict(seen)
    assert seen["Host"] == web.url.removeprefix("http://")
    assert seen["X-Forwarded-For"] == "127.0.0.1"
    assert seen["Via"] == "1.1 layer-lab"
    assert "X-Private" not in seen
    assert seen["X-Public"] == "2"


def test_pipelined_requests_are_answered_in_order(web):
    ask = b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n"
    with web.connect() as client:
        client.sendall(ask % b"" * 5 + ask % b"Connection: close\r\n")
        answers = read_all(client).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer[-2:] for answer in answers] == [b"s1", b"s2", b"s3"] * 2


def test_chunks_go_up_and_come_down(web):
    answer = requests.post(f"{web.url}/chunked", data=iter([b"alpha", b"beta"]))
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.text == "alphabeta"
    assert requests.get(f"{web.url}/chunked").text == "onetwothree"
    with web.connect() as client:
        client.sendall(b"GET /chunked HTTP/1.0\r\n\r\n")
        assert read_all(client).endswith(b"\r\n\r\nonetwothree")


def test_head_and_until_close(web):
    with requests.Session() as session:
        assert session.head(web.url).headers["Content-Length"] == "2"
        assert session.get(f"{web.url}/until-close").text == "all there is"
        assert session.get(web.url).text == "s3"


def test_20_mib_go_up_and_down_in_little_memory(web):
    size = 20 * 2**20
    before = memory_kib(web)
    assert requests.post(f"{web.url}/count", data=b"y" * size).text == str(size)
    assert requests.post(f"{web.url}/count", data=(b"y" * 2**20 for _ in range(20))).text == str(size)
    with web.connect() as client:  # a client that doesn't read: the proxy must hold the server, not the body
        client.sendall(b"GET /bytes/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % size)
        client.recv(1)
        assert requests.get(web.url).status_code == 200
        assert len(read_all(client)) > size
    assert memory_kib(web) - before < 12 * 2**10


def memory_kib(running):
    """The most that the proxy ever had in memory."""
    with open(f"/proc/{running.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


@pytest.mark.parametrize(("raw", "status"), SMUGGLED)
def test_what_is_in_doubt_is_refused_and_nothing_is_forwarded(web, origins, raw, status):
    with web.connect() as client:
        client.sendall(raw + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n" * (status != 431 and status != 414))
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert answer.count(b"HTTP/1.1") == 1
    assert sum(origin.requests for origin in origins) == 0


def test_a_dead_server_is_passed_over(proxy, origins, dead):
    web = proxy([origins[0].server_address[1], dead, origins[2].server_address[1]])
    with requests.Session() as session:
        assert {session.get(web.url).status_code for _ in range(9)} == {200}
        assert session.post(web.url, data=b"x").status_code == 200
    assert origins[0].requests + origins[2].requests == 10


def test_only_dead_servers_are_a_502(proxy, dead):
    answer = requests.get(proxy([dead]).url)
    assert answer.status_code == 502
    assert str(dead) not in answer.text


def test_a_connection_that_the_server_closed_is_not_the_clients_trouble(web, origins):
    with requests.Session() as session:
        for _ in range(6):
            assert session.get(f"{web.url}/hang-up").status_code == 200
    assert sum(origin.requests for origin in origins) == 6


def test_clients_that_vanish_leave_no_trace(web):
    for _ in range(20):
        with web.connect() as client:
            client.sendall(b"GET /bytes/9000000 HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
            client.recv(1000)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close by reset
    assert requests.get(web.url).status_code == 200
    assert web.stop() == (0, "")
    kinds = [event["event"] for event in web.events()]
    assert kinds.count("Assigned") == kinds.count("Released")


def test_100_continue_comes_from_the_origin(web):
    with web.connect() as client:
        client.sendall(b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
                       b"Connection: close\r\n\r\n")
        first = client.recv(65_536)
        assert first.startswith(b"HTTP/1.1 100 Continue\r\n")
        client.sendall(b"abc")
        assert read_all(client).endswith(b"\r\n\r\n3")


def listens(running):
    try:
        running.connect().close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_request_in_flight_finish(web, origins, number):
    answers = []
    asking = threading.Thread(target=lambda: answers.append(requests.get(f"{web.url}/wait")))
    asking.start()
    assert origins[0].entered.wait(20)
    web.process.send_signal(number)
    while listens(web):
        pass
    origins[0].go_on.set()
    asking.join(20)
    assert web.ended() == (0, "")  # not stop(): a second signal would meet it while it leaves
    assert answers[0].text == "waited"
    assert answers[0].headers["Connection"] == "close"
    assert web.events()[-1]["event"] == "Released"


def test_idle_connections_do_not_delay_the_end(web):
    with web.connect() as idle:
        idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        while not answer.endswith(b"s1"):
            answer += idle.recv(65_536)
        assert web.stop() == (0, "")
        assert idle.recv(1) == b""


