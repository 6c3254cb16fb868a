"""What an answer to a test is worth, however its bytes come."""

from __future__ import annotations

import pytest

from balancing import HealthCheck
from l7proxy.exam import PASSED, Exam, question
from l7proxy.limits import Limits

OK = b"HTTP/1.1 200 OK\r\n"
LONG = b"x" * 100


def verdict(check, pieces, **limits):
    """What the exam says after the last piece, having said nothing before it."""
    exam = Exam(check, Limits(**limits))
    *before, last = [exam.read(piece) for piece in pieces]
    assert before == [None] * len(before)
    return last


CASES = [
    # the answer; then the connection's end, if it is not needed; what was expected; the verdict
    (OK + b"Content-Length: 7\r\n\r\nhealthy", {}, PASSED),
    (OK + b"Content-Length: 7\r\n\r\nhealthy", {"body": "health"}, PASSED),
    (OK + b"Content-Length: 7\r\n\r\nhealthy", {"body": "fine"}, "'fine' is not in its body"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhea\r\n4\r\nlthy\r\n0\r\n\r\n", {"body": "health"}, PASSED),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n", {}, PASSED),
    (b"HTTP/1.1 204 No Content\r\n\r\n", {"status": 204}, PASSED),
    (b"HTTP/1.1 204 No Content\r\n\r\n", {"status": 204, "body": "x"}, "'x' is not in its body"),
    (b"HTTP/1.1 500 Oh\r\n\r\n", {}, "status 500"),
    (OK + b"Content-Length: 0\r\n\r\n", {"status": 404}, "status 200"),
    (OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", {},
     "not valid HTTP: more than one Content-Length (RFC 9112 6.3)"),
    (b"SSH-2.0-OpenSSH\r\n\r\n", {}, "not valid HTTP: malformed status-line (RFC 9112 4)"),
]


@pytest.mark.parametrize(("answer", "expected", "worth"), CASES)
def test_an_answer_is_judged(answer, expected, worth):
    assert verdict(HealthCheck(**expected), [answer]) == worth


@pytest.mark.parametrize(("answer", "expected", "worth"), CASES)
def test_it_is_worth_the_same_byte_by_byte(answer, expected, worth):
    exam = Exam(HealthCheck(**expected), Limits())
    said = [exam.read(bytes((octet,))) for octet in answer]
    assert next(it for it in said if it is not None) == worth


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 2", OK, OK + b"Content-Length: 9\r\n\r\nhealthy"])
def test_what_ends_before_it_is_whole_has_failed(begun):
    pieces = [begun, b""] if begun else [b""]
    assert verdict(HealthCheck(), pieces) == "closed before its answer was whole"


def test_an_answer_may_end_with_its_connection():
    assert verdict(HealthCheck(body="healthy"), [OK + b"\r\nheal", b"thy", b""]) == PASSED


def test_a_long_answer_is_read_to_a_bound():
    endless = [OK + b"\r\n" + LONG, LONG, LONG]
    assert verdict(HealthCheck(), endless, probe_body_bytes=300) == PASSED
    assert verdict(HealthCheck(body="end"), [*endless[:2], LONG + b"end"], probe_body_bytes=300) == (
        "'end' is not in its body")


def test_the_question_is_a_whole_request_for_the_vip():
    assert question(HealthCheck(path="/health?deep=1"), "10.0.0.100:80") == (
        b"GET /health?deep=1 HTTP/1.1\r\nHost: 10.0.0.100:80\r\nUser-Agent: layer-lab-probe\r\nAccept: */*\r\n"
        b"Connection: close\r\n\r\n")
