"""Bytes in, events out: what is read, what is refused, and that the splitting of bytes never matters."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.framing import REQUEST_FIELDS, RESPONSE_FIELDS
from l7proxy.http1 import RequestReader, ResponseReader
from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.messages import CHUNKED, END, NO_BODY, UNTIL_CLOSE, field
from l7proxy.refusal import Refused
from tests.l7proxy.corpus.requests import BROKEN, PASSED, REFUSED

LIMITS = Limits(head_bytes=1024, target_bytes=256, header_count=10)
GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"
CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def events_of(reader, pieces, *, ended=False):
    """All events, body pieces joined into one; a refusal is the last, as its status."""
    found = []
    try:
        for piece in pieces:
            reader.feed(piece)
            while (event := reader.next()) is not None:
                if isinstance(event, bytes) and found and isinstance(found[-1], bytes):
                    event = found.pop() + event
                found.append(event)
                if not reader.buffered and reader._body is None:
                    break
        if ended:
            reader.end()
            found.append(reader.next())
    except Refused as refused:
        found.append((refused.status, refused.section))
    return found


def requests(*pieces):
    return events_of(RequestReader(LIMITS, Lines(REQUEST_FIELDS)), pieces)


def responses(*pieces, method=b"GET", ended=False):
    reader = ResponseReader(LIMITS, Lines(RESPONSE_FIELDS))
    reader.expect(method)
    return events_of(reader, pieces, ended=ended)


def test_a_request_is_read():
    head, = requests(GET + b"Accept: */* \r\nEmpty:\r\n\r\n")
    assert head == (b"GET", b"/", b"a.example", 1, [field(b"Accept", b"*/*"), field(b"Empty", b"")], NO_BODY,
                    True, b"", False)
    assert repr(head) == "<Request GET / @a.example 2 fields, no body, keep>"


def test_pipelined_requests_are_read_in_order_with_their_bodies():
    chunked = CHUNKS + b"3;x=\"y\"\r\nabc\r\n0\r\nT: v\r\n\r\n"
    found = requests(POST + b"Content-Length: 5\r\n\r\nhello\r\n" + chunked + GET + b"\r\n")
    assert [event if isinstance(event, bytes) or event is END else event.body for event in found] == [
        5, b"hello", END, CHUNKED, b"abc", END, NO_BODY]


@pytest.mark.parametrize(("target", "goes_on_as"), [
    (b"/a?b", (b"/a?b", b"a.example")),
    (b"http://b.example/x?y", (b"/x?y", b"b.example")),
    (b"HTTP://b.example:8080", (b"/", b"b.example:8080")),
    (b"http://b.example?q", (b"/?q", b"b.example")),
    (b"http://[::1]:80/", (b"/", b"[::1]:80")),
])
def test_the_target_goes_on_in_origin_form(target, goes_on_as):
    head, = requests(b"GET " + target + b" HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert (head.target, head.host) == goes_on_as


@pytest.mark.parametrize(("version", "connection", "persistent"), [
    (b"1.1", None, True), (b"1.1", b"close", False), (b"1.1", b"x, Close", False),
    (b"1.0", None, False), (b"1.0", b"keep-alive", True), (b"1.0", b"keep-alive, close", False),
])
def test_persistence(version, connection, persistent):
    """RFC 9112 9.3."""
    field = b"Connection: " + connection + b"\r\n" if connection else b""
    head, = requests(b"GET / HTTP/" + version + b"\r\nHost: a\r\n" + field + b"\r\n")
    assert head.persistent is persistent


def test_hop_by_hop_fields_and_those_that_connection_names_end_here():
    head, = requests(GET + b"Connection: X-Secret, upgrade\r\nX-Secret: 1\r\nUpgrade: h2c\r\nTE: trailers\r\n"
                     b"Keep-Alive: 5\r\nProxy-Authorization: x\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6\r\n"
                     b"X: y\r\n\r\n")
    assert head.fields == [field(b"X", b"y")]


@pytest.mark.parametrize(("method", "head", "body"), [
    (b"GET", OK + b"Content-Length: 3\r\n\r\n", 3),
    (b"GET", OK + b"Transfer-Encoding: Chunked\r\n\r\n", CHUNKED),
    (b"GET", OK + b"\r\n", UNTIL_CLOSE),
    (b"HEAD", OK + b"Content-Length: 3\r\n\r\n", NO_BODY),
    (b"HEAD", OK + b"\r\n", NO_BODY),
    (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", NO_BODY),
    (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", NO_BODY),
    (b"GET", b"HTTP/1.1 100 Continue\r\n\r\n", NO_BODY),
])
def test_where_an_answer_ends(method, head, body):
    """RFC 9112 6.3."""
    assert responses(head, method=method)[0].body == body


def test_an_answer_to_head_leaves_nothing_behind_for_the_next():
    reader = ResponseReader(LIMITS, Lines(RESPONSE_FIELDS))
    for method, more in ((b"HEAD", []), (b"GET", [b"abc", END])):
        reader.expect(method)
        raw = OK + b"Content-Length: 3\r\nConnection: close\r\n\r\n"
        assert events_of(reader, [raw + b"abc" * bool(more)])[1:] == more


def test_an_answer_until_close_ends_with_its_connection():
    assert responses(OK + b"\r\n", b"abc", ended=True)[1:] == [b"abc", END]


STREAMS = [raw for raw, _, _ in (REFUSED | BROKEN | PASSED).values() if len(raw) < 5000] + [
    GET + b"\r\n" + GET + b"X: y\r\n\r\n",
    POST + b"Content-Length: 5\r\n\r\nhello" + GET + b"\r\n",
    CHUNKS + b"5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nA: b\r\n\r\n" + GET + b"\r\n",
    b"\r\n\r\n" + GET + b"\r\n",
    CHUNKS + b"00\r\n\r\n" + b"junk\r\n\r\n",
]


@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 2100), max_size=12))
def test_how_the_bytes_are_split_changes_nothing(raw, cuts):
    places = sorted({0, len(raw), *(cut % len(raw) for cut in cuts)})
    pieces = [raw[a:b] for a, b in itertools.pairwise(places)]
    assert requests(*pieces) == requests(raw)


@pytest.mark.parametrize("raw", STREAMS)
def test_byte_by_byte(raw):
    assert requests(*(raw[n:n + 1] for n in range(len(raw)))) == requests(raw)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(raw):
    requests(GET + raw)
    requests(raw)
    responses(OK + raw)
