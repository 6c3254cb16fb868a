"""One connection without a socket: bytes in, bytes out, however they are cut."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from experiments.server.asides import Asides
from experiments.server.capacity import Capacity
from experiments.server.connection import MAX_PENDING, Connection
from experiments.server.counts import Counts
from experiments.server.queues import Queues
from experiments.server.settings import Settings

STREAM = (b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
          b"POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
          b"HEAD /3 HTTP/1.1\r\nHost: x\r\n\r\n"
          b"GET /4?bytes=-1 HTTP/1.1\r\nHost: x\r\n\r\n"
          b"GET /5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /never")


class Wire:
    """A transport that remembers what it was told."""

    def __init__(self) -> None:
        self.sent, self.reading, self.closed = b"", True, False

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return {"peername": ("10.0.0.1", 4000), "sockname": ("10.0.3.1", 80)}[name]

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.sent += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def connect(workers: int | None = None, counts: Counts | None = None) -> tuple[Connection, Wire, list]:
    """A connection to a server whose timers are a list that the test fires by hand."""
    timers: list = []
    capacity = Capacity(workers, lambda: 0.0, lambda when, function, *args: timers.append(lambda: function(*args)))
    counts = counts or Counts()
    asides = Asides("s1", counts, Queues(workers, False, None))
    wire, connection = Wire(), Connection(Settings("s1", ports=(80,)), capacity, counts, asides)
    connection.connection_made(wire)
    return connection, wire, timers


def said(pieces: list[bytes]) -> bytes:
    connection, wire, _ = connect()
    for piece in pieces:
        connection.data_received(piece)
    assert wire.closed
    return re.sub(rb"Date: .*", b"Date: now", wire.sent)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted))
def test_how_the_bytes_are_cut_changes_nothing(cuts: list[int]) -> None:
    pieces = [STREAM[start:end] for start, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]
    assert said(pieces) == said([STREAM])


def test_the_stream_means_what_the_test_above_relies_on() -> None:
    statuses = re.findall(rb"HTTP/1.1 (\d+)", said([STREAM]))
    assert statuses == [b"200", b"200", b"200", b"400", b"200"]


@given(st.binary(max_size=200))
def test_no_bytes_at_all_can_raise(data: bytes) -> None:
    connection, wire, _ = connect()
    connection.data_received(data)
    assert wire.sent == b"" or wire.sent.startswith(b"HTTP/1.1 ")


def test_a_client_that_sends_faster_than_it_is_served_is_read_no_further() -> None:
    connection, wire, _ = connect(workers=1)
    one = b"GET /?sleep=1 HTTP/1.1\r\nHost: x\r\n\r\n"
    connection.data_received(one * MAX_PENDING)  # one in service, one place left
    assert wire.reading
    connection.data_received(one)
    assert not wire.reading


def test_a_client_that_does_not_read_gets_no_further_answers() -> None:
    connection, wire, _ = connect()
    connection.pause_writing()
    connection.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert wire.sent == b""
    connection.resume_writing()
    assert wire.sent.count(b"200 OK") == 1


def test_who_hangs_up_while_being_served_is_not_counted() -> None:
    counts = Counts()
    connection, wire, timers = connect(counts=counts)
    connection.data_received(b"GET /?sleep=1 HTTP/1.1\r\nHost: x\r\n\r\n")
    wire.close()
    connection.connection_lost(None)
    [fire] = timers
    fire()
    assert (wire.sent, counts.requests, counts.open) == (b"", {}, 0)
