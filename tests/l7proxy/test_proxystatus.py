"""Proxy-Status: what each answer of our own says of itself, read as RFC 9651 has it; and that it names no server."""

from __future__ import annotations

import errno
import re

import pytest

from l7proxy import failures
from l7proxy.balancer import Policy
from l7proxy.failures import Failure, not_connected
from l7proxy.limits import Wait
from l7proxy.proxystatus import ERRORS, line, of_failure
from l7proxy.refusal import REQUEST_DIAGNOSES
from tests.l7proxy.conftest import service

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ROWS = {name: row for name, row in vars(failures).items() if isinstance(row, Failure)}
MEMBER = re.compile(r'layer-lab; error=([a-z_]+); details="((?:[ !#-\[\]-~]|\\["\\])*)"')  # RFC 9651 3.3.3
SECRET = re.compile(r"s[123]\b|127\.0\.0\.1|800[123]")  # what servers are called, and where they are


def own(it):
    """The status of the one answer in the script, and its Proxy-Status: error and details."""
    (answer,) = [step[2:] for step in it.since() if step.startswith("< ")]
    lines = [one.partition(": ")[2] for one in answer.split("\r\n") if one.startswith("Proxy-Status: ")]
    assert len(lines) == 1, answer
    assert not SECRET.search(answer)
    found = MEMBER.fullmatch(lines[0])
    assert found, lines[0]
    return int(answer.split()[1]), found[1], found[2]


def asked(it, opened=True):
    it.client_bytes(GET)
    if opened:
        it.opened()


def refused(it):
    asked(it, opened=False)
    it.not_opened()


def unreachable(it):
    asked(it, opened=False)
    it.timed_out(Wait.CONNECT)


def unroutable(it):
    asked(it, opened=False)
    it.not_opened(not_connected(OSError(errno.EHOSTUNREACH, "")))


def starved(it):
    asked(it, opened=False)
    it.not_opened(not_connected(OSError(errno.EMFILE, "")))


def lost(it):
    asked(it)
    it.upstream_gone(clean=True)


def half(it):
    asked(it)
    it.upstream_bytes(OK[:20])
    it.upstream_gone(clean=True)


def silent(it):
    asked(it)
    it.timed_out(Wait.ANSWER)


def overtime(it):
    asked(it)
    it.timed_out(Wait.TOTAL)


def malformed(it):
    asked(it)
    it.upstream_bytes(b"SSH-2.0\r\n\r\n")


def oversized(it):
    asked(it)
    it.upstream_bytes(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000)


def uncoded(it):
    asked(it)
    it.upstream_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")


def forsaken(it):
    asked(it, opened=False)
    it.pool.set_up(it.pool.servers[1], False)
    it.forsaken(it.exchange, it.pool.servers[1])


def down(it):
    it.client_bytes(POST)
    it.opened()
    it.forsaken(it.exchange, it.pool.servers[1])


def nobody(it):
    it.pool.set_up(it.pool.servers[1], False)
    asked(it, opened=False)


def busy(it, queue):
    """The one place is taken, and there are so many more."""
    it.balancer.policy = Policy(most=1, queue=queue)
    it.balancer.gates = {}
    it.balancer.gate(it.pool.servers[1]).enter(lambda: None)
    asked(it, opened=False)


def full(it):
    busy(it, queue=0)


def late(it):
    busy(it, queue=1)
    it.timed_out(Wait.QUEUE)


@pytest.mark.parametrize("goes_wrong", [refused, unreachable, unroutable, starved, lost, half, silent, overtime,
                                        malformed, oversized, uncoded, forsaken, down, nobody, full, late])
def test_every_row_of_failures_says_so(talk, goes_wrong):
    it = talk(servers=1)
    goes_wrong(it)
    row = ROWS[goes_wrong.__name__.upper()]
    assert own(it) == (row.status, row.error, row.why)


def test_no_row_was_forgotten():
    tested = test_every_row_of_failures_says_so.pytestmark[0].args[1]
    assert {one.__name__.upper() for one in tested} == set(ROWS)


# Where an answer's status is not the recommended one, and why.
OTHERWISE = {
    "STARVED": 503,  # not 500: it passes, and another try may succeed (RFC 9110 15.6.4)
    "DOWN": 504,     # not 502: its answer was waited for (RFC 9110 15.6.5)
}


def test_every_status_is_the_recommended_one_or_has_a_reason():
    assert {name: row.status for name, row in ROWS.items() if row.status != ERRORS[row.error]} == OTHERWISE


REFUSALS = [
    (b"GET / HTTP/1.1\r\n\r\n", 400, "no Host"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "more than one Host"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n", 400, "whitespace before the colon"),
    (CHUNKED + b"zz\r\n", 400, ""),
    (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "request-target too long"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n", 417, "an expectation other than 100-continue"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40_000, 431, "header section too large"),
]
UNABLE = [
    (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "a method that is not known"),
    (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "a transfer coding other than chunked"),
    (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "the major version is not HTTP/1"),
]


@pytest.mark.parametrize(("raw", "status", "why"), REFUSALS)
def test_a_request_that_can_not_be_served_is_the_clients_error(talk, raw, status, why):
    it = talk()
    it.client_bytes(raw)
    if it.exchange is not None:
        it.opened()
    said = own(it)
    assert said[:2] == (status, "http_request_error")
    assert said[2].startswith(why)


@pytest.mark.parametrize(("raw", "status", "why"), UNABLE)
def test_what_the_proxy_can_not_do_is_its_own_answer(talk, raw, status, why):
    it = talk()
    it.client_bytes(raw)
    said = own(it)
    assert said[:2] == (status, "proxy_internal_response")
    assert said[2].startswith(why)


def test_a_body_that_is_too_large_or_too_slow_is_the_clients_error(talk):
    it = talk(body_bytes=4)
    it.client_bytes(POST)
    assert own(it)[:2] == (413, "http_request_error")
    it = talk()
    it.client_bytes(b"GET / ")
    it.timed_out(Wait.HEAD)
    assert own(it)[:2] == (408, "http_request_error")


def test_what_no_route_takes_has_no_destination(talk):
    it = talk(services=[service([8001], route={"path": "/x"})])
    it.client_bytes(GET)
    assert own(it)[:2] == (404, "destination_not_found")


def test_a_servers_answer_says_nothing_and_what_it_says_itself_ends_here(talk):
    it = talk()
    asked(it)
    it.upstream_bytes(OK.replace(b"OK\r\n", b'OK\r\nProxy-Status: inner; next-hop="10.0.10.1:8001"\r\n'))
    assert not [step for step in it.since() if step.startswith("< ") and "proxy-status" in step.lower()]


def test_the_table_holds_every_type_that_is_said():
    said = {row.error for row in ROWS.values()}
    assert said | {"http_request_error", "proxy_internal_response", "destination_not_found"} == set(ERRORS)


def test_details_are_strings_of_rfc_9651_whatever_stands_in_them():
    for row in (*ROWS.values(), *REQUEST_DIAGNOSES):
        assert MEMBER.fullmatch(line("x", row.why).decode().partition(": ")[2].strip())
    assert line("x", 'a "b" \\ c') == b'Proxy-Status: layer-lab; error=x; details="a \\"b\\" \\\\ c"\r\n'
    assert of_failure(failures.REFUSED) == (
        b'Proxy-Status: layer-lab; error=connection_refused; details="no server took the connection"\r\n')
