"""UDP: the echo answers from the address it was asked at, and the client sees who answered."""

from __future__ import annotations

import json
import socket
import subprocess
import threading

import pytest
import requests

from experiments.clients import ClientHost
from experiments.datagrams import datagrams
from experiments.netns import inside
from layerlab import LabError

H1 = ClientHost("h1")


@pytest.fixture
def echo(start):
    """A server that listens on all addresses, so that answering from the right one takes care."""
    return start("s1", "--port", "0", "--udp", "0")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "127.1.2.3"])
def test_the_answer_comes_from_the_address_asked(echo, address: str) -> None:
    port = echo.udp_ports[0]
    [answer] = datagrams(H1, address, port, ["hello"], timeout_s=20)
    assert (answer.server, answer.error) == ("s1", "")
    assert answer.peer == answer.local == f"{address}:{port}"


def test_a_host_with_a_vip_on_its_loopback_answers_from_the_vip(start_alone) -> None:
    server = start_alone("s1", "--udp", "9000")
    with inside(server.host.netns):
        for address in ("10.0.0.100/32", "fd00::1/128", "fd00::100/128"):
            subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)
    peers = [datagrams(server.host, address, 9000, ["x"], timeout_s=20)[0].peer
             for address in ("10.0.0.100", "fd00::1", "fd00::100")]
    assert peers == ["10.0.0.100:9000", "[fd00::1]:9000", "[fd00::100]:9000"]


def test_datagrams_are_counted_by_the_endpoint_they_came_to(echo) -> None:
    port = echo.udp_ports[0]
    datagrams(H1, "127.0.0.1", port, ["a", "b"], timeout_s=20)
    datagrams(H1, "127.0.0.2", port, ["c"], timeout_s=20)
    said = requests.get(echo.url + "/_stats", timeout=20).json()
    assert said["udp"] == {f"127.0.0.1:{port}": 2, f"127.0.0.2:{port}": 1}


def test_the_whole_answer(echo) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(20)
        sock.sendto(b"h\xc3\xa9\xff\"\x00", ("127.0.0.1", echo.udp_ports[0]))
        assert json.loads(sock.recv(2000)) == {
            "server": "s1", "client_ip": "127.0.0.1", "client_port": sock.getsockname()[1],
            "local_ip": "127.0.0.1", "local_port": echo.udp_ports[0], "data": "hé\\xff\"\0"}


def test_fresh_and_kept_sockets(echo) -> None:
    fresh, kept = (datagrams(H1, "127.0.0.1", echo.udp_ports[0], ["a", "b", "c"], timeout_s=20, sockets=way)
                   for way in ("fresh", "kept"))
    assert [(answer.connection, answer.request) for answer in fresh] == [(1, 1), (2, 1), (3, 1)]
    assert [(answer.connection, answer.request) for answer in kept] == [(1, 1), (1, 2), (1, 3)]
    assert len({answer.client_seen for answer in kept}) == 1


def test_an_answer_that_never_comes_is_an_answer_that_says_so() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        answers = datagrams(H1, "127.0.0.1", mute.getsockname()[1], ["a", "b"], timeout_s=0.05)
    assert [(answer.server, answer.error) for answer in answers] == [("", "no answer within 0.05 s")] * 2


def test_a_late_answer_is_not_taken_for_the_next_one_s() -> None:
    """This server says each echo together with the other one, and that first."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as odd:
        odd.bind(("127.0.0.1", 0))
        said = {"server": "odd", "client_ip": "1", "client_port": 1, "local_ip": "1", "local_port": 1}

        def answer_oddly() -> None:
            for echoes in (["b", "a"], ["a", "b"]):
                _, client = odd.recvfrom(100)
                for data in echoes:
                    odd.sendto(json.dumps({**said, "data": data}).encode(), client)

        thread = threading.Thread(target=answer_oddly)
        thread.start()
        answers = datagrams(H1, "127.0.0.1", odd.getsockname()[1], ["a", "b"], timeout_s=20, sockets="kept")
        thread.join()
    assert [answer.error for answer in answers] == ["", ""]


def test_what_is_not_the_lab_s_echo_is_an_error_in_its_row() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=lambda: other.sendto(b"[]", other.recvfrom(100)[1]))
        thread.start()
        [answer] = datagrams(H1, "127.0.0.1", other.getsockname()[1], ["a"], timeout_s=20)
        thread.join()
    assert (answer.server, bool(answer.error)) == ("", True)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(LabError, match=r"no-such-name\.invalid"):
        datagrams(H1, "no-such-name.invalid", 9000, ["a"])
