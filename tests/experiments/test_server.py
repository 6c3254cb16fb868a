"""The lab's server over real sockets: what every answer proves, and HTTP as it should be."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import time

import pytest
import requests


def connect(port: int, data: bytes = b"") -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    sock.sendall(data)
    return sock


def get(target: str, headers: str = "") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


def reset(sock: socket.socket) -> None:
    """Close with RST rather than FIN, which would only say that no more is sent."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_answers(sock: socket.socket, number: int) -> list[tuple[int, dict]]:
    """The status and JSON of the next `number` answers on a connection."""
    stream, answers = sock.makefile("rb"), []
    for _ in range(number):
        status = int(stream.readline().split()[1])
        headers = http.client.parse_headers(stream)
        answers.append((status, json.loads(stream.read(int(headers["Content-Length"])))))
    return answers


def stats(server) -> dict:
    return requests.get(server.url + "/_stats", timeout=20).json()


def wait_for(server, **wanted: int) -> None:
    """Ask /_stats again and again until it says so."""
    deadline = time.monotonic() + 20
    while (said := stats(server)).items() & wanted.items() != wanted.items():
        assert time.monotonic() < deadline, f"{said} never became {wanted}"


def test_an_answer_says_who_served_whom_and_where(server) -> None:
    with connect(server.ports[0], get("/a?b=c", "X-One: 1\r\nx-one: 2\r\n")) as sock:
        [(status, said)] = read_answers(sock, 1)
        client_ip, client_port = sock.getsockname()
    assert status == 200
    assert said == {
        "server": "s1", "client_ip": client_ip, "client_port": client_port,
        "local_ip": "127.0.0.1", "local_port": server.ports[0],
        "method": "GET", "path": "/a?b=c", "headers": [["Host", "x"], ["X-One", "1"], ["x-one", "2"]],
        "body_bytes": 0, "connection": 1, "request": 1, "served": 1, "in_service": 1,
    }


def test_connections_and_requests_are_numbered(server) -> None:
    with requests.Session() as kept:
        numbers = [kept.get(server.url, timeout=20).json() for _ in range(3)]
        numbers += [requests.get(server.url, timeout=20).json()]
    assert [(said["connection"], said["request"]) for said in numbers] == [(1, 1), (1, 2), (1, 3), (2, 1)]


def test_requests_are_counted_by_the_endpoint_they_came_to_and_looking_is_not_counted(start) -> None:
    server = start("s1", "--port", "0", "--port", "0", "--address", "127.0.0.1")
    first, second = server.ports
    for port in (first, second, second):
        requests.get(f"http://127.0.0.1:{port}/", timeout=20)
    with connect(first):  # a probe that says nothing
        assert stats(server) == stats(server)
    said = stats(server)
    assert said["requests"] == {f"127.0.0.1:{first}": 1, f"127.0.0.1:{second}": 2}
    assert (said["server"], said["connections"], said["active"], said["queued"]) == ("s1", 3, 0, 0)


def test_pipelined_requests_are_answered_in_order_however_many_come_at_once(server) -> None:
    """3000 behind one that takes its time: more than may be pending, and no call stack as deep."""
    paths = ["/0?sleep=0.05"] + [f"/{n}" for n in range(1, 3000)]
    with connect(server.ports[0], b"".join(map(get, paths))) as sock:
        answers = read_answers(sock, 3000)
    assert [said["path"] for _, said in answers] == paths
    assert [said["request"] for _, said in answers] == list(range(1, 3001))


def test_what_cannot_be_parsed_gets_400_after_the_answers_still_owed(server) -> None:
    with connect(server.ports[0], get("/?sleep=0.05") + b"nonsense\r\n\r\n" + get("/never")) as sock:
        answers = read_answers(sock, 2)
        assert sock.recv(1) == b""
    assert [status for status, _ in answers] == [200, 400]
    assert answers[1][1]["error"]


@pytest.mark.parametrize("request_", [
    get("/", "Connection: close\r\n") + get("/never"),
    b"GET / HTTP/1.0\r\n\r\n",
    get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
], ids=["close", "1.0", "upgrade"])
def test_a_last_request_is_answered_and_the_connection_closed(server, request_: bytes) -> None:
    with connect(server.ports[0], request_) as sock:
        [(status, _)] = read_answers(sock, 1)
        assert sock.recv(1) == b""
    assert status == 200


def test_a_client_that_stops_sending_still_gets_its_answer(server) -> None:
    with connect(server.ports[0], get("/?sleep=0.05")) as sock:
        sock.shutdown(socket.SHUT_WR)
        assert read_answers(sock, 1)[0][0] == 200
        assert sock.recv(1) == b""


def test_head_has_the_same_headers_and_no_body(server) -> None:
    with requests.Session() as kept:
        head = kept.head(server.url + "/?bytes=900", timeout=20)
        full = kept.get(server.url + "/?bytes=900", timeout=20)
    assert (head.content, len(full.content)) == (b"", 900)
    assert full.json()["request"] == 2, "the HEAD left nothing behind on the connection"
    assert {**head.headers, "Date": 0} == {**full.headers, "Date": 0}
    assert head.headers["X-Server"] == "s1"


@pytest.mark.parametrize("body", [b"x" * 300_000, iter([b"one", b"two", b"three"])], ids=["length", "chunked"])
def test_a_body_is_counted(server, body) -> None:
    said = requests.post(server.url, data=body, timeout=20).json()
    assert (said["method"], said["body_bytes"]) == ("POST", 300_000 if isinstance(body, bytes) else 11)


def test_a_client_that_asks_before_it_sends_a_body_is_told_to_go_on(server) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with connect(server.ports[0], head) as sock:
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"abc")
        assert read_answers(sock, 1)[0][1]["body_bytes"] == 3


@pytest.mark.parametrize("query", ["bytes=x", "bytes=-1", "bytes=99999999999", "sleep=nan", "sleep=61", "sleep="])
def test_a_wish_out_of_bounds_is_refused_with_the_reason(server, query: str) -> None:
    with requests.Session() as kept:
        answer = kept.get(f"{server.url}/?{query}", timeout=20)
        assert answer.status_code == 400
        assert query.split("=")[0] in answer.json()["error"]
        assert kept.get(server.url, timeout=20).status_code == 200
    assert sum(stats(server)["requests"].values()) == 1


def test_requests_wait_in_the_order_they_came_and_who_hangs_up_is_forgotten(start) -> None:
    server = start("s1", "--port", "0", "--address", "127.0.0.1", "--workers", "1", "--body", "2000")
    port, waiting = server.ports[0], []
    holder = connect(port, get("/first?sleep=2"))
    wait_for(server, active=1, queued=0)
    for number in range(1, 5):
        waiting.append(connect(port, get(f"/{number}")))
        wait_for(server, active=1, queued=number)
    reset(waiting.pop(1))
    wait_for(server, active=1, queued=3)
    said = [read_answers(sock, 1)[0][1] for sock in (holder, *waiting)]
    for sock in (holder, *waiting):
        sock.close()
    assert [one["path"] for one in said] == ["/first?sleep=2", "/1", "/3", "/4"]
    assert [one["served"] for one in said] == [1, 2, 3, 4]
    assert {one["in_service"] for one in said} == {1}


def test_a_probe_waits_like_a_request_and_is_not_counted(start) -> None:
    server = start("s1", "--port", "0", "--address", "127.0.0.1", "--workers", "1", "--service-time", "0.01")
    with connect(server.ports[0], get("/first?sleep=2")) as holder:
        wait_for(server, active=1, queued=0)
        with connect(server.ports[0], get("/_probe")) as prober:
            wait_for(server, active=1, queued=1)
            prober.settimeout(0.1)
            with pytest.raises(TimeoutError):
                prober.recv(1)
            prober.settimeout(20)
            assert read_answers(holder, 1)[0][0] == 200
            status, said = read_answers(prober, 1)[0]
    assert (status, said["server"], said["served"], said["connection"]) == (200, "s1", 2, 0)
    assert (sum(stats(server)["requests"].values()), stats(server)["connections"]) == (1, 1)


def test_its_capacity_can_be_changed_while_it_runs_and_asking_is_not_counted(start) -> None:
    server = start("s1", "--port", "0", "--address", "127.0.0.1", "--workers", "1")
    held = [connect(server.ports[0], get("/?sleep=2")) for _ in range(3)]
    wait_for(server, active=1, queued=2)
    changed = requests.put(server.url + "/_capacity?workers=3&slowness=0", timeout=20).json()
    assert (changed["active"], changed["queued"]) == (1, 0), "two served in no time, one as it began"
    for sock in held:
        assert read_answers(sock, 1)[0][0] == 200
        sock.close()
    assert sum(stats(server)["requests"].values()) == 3


@pytest.mark.parametrize(("method", "path", "word"), [
    ("GET", "/_capacity?workers=2", "PUT"), ("PUT", "/_stats", "GET"), ("PUT", "/_capacity?workers=0", "from 1"),
    ("PUT", "/_capacity?slowness=nan", "from 0"), ("PUT", "/_capacity?worker=2", "workers, slowness or port"),
    ("PUT", "/_capacity?port=1&workers=2", "port is 1, expected one of"),
])
def test_an_aside_that_makes_no_sense_is_refused_with_the_reason(server, method: str, path: str, word: str) -> None:
    answer = requests.request(method, server.url + path, timeout=20)
    assert answer.status_code == 400
    assert word in answer.json()["error"]


def test_the_capacity_of_one_port_can_be_changed_alone(start) -> None:
    server = start("s1", "--port", "0", "--port", "0", "--address", "127.0.0.1", "--workers", "1", "--apart")
    requests.put(f"{server.url}/_capacity?port={server.ports[1]}&workers=2", timeout=20)
    held = [connect(port, get("/?sleep=1")) for port in server.ports for _ in range(3)]
    wait_for(server, active=1 + 2, queued=2 + 1)
    requests.put(f"{server.url}/_capacity?slowness=0", timeout=20)
    for sock in held:
        assert read_answers(sock, 1)[0][0] == 200
        sock.close()


@pytest.mark.parametrize("apart", [True, False])
def test_ports_share_one_queue_unless_they_are_apart(start, apart: bool) -> None:
    words = ["--port", "0", "--port", "0", "--address", "127.0.0.1", "--workers", "1", *["--apart"] * apart]
    server = start("s1", *words)
    held = [connect(port, get("/?sleep=1")) for port in server.ports]
    wait_for(server, active=1 + apart, queued=1 - apart)
    for sock in held:
        assert read_answers(sock, 1)[0][0] == 200
        sock.close()


def test_ipv6_is_served_on_the_same_port(start) -> None:
    server = start("s1", "--port", "0")
    try:
        sock = socket.create_connection(("::1", server.ports[0]), timeout=20)
    except OSError as error:
        pytest.skip(f"this machine has no ::1: {error}")
    with sock:
        sock.sendall(get("/"))
        said = read_answers(sock, 1)[0][1]
    assert (said["client_ip"], said["local_ip"]) == ("::1", "::1")
    assert stats(server)["requests"] == {f"[::1]:{server.ports[0]}": 1}
