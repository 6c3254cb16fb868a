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


REFUSED = {
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (GET + b"Host: a.example\r\n\r\n", 400),
    "empty Host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "Host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "Host with userinfo": (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "Host list": (b"GET / HTTP/1.1\r\nHost: a, b c\r\n\r\n", 400),
    "CL and TE": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "TE and CL": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "two different CL": (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "two same CL": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "CL list": (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "CL signed": (POST + b"Content-Length: +3\r\n\r\nabc", 400),
    "CL negative": (POST + b"Content-Length: -3\r\n\r\nabc", 400),
    "CL hex": (POST + b"Content-Length: 0x3\r\n\r\nabc", 400),
    "CL empty": (POST + b"Content-Length:\r\n\r\nabc", 400),
    "CL overflow": (POST + b"Content-Length: 18446744073709551619\r\n\r\nabc", 400),
    "CL underscore": (POST + b"Content-Length: 1_0\r\n\r\nabc", 400),
    "TE gzip": (POST + b"Transfer-Encoding: gzip\r\n\r\n", 501),
    "TE gzip, chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "TE chunked, gzip": (POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    "TE twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "TE xchunked": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    "TE identity": (POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
    "TE vertical tab": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "TE space colon": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "TE in HTTP/1.0": (CHUNKS.replace(b"1.1", b"1.0") + b"0\r\n\r\n", 400),
    "TE folded": (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "obs-fold": (GET + b"X: a\r\n b\r\n\r\n", 400),
    "fold before fields": (b"GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", 400),
    "bare LF in fields": (GET + b"X: a\nY: b\r\n\r\n", 400),
    "bare LF everywhere": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "bare CR": (GET + b"X: a\rY: b\r\n\r\n", 400),
    "space before colon": (GET + b"X : a\r\n\r\n", 400),
    "no colon": (GET + b"X\r\n\r\n", 400),
    "empty name": (GET + b": a\r\n\r\n", 400),
    "control in name": (GET + b"X\x01: a\r\n\r\n", 400),
    "NUL in value": (GET + b"X: a\0b\r\n\r\n", 400),
    "DEL in value": (GET + b"X: a\x7fb\r\n\r\n", 400),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "tab in line": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "space in target": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "HTTP/0.9": (b"GET /\r\nHost: a\r\n\r\n", 400),
    "fragment": (b"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-segments": (b"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-segment at the end": (b"GET /a/. HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-segments escaped": (b"GET /a/%2e%2E/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-segments with escaped slashes": (b"GET /a/..%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-segments with backslashes": (b"GET /a/..\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-segments with parameters": (b"GET /a/..;/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "dot-segments in absolute-form": (b"GET http://a/../b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no leading slash": (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "asterisk GET": (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "userinfo": (b"GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "other scheme": (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "unknown method": (b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    "preface": (b"PRI * HTTP/2.0\r\n\r\n", 505),
    "RTSP": (b"GET / RTSP/1.0\r\nHost: a\r\n\r\n", 400),
    "expectation": (POST + b"Expect: 200-maybe\r\n\r\n", 417),
    "long target": (b"GET /" + b"a" * 300 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "endless line": (b"GET /" + b"a" * 2000, 414),
    "large head": (GET + b"X: " + b"a" * 2000 + b"\r\n\r\n", 431),
    "endless head": (GET + b"X: " + b"a" * 2000, 431),
    "many fields": (GET + b"X: a\r\n" * 10 + b"\r\n", 431),
    "chunk size sign": (CHUNKS + b"+3\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size 0x": (CHUNKS + b"0x3\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size space": (CHUNKS + b" 3\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size overflow": (CHUNKS + b"1" + b"0" * 16 + b"\r\nabc\r\n0\r\n\r\n", 400),
    "chunk size empty": (CHUNKS + b"\r\nabc\r\n0\r\n\r\n", 400),
    "chunk bare LF": (CHUNKS + b"3\nabc\r\n0\r\n\r\n", 400),
    "chunk ext LF": (CHUNKS + b"3;a\nb\r\nabc\r\n0\r\n\r\n", 400),
    "chunk ext CR": (CHUNKS + b"3;a\rb\r\nabc\r\n0\r\n\r\n", 400),
    "chunk ext long": (CHUNKS + b"3;" + b"a" * 300 + b"\r\nabc\r\n0\r\n\r\n", 400),
    "chunk longer": (CHUNKS + b"3\r\nabcd\r\n0\r\n\r\n", 400),
    "chunk without end": (CHUNKS + b"3\r\nabcXX0\r\n\r\n", 400),
    "chunk LF end": (CHUNKS + b"3\r\nabc\n0\r\n\r\n", 400),
    "trailer fold": (CHUNKS + b"0\r\nA: b\r\n c\r\n\r\n", 400),
    "trailer no colon": (CHUNKS + b"0\r\nGET / HTTP/1.1\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    raw, status = REFUSED[name]
    assert requests(raw)[-1][0] == status


RESPONSES_REFUSED = {
    "CL and TE": OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two CL": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "TE gzip": OK + b"Transfer-Encoding: gzip\r\n\r\n",
    "TE HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "obs-fold": OK + b"A: b\r\n c\r\n\r\n",
    "NUL": OK + b"A: b\0\r\n\r\n",
    "bare LF": OK + b"A: b\nB: c\r\n\r\n",
    "status 099": b"HTTP/1.1 099 X\r\n\r\n",
    "status 600": b"HTTP/1.1 600 X\r\n\r\n",
    "101": b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\n\r\n",
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "empty": b"\r\n\r\n",
    "large": OK + b"A: " + b"b" * 2000,
}


@pytest.mark.parametrize("name", RESPONSES_REFUSED)
def test_response_refused(name):
    *before, (status, section) = responses(RESPONSES_REFUSED[name])
    assert before == []
    assert section.startswith("RFC")
    assert 400 <= status <= 502


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


STREAMS = [raw for raw, _ in REFUSED.values()] + [
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
