"""Sessions of client hosts: requests as usual, but from inside the host."""

from __future__ import annotations

import socket

import pytest
import requests

from experiments import clients
from experiments.clients import ClientHost, session
from layerlab import LabError


def test_each_client_s_connections_leave_from_its_own_host(start_alone) -> None:
    """Two hosts, each with a server on 127.0.0.1:80: who answers shows where the connection began."""
    hosts = [start_alone(name, "--port", "80", "--address", "127.0.0.1").host for name in ("s1", "s2")]
    told = []
    for host in hosts:
        with session(host) as own:
            told.append([own.get("http://127.0.0.1/", timeout=20).json() for _ in range(2)])
    assert [[one["server"] for one in pair] for pair in told] == [["s1", "s1"], ["s2", "s2"]]
    assert [[(one["connection"], one["request"]) for one in pair] for pair in told] == [[(1, 1), (1, 2)]] * 2


def test_https_too_is_opened_inside_the_host(start_alone) -> None:
    """The lab's server speaks no TLS, but only inside its host is there anybody to fail with."""
    host = start_alone("s1", "--port", "443", "--address", "127.0.0.1").host
    with session(host) as own, pytest.raises(requests.exceptions.SSLError):
        own.get("https://127.0.0.1/")


def test_a_host_that_is_gone_is_an_error_that_says_so() -> None:
    with session(ClientHost("h9", "/proc/0/ns/net")) as own, pytest.raises(LabError, match="/proc/0/ns/net"):
        own.get("http://127.0.0.1/")


def test_proxies_of_the_environment_are_not_used(server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with session(ClientHost("h1")) as own:
        assert own.get(server.url).json()["server"] == "s1"


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "READ_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute, session(ClientHost("h1")) as own:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        with pytest.raises(requests.ReadTimeout):
            own.get(url)
        with pytest.raises(requests.ReadTimeout):
            own.get(url, timeout=None)
