"""Requests that come at times of their own: what is counted, against servers that are slow on purpose."""

from __future__ import annotations

import doctest
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks import proxy_idle, proxy_pace
from benchmarks.proxy_pace import arrivals, play
from layerlab import LabError

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
Handle = Callable[[socket.socket, int], object]


def answer(sock: socket.socket, number: int) -> None:
    sock.sendall(ANSWER)


@contextmanager
def server(handle: Handle = answer) -> Iterator[tuple[tuple[str, int], list[str]]]:
    """TEST SERVER: `handle` answers request `number` of a connection. Its address, and who connected."""
    seen: list[str] = []

    def serve(sock: socket.socket) -> None:
        number = 0
        with sock:
            while sock.recv(4096):
                number += 1
                handle(sock, number)

    def accept() -> None:
        while True:
            try:
                sock, peer = listener.accept()
            except OSError:
                return
            seen.append(peer[0])
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname(), seen
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_arrivals_are_a_seeds_and_come_at_their_rate() -> None:
    due_s = arrivals(10_000, 2, seed=1)
    assert due_s == arrivals(10_000, 2, seed=1) != arrivals(10_000, 2, seed=2)
    assert due_s == sorted(due_s)
    assert len(due_s) == 20_000
    assert due_s[-1] == pytest.approx(2, rel=0.05), "7 standard deviations of the sum"


def test_every_request_is_answered_once_and_none_sooner_than_it_is_due() -> None:
    with server() as (target, seen):
        began_s = time.perf_counter()
        took_s = play(target, arrivals(500, 0.4, seed=1), connections=5)
        assert len(took_s) == 200
        assert min(took_s) > 0
        assert time.perf_counter() - began_s >= arrivals(500, 0.4, seed=1)[-1]
        assert len(seen) == 5


def test_a_request_that_waits_for_a_connection_counts_from_when_it_was_due() -> None:
    """A load that waits for answers would find one slow request, and three that are quick."""
    def slow(sock: socket.socket, number: int) -> None:
        if number == 2:  # the first one tells how long answers are
            time.sleep(0.3)
        answer(sock, number)

    with server(slow) as (target, _):
        took_s = play(target, [0.0, 0.05, 0.10, 0.15], connections=1)
    for took, due in zip(took_s, [0.0, 0.05, 0.10, 0.15], strict=True):
        assert took >= 0.3 - due


def test_an_answer_in_pieces_is_one_answer() -> None:
    def pieces(sock: socket.socket, number: int) -> None:
        for position in range(0, len(ANSWER), 20):
            sock.sendall(ANSWER[position:position + 20])
            time.sleep(0.01)

    with server(pieces) as (target, _):
        assert len(play(target, [0.0, 0.0, 0.01], connections=2)) == 3


def test_a_connection_that_ends_is_an_error() -> None:
    def twice(sock: socket.socket, number: int) -> None:
        if number < 3:
            answer(sock, number)
        else:
            sock.shutdown(socket.SHUT_RDWR)

    with server(twice) as (target, _), pytest.raises(LabError, match="ended"):
        play(target, [0.0, 0.01, 0.02], connections=1)


def test_silence_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_pace, "PATIENCE_S", 0.2)
    with (server(lambda sock, number: number == 1 and answer(sock, number)) as (target, _),
          pytest.raises(LabError, match="nothing was answered")):
        play(target, [0.0], connections=1)


def test_idle_connections_are_all_there_from_many_clients_and_have_been_answered() -> None:
    answered: list[int] = []

    def count(sock: socket.socket, number: int) -> None:
        answered.append(number)
        answer(sock, number)

    with server(count) as (target, seen):
        with proxy_idle.idle(target, 250):
            assert answered == [1] * 250
        assert {peer: seen.count(peer) for peer in seen} == {"127.0.1.1": 100, "127.0.1.2": 100, "127.0.1.3": 50}


def test_a_connection_that_is_refused_is_an_error() -> None:
    with server() as (target, _):
        pass
    with pytest.raises(LabError, match="connection 1 of 10"), proxy_idle.idle(target, 10):
        pass


def test_the_examples_hold() -> None:
    assert doctest.testmod(proxy_pace).failed == 0
