"""Messages that are nearly right, by the hundred: built from a grammar, then spoilt. What must hold is in judge.py."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.l7proxy.corpus import answers, found, requests
from tests.l7proxy.judge import judge_answer, judge_requests

NAMES = [b"Host", b"Content-Length", b"Transfer-Encoding", b"Connection", b"TE", b"Expect", b"Upgrade", b"Trailer",
         b"Keep-Alive", b"Cookie", b"X", b"Content_Length", b"Forwarded", b"X-Forwarded-For", b"content-length",
         b"TRANSFER-ENCODING", b"Proxy-Connection", b"Date", b"Location"]
VALUES = [b"", b"0", b"3", b"5", b"03", b"3, 3", b"+3", b"0x3", b"chunked", b"Chunked", b"gzip, chunked", b"identity",
          b"close", b"keep-alive", b"upgrade", b"host", b"content-length", b"a.example", b"a:80", b"[::1]", b"trailers",
          b"100-continue", b"websocket", b"h2c", b"http://a/b", b"x y", b"\x80\xff"]
COLONS = [b": "] * 8 + [b":", b":\t", b" : ", b"\t:", b": \x0b", b":\xa0", b"", b":\0"]
ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\r\n ", b"\r\n\t", b"\0\r\n"]
SPOIL = [b"", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\0", b":", b",", b";", b'"', b"0", b"1", b"f", b"\x0b",
         b"\x7f", b"\xff", b"0\r\n\r\n", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"]

field_lines = st.builds(lambda *parts: b"".join(parts), st.sampled_from(NAMES), st.sampled_from(COLONS),
                        st.sampled_from(VALUES), st.sampled_from(ENDS))
honest_lines = st.sampled_from([b"X: y\r\n", b"Accept: */*\r\n", b"Cookie: a=b\r\n", b"Connection: close\r\n",
                                b"Connection: X\r\n", b"TE: trailers\r\n", b"Expect: 100-continue\r\n"])
request_lines = st.sampled_from(
    [b"GET / HTTP/1.1\r\n", b"POST /a?b HTTP/1.1\r\n", b"HEAD / HTTP/1.1\r\n", b"PUT /%2f HTTP/1.0\r\n",
     b"OPTIONS * HTTP/1.1\r\n", b"GET http://b/ HTTP/1.1\r\n", b"DELETE /../x HTTP/1.1\r\n", b"GET  / HTTP/1.1\r\n"])
status_lines = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 304 Not Modified\r\n", b"HTTP/1.0 200 OK\r\n",
     b"HTTP/1.1 404\r\n", b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 103 Early Hints\r\n", b"HTTP/1.1 101 Switch\r\n"])


@st.composite
def bodies(draw):
    """Framing lines, and a body that fits them, or nearly."""
    data = draw(st.binary(max_size=12))
    kind = draw(st.sampled_from(["none", "length", "chunks", "wrong"]))
    if kind == "none":
        return b"", b""
    if kind == "chunks":
        cut = draw(st.integers(0, len(data)))
        parts = [part for part in (data[:cut], data[cut:]) if part]
        extension = draw(st.sampled_from([b"", b"", b";a", b';a="b;"', b" ;a=b", b";a\nb", b";"]))
        trailer = draw(st.one_of(st.just(b""), field_lines))
        sizes = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)
        return b"Transfer-Encoding: chunked\r\n", sizes + b"0\r\n" + trailer + b"\r\n"
    length = len(data) if kind == "length" else draw(st.integers(0, 20))
    return b"Content-Length: %d\r\n" % length, data


@st.composite
def messages(draw, starts, host=b""):
    """Some messages, one behind another; then some octets of them are spoilt."""
    stream = b""
    for _ in range(draw(st.integers(1, 3))):
        framing, body = draw(bodies())
        lines = draw(st.lists(st.one_of(honest_lines, honest_lines, field_lines), max_size=4))
        stream += draw(starts) + host + framing + b"".join(lines) + b"\r\n" + body
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        at, gone = draw(st.integers(0, len(stream))), draw(st.sampled_from([0, 0, 1, 2, 5]))
        stream = stream[:at] + draw(st.sampled_from(SPOIL)) + stream[at + gone:]
    return stream


cuts = st.lists(st.integers(0, 500), max_size=8)
known_requests = st.sampled_from([raw for raw, *_ in (requests.REFUSED | requests.BROKEN | requests.PASSED).values()
                                  if len(raw) < 3000])
known_answers = st.sampled_from([*answers.REFUSED.values(), *answers.CUT.values(),
                                 *(row[1] for row in answers.PASSED.values())])


@settings(max_examples=400)
@given(st.one_of(messages(request_lines, b"Host: a\r\n"),
                 st.lists(known_requests, min_size=1, max_size=3).map(b"".join)), cuts)
def test_whatever_a_client_sends(raw, places):
    judge_requests(raw, places)


@settings(max_examples=400)
@given(st.sampled_from([b"GET", b"HEAD"]), st.one_of(messages(status_lines), known_answers), cuts, st.booleans())
def test_whatever_a_server_answers(method, raw, places, ends):
    judge_answer(method, raw, places, ends)


@pytest.mark.parametrize("raw", found.REQUESTS)
def test_what_was_found_in_requests(raw):
    for places in ([], range(len(raw)), [len(raw) // 2]):
        judge_requests(raw, places)


@pytest.mark.parametrize("raw", found.ANSWERS)
def test_what_was_found_in_answers(raw):
    for method in (b"GET", b"HEAD"):
        for ends in (False, True):
            for places in ([], range(len(raw)), [len(raw) // 2]):
                judge_answer(method, raw, places, ends)
