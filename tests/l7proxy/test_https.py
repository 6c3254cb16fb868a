"""The proxy behind TLS: what clients, origins and operators see of it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import closing

import pytest
import requests

from experiments.authority import Authority
from tests.l7proxy import test_reload
from tests.l7proxy.conftest import ROOT
from tests.l7proxy.test_reload import get, web
from tests.l7proxy.tls_ends import Client, trusting

configured = test_reload.configured
TLS = 'tls = true\n'


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def secured(authority, *origins, names=("a.lab",), more=""):
    """A file whose first listener speaks TLS; a certificate for each of `names`."""
    certificates = "".join(f'[[certificate]]\nname = "{it.name}"\ncert = "{it.cert}"\nkey = "{it.key}"\n'
                           for it in (authority.issue(name, "localhost") for name in names))
    listener, rest = web(*origins, more=certificates + more).split("\n[log]", 1)
    return f"{listener}\n{TLS}[log]{rest}"


class ByName(http.client.HTTPSConnection):
    """To a port of this machine, by the name that a certificate is for."""

    def __init__(self, port, authority, name="a.lab"):
        super().__init__(name, port, timeout=20, context=trusting(authority))

    def connect(self):
        tcp = socket.create_connection(("127.0.0.1", self.port), 20)
        self.sock = self._context.wrap_socket(tcp, server_hostname=self.host)


def talk(it, authority, name="a.lab"):
    return closing(ByName(it.port, authority, name))


def test_a_client_that_verifies_is_served_and_the_origin_is_told_that_it_was_https(configured, authority, origins):
    it = configured(secured(authority, origins[0]))
    with talk(it, authority) as connection:
        status, text = get(connection, "/headers")
        assert get(connection, "/") == (200, "s1")
    _, *fields = json.loads(text)
    said = dict(fields)
    assert status == 200
    assert said["X-Forwarded-Proto"] == "https"
    assert "proto=https" in said["Forwarded"]
    assert said["Host"] == f"a.lab:{it.port}"


def test_a_host_that_the_certificate_is_not_for_is_misdirected(configured, authority, origins):
    it = configured(secured(authority, origins[0], names=("a.lab", "b.lab")))
    with talk(it, authority) as connection:
        connection.request("GET", "/", headers={"Host": "b.lab"})
        answer = connection.getresponse()
        assert (answer.status, answer.read().split(b":")[0]) == (421, b"421 Misdirected Request")
        assert get(connection) == (200, "s1")  # the connection is as good as before
    assert origins[0].requests == 1
    with talk(it, authority, "b.lab") as connection:
        assert get(connection) == (200, "s1")


def test_a_client_of_http_1_0_needs_no_host(configured, authority, origins):
    it = configured(secured(authority, origins[0]))
    client = Client(it, trusting(authority))
    with client.tcp:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.read(9_999).startswith(b"HTTP/1.1 200 ")


def test_plain_http_is_led_to_https(configured, authority, origins):
    secure = configured(secured(authority, origins[0]))
    plain = configured(f'[[listener]]\naddress = "127.0.0.1:0"\nredirect_to_https = {secure.port}\n'
                       '[[pool]]\nname = "none"\nbackends = ["127.0.0.1:9"]\n')
    answer = requests.get(f"http://localhost:{plain.port}/count?a=1", verify=str(authority.bundle), timeout=20)
    assert answer.url == f"https://localhost:{secure.port}/count?a=1"
    assert [it.status_code for it in answer.history] == [308]
    assert answer.status_code == 200


def test_certificates_are_renewed_under_load_and_no_connection_ends(configured, authority, origins):
    text = secured(authority, origins[0])
    it = configured(text)
    errors, stop, rounds = [], threading.Event(), []

    def ask():
        try:
            with talk(it, authority) as connection:
                while not stop.is_set():
                    assert get(connection) == (200, "s1")
                    rounds.append(connection.sock)
        except Exception as error:  # told in the test's own thread
            errors.append(error)
    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    for number in range(5):
        authority.issue("a.lab", f"new{number}.lab")
        it.process.send_signal(signal.SIGHUP)
        it.said(f"shows a.lab, new{number}.lab until")
        with talk(it, authority, f"new{number}.lab") as connection:
            assert get(connection) == (200, "s1")
    stop.set()
    for client in clients:
        client.join(20)
    assert not errors
    assert len(set(rounds)) == 4


def test_a_key_that_does_not_fit_changes_nothing(configured, authority, origins):
    text = secured(authority, origins[0])
    it = configured(text)
    other = authority.issue("other.lab")
    (authority.folder / "a.lab.key").write_bytes(other.key.read_bytes())
    said = it.reload(text)
    assert "a.lab.key is not the key of the certificate" in said
    assert "not read anew" in said
    with talk(it, authority) as connection:
        assert get(connection) == (200, "s1")


def test_a_key_that_does_not_fit_is_told_by_check(authority, origins, tmp_path):
    text = secured(authority, origins[0])
    other = authority.issue("other.lab")
    (authority.folder / "a.lab.key").write_bytes(other.key.read_bytes())
    (tmp_path / "proxy.toml").write_text(text)
    done = subprocess.run([sys.executable, "-m", "l7proxy", "reverse", "--check", "--config", tmp_path / "proxy.toml"],
                          cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 2
    assert "a.lab.key is not the key" in done.stderr


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_large_bodies_go_both_ways_in_little_memory(configured, authority, origins):
    size = 48 << 20
    it = configured(secured(authority, origins[0]))
    with talk(it, authority) as connection:
        assert get(connection) == (200, "s1")
        before = memory_kib(it.process.pid)
        connection.request("POST", "/count", body=(b"y" * 65_536 for _ in range(size // 65_536)),
                           headers={"Content-Length": str(size)})
        assert connection.getresponse().read() == str(size).encode()
        connection.request("GET", f"/bytes/{size}")
        answer, got = connection.getresponse(), 0
        while piece := answer.read(65_536):
            got += len(piece)
            assert piece == b"x" * len(piece)
        assert got == size
    assert memory_kib(it.process.pid) - before < 12_000


def test_a_request_whose_client_has_said_all_is_answered(configured, authority, origins):
    it = configured(secured(authority, origins[0]))
    client = Client(it, trusting(authority))
    with client.tcp:
        client.send(b"POST / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 4\r\n\r\nbody")
        client.close_notify()
        answer = client.read(9_999)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"body")


def test_a_body_that_is_cut_off_is_not_taken_for_whole(configured, authority, origins):
    """As an attacker between the two can do, who has no key: end TCP after a chunk."""
    it = configured(secured(authority, origins[0]))
    client = Client(it, trusting(authority))
    with client.tcp:
        client.send(b"POST /count HTTP/1.1\r\nHost: a.lab\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        client.tcp.shutdown(1)
        with pytest.raises((ConnectionResetError, ssl.SSLError)):
            client.read(1)
    assert it.stop()[0] == 0


def test_an_answer_that_is_cut_off_is_not_taken_for_whole(configured, authority, origins):
    it = configured(secured(authority, origins[0]))
    client = Client(it, trusting(authority))
    with client.tcp:
        client.send(b"GET /half HTTP/1.1\r\nHost: a.lab\r\n\r\n")
        assert origins[0].entered.wait(20)
        assert client.read(20)
        it.stop(signal.SIGKILL)
        with pytest.raises(ConnectionResetError):
            client.read(9_999)


def test_a_refused_request_is_answered_before_the_connection_ends(configured, authority, origins):
    it = configured(secured(authority, origins[0]))
    client = Client(it, trusting(authority))
    with client.tcp:
        client.send(b"GET / HTTP/1.1\r\nHost: a.lab\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send(b"x" * 99_999)
        answer = client.read(9_999)
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_nobody_who_only_shakes_hands_keeps_the_proxy_from_stopping(configured, authority, origins):
    it = configured(secured(authority, origins[0], more="[limits]\nstop_s = 60\n"))
    with it.connect() as silent:
        silent.sendall(b"\x16\x03\x01")
        with talk(it, authority) as connection:
            assert get(connection) == (200, "s1")
            assert it.stop()[0] == 0
