"""Slow and greedy peers, as transcripts: what is held, what is cut, with which status, and whose fault it is."""

from __future__ import annotations

import pytest

from l7proxy.limits import Wait
from l7proxy.outside import Close

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKS = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def nobody_up(it):
    for server in it.pool.servers.values():
        it.pool.set_up(server, False)


def test_answers_do_not_pile_up_before_a_client_that_does_not_fetch_them(talk):
    it = talk(read_ahead_bytes=100)
    nobody_up(it)
    it.client_bytes(GET)
    it.client_paused(True)
    it.since()
    it.client_bytes(GET * 10)
    assert it.since() == ["hold client"]
    it.client_paused(False)
    assert it.short() == ["< HTTP/1.1 503 Service Unavailable"] * 10 + ["free client"]


def test_what_a_client_asks_for_while_it_does_not_read_is_not_the_servers_delay(talk):
    it = talk()
    it.outside.idle = ["s1", "s2"]
    it.client_bytes(GET)
    it.client_paused(True)
    it.upstream_bytes(OK)
    it.client_bytes(GET)
    assert it.short() == ["dial s1", "> GET / HTTP/1.1", "hold upstream"]
    it.client_paused(False)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream", "dial s2", "> GET / HTTP/1.1"]


def test_a_client_that_ends_is_answered_all_that_it_asked_for_whole(talk):
    it = talk()
    it.outside.idle = ["s1", "s2"]
    it.client_bytes(GET * 2 + GET[:9])
    it.client_end()
    it.since()
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream", "dial s2", "> GET / HTTP/1.1"]
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream", "close FLUSH"]


def test_a_client_that_ends_before_it_reads_is_still_answered(talk):
    it = talk()
    nobody_up(it)
    it.client_bytes(GET)
    it.client_paused(True)
    it.client_bytes(GET)
    it.client_end()
    assert not it.closed
    it.since()
    it.client_paused(False)
    assert it.short() == ["< HTTP/1.1 503 Service Unavailable", "close FLUSH"]


def test_a_server_that_answers_without_taking_the_request_serves_no_other(talk):
    it = talk()
    it.outside.idle = ["s1", "s2"]
    it.client_bytes(POST + b"hello")
    it.upstream_paused(True)
    it.since()
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "drop upstream"]
    it.client_bytes(POST + b"hello")  # and the next one is not thought to be slow
    assert it.short() == ["dial s2", "> POST / HTTP/1.1", "> hello"]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_connection_that_carried_a_body_nobody_expects_serves_no_other_request(talk, method):
    """CL.0: a server that overlooks this body takes it for the next request (RFC 9110 9.3.1)."""
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(POST.replace(b"POST", method) + b"hello")
    it.since()
    it.upstream_bytes(OK if method == b"GET" else OK[:-2])
    assert it.short() == ["< HTTP/1.1 200 OK", "drop upstream"]
    assert not it.closed


def happens(it, *events):
    """Let `events` happen: bytes come from the client; a name is called, with what stands behind it."""
    for event in events:
        if isinstance(event, bytes):
            it.client_bytes(event)
        else:
            getattr(it, event[0])(*event[1:])


OPENED = ("opened",)
HALF = ("upstream_bytes", OK[:-1])
LATE = {  # what was waited for, after what: what it led to, and whether the server is blamed
    "a body that stops": (Wait.BODY, [POST, OPENED], "408 Request Timeout", False),
    "a server that takes no body": (
        Wait.BODY, [POST + b"he", OPENED, ("upstream_paused", True)], "504 Gateway Timeout", True),
    "too long in all, with the client": (Wait.TOTAL, [POST, OPENED], "408 Request Timeout", False),
    "too long in all, with the server": (Wait.TOTAL, [GET, OPENED], "504 Gateway Timeout", False),
    "too long in all, on the way": (Wait.TOTAL, [POST], "504 Gateway Timeout", False),
    "no answer": (Wait.ANSWER, [GET, OPENED], "504 Gateway Timeout", True),
    "half an answer": (Wait.RELAY, [GET, OPENED, HALF], "close ABORT", False),
    "half an answer, in all": (Wait.TOTAL, [GET, OPENED, HALF], "close ABORT", False),
    "half an answer to half a request": (Wait.RELAY, [POST, OPENED, HALF, b"he"], "close ABORT", False),
    "half an answer to a whole request": (Wait.RELAY, [POST, OPENED, HALF, b"hello"], "close ABORT", False),
}


@pytest.mark.parametrize("name", LATE)
def test_who_is_late_and_what_is_said(talk, name):
    what, events, led_to, blamed = LATE[name]
    it, failed = talk(servers=1), []
    it.pool.failed = lambda server, why, passive: failed.append(why)
    happens(it, *events)
    waits = [line for line in it.since() if line.startswith("wait")]
    assert what is Wait.TOTAL or waits[-1] == f"wait {what.name}"
    it.timed_out(what)
    script = it.short()
    assert led_to in " ".join(script)
    assert bool(failed) is blamed
    assert all(server.active == 0 for server in it.pool.servers.values())


def test_an_answer_that_begins_early_and_a_body_that_goes_on_keep_each_other_alive(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(POST)
    it.upstream_bytes(OK[:-1])
    assert "\r\nConnection: close\r\n" in it.since()[-2], "who knows whether the whole request will be read"
    it.client_bytes(b"he")
    assert it.since() == ["> he", "wait RELAY"]
    it.client_bytes(b"llo")
    assert it.since() == ["> llo", "wait RELAY"]
    it.upstream_bytes(b"k")
    assert it.short() == ["< k", "keep upstream", "close FLUSH"]


@pytest.mark.parametrize("raw", [
    POST.replace(b"5", b"11"), CHUNKS + b"b\r\nhello world\r\n", CHUNKS + b"5\r\nhello\r\n6\r\n world\r\n"])
def test_a_body_beyond_the_bound_is_a_413_at_once(talk, raw):
    it = talk(body_bytes=10)
    it.outside.idle = ["s1"]
    it.client_bytes(raw)
    script = it.since()
    assert script[-2].startswith("< HTTP/1.1 413 ")
    assert script[-1] == "close LINGER"
    assert not any("world" in line for line in script)


def test_a_body_of_the_bound_is_none_too_many(talk):
    it = talk(body_bytes=5)
    it.outside.idle = ["s1", "s2"]
    it.client_bytes(POST + b"hello")
    it.upstream_bytes(OK)
    it.client_bytes(CHUNKS + b"5\r\nhello\r\n0\r\n\r\n")
    assert it.short()[-3:] == ["dial s2", "> POST / HTTP/1.1", "> 5"]


def test_data_that_comes_before_it_can_be_sent_on_is_bounded(talk):
    it = talk(read_ahead_bytes=100)
    it.outside.idle = ["s1"]
    it.client_bytes(GET)
    it.since()
    it.client_bytes(GET * 3)
    assert it.since() == []
    it.client_bytes(GET)
    assert it.since() == ["hold client"]
    it.close(Close.LINGER)
    assert "free client" in it.since()  # else its end would never be seen


def test_a_client_that_sends_only_line_ends_gains_no_time(talk):
    it = talk()
    for _ in range(500):
        it.client_bytes(b"\r")
        it.client_bytes(b"\n")
    assert it.since() == ["wait HEAD"]
    it.timed_out(Wait.HEAD)
    assert it.short() == ["< HTTP/1.1 408 Request Timeout", "close LINGER"]
