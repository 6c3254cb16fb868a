"""Load counts what servers count, and a failure is an error."""

from __future__ import annotations

import os
import socket

import pytest
import requests

from experiments.clients import ClientHost
from experiments.load import Measured, content_length, drive, users
from experiments.usage import Usage, cpu_ms
from layerlab import LabError

HERE = [ClientHost(f"h{n}") for n in range(3)]


@pytest.mark.parametrize("fresh", [True, False])
def test_every_answer_that_is_counted_was_given(server, fresh: bool) -> None:
    found = drive(users(HERE, [("127.0.0.1", server.ports[0])], fresh), seconds=0.2)
    stats = requests.get(f"{server.url}/_stats", timeout=5).json()
    served = sum(stats["requests"].values())
    assert len(found.elapsed_s) <= served <= len(found.elapsed_s) + len(HERE), "at most one a user was under way"
    assert stats["connections"] == (served if fresh else len(HERE))
    assert found.per_second == len(found.elapsed_s) / found.seconds


def test_nobody_there_is_an_error() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        with pytest.raises(LabError, match="can't connect"):
            drive(users(HERE, [("127.0.0.1", sock.getsockname()[1])], fresh=True), seconds=0.2)


def test_silence_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(LabError, match="nothing was answered"):
        drive(users(HERE, [silent.getsockname()], fresh=False), seconds=0.1)


def test_percentiles_are_ranks() -> None:
    found = Measured(1.0, [n / 1000 for n in range(1, 101)])
    assert (found.percentile_ms(50), found.percentile_ms(99), found.percentile_ms(100)) == (51, 100, 100)


def test_the_length_of_an_answer() -> None:
    assert content_length(b"HTTP/1.1 200 OK\r\nA: b\r\ncontent-LENGTH: 42\r\nC: d") == 42


def test_cpu_time_is_counted_where_it_is_spent() -> None:
    usage, until_ms = Usage({"me": os.getpid()}), cpu_ms(os.getpid()) + 50
    while cpu_ms(os.getpid()) < until_ms:
        sum(range(10_000))
    assert usage.spent_ms()["me"] >= 50
    ours, anybodys = usage.parts()
    assert 0 < ours < anybodys + 0.3 <= 1.3, "to within what a tick or two can do in so short a time"
