"""Bandwidth, request rate and connections of real clients of a real forward proxy: what must hold at any time."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from l7proxy.forward.turns import PIECE
from l7proxy.forward.users import entry
from tests.l7proxy.forward.running import everything, head_of

OPEN = 'default = "allow"\nreachable = ["127.0.0.0/8"]\n'
KIB, MIB = 2**10, 2**20
RATE, BURST_S = 512 * KIB, 0.05
SLOW = f'[forward.traffic]\nrate = "{RATE // KIB}KiB"\n'


def client(proxy, address="127.0.0.1"):
    """A connection to the proxy from this address."""
    return socket.create_connection(("127.0.0.1", proxy.port), 20, (address, 0))


def ask(link, url, *more, method="GET"):
    link.sendall("\r\n".join([f"{method} {url} HTTP/1.1", "Host: a", *more, "", ""]).encode())


def bytes_of(origin, octets):
    return f"http://127.0.0.1:{origin.server_address[1]}/bytes/{octets}"


def arrivals(link, begin_s):
    """[(seconds since then, octets so far)] of what comes, to its end; each time is taken after the octets came."""
    found, total = [], 0
    while data := link.recv(65_536):
        total += len(data)
        found.append((time.monotonic() - begin_s, total))
    return found


def check_bucket(found):
    """No more than a token bucket lets through had come by any time."""
    for passed_s, octets in found:
        assert octets <= RATE * (passed_s + BURST_S) + PIECE


@pytest.fixture
def tunnelled(forward, listener):
    """A tunnel through a proxy with these rules: (client, origin)."""
    open_ones = []

    def build(rules):
        port = listener.getsockname()[1]
        one, _ = forward(f"{OPEN}connect_ports = [{port}]\n{rules}").connect(f"127.0.0.1:{port}")
        other, _ = listener.accept()
        other.settimeout(20)
        open_ones.extend((one, other))
        return one, other
    yield build
    for one in open_ones:
        one.close()


def test_an_answer_comes_no_faster_than_its_client_may(forward, origins):
    proxy = forward(OPEN + SLOW)
    begin_s = time.monotonic()
    with client(proxy) as link:
        ask(link, bytes_of(origins[0], 400_000), "Connection: close")
        found = arrivals(link, begin_s)
    check_bucket(found)
    assert proxy.stop()[0]["octets"] == found[-1][1] > 400_000


@pytest.mark.parametrize(("method", "field"), [("GET", "Connection: close"), ("POST", "Content-Length: 5")])
def test_who_says_no_more_still_gets_all(forward, origins, method, field):
    """Also who is answered before all of the request has come, and then gives up saying it."""
    proxy = forward(OPEN + '[forward.traffic]\nrate = "64KiB"\n')
    with client(proxy) as link:
        ask(link, bytes_of(origins[0], 60_000), field, method=method)
        said = link.recv(1)
        while len(said) < 20_000:
            said += link.recv(65_536)
        link.shutdown(socket.SHUT_WR)
        said += everything(link)
    assert said.endswith(b"\r\n\r\n" + b"x" * 60_000)


@pytest.mark.parametrize("upwards", [False, True])
def test_a_tunnel_is_no_faster_either_way(tunnelled, upwards):
    begin_s = time.monotonic()
    one, other = tunnelled(SLOW)
    sender, reader = (one, other) if upwards else (other, one)
    said = bytes(range(256)) * 1200
    threading.Thread(target=lambda: (sender.sendall(said), sender.shutdown(socket.SHUT_WR))).start()
    found = arrivals(reader, begin_s)
    check_bucket(found)
    assert found[-1][1] == len(said)


def test_a_body_goes_up_no_faster_and_whole(forward, origins):
    proxy = forward(OPEN + SLOW)
    begin_s = time.monotonic()
    with proxy.session() as session:
        answer = session.post(f"http://127.0.0.1:{origins[0].server_address[1]}/count", data=bytes(300_000))
    assert answer.text == "300000"
    check_bucket([(time.monotonic() - begin_s, 300_000)])


def test_an_origin_is_held_while_its_client_may_not_have_more(tunnelled):
    """What is on its way fits into the kernel's buffers, and into what a shaped connection may hold."""
    one, other = tunnelled(SLOW)
    room = 2 * sum(int(Path(f"/proc/sys/net/ipv4/tcp_{way}mem").read_text().split()[2]) for way in "rw") + MIB
    sent = 0

    def send():
        nonlocal sent
        try:
            while sent < 20 * room:
                sent += other.send(bytes(65_536))
        except OSError:
            pass
    sender = threading.Thread(target=send)
    sender.start()
    read = 0
    while read < 600_000:
        read += len(one.recv(65_536))
    assert sent <= read + room
    one.close()
    sender.join(20)
    assert not sender.is_alive()


GREED = f'[forward.traffic]\nrate = "128KiB"\ntotal = "{MIB // KIB}KiB"\n'


def test_greed_gets_no_more_and_the_polite_one_finishes(forward, origins):
    """Eight connections against one: by connections it would be 8 to 1, by clients it is 1 to 1; 4 to 1 is allowed."""
    proxy, got, done = forward(OPEN + GREED), [0] * 8, threading.Event()

    def devour(number):
        with client(proxy, "127.0.0.2") as link:
            ask(link, bytes_of(origins[0], 50_000_000))
            while not done.is_set():
                octets = len(link.recv(65_536))
                got[number] += octets
    greedy = [threading.Thread(target=devour, args=(number,)) for number in range(8)]
    for thread in greedy:
        thread.start()
    while min(got) < 20_000:
        time.sleep(0.01)
    before = sum(got)
    with client(proxy, "127.0.0.3") as link:
        ask(link, bytes_of(origins[1], 400_000), "Connection: close")
        assert len(everything(link)) > 400_000
    assert sum(got) - before <= 4 * 400_000
    done.set()
    for thread in greedy:
        thread.join(20)
    assert not any(thread.is_alive() for thread in greedy)


def test_a_user_is_one_client_wherever_he_is(forward, origins, tmp_path):
    (tmp_path / "users").write_text(entry("ann", "secret", 4) + "\n")
    proxy = forward(f'reachable = ["127.0.0.0/8"]\nusers = "users"\n{SLOW}per = "user"\n'
                    '[[forward.rule]]\nname = "known"\naction = "allow"\nusers = ["*"]\n')
    begin_s, links = time.monotonic(), [client(proxy, f"127.0.0.{number}") for number in (2, 3)]
    for link in links:
        ask(link, bytes_of(origins[0], 400_000), "Proxy-Authorization: Basic YW5uOnNlY3JldA==", "Connection: close")
    found = [None, None]
    readers = [threading.Thread(target=lambda n=n: found.__setitem__(n, arrivals(links[n], begin_s))) for n in (0, 1)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(20)
    check_bucket([(max(one[-1][0] for one in found), sum(one[-1][1] for one in found))])
    for link in links:
        link.close()
    assert {one["user"] for one in proxy.stop()} == {"ann"}


def test_who_asks_too_often_is_told_when_to_come_again(forward, origins):
    proxy = forward(OPEN + "[forward.requests]\nrate = 0.01\nburst = 2\n")
    url = bytes_of(origins[0], 10)
    with proxy.session() as session:
        seen = [session.get(url) for _ in range(4)]
    assert [one.status_code for one in seen] == [200, 200, 429, 429]
    assert 90 <= int(seen[2].headers["Retry-After"]) <= 100
    assert "Rule: <b>request-rate</b>" in seen[2].text
    assert "Connection" not in seen[2].headers
    with client(proxy, "127.0.0.2") as link:
        ask(link, url)
        assert head_of(link).startswith(b"HTTP/1.1 200 ")
    log = proxy.stop()
    assert [(one["status"], one["rule"], one["code"]) for one in log[1:4]] == [
        (200, "default", "TCP_MISS"), *[(429, "request-rate", "TCP_DENIED")] * 2]


def test_tunnels_count_among_a_clients_connections(forward, listener):
    port = listener.getsockname()[1]
    proxy = forward(f"{OPEN}connect_ports = [{port}]\n{SLOW}", "client_connections = 2\n")
    tunnels = [(proxy.connect(f"127.0.0.1:{port}")[0], listener.accept()[0]) for _ in range(2)]
    said = proxy.say()
    assert said.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nRetry-After: " in said
    with client(proxy, "127.0.0.2") as other:
        ask(other, "http://10.0.0.7/")
        assert head_of(other).startswith(b"HTTP/1.1 403 ")
    for end in tunnels[0]:
        end.close()
    for _ in range(200):
        with client(proxy) as link:
            ask(link, "http://10.0.0.7/")
            if link.recv(12) == b"HTTP/1.1 403":
                break
        time.sleep(0.05)
    else:
        pytest.fail("no room came")
    for end in tunnels[1]:
        end.close()


def test_a_reload_changes_rates_under_way_and_loses_nothing(forward, origins):
    proxy = forward(OPEN + SLOW)
    with client(proxy) as link:
        ask(link, bytes_of(origins[0], 20_000_000), "Connection: close")
        assert link.recv(1)
        assert proxy.reload(OPEN) == "read anew: forward\n"
        assert len(everything(link)) > 20_000_000
