"""The API over HTTP: the standard library's client on the other end of a real socket, and clients that are worse."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancing.api import MAX_BODY_BYTES, Api
from balancing.api_http import Desk, Handler, private
from tests.balancing.pools import pool

PATIENCE_S = 10.0
S1 = "/services/web/backends/s1"


class Client(http.client.HTTPConnection):
    """http.client on one end of a pair of sockets; the API serves the other, in a thread."""

    def __init__(self) -> None:
        super().__init__("lab", timeout=PATIENCE_S)
        self.pool = pool()
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(PATIENCE_S)
        self.auto_open = 0  # once it is closed it is closed
        self.thread = threading.Thread(target=Desk(Api({"web": self.pool}).answer).serve, args=(theirs,), daemon=True)
        self.thread.start()

    def ask(self, method: str, target: str, body: str | bytes | None = None, **headers: str) -> tuple[int, Any]:
        self.request(method, target, body, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return self.answer()

    def answer(self) -> tuple[int, Any]:
        response = self.getresponse()
        body = response.read()
        assert response.headers["Content-Type"] == "application/json"
        return response.status, json.loads(body) if body else None

    def raw(self, data: bytes) -> bytes:
        """Send bytes, hang up our half, and return all that comes back."""
        self.sock.sendall(data)
        self.sock.shutdown(socket.SHUT_WR)
        found = b""
        while more := self.sock.recv(65_536):
            found += more
        return found

    def ended(self) -> bool:
        """Whether the other end has finished with this connection, without an exception."""
        self.thread.join(PATIENCE_S)
        return not self.thread.is_alive()


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.close()
    assert made.ended()


def test_one_connection_serves_many_requests(client: Client) -> None:
    for weight in (3, 2, 1):
        status, form = client.ask("PATCH", S1, json.dumps({"weight": weight}))
        assert (status, form["servers"][0]["weight"]) == (200, weight)
    assert client.ask("GET", "/services")[0] == 200
    assert client.ask("GET", "/nowhere")[0] == 404, "a refusal ends nothing"
    assert client.ask("DELETE", "/services/web/backends/s3?now=true")[0] == 200
    assert [server.name for server in client.pool.servers.values()] == ["s1", "s2"]


def test_requests_may_be_sent_before_the_answers_have_come(client: Client) -> None:
    found = client.raw(b"GET /services HTTP/1.1\r\nHost: lab\r\n\r\n" * 3)
    assert found.count(b"HTTP/1.1 200 OK") == 3


def test_head_is_get_without_its_body(client: Client) -> None:
    client.request("HEAD", "/services")
    response = client.getresponse()
    assert (response.status, response.read()) == (200, b"")
    length = int(response.headers["Content-Length"])
    client.request("GET", "/services")
    assert len(client.getresponse().read()) == length


@pytest.mark.parametrize(("method", "status"), [("PUT", 405), ("OPTIONS", 501), ("FROB", 501), ("TRACE", 501)])
def test_other_methods_are_answered_in_the_apis_form(client: Client, method: str, status: int) -> None:
    got, form = client.ask(method, "/services", "{}")
    assert got == status
    assert method in form["error"]
    assert form["expected"]


def test_who_asks_to_close_is_closed(client: Client) -> None:
    assert client.ask("GET", "/services", Connection="close")[0] == 200
    assert client.ended()


def test_an_old_client_is_served_and_closed(client: Client) -> None:
    found = client.raw(b"GET /services HTTP/1.0\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 200 OK")
    assert found.endswith(b"]\n")


# -- bodies --------------------------------------------------------------------------------------


def test_a_body_may_be_as_long_as_is_said(client: Client) -> None:
    form = json.dumps({"weight": 3})
    status, _ = client.ask("PATCH", S1, form + " " * (MAX_BODY_BYTES - len(form)))
    assert (status, client.pool.servers[1].weight) == (200, 3)


def test_who_is_refused_may_finish_and_sees_why(client: Client) -> None:
    """The answer comes before the body has been sent; closed at once, the client would see a broken pipe."""
    client.putrequest("PATCH", S1)
    client.putheader("Content-Length", "1000000")
    client.endheaders()
    assert client.sock.recv(5, socket.MSG_PEEK) == b"HTTP/"
    for _ in range(10):
        client.send(b" " * 100_000)
    assert client.answer() == (400, {"error": "the body's length is 1000000",
                                     "expected": "a Content-Length of at most 65536 bytes"})


def test_a_longer_one_is_refused_and_the_connection_closed(client: Client) -> None:
    status, form = client.ask("PATCH", S1, " " * MAX_BODY_BYTES + "{}")
    assert (status, form["error"]) == (400, "the body's length is 65538")
    assert form["expected"] == "a Content-Length of at most 65536 bytes"
    assert client.ended()


@pytest.mark.parametrize("length", ["-1", "+5", "5.0", "five", "", " ", "0x10", "5, 5", "\xb2", "9" * 5000])
def test_a_length_that_is_none(client: Client, length: str) -> None:
    found = client.raw(f"PATCH {S1} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{{}}".encode("latin-1"))
    assert found.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close\r\n" in found
    assert b"the body's length is" in found


@pytest.mark.parametrize("head", ["Content-Length: 13\r\nContent-Length: 2", "Transfer-Encoding: chunked",
                                  "Content-Length: 13\r\nTransfer-Encoding: chunked"])
def test_a_body_that_could_be_read_in_two_ways(client: Client, head: str) -> None:
    found = client.raw(f'PATCH {S1} HTTP/1.1\r\n{head}\r\n\r\n{{"weight": 3}}'.encode())
    assert found.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert found.count(b"HTTP/1.1") == 1
    assert client.pool.servers[1].weight == 1


def test_half_a_request_is_none(client: Client) -> None:
    """What has come is whole JSON, but it is not what was announced."""
    found = client.raw(f'PATCH {S1} HTTP/1.1\r\nContent-Length: 50\r\n\r\n{{"weight": 3}}'.encode())
    assert found == b""
    assert client.pool.servers[1].weight == 1


# -- clients that are worse ----------------------------------------------------------------------


@pytest.mark.parametrize(("data", "status"), [
    (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"), (b"hello\r\n\r\n", b"400"), (b"GET /services\r\n", b"200"),
    (b"a b c d e\r\n", b"400"), (b"GET /services HTTP/9.9\r\n\r\n", b"505"), (b"GET / HTTP/x\r\n\r\n", b"400"),
    (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
    (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    (b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", b"431"),
])
def test_what_is_no_request_is_answered_in_the_apis_form(client: Client, data: bytes, status: bytes) -> None:
    head, _, body = client.raw(data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in head
    assert json.loads(body)
    assert client.ended()


@pytest.mark.parametrize("data", [b"", b"\r\n", b"GET", b"GET /services HTTP/1.1\r\nHost: la"])
def test_a_client_that_hangs_up_early(client: Client, data: bytes) -> None:
    client.sock.sendall(data)
    client.sock.close()
    assert client.ended()


def test_a_client_that_hangs_up_before_its_answer(client: Client) -> None:
    client.sock.sendall(f"PATCH {S1} HTTP/1.1\r\nContent-Length: 13\r\n\r\n{{\"weight\": 3}}".encode())
    client.sock.close()
    assert client.ended()
    assert client.pool.servers[1].weight == 3, "it was whole, so it was done"


def test_a_client_that_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "timeout", 0.05)
    with closing(Client()) as silent, closing(Client()) as slow:
        slow.sock.sendall(f"PATCH {S1} HTTP/1.1\r\nContent-Length: 13\r\n\r\n{{".encode())
        assert silent.ended()
        assert slow.ended()
        assert slow.pool.servers[1].weight == 1


@settings(max_examples=50)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(
    [b"GET ", b"PATCH ", b"/services", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"Content-Length: ", b"5", b"{}", b"\0"]),
    max_size=15).map(b"".join))
def test_no_bytes_make_it_stumble(data: bytes) -> None:
    """Whatever comes, the connection ends in good order, and only after an answer or a hang-up."""
    with closing(Client()) as made:
        found = made.raw(data)
        assert made.ended()
        assert not found or found.startswith(b"HTTP/1.1 ")


# -- the socket ----------------------------------------------------------------------------------


def test_only_this_user_can_open_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    before = os.umask(0o022)
    try:
        for _ in range(2):  # what an earlier process left there is replaced
            with private(path) as address, socket.socket(socket.AF_UNIX) as sock:
                sock.bind(address)
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert path.exists()
        assert os.umask(0o022) == 0o022, "other files are made as before"
    finally:
        os.umask(before)
