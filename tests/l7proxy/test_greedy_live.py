"""Slow and greedy peers on real sockets, before the real process: they are cut off, it stays small."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import struct
import threading
import time

import pytest
import requests

from tests.outside import wait_until

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset
ASK = b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n"
GIB = 2**30
PIECE = b"x" * 2**20


@pytest.fixture
def web(proxy, origins):
    """A proxy before three origins: web(limits)."""
    return lambda **limits: proxy([origin.server_address[1] for origin in origins], limits=limits or None)


def read_all(client):
    """Everything until the other side closes, and whether it did so in good order."""
    pieces = []
    try:
        while piece := client.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        return b"".join(pieces), False
    return b"".join(pieces), True


def drip(client, octets):
    """Send one octet now and then, until the other side has had enough."""
    with contextlib.suppress(OSError):
        for number in range(10_000):
            client.sendall(octets[number % len(octets):][:1])
            time.sleep(0.05)


SLOW = {  # what it begins with, what then drips, and the bound
    "a head": (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"x", {"head_s": 0.5}),
    "line ends": (b"\r\n", b"\r\n", {"head_s": 0.5}),
    "a body, in all": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n", b"x", {"total_s": 0.5}),
}


@pytest.mark.parametrize("name", SLOW)
def test_who_drips_is_cut_off_and_the_others_are_served(web, name):
    start, octets, limits = SLOW[name]
    running = web(**limits)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(running.connect()) for _ in range(20)]
        for client in clients:
            client.sendall(start)
            threading.Thread(target=drip, args=(client, octets), daemon=True).start()
        assert requests.get(running.url).status_code == 200
        for client in clients:
            answer, _ = read_all(client)
            assert answer.startswith(b"HTTP/1.1 408 "), answer


@pytest.mark.parametrize(("start", "limits", "status"), [
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", {"body_idle_s": 0.5}, b"HTTP/1.1 408 "),
    (b"GET /", {"head_s": 0.5}, b"HTTP/1.1 408 "),
    (b"", {"keep_alive_s": 0.5}, b""),
    (ASK % b"/", {"keep_alive_s": 0.5}, b"HTTP/1.1 200 "),
    (ASK % b"/wait", {"answer_s": 0.5}, b"HTTP/1.1 504 "),
    (ASK % b"/wait", {"total_s": 0.5}, b"HTTP/1.1 504 "),
])
def test_who_falls_silent_is_waited_for_no_longer_than_the_bound(web, start, limits, status):
    running = web(**({"keep_alive_s": 0.5} | limits))
    with running.connect() as client:
        client.sendall(start)
        answer, good = read_all(client)
    assert good
    assert answer.startswith(status)
    assert bool(answer) is bool(status)


def test_half_an_answer_that_stops_ends_in_a_reset(web):
    running = web(relay_idle_s=0.5)
    with running.connect() as client:
        client.sendall(ASK % b"/half")
        answer, good = read_all(client)
    assert answer.endswith(b"half")
    assert not good


def test_who_does_not_fetch_an_answer_is_cut_off_and_frees_the_server(web, origins):
    running = web(relay_idle_s=0.5)
    with running.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(ASK % b"/bytes/90000000")
        running.wait_for("Released")
        answer, good = read_all(client)
    assert len(answer) < 90_000_000
    assert not good


def test_who_pipelines_and_reads_nothing_is_held_not_stored(web, origins):
    """Answers of the proxy's own cost no server's time, so only the client's own pace can bound them."""
    running = web()
    for origin in origins:
        assert running.api("PATCH", f"/services/web/backends/{origin.name}", {"weight": 0})[0] == 200
    before = memory_kib(running)
    with running.connect() as client:
        client.settimeout(2)
        sent, asks = 0, ASK % b"/" * 1000
        with contextlib.suppress(TimeoutError):
            while True:
                sent += client.send(asks[sent % len(asks):])
        assert sent < 30 * 2**20  # what the kernels hold, at most
        assert memory_kib(running) - before < 4096
        client.settimeout(20)
        assert client.recv(65_536).startswith(b"HTTP/1.1 503 ")


def test_too_many_connections_of_one_client(web):
    running = web(client_connections=2)
    with running.connect() as one, running.connect() as two, running.connect() as three:
        answer, good = read_all(three)
        assert answer.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b"\r\nRetry-After: " in answer
        assert good
        for client in (one, two):
            client.sendall(ASK % b"/")
            assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
    wait_until(lambda: requests.get(running.url).status_code == 200, "room for a client")


def test_too_many_connections_in_all(web):
    running = web(connections=2, spare_connections=1, linger_s=60)
    with running.connect(), running.connect(), running.connect() as told:
        told.sendall(ASK % b"/")
        assert told.recv(65_536).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        with pytest.raises(ConnectionResetError), running.connect() as cut:  # as soon as it is, or a little later
            cut.recv(1)
    wait_until(lambda: requests.get(running.url).status_code == 200, "room for a client")


def memory_kib(running):
    """How much of it is in memory now."""
    with open(f"/proc/{running.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def files(running):
    return len(os.listdir(f"/proc/{running.process.pid}/fd"))


class Sink:
    """A server that counts what it is sent, or sends a GiB; now and then it rests, and so must whoever is before it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.answer, args=(self.listener.accept()[0],), daemon=True).start()

    def answer(self, client):
        with client, contextlib.suppress(OSError):
            head, _, body = self.head(client)
            if head.startswith(b"POST"):
                got = len(body)
                while got < GIB:
                    got += (size := len(client.recv(2**20)))
                    rest_now_and_then(got, size)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            else:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % GIB)
                for _ in range(GIB // len(PIECE)):
                    client.sendall(PIECE)

    @staticmethod
    def head(client):
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65_536)
        return head.partition(b"\r\n\r\n")


def rest_now_and_then(got, size):
    """Ten times in a GiB, long enough for everything on the way to fill up."""
    if got // (GIB // 10) != (got - size) // (GIB // 10):
        time.sleep(0.2)


@pytest.fixture
def sink():
    it = Sink()
    yield it
    it.listener.close()


@pytest.mark.parametrize("way", ["down", "up"])
def test_a_gibibyte_goes_through_a_few_mebibytes(proxy, sink, way):
    running = proxy([sink.port])
    before = memory_kib(running)
    with running.connect() as client:
        most = (_fetch if way == "down" else _send)(client, lambda: memory_kib(running))
    assert most - before < 4096


def _fetch(client, memory):
    client.sendall(ASK % b"/")
    _, _, body = Sink.head(client)
    got, most = len(body), 0
    while got < GIB:
        got += (size := len(client.recv(2**20)))
        assert size
        rest_now_and_then(got, size)
        most = max(most, memory() if got % 64 == 0 or size > 2**19 else 0)
    return max(most, memory())


def _send(client, memory):
    most = 0
    client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % GIB)
    for number in range(GIB // len(PIECE)):
        client.sendall(PIECE)
        if number % 16 == 0:
            most = max(most, memory())
    assert client.recv(65_536).startswith(b"HTTP/1.1 200 ")
    return most


VANISHING = [b"", b"GET / HT", ASK % b"/", ASK % b"/" * 20, b"\0\0",
             b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nhalf",
             b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf"]


@pytest.fixture
def whimsical():
    """The port of a server that answers, closes or resets, whatever it is asked; it is cheap."""
    turns = itertools.count()

    def serve(client):
        with client, contextlib.suppress(OSError):
            while client.recv(65_536):
                turn = next(turns) % 7
                if turn == 5:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    return
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b"x" * (200_000 - turn // 6))
                if turn == 6:
                    return

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def test_files_stay_few_however_many_clients_vanish(proxy, whimsical):
    running = proxy([whimsical], limits={"idle_upstreams": 4})
    before = files(running)
    for number in range(3000):
        with running.connect() as client:
            client.sendall(VANISHING[number % len(VANISHING)])
            if number % 3 == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if number % 100 == 0:  # so that they don't outrun the server
            wait_until(lambda: files(running) <= before + 6, "no more files than those of idle connections", 60)
    assert running.stop() == (0, "")
    kinds = [event["event"] for event in running.events()]
    assert kinds.count("Assigned") == kinds.count("Released") > 500


def test_clients_that_are_gone_before_they_are_taken(web):
    """accept(2) still hands such a connection out, and nobody is at its other end."""
    running = web()
    before = files(running)
    running.process.send_signal(signal.SIGSTOP)
    for _ in range(50):
        with running.connect() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    running.process.send_signal(signal.SIGCONT)
    assert requests.get(running.url).status_code == 200
    wait_until(lambda: files(running) <= before + 2, "the files to be closed", 60)
    assert running.stop() == (0, "")
