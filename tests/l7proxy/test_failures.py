"""What failing exchanges say of their server, and what becomes of those whose server goes: as transcripts."""

from __future__ import annotations

import errno
import re

import pytest

from balancing import Down
from l7proxy import failures
from l7proxy.failures import Failure, not_connected
from l7proxy.limits import Wait
from tests.l7proxy.conftest import service

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ROWS = {name.lower(): row for name, row in vars(failures).items() if isinstance(row, Failure) and name != "NOBODY"}


@pytest.fixture
def tested(talk):
    """A conversation whose servers go down after `fall` failures in a row; those that left are in it.left."""
    def build(fall=1, servers=3, **limits):
        ports = range(8001, 8001 + servers)
        it = talk(services=[service(ports, health={"fall": fall})], **limits)
        it.left = []
        it.pool.on_leave = it.left.append
        return it
    return build


def downs(it):
    return [(event.backend, event.why) for event in it.pool_events if isinstance(event, Down)]


def to_answer(it):
    """A request is at s1, sent, on a connection of its own."""
    it.client_bytes(GET)
    it.opened()
    it.since()


def refused(it):
    it.client_bytes(GET)
    it.not_opened()


def unreachable(it):
    it.client_bytes(GET)
    it.timed_out(Wait.CONNECT)


def lost(it):
    to_answer(it)
    it.upstream_gone(clean=True)


def lost_after_half(it):
    to_answer(it)
    it.upstream_bytes(OK[:-1])
    it.upstream_gone(clean=False)


def silent(it):
    to_answer(it)
    it.timed_out(Wait.ANSWER)


def malformed(it):
    to_answer(it)
    it.upstream_bytes(b"SSH-2.0\r\n\r\n")


@pytest.mark.parametrize(("goes_wrong", "row"), [
    (refused, failures.REFUSED), (unreachable, failures.UNREACHABLE), (lost, failures.LOST),
    (lost_after_half, failures.LOST), (silent, failures.SILENT), (malformed, failures.MALFORMED)])
def test_what_the_server_did_wrong_counts_against_it(tested, goes_wrong, row):
    it = tested()
    goes_wrong(it)
    assert downs(it) == [("s1", row.blame)]
    assert it.left == [it.pool.servers[1]]
    assert it.pool.servers[1].active == 0


def starved(it):
    it.client_bytes(GET)
    it.not_opened(not_connected(OSError(errno.EMFILE, "")))


def idled_out(it):
    it.outside.idle = ["s1"]
    it.client_bytes(GET)
    it.upstream_gone(clean=True)


def idled_out_under_a_post(it):
    it.outside.idle = ["s1"]
    it.client_bytes(POST + b"hello")
    it.upstream_gone(clean=False)


def client_vanishes(it):
    to_answer(it)
    it.client_gone()


def client_breaks_off(it):
    it.client_bytes(POST + b"he")
    it.opened()
    it.client_end()


def body_is_malformed(it):
    it.client_bytes(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    it.opened()
    it.client_bytes(b"zz\r\n")


def body_is_slow(it):
    it.client_bytes(POST)
    it.opened()
    it.timed_out(Wait.BODY)


def answer_is_not_fetched(it):
    to_answer(it)
    it.upstream_bytes(OK[:-1])
    it.timed_out(Wait.RELAY)


@pytest.mark.parametrize("goes_wrong", [
    starved, idled_out, idled_out_under_a_post, client_vanishes, client_breaks_off, body_is_malformed, body_is_slow,
    answer_is_not_fetched])
def test_what_is_not_the_servers_doing_does_not_count(tested, goes_wrong):
    it = tested()
    goes_wrong(it)
    assert downs(it) == []
    assert it.pool.servers[1].vitals.run == 0


def test_a_kept_connection_that_answers_half_and_ends_counts(tested):
    it = tested()
    it.outside.idle = ["s1"]
    it.client_bytes(GET)
    it.upstream_bytes(OK[:9])
    it.upstream_gone(clean=True)
    assert downs(it) == [("s1", failures.LOST.blame)]


def test_a_request_that_is_served_ends_the_row(tested):
    it = tested(fall=2, servers=1)
    for _ in range(5):
        refused(it)
        to_answer(it)
        it.upstream_bytes(OK)
    assert downs(it) == []
    refused(it)
    refused(it)
    assert downs(it) == [("s1", failures.REFUSED.blame)]


def test_a_test_that_failed_is_not_undone_by_a_client_who_is_served(tested):
    it = tested(fall=2, servers=1)
    it.pool.failed(it.pool.servers[1], "status 500")
    to_answer(it)
    it.upstream_bytes(OK)
    it.pool.failed(it.pool.servers[1], "status 500")
    assert downs(it) == [("s1", "status 500")]


def test_who_was_removed_goes_down_no_more(tested):
    it = tested()
    to_answer(it)
    it.pool.remove(it.pool.servers[1])
    it.upstream_gone(clean=True)  # in the same round
    assert downs(it) == []
    assert it.short() == ["drop upstream", "dial s2"]


def test_when_all_have_failed_the_next_client_is_told_at_once(tested):
    it = tested()
    it.client_bytes(GET)
    for _ in range(3):
        it.not_opened()
    assert it.short()[-1] == "< HTTP/1.1 502 Bad Gateway"
    it.client_bytes(GET)
    assert it.short() == ["< HTTP/1.1 503 Service Unavailable"]


# A server goes: what is at it.

def goes(it, server=1):
    it.forsaken(it.exchange, it.pool.servers[server])


def test_an_idempotent_request_goes_to_another_server(tested):
    it = tested()
    to_answer(it)
    goes(it)
    assert it.short() == ["drop upstream", "dial s2"]
    it.opened()
    it.upstream_bytes(OK)
    assert it.short() == ["> GET / HTTP/1.1", "< HTTP/1.1 200 OK", "keep upstream"]
    assert downs(it) == []  # it says nothing new


def test_one_on_a_kept_connection_does_not_try_the_same_server_again(tested):
    it = tested()
    it.outside.idle = ["s1"]
    it.client_bytes(GET)
    it.since()
    goes(it)
    assert it.short() == ["drop upstream", "dial s2"]


def test_a_post_that_was_sent_is_a_504(tested):
    it = tested()
    it.client_bytes(POST + b"hello")
    it.opened()
    it.since()
    goes(it)
    assert it.short() == ["drop upstream", "< HTTP/1.1 504 Gateway Timeout"]
    assert not it.closed


def test_a_post_that_was_not_goes_to_another(tested):
    it = tested()
    it.client_bytes(POST + b"hello")
    it.since()
    goes(it)
    assert it.short() == ["drop upstream", "dial s2"]


def test_half_an_answer_resets_the_client(tested):
    it = tested()
    to_answer(it)
    it.upstream_bytes(OK[:-1])
    it.since()
    goes(it)
    assert it.short() == ["drop upstream", "close ABORT"]


def test_an_answer_that_is_here_already_is_not_lost(tested):
    """A slow client has it held back; it is whole."""
    it = tested()
    to_answer(it)
    it.client_paused(True)
    it.upstream_bytes(OK)
    it.since()
    goes(it)
    assert it.short()[0] == "< HTTP/1.1 200 OK"
    assert not it.closed


def test_who_is_elsewhere_by_then_is_left_alone(tested):
    it = tested()
    to_answer(it)
    exchange = it.exchange
    it.upstream_gone(clean=True)  # by itself it went on to s2, before the loop's next round
    it.since()
    it.forsaken(exchange, it.pool.servers[1])
    assert it.since() == []
    it.opened()
    it.upstream_bytes(OK)
    it.client_bytes(GET)
    it.since()
    it.forsaken(exchange, it.pool.servers[2])  # long over
    assert it.since() == []


def test_the_request_behind_it_is_served_too(tested):
    it = tested(servers=2)
    it.client_bytes(POST + b"hello" + GET)
    it.opened()
    it.since()
    goes(it)
    assert it.short() == ["drop upstream", "< HTTP/1.1 504 Gateway Timeout", "dial s2"]


# The table.

def test_the_docstring_is_the_table():
    words = {"always": failures.Again.ALWAYS, "only an idempotent": failures.Again.IDEMPOTENT,
             "no": failures.Again.NEVER}
    written = {}
    for name, again, status, counts in re.findall(
            r"^    (\w+) +(always|only an idempotent|no)\b.*? (\d{3}) +(yes|no)\b", failures.__doc__, re.MULTILINE):
        written[name] = (int(status), words[again], counts == "yes")
    assert written == {name: (row.status, row.again, bool(row.blame)) for name, row in ROWS.items()}


@pytest.mark.parametrize(("number", "row"), [
    (errno.ECONNREFUSED, failures.REFUSED), (errno.ECONNRESET, failures.REFUSED),
    (errno.EHOSTUNREACH, failures.UNROUTABLE), (errno.ENETUNREACH, failures.UNROUTABLE),
    (errno.ETIMEDOUT, failures.UNREACHABLE),
    (errno.EMFILE, failures.STARVED), (errno.EADDRNOTAVAIL, failures.STARVED), (None, failures.REFUSED)])
def test_what_the_system_said_is_a_row(number, row):
    error = OSError() if number is None else OSError(number, "")
    assert not_connected(error) is row
